"""What training the lattice family needs and sampling does not.

An encoder, and a critic of whole grids.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from numpy.random import Generator
from torch import Tensor, nn
from torch.nn import functional as F


class Encoder(nn.Module):
    """From items to the mean and the logarithm of the variance of their latents."""

    def __init__(self, features: int, widths: Sequence[int], channels: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(4 * features, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList(_Down(a, b) for a, b in pairwise(widths))
        self.leave = nn.Conv2d(widths[-1], 2 * channels, 3, padding=1)

    def forward(
        self, items: Float[Tensor, "item feature y x"]
    ) -> tuple[Float[Tensor, "item latent"], Float[Tensor, "item latent"]]:
        """Rows and columns are halved once for each width."""
        x = self.enter(_folded(items))
        for block in self.blocks:
            x = block(x)
        mean, spread = self.leave(F.silu(x)).flatten(1).float().chunk(2, 1)
        return mean, spread.clamp(-12, 4)


class _Down(nn.Module):
    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.first = nn.Conv2d(width, out, 3, padding=1)
        self.second = nn.Conv2d(out, out, 3, padding=1)
        self.short = nn.Conv2d(width, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.avg_pool2d(self.first(F.silu(self.norm(x))), 2)
        return self.short(F.avg_pool2d(x, 2)) + self.second(F.silu(y))


class Critic(nn.Module):
    """How real a grid looks, with the features that led to it.

    It also sees how much the items of a group of four differ.
    """

    def __init__(self, features: int, widths: Sequence[int], size: tuple[int, int]) -> None:
        super().__init__()
        last, sides = widths[-1], [side >> len(widths) for side in size]
        self.enter = nn.Conv2d(4 * features, widths[0], 5, padding=2)
        self.blocks = nn.ModuleList(_Look(a, b) for a, b in pairwise(widths))
        self.last = nn.Conv2d(last + 1, last, 3, padding=1)
        self.join = nn.Linear(last * sides[0] * sides[1], last)
        self.leave = nn.Linear(last, 1)
        for layer in self.modules():  # torch's own are so small that the items get lost
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, a=0.2)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.xavier_normal_(self.leave.weight)

    def forward(
        self, items: Float[Tensor, "item feature y x"]
    ) -> tuple[Float[Tensor, "item 1"], list[Tensor]]:
        """Logits, and the output of each block."""
        x, seen = F.leaky_relu(self.enter(_folded(items)), 0.2), []
        for block in self.blocks:
            x = block(x)
            seen.append(x)
        x = torch.cat([x, _variety(x)], 1)
        x = F.leaky_relu(self.last(x), 0.2).flatten(1)
        return self.leave(F.leaky_relu(self.join(x), 0.2)).float(), seen


class _Look(nn.Module):
    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, out, 3, padding=1)
        self.short = nn.Conv2d(width, out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.avg_pool2d(F.leaky_relu(self.first(x), 0.2), 2)
        return (self.short(F.avg_pool2d(x, 2)) + F.leaky_relu(self.second(y), 0.2)) * 0.5**0.5


def _folded(items: Tensor) -> Tensor:
    """Four neighbours as channels: the same numbers at half the size, for a quarter of the work."""
    return F.pixel_unshuffle(items, 2).contiguous(memory_format=torch.channels_last)


def _variety(x: Tensor) -> Tensor:
    """The mean standard deviation over groups of four items, as one more channel.

    Over all items, where they are not a multiple of four.
    """
    count, _, *sides = x.shape
    group = 4 if count % 4 == 0 else count
    spread = x.float().unflatten(0, (group, count // group)).var(0, unbiased=False)
    spread = (spread + 1e-8).sqrt().mean((1, 2, 3)).repeat(group)
    return spread.view(count, 1, 1, 1).expand(count, 1, *sides).to(x.dtype)


def augment(
    items: Float[Tensor, "item feature y x"], rng: Generator
) -> Float[Tensor, "item feature y x"]:
    """Change brightness, saturation, contrast and position of each item, differentiably.

    Zhao et al. 2020: the critic sees real and drawn items changed alike, so that it cannot learn
    few items by heart.
    """
    count, _, height, width = items.shape

    def uniform(low: float, high: float) -> Tensor:
        drawn = rng.uniform(low, high, (count, 1, 1, 1)).astype(np.float32)
        return torch.from_numpy(drawn).to(items.device)

    items = items + uniform(-0.2, 0.2)
    grey = items.mean(1, keepdim=True)
    items = (items - grey) * uniform(0.5, 1.5) + grey
    level = items.mean((1, 2, 3), keepdim=True)
    items = (items - level) * uniform(0.7, 1.3) + level
    far = height // 10
    rows, columns = (
        torch.from_numpy(np.arange(n) + rng.integers(2 * far + 1, size=(count, 1))).to(items.device)
        for n in (height, width)
    )
    wide = F.pad(items, (far, far, far, far)).permute(0, 2, 3, 1)
    item = torch.arange(count, device=items.device)[:, None, None]
    return wide[item, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)

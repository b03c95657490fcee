"""A small network for steganalysis: high-pass filter, absolute values, saturation, five groups.

G. Xu, H.-Z. Wu, Y.-Q. Shi, "Structural design of convolutional neural networks for steganalysis",
IEEE Signal Processing Letters 23(5), 2016. Channels of colour pictures are judged separately, and
their logits averaged; a step of training sees one channel of each pair.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num
from numpy import ndarray

from ..core.detector import TrainedDetector
from ..errors import ConfigError, FormatError
from ..extras import need

_KV = (
    (-1, 2, -2, 2, -1),
    (2, -6, 8, -6, 2),
    (-2, 8, -12, 8, -2),
    (2, -6, 8, -6, 2),
    (-1, 2, -2, 2, -1),
)
_SMALLEST = 32
"""Four poolings by two leave two positions of this side."""


class XuNet(TrainedDetector):
    """Xu's network, for pictures; trained with torch."""

    name = "xunet"
    kinds = ("plane",)
    depths = (8,)

    def __init__(
        self, *, epochs: int = 60, most_steps: int = 2000, batch: int = 16, rate: float = 2e-3
    ) -> None:
        self.epochs, self.most_steps, self.batch, self.rate = epochs, most_steps, batch, rate
        self.network: Any = None

    def features(self, codes: Int[ndarray, "channel *space"]) -> Num[ndarray, "channel y x"]:
        """The codes themselves, as bytes if they are bytes."""
        if codes.ndim != 3 or min(codes.shape[1:]) < _SMALLEST:
            problem = (
                f"it is for pictures of at least {_SMALLEST}x{_SMALLEST}, not for {codes.shape}."
            )
            raise ConfigError("detector", problem)
        few = codes.min() >= 0 and codes.max() <= 255
        return codes.astype(np.uint8 if few else np.float32)

    def train(
        self,
        covers: Num[ndarray, "item channel y x"],
        stegos: Num[ndarray, "item channel y x"],
        seed: int,
    ) -> None:
        """Train with Adam on batches that hold covers together with their stegos.

        Both are turned and mirrored alike.
        """
        need("torch", "torch")
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = _network()
        rng = np.random.default_rng(seed)
        each = -(-len(covers) // self.batch)
        epochs = max(1, min(self.epochs, self.most_steps // each))
        steps = epochs * each
        optimizer = torch.optim.Adam(network.parameters(), lr=self.rate, weight_decay=1e-4)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.rate, total_steps=steps)
        network.train()
        for _ in range(epochs):
            order = rng.permutation(len(covers))
            for start in range(0, len(order), self.batch):
                chosen = order[start : start + self.batch]
                plane = rng.integers(covers.shape[1], size=len(chosen))
                both = np.concatenate([part[chosen, plane] for part in (covers, stegos)])[:, None]
                turned = np.rot90(both, int(rng.integers(4)), axes=(2, 3))
                mirrored = turned[..., ::-1] if rng.integers(2) else turned
                logits = _logits(network, np.ascontiguousarray(mirrored))
                wanted = torch.arange(2.0).repeat_interleave(len(chosen))
                loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
        self.network = network.eval()

    def judge(self, features: Num[ndarray, "item channel y x"]) -> Float[ndarray, " item"]:
        """The probabilities of stego."""
        if self.network is None:
            raise self.untrained()
        import torch

        with torch.inference_mode():
            parts = [
                torch.sigmoid(_logits(self.network, features[k : k + self.batch])).double().numpy()
                for k in range(0, len(features), self.batch)
            ]
        return np.concatenate(parts) if parts else np.empty(0)

    def state(self) -> dict[str, ndarray]:
        """The network's weights and running statistics."""
        if self.network is None:
            raise self.untrained()
        return {name: value.numpy() for name, value in self.network.state_dict().items()}

    def restore(self, state: Mapping[str, ndarray]) -> None:
        """Restore the network of a state."""
        need("torch", "torch")
        import torch

        network = _network()
        try:
            network.load_state_dict({name: torch.from_numpy(v) for name, v in state.items()})
        except (RuntimeError, TypeError):
            raise FormatError(f"not the weights of {self.name!r}") from None
        self.network = network.eval()


def _network() -> Any:
    """The network from filter output to one logit; the filter itself is fixed and outside."""
    from torch import nn

    class Absolute(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.abs()

    def group(inputs: int, outputs: int, size: int, *, first: bool = False) -> list[Any]:
        convolution = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
        saturation = nn.Tanh() if size == 5 else nn.ReLU()
        return [
            convolution,
            *([Absolute()] if first else []),
            nn.BatchNorm2d(outputs, momentum=0.2),
            saturation,
        ]

    def pool() -> Any:
        return nn.AvgPool2d(5, 2, 2)

    return nn.Sequential(
        *(*group(1, 8, 5, first=True), pool()),
        *(*group(8, 16, 5), pool()),
        *(*group(16, 32, 1), pool()),
        *(*group(32, 64, 1), pool()),
        *group(64, 128, 1),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 1)),
    )


def _logits(network: Any, pictures: Num[ndarray, "item channel y x"]) -> Any:
    import torch

    items, channels, *size = pictures.shape
    planes = torch.from_numpy(pictures).float().reshape(items * channels, 1, *size)
    kernel = torch.tensor(_KV, dtype=torch.float32)[None, None] / 12
    residual = torch.nn.functional.conv2d(planes, kernel)
    return network(residual).reshape(items, channels).mean(dim=1)

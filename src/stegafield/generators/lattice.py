"""The second family of functions: a latent grown into a lattice, and a network between its nodes.

    normal noise -> flow -> latent -> convolutions -> lattice (feature, 32, 32)
    lattice -> quadratic B-spline at (y, x) -> small network -> features at (y, x)

The value at a point depends on the nine nodes around it. So a function is continuously
differentiable, defined at every point of the plane, and as cheap at one resolution as at another.
"""

import math
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Bound
from torch import Tensor, nn
from torch.nn import functional as F

from .distribution import Domain, FunctionDistribution
from .field import Function, Width

_VALUES = 1 << 17
"""Points times items that are evaluated together: 32 MiB for each layer of 64 units."""


class LatticeConfig(BaseModel):
    """The shapes of the networks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: Domain = Domain()
    features: int = Bound(default=3, ge=1, le=64)
    """Values at a point."""
    latent: tuple[Width, Width, Width] = (16, 4, 4)
    """(channel, rows, columns) of a latent."""
    widths: tuple[Width, ...] = Bound(default=(192, 192, 128, 64), min_length=1, max_length=12)
    """Channels at the size of the latent, and after each doubling."""
    hidden: Width = 64
    """Features of a node, and units of the network that reads between nodes."""
    flow: tuple[Width, Width] = (448, 4)
    """Units and blocks of the velocity of the prior."""
    steps: int = Bound(default=12, ge=1, le=1000)
    """Steps of the prior."""

    @model_validator(mode="after")
    def _possible(self) -> "LatticeConfig":
        if self.domain.kind != "plane":
            raise ValueError("a lattice is a grid on the plane")
        if any(width % 8 for width in self.widths):
            raise ValueError("widths are multiples of 8")
        return self


class Lattice(FunctionDistribution):
    """A flow turns normal noise into a latent, and convolutions turn the latent into a function."""

    family: ClassVar[str] = "lattice"
    Config: ClassVar = LatticeConfig
    decoder: "Decoder"
    prior: "Prior"

    def __init__(self, config: LatticeConfig | None = None) -> None:
        """Fresh weights from torch's generator."""
        super().__init__()
        self.config = config or LatticeConfig()
        self.domain = self.config.domain
        self.decoder = Decoder(self.config)
        self.prior = Prior(math.prod(self.config.latent), *self.config.flow)

    def latents(self, count: int, rng: Generator) -> Float[Tensor, "{count} latent"]:
        """Normal noise carried by the flow."""
        size = math.prod(self.config.latent)
        noise = torch.from_numpy(rng.standard_normal((count, size), dtype=np.float32))
        with torch.no_grad():
            return self.prior.sample(noise.to(self.device), self.config.steps)

    def fields(self, latents: Float[Tensor, "item latent"]) -> Function:
        """The function of each latent; its lattice is computed once."""
        lattice = self.decoder.lattice(latents)
        return lambda points: self.decoder.between(lattice, points)

    def raster(
        self, latents: Float[Tensor, "item latent"], size: tuple[int, int]
    ) -> Float[ndarray, "item y x feature"]:
        """The functions on a grid, by matrix products instead of points: ten times faster."""
        height, width = size
        y, x = (centres(n).to(self.device) for n in size)
        out = np.empty((len(latents), height, width, self.config.features), np.float32)
        step = max(1, _VALUES // (width * len(latents)))
        with torch.inference_mode():
            lattice = self.decoder.lattice(latents)
            for start in range(0, height, step):
                tile = self.decoder.on_grid(lattice, y[start : start + step], x)
                out[:, start : start + step] = tile.permute(0, 2, 3, 1).cpu().numpy()
        return out


class Decoder(nn.Module):
    """Latents to lattices, and lattices to values at any points."""

    def __init__(self, config: LatticeConfig | None = None) -> None:
        super().__init__()
        config = config or LatticeConfig()
        self.latent, widths, hidden = config.latent, config.widths, config.hidden
        self.enter = nn.Conv2d(self.latent[0], widths[0], 3, padding=1)
        self.blocks = nn.ModuleList([Block(widths[0], widths[0], False)])
        self.blocks.extend(Block(before, after, True) for before, after in pairwise(widths))
        self.leave = nn.Conv2d(widths[-1], hidden, 3, padding=1)
        self.phase = nn.Linear(4, hidden)
        self.middle = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, config.features)

    def forward(
        self,
        latents: Float[Tensor, "item latent"],
        y: Float[Tensor, " y"],
        x: Float[Tensor, " x"],
    ) -> Float[Tensor, "item feature y x"]:
        """Features on the grid of these coordinates."""
        return self.on_grid(self.lattice(latents), y, x)

    def lattice(self, latents: Float[Tensor, "item latent"]) -> Float[Tensor, "item hidden y x"]:
        """The lattices of latents."""
        x = latents.unflatten(1, self.latent).contiguous(memory_format=torch.channels_last)
        x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return self.leave(F.silu(x))

    def between(
        self, lattice: Float[Tensor, "item hidden ny nx"], points: Float[Tensor, "*grid 2"]
    ) -> Float[Tensor, "item *grid feature"]:
        """Features in [-1, 1] at any points (y, x)."""
        nodes = lattice.permute(0, 2, 3, 1)
        y, x = points.reshape(-1, 2).unbind(1)
        (rows, by_row), (columns, by_column) = spline(y, nodes.shape[1]), spline(x, nodes.shape[2])
        found = torch.zeros((), dtype=nodes.dtype, device=nodes.device)
        for i in range(3):
            for j in range(3):
                share = (by_row[:, i] * by_column[:, j])[:, None].to(nodes.dtype)
                found = found + share * nodes[:, rows[:, i], columns[:, j]]
        phase = torch.cat([waves(y, nodes.shape[1]), waves(x, nodes.shape[2])], 1)
        return self._read(found, phase).unflatten(1, points.shape[:-1])

    def on_grid(
        self,
        lattice: Float[Tensor, "item hidden ny nx"],
        y: Float[Tensor, " y"],
        x: Float[Tensor, " x"],
    ) -> Float[Tensor, "item feature y x"]:
        """Features on the grid of these coordinates, by matrix products.

        Several times faster in training than `between`.
        """
        nodes = lattice.permute(0, 2, 3, 1)
        rows, columns = (
            dense(at, n).to(nodes.dtype) for at, n in zip((y, x), nodes.shape[1:3], strict=True)
        )
        found = (rows @ nodes.flatten(2)).unflatten(2, nodes.shape[2:])
        phase = torch.cat(
            [
                waves(y, nodes.shape[1])[:, None].expand(len(y), len(x), 2),
                waves(x, nodes.shape[2])[None].expand(len(y), len(x), 2),
            ],
            2,
        )
        return self._read(columns @ found, phase).permute(0, 3, 1, 2)

    def _read(self, between: Tensor, phase: Tensor) -> Tensor:
        hidden = F.silu(between + self.phase(phase))
        return torch.tanh(self.last(F.silu(self.middle(hidden))))


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut, at twice the resolution where `up`."""

    def __init__(self, width: int, out: int, up: bool) -> None:
        super().__init__()
        self.up = up
        self.norm = nn.GroupNorm(8, width)
        self.first = nn.Conv2d(width, out, 3, padding=1)
        self.second = nn.Conv2d(out, out, 3, padding=1)
        self.short = nn.Conv2d(width, out, 1) if width != out else nn.Identity()
        for parameter in self.second.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """(item, width, y, x) to (item, out, y, x), or (item, out, 2y, 2x)."""
        y, x = F.silu(self.norm(x)), self.short(x)
        if self.up:
            x, y = F.interpolate(x, scale_factor=2), F.interpolate(y, scale_factor=2)
        return x + self.second(F.silu(self.first(y)))


class Prior(nn.Module):
    """The distribution of latents: a rectified flow.

    Its velocity is a residual network of the latent and time.
    """

    def __init__(self, size: int = 256, width: int = 448, depth: int = 4) -> None:
        super().__init__()
        self.enter = nn.Linear(size, width)
        self.time = nn.Sequential(nn.Linear(32, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width)
            )
            for _ in range(depth)
        )
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, size))
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    def forward(
        self, x: Float[Tensor, "item latent"], t: Float[Tensor, " item"]
    ) -> Float[Tensor, "item latent"]:
        """The velocity at time t: 0 is noise, 1 is a latent of mean 0 and variance 1."""
        turn = t[:, None] * (2 * math.pi * 2.0 ** torch.linspace(-2, 5, 16, device=t.device))
        time = self.time(torch.cat([torch.cos(turn), torch.sin(turn)], 1))
        y = self.enter(x)
        for block in self.blocks:
            y = y + block(y + time)
        return self.leave(y)

    def sample(
        self, noise: Float[Tensor, "item latent"], steps: int = 12
    ) -> Float[Tensor, "item latent"]:
        """Latents from standard normal noise, by Heun's method."""
        x = noise
        for i in range(steps):
            t = torch.full((len(x),), i / steps, device=x.device)
            first = self(x, t)
            second = self(x + first / steps, t + 1 / steps)
            x = x + (first + second) / (2 * steps)
        return x * self.scale + self.mean


def spline(
    coordinates: Float[Tensor, " point"], nodes: int
) -> tuple[Int[Tensor, "point 3"], Float[Tensor, "point 3"]]:
    """The three nodes that a point lies between, and their quadratic B-spline weights.

    There are `nodes` nodes on [-1, 1], at the centres of their cells; the outermost repeat beyond
    the ends.
    """
    at = (coordinates + 1) * (nodes / 2) - 0.5
    middle = torch.floor(at + 0.5)
    t = at - middle
    weights = torch.stack([0.5 * (0.5 - t) ** 2, 0.75 - t**2, 0.5 * (0.5 + t) ** 2], 1)
    index = middle[:, None].long() + torch.arange(-1, 2, device=coordinates.device)
    return index.clamp(0, nodes - 1), weights


def dense(coordinates: Float[Tensor, " point"], nodes: int) -> Float[Tensor, "point {nodes}"]:
    """The weights of `spline` as a matrix."""
    index, weights = spline(coordinates, nodes)
    return weights.new_zeros(len(index), nodes).scatter_add(1, index, weights)


def waves(coordinates: Float[Tensor, " point"], nodes: int) -> Float[Tensor, "point 2"]:
    """The cosine and sine of the position between nodes: one turn from a node to the next."""
    turn = (coordinates + 1) * (math.pi * nodes)
    return torch.stack([torch.cos(turn), torch.sin(turn)], 1)


def centres(size: int, shift: float = 0.0) -> Float[Tensor, " {size}"]:
    """Coordinates of the centres of `size` pixels on [-1, 1], moved by `shift` pixels."""
    return (torch.arange(size) + 0.5 + shift) * (2 / size) - 1

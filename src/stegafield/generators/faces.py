"""The shipped faces, drawn with NumPy alone: the family of `lattice`, evaluated.

    normal noise -> flow -> latent -> convolutions -> nodes (32, 32, hidden) -> features at (y, x)

`lattice` defines, trains and explains the networks; here stands what drawing needs of them, and a
test compares both. Images have shape (y, x, channel).
"""

import math
from functools import cache
from itertools import count, takewhile
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from numpy.random import Generator

from . import stored

_VALUES = 1 << 17
"""Points that are evaluated together: 32 MiB for each layer of 64 units."""
_EPSILON = 1e-5  # of torch's normalisations
_GROUPS = 8


class Faces:
    """A distribution of pictures, read from a folder as `stored` describes."""

    def __init__(self, folder: Path) -> None:
        header, data = stored.read(folder)
        self._weights = stored.unpack(data)
        self._latent = tuple(header.config["latent"])
        self._steps = int(header.config["steps"])

    def draw(self, rng: Generator, size: tuple[int, int]) -> Float32[ndarray, "y x feature"]:
        """A fresh face on a grid of (rows, columns); features are in [-1, 1]."""
        return self._raster(self._nodes(self._flow(rng)), size)

    def _flow(self, rng: Generator) -> Float32[ndarray, " latent"]:
        """A latent: normal noise, carried by the flow of `lattice.Prior` with Heun's method."""
        x = rng.standard_normal((1, math.prod(self._latent)), dtype=np.float32)[0]
        steps = self._steps
        for i in range(steps):
            first = self._velocity(x, i / steps)
            second = self._velocity(x + first / np.float32(steps), (i + 1) / steps)
            x = x + (first + second) / np.float32(2 * steps)
        return x * self._weights["prior.scale"] + self._weights["prior.mean"]

    def _velocity(self, x: Float32[ndarray, " latent"], t: float) -> Float32[ndarray, " latent"]:
        turn = (t * (2 * math.pi * 2.0 ** np.linspace(-2, 5, 16))).astype(np.float32)
        time = np.concatenate([np.cos(turn), np.sin(turn)])
        time = self._dense("prior.time.2", _silu(self._dense("prior.time.0", time)))
        y = self._dense("prior.enter", x)
        for name in self._blocks("prior.blocks"):
            z = self._dense(f"{name}.1", self._normalised(f"{name}.0", y + time))
            y = y + self._dense(f"{name}.3", _silu(z))
        return self._dense("prior.leave.1", self._normalised("prior.leave.0", y))

    def _nodes(self, latent: Float32[ndarray, " latent"]) -> Float32[ndarray, "ny nx hidden"]:
        """The nodes of a face, by the convolutions of `lattice.Decoder`."""
        x = np.moveaxis(latent.reshape(self._latent), 0, -1)
        x = self._convolved("decoder.enter", x)
        for number, name in enumerate(self._blocks("decoder.blocks")):
            y = _silu(self._normalised(f"{name}.norm", x, _GROUPS))
            if f"{name}.short.weight" in self._weights:
                x = self._dense(f"{name}.short", x)
            if number:
                x, y = (one.repeat(2, 0).repeat(2, 1) for one in (x, y))
            y = self._convolved(f"{name}.first", y)
            x = x + self._convolved(f"{name}.second", _silu(y))
        return self._convolved("decoder.leave", _silu(x))

    def _raster(
        self, nodes: Float32[ndarray, "ny nx hidden"], size: tuple[int, int]
    ) -> Float32[ndarray, "y x feature"]:
        """Features on a grid: a quadratic B-spline between nodes, and a small network."""
        (ny, nx, hidden), (height, width) = nodes.shape, size
        rows, by_row = _spline(height, ny), _waves(height, ny)
        columns, by_column = _spline(width, nx), _waves(width, nx)
        out = np.empty((height, width, len(self._weights["decoder.last.bias"])), np.float32)
        step = max(1, _VALUES // width)
        for at in range(0, height, step):
            tile = slice(at, at + step)
            found = (rows[tile] @ nodes.reshape(ny, -1)).reshape(-1, nx, hidden)
            phase = np.empty((len(found), width, 4), np.float32)
            phase[..., :2], phase[..., 2:] = by_row[tile, None], by_column
            found = columns @ found + self._dense("decoder.phase", phase)
            found = _silu(self._dense("decoder.middle", _silu(found)))
            out[tile] = np.tanh(self._dense("decoder.last", found))
        return out

    def _blocks(self, prefix: str) -> list[str]:
        """The names of the blocks of a network, in order."""
        begun = {".".join(name.split(".")[:3]) for name in self._weights}
        return list(takewhile(begun.__contains__, (f"{prefix}.{i}" for i in count())))

    def _dense(self, name: str, x: Float32[ndarray, "*any a"]) -> Float32[ndarray, "*any b"]:
        weight = self._weights[f"{name}.weight"]
        return x @ weight.reshape(weight.shape[:2]).T + self._weights[f"{name}.bias"]

    def _convolved(self, name: str, x: Float32[ndarray, "y x a"]) -> Float32[ndarray, "y x b"]:
        """A convolution of 3x3 with zeros around."""
        weight = self._weights[f"{name}.weight"]  # (out, in, 3, 3)
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        seen = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))
        flat = seen.reshape(*x.shape[:2], -1)  # (y, x, in * 3 * 3)
        return flat @ weight.reshape(len(weight), -1).T + self._weights[f"{name}.bias"]

    def _normalised(
        self, name: str, x: Float32[ndarray, "*any a"], groups: int = 1
    ) -> Float32[ndarray, "*any a"]:
        """Mean 0 and variance 1 over all places of each group of features; then the learned
        scale."""
        parts = x.reshape(-1, groups, x.shape[-1] // groups)
        parts = parts - parts.mean((0, 2), keepdims=True)
        parts = parts / np.sqrt((parts**2).mean((0, 2), keepdims=True) + np.float32(_EPSILON))
        return (
            parts.reshape(x.shape) * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        )


@cache
def shipped() -> Faces:
    """The model of the package, read once."""
    return Faces(stored.SHIPPED / "celeba")


def _silu(x: Float32[ndarray, "*any"]) -> Float32[ndarray, "*any"]:
    """x / (1 + exp(-x)), by the hyperbolic tangent, which does not overflow."""
    half = x * np.float32(0.5)
    return half * (1 + np.tanh(half))


def _centres(size: int) -> Float32[ndarray, " size"]:
    """The centres of pixels on [-1, 1]."""
    return (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - 1


def _spline(size: int, nodes: int) -> Float32[ndarray, "size nodes"]:
    """The quadratic B-spline weights of each node at each pixel: `lattice.dense`."""
    at = (_centres(size) + 1) * np.float32(nodes / 2) - np.float32(0.5)
    middle = np.floor(at + np.float32(0.5))
    t = at - middle
    weights = (0.5 * (0.5 - t) ** 2, 0.75 - t**2, 0.5 * (0.5 + t) ** 2)
    out = np.zeros((size, nodes), np.float32)
    for shift, weight in zip((-1, 0, 1), weights, strict=True):
        index = (middle.astype(int) + shift).clip(0, nodes - 1)
        np.add.at(out, (np.arange(size), index), weight)
    return out


def _waves(size: int, nodes: int) -> Float32[ndarray, "size 2"]:
    """The cosine and sine of each pixel's position between nodes: `lattice.waves`."""
    turn = (_centres(size) + 1) * np.float32(math.pi * nodes)
    return np.stack([np.cos(turn), np.sin(turn)], 1)

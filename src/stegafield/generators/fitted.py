"""A function fitted to samples: a sum of wavelets, and a spline through that sum.

On the plane and the line a sample is the mean over its cell, as in a camera, so the means of a
finer raster are exactly the coarser one. On the sphere it is the value at its point.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from jaxtyping import Bool, Float, Float32
from numpy import ndarray

from ..errors import ConfigError
from . import spline, wavelet
from .spline import Ends

MOST = 1 << 26
"""Samples that can be fitted, and samples of a raster, at most: a picture of 22 million pixels."""
_TILE = 1 << 20
"""Samples of a raster that are computed together."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What a function can be fitted to: values on a grid."""

    values: Float[ndarray, "channel *space"]
    ends: tuple[Ends, ...]
    """How each space axis continues beyond its ends.

    ("mirror", "mirror") for a picture, ("pole", "wrap") for the globe from the north.
    """
    known: Bool[ndarray, "channel *space"] | None = None
    """Where `values` are numbers to be fitted; everywhere, if None."""


@dataclass(frozen=True)
class Fit:
    """A function with values of several channels: a sum of wavelets, and a spline between nodes."""

    ends: tuple[Ends, ...]
    mean: Float[ndarray, " channel"]
    axes: Float[ndarray, "axis channel"] | None
    """Principal axes of the channels, orthonormal; None for the channels themselves."""
    kept: Bool[ndarray, "axis *space"]
    """Which wavelets there are."""
    values: Float32[ndarray, " kept"]
    """Their coefficients."""

    @property
    def size(self) -> tuple[int, ...]:
        """Nodes along each axis."""
        return self.kept.shape[1:]

    @property
    def parameters(self) -> int:
        """The number of 32-bit numbers that make up the function.

        They include the words that say which wavelets are kept.
        """
        rotation = 0 if self.axes is None else self.axes.size
        return self.values.size + words(self.kept) + self.mean.size + rotation

    @cached_property
    def nodes(self) -> Float[ndarray, "channel *space"]:
        """The samples of the function on the grid that it was fitted to."""
        sums = np.zeros(self.kept.shape)
        sums[self.kept] = self.values
        for one in sums:
            one[...] = wavelet.synthesis(one)
        turned = sums if self.axes is None else np.tensordot(self.axes.T, sums, 1)
        found = turned + self.mean.reshape(-1, *[1] * len(self.size))
        if self.ends[0] == "pole":
            _unite(found)
        return found

    @cached_property
    def _spline(self) -> Float[ndarray, "channel *larger"]:
        return np.stack([spline.coefficients(one, self.ends) for one in self.nodes])

    def raster(self, size: Sequence[int]) -> Float[ndarray, "channel *size"]:
        """The function on a regular grid.

        Samples are means over the cells of mirrored axes, and values at the points of others. The
        outermost points of an axis stay where they are; where it wraps, the first one does.
        `ConfigError` where the grid has more than `MOST` samples.
        """
        if len(size) != len(self.ends) or min(size) < 1:
            raise ConfigError("size", f"{size} is no grid of {len(self.ends)} axes.")
        if prod(size) * len(self.mean) > MOST:
            problem = f"{'x'.join(map(str, size))} has more than {MOST:,} samples."
            raise ConfigError("size", problem, "Choose a smaller one.")
        out = np.empty((len(self.mean), *size))
        places = [_places(*axis) for axis in zip(self.size, size, self.ends, strict=True)]
        for channel, found in zip(out, self._spline, strict=True):
            step = max(1, _TILE // prod(size[1:])) if len(size) > 1 else size[0]
            for start in range(0, size[0], step):
                tile = found
                for axis, (at, end) in enumerate(zip(places, self.ends, strict=True)):
                    if axis == 0:
                        at = at[start : start + step + (end == "mirror")]
                    take = spline.means if end == "mirror" else spline.points
                    tile = take(tile, axis, at)
                channel[start : start + step] = tile
        if self.ends[0] == "pole":
            _unite(out)
        return out

    def places(self, size: Sequence[int]) -> list[Float[ndarray, " place"]]:
        """Where the samples of such a raster are along each axis, in nodes: the first node is 0."""
        found = [_places(*axis) for axis in zip(self.size, size, self.ends, strict=True)]
        return [
            (at[1:] + at[:-1]) / 2 if end == "mirror" else at
            for at, end in zip(found, self.ends, strict=True)
        ]

    def psnr(self, samples: Samples, peak: float) -> float:
        """Agreement with the known samples at their nodes, in dB; infinite where exact."""
        error = np.mean((self.nodes - samples.values)[known_of(samples)] ** 2)
        return float(10 * np.log10(peak**2 / error)) if error and peak else np.inf

    def told(self, samples: Samples, peak: float) -> str:
        """What was fitted, and how well, for a report."""
        fitted = f"a function of {self.parameters:,} parameters was fitted to"
        return f"{fitted} {samples.values.size:,} samples ({self.psnr(samples, peak):.1f} dB)"

    def __call__(self, coordinates: Float[ndarray, "*grid dim"]) -> Float[ndarray, "*grid channel"]:
        """The values at any points.

        A point is (x, y, z) on the unit sphere if there are poles, else in [-1, 1] along each axis.
        On the sphere z points to the first row and x to the first column. Along an axis -1 and 1
        are the edges of its outermost cells (`mirror`), or its outermost points.
        """
        flat = np.asarray(coordinates, np.float64).reshape(-1, coordinates.shape[-1])
        if self.ends[0] in ("pole", "beside"):
            flat = _turns(flat)
        out, taps = np.zeros((len(self.mean), len(flat))), []
        for u, size, end in zip((flat.T + 1) / 2, self.size, self.ends, strict=True):
            at = u * size - 0.5
            if end == "wrap":
                at = u * size % size
            elif end in ("edge", "pole"):
                at = u * (size - 1)
            taps.append(_taps(at, end, size))
        for picks in np.ndindex(*(len(weights) for _, weights in taps)):
            index = tuple(first + pick for (first, _), pick in zip(taps, picks, strict=True))
            share = prod(w[pick] for (_, w), pick in zip(taps, picks, strict=True))
            out += share * self._spline[:, *index]
        return np.moveaxis(out, 0, -1).reshape(*coordinates.shape[:-1], -1)


def known_of(samples: Samples) -> Bool[ndarray, "channel *space"]:
    """Which samples are to be fitted."""
    finite = np.isfinite(samples.values)
    return finite if samples.known is None else finite & samples.known


def words(kept: Bool[ndarray, "axis *space"]) -> int:
    """Words of 32 bits that say which coefficients are kept: a bit for each, compressed."""
    if not kept.any():
        return 0
    return -(-len(zlib.compress(np.packbits(kept).tobytes())) // 4)


def _places(size: int, out: int, end: Ends) -> Float[ndarray, " place"]:
    """Where `out` points are between `size` nodes.

    Of a mirrored axis: where the edges of `out` cells are.
    """
    if end == "mirror":
        return np.linspace(-0.5, size - 0.5, out + 1)
    if end in ("edge", "pole"):
        return np.linspace(0, size - 1, out)
    return (np.arange(out) + (end == "beside") / 2) * (size / out) - (end == "beside") / 2


def _taps(at: Float[ndarray, " point"], end: Ends, size: int) -> tuple[ndarray, ndarray]:
    """The first coefficient that counts at each position, and the weights from it on."""
    if end == "mirror":
        at = at.clip(-0.5, size - 0.5)
        middle = np.floor(at + 0.5)
        return middle.astype(np.int64) - 1 + spline.MARGIN, spline.quadratic(at - middle)
    below = np.floor(at)
    return below.astype(np.int64) - 1 + spline.MARGIN, spline.cubic(at - below)


def _turns(vectors: Float[ndarray, "point 3"]) -> Float[ndarray, "point 2"]:
    """The way from the north pole to the south and the way around, as coordinates in [-1, 1]."""
    x, y, z = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).T
    south = np.arctan2(np.hypot(x, y), z) / np.pi  # exact near the poles, where arccos is not
    east = np.arctan2(y, x) / (2 * np.pi) % 1
    return np.stack([2 * south - 1, 2 * east - 1], axis=1)


def _unite(field: Float[ndarray, "channel y x"]) -> None:
    """Make each pole row one value."""
    for row in (0, -1):
        field[:, row] = field[:, row].mean(axis=1, keepdims=True)

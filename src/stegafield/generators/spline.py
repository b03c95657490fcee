"""Splines through the samples of a regular grid: values between and beyond them, cell means.

An axis continues beyond its ends in one of five ways:

    mirror   a b c d | d c b a    pictures and sound: a mirror at the edge of the outermost cell
    edge     a b c d | c b a      part of the globe: a mirror at the outermost node
    wrap     a b c d | a b c d    longitude on the whole globe
    pole     A b c D | c' b' A    latitude with a row at each pole; b' is b on the opposite meridian
    beside   a b c d | d' c' b'   latitude whose outermost rows lie half a cell from the poles

A sample is the value at its node (`points`), or the mean over the cell around it (`means`). The
spline is cubic for the values and quadratic for the means. The integral of the quadratic one is
cubic, so the same weights and the same coefficients serve both.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

Ends = Literal["mirror", "edge", "wrap", "pole", "beside"]
MARGIN = 2
"""Coefficients beyond either end of an axis."""
_REACH = 32
"""Samples beyond either end that a coefficient depends on: those farther count less than
0.268^32."""


def coefficients(
    samples: Float[ndarray, "*space"], ends: Sequence[Ends]
) -> Float[ndarray, "*larger"]:
    """The spline's coefficients, `MARGIN` more at both ends of each axis."""
    out = extended(samples, ends, _REACH)
    for axis in range(out.ndim):
        count = out.shape[axis]
        response = (2 + np.cos(2 * np.pi * np.fft.rfftfreq(count))) / 3
        shape = [-1 if i == axis else 1 for i in range(out.ndim)]
        spectrum = np.fft.rfft(out, axis=axis) / response.reshape(shape)
        out = np.fft.irfft(spectrum, count, axis=axis)
        out = _cut(out, axis, _REACH - MARGIN)
    return out


def points(
    found: Float[ndarray, "*larger"], axis: int, at: Float[ndarray, " out"]
) -> Float[ndarray, "*other"]:
    """Values at positions along one axis, in units of nodes: node k stands at k."""
    below = np.floor(at)
    first = below.astype(np.int64) - 1 + MARGIN
    return _weighted(found, axis, first, cubic(at - below))


def means(
    found: Float[ndarray, "*larger"], axis: int, edges: Float[ndarray, " out1"]
) -> Float[ndarray, "*other"]:
    """Means over the cells between edges.

    They are differences of the integral, which is a spline of running sums.
    """
    ends = points(np.cumsum(found, axis=axis), axis, edges - 0.5)
    width = np.diff(edges).reshape([-1 if i == axis else 1 for i in range(found.ndim)])
    return np.diff(ends, axis=axis) / width


def cubic(t: Float[ndarray, "*any"]) -> Float[ndarray, "4 *any"]:
    """The four weights of a cubic B-spline at the share t of the way between two nodes."""
    back = 1 - t
    return np.stack([back**3, 4 - 3 * t * t * (2 - t), 4 - 3 * back * back * (2 - back), t**3]) / 6


def quadratic(t: Float[ndarray, "*any"]) -> Float[ndarray, "3 *any"]:
    """The three weights of a quadratic B-spline at t from the nearest node, -1/2 to 1/2."""
    return np.stack([(0.5 - t) ** 2 / 2, 0.75 - t * t, (0.5 + t) ** 2 / 2])


def extended(
    samples: Float[ndarray, "*space"], ends: Sequence[Ends], reach: int
) -> Float[ndarray, "*larger"]:
    """The samples, with `reach` more at both ends of each axis.

    Behind a pole (of the first axis) is the opposite meridian.
    """
    out = samples
    for axis, end in enumerate(ends):
        index, across = _index(samples.shape[axis], end, reach)
        here = np.take(out, index, axis=axis)
        if across.any():
            half = (
                out.shape[-1] // 2
            )  # an odd row has no opposite meridian: the mean of its two neighbours
            other = (np.roll(out, half, -1) + np.roll(out, -half, -1)) / 2
            here[across] = other[index[across]]
        out = here
    return out


def _index(size: int, end: Ends, reach: int) -> tuple[Int[ndarray, " out"], ndarray]:
    """The sample at each position, and whether it is on the opposite meridian."""
    at = np.arange(-reach, size + reach)
    if end == "wrap":
        return at % size, np.zeros(at.size, bool)
    whole = end in ("edge", "pole") and size > 1
    period = 2 * (size - 1) if whole else 2 * size
    place = at % period
    beyond = place >= size
    back = period - place if whole else period - 1 - place
    return np.where(beyond, back, place), beyond & (end in ("pole", "beside"))


def _cut(values: ndarray, axis: int, margin: int) -> ndarray:
    keep = [slice(None)] * values.ndim
    keep[axis] = slice(margin, values.shape[axis] - margin)
    return values[tuple(keep)]


def _weighted(
    found: ndarray, axis: int, first: Int[ndarray, " out"], weights: Float[ndarray, "tap out"]
) -> ndarray:
    """Sums of neighbours along one axis."""
    shape = [-1 if i == axis else 1 for i in range(found.ndim)]
    out = np.take(found, first, axis=axis) * weights[0].reshape(shape)
    for tap in range(1, len(weights)):
        out += np.take(found, first + tap, axis=axis) * weights[tap].reshape(shape)
    return out

"""HILL: a change is cheap where the neighbourhood is rough.

For pictures, and for fields whose axes may wrap around. B. Li, M. Wang, J. Huang, X. Li, "A new
cost function for spatial image steganography", ICIP 2014: a high-pass filter, a mean over 3x3
elements, and a mean of the reciprocal over 15x15.
"""

from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from . import by_bands, correlated, mean

LEAST = 1e-10
"""Least roughness: a place that is flat all around costs 1 / LEAST."""
_SMOOTH, _SPREAD = 3, 15
_REACH = 1 + _SMOOTH // 2 + _SPREAD // 2


def hill(
    plane: Float[ndarray, "y x"], wraps: tuple[bool, bool] = (False, False)
) -> Float[ndarray, "y x"]:
    """HILL's cost of one step at each element of a plane of floats."""
    return _priced(_edges(plane, wraps), wraps)


def picture(
    codes: Int[ndarray, "channel y x"],
    low: int | Int[ndarray, "channel y x"],
    high: int | Int[ndarray, "channel y x"],
) -> Float[ndarray, "channel y x"]:
    """HILL's costs of each channel by itself; infinite in flat and in clipped places.

    An element at an end of its range next to another one there was cut off, and says nothing more.
    """
    found = np.empty(codes.shape, np.float32)
    ends = (np.broadcast_to(end, codes.shape) for end in (low, high))
    for number, planes in enumerate(zip(codes, *ends, strict=True)):
        found[number] = by_bands(_of_channel, planes, _REACH)
    return found


def field(
    codes: Int[ndarray, "channel y x"],
    valid: Bool[ndarray, "channel y x"],
    wraps: tuple[bool, bool],
) -> Float[ndarray, "channel y x"]:
    """HILL's costs of each level or time by itself, with axes that may wrap.

    Places beside invalid elements count as smooth.
    """
    found = np.empty(codes.shape, np.float32)
    for number, (plane, good) in enumerate(zip(codes, valid, strict=True)):
        middle = int(np.median(plane[good])) if good.any() else 0  # codes of floats are large
        found[number] = by_bands(partial(_of_level, middle=middle), (plane, good), _REACH, wraps)
    return found


def _of_channel(
    plane: Int[ndarray, "y x"],
    low: Int[ndarray, "y x"],
    high: Int[ndarray, "y x"],
    wraps: tuple[bool, bool],
) -> Float[ndarray, "y x"]:
    price = hill(plane.astype(np.float32), wraps)
    price[flat(price) | _clustered(plane == low) | _clustered(plane == high)] = np.inf
    return price


def _of_level(
    plane: Int[ndarray, "y x"], good: Bool[ndarray, "y x"], wraps: tuple[bool, bool], middle: int
) -> Float[ndarray, "y x"]:
    level = np.where(good, plane - np.int64(middle), 0).astype(np.float64)
    inner = mean(good.astype(np.float32), 3, (0, 1), wraps) > 1 - 1e-3
    price = _priced(np.where(inner, _edges(level, wraps), 0.0), wraps)
    price[flat(price)] = np.inf
    return price


def flat(price: Float[ndarray, "y x"]) -> Bool[ndarray, "y x"]:
    """Where HILL's price is that of a place that is flat all around."""
    return price > 0.99 / LEAST


def _edges(plane: Float[ndarray, "y x"], wraps: tuple[bool, bool]) -> Float[ndarray, "y x"]:
    """The size of the residual of the Ker-Boehme filter.

    The filter is a second difference along both axes, or along one where there is only one.
    """
    for axis in (1, 0):
        if plane.shape[axis] > 1:
            plane = correlated(plane, (-0.5, 1, -0.5), axis, wraps[axis])
    return np.abs(plane)


def _priced(rough: Float[ndarray, "y x"], wraps: tuple[bool, bool]) -> Float[ndarray, "y x"]:
    """The mean over a neighbourhood of the reciprocal of the mean roughness."""
    smooth = mean(rough, _SMOOTH, (0, 1), wraps)
    return mean(1 / np.maximum(smooth, LEAST), _SPREAD, (0, 1), wraps)


def _clustered(ends: Bool[ndarray, "y x"]) -> Bool[ndarray, "y x"]:
    """Which elements of a set touch another one of it above, below, left or right."""
    beside = np.zeros_like(ends)
    beside[1:] |= ends[:-1]
    beside[:-1] |= ends[1:]
    beside[:, 1:] |= ends[:, :-1]
    beside[:, :-1] |= ends[:, 1:]
    return ends & beside

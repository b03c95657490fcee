"""What a change costs in each medium: the price of one step at every element.

Prices are high where a warden knows what to expect. Those of one map are relative to each other;
infinity marks an element that must not change. One medium a file.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from ..core.tiles import each

_BAND = 1 << 18
"""Elements that are processed together: what fits into a core's cache."""


def correlated(
    values: Float[ndarray, "*space"], taps: Sequence[float], axis: int, wrap: bool = False
) -> Float[ndarray, "*space"]:
    """The values filtered along an axis with an odd number of taps.

    The values are mirrored at the ends of the axis, or wrapped around.
    """
    padded, size = _padded(values, len(taps) // 2, axis, wrap), values.shape[axis]
    total = np.zeros_like(padded[:size])
    for k, tap in enumerate(taps):
        if tap:
            total += padded[k : k + size] * padded.dtype.type(tap)
    return np.moveaxis(total, 0, axis)


def mean(
    values: Float[ndarray, "*space"], size: int, axes: Sequence[int], wraps: Sequence[bool]
) -> Float[ndarray, "*space"]:
    """The mean over an odd number of neighbours along each of some axes.

    The values are mirrored at the ends of an axis, or wrapped around. The mean is put together from
    sums of 2, 4, 8, ... neighbours: running sums, which subtract, lose small values that stand
    beside huge ones.
    """
    for axis, wrap in zip(axes, wraps, strict=True):
        count, run = values.shape[axis], _padded(values, size // 2, axis, wrap)
        total, done, length = np.zeros_like(run[:count]), 0, 1
        while True:
            if size & length:
                total += run[done : done + count]
                done += length
            if 2 * length > size:
                break
            run = run[:-length] + run[length:]
            length *= 2
        total *= run.dtype.type(1 / size)
        values = np.moveaxis(total, 0, axis)
    return values


def by_bands(
    work: Callable[..., Float[ndarray, "y x"]],
    arrays: Sequence[Shaped[ndarray, "y x"]],
    reach: int,
    wraps: tuple[bool, bool] = (False, False),
) -> Float[ndarray, "y x"]:
    """The result of `work` on whole planes, computed in bands of rows, side by side.

    Args:
        work: Takes the same rows of all arrays, and which of their axes wrap.
        arrays: Planes of one shape.
        reach: How many rows away an element matters, at most.
        wraps: Which of the two axes wrap around.
    """
    rows, width = arrays[0].shape
    height = max(_BAND // max(1, width), 4 * reach)
    if rows <= height + 2 * reach:
        return work(*arrays, wraps)
    found = np.empty((rows, width), np.float32)

    def one(start: int) -> None:
        stop = min(start + height, rows)
        if wraps[0]:
            first, part = start - reach, np.arange(start - reach, stop + reach) % rows
        else:  # a band is mirrored in its margin, except at the ends of the plane
            first = max(0, start - reach)
            part = slice(first, stop + reach)
        made = work(*(array[part] for array in arrays), (False, wraps[1]))
        found[start:stop] = made[start - first : stop - first]

    each(one, range(0, rows, height))
    return found


def _padded(
    values: Float[ndarray, "*space"], reach: int, axis: int, wrap: bool
) -> Float[ndarray, "..."]:
    """The values with `reach` more at both ends of an axis, which becomes the first axis."""
    margin = [(reach, reach) if k == axis % values.ndim else (0, 0) for k in range(values.ndim)]
    return np.moveaxis(np.pad(values, margin, mode="wrap" if wrap else "symmetric"), axis, 0)

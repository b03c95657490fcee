"""What a change costs in each medium: prices of one step at every sample, high where a warden knows what to expect.

Prices of one map are relative to each other; infinity is a sample that must not change. One medium a file.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def correlated(
    values: Float[ndarray, "*space"], taps: Sequence[float], axis: int, wrap: bool = False
) -> Float[ndarray, "*space"]:
    """The values filtered along an axis with an odd number of taps, mirrored at the ends or wrapped around.

    A sum of shifted copies: running sums forget what stands by huge values.
    """
    reach = len(taps) // 2
    margin = [(reach, reach) if k == axis % values.ndim else (0, 0) for k in range(values.ndim)]
    padded = np.pad(values, margin, mode="wrap" if wrap else "symmetric")
    padded = np.moveaxis(padded, axis, 0)
    size = values.shape[axis]
    total = np.zeros_like(padded[:size])
    for k, tap in enumerate(taps):
        if tap:
            total += padded[k : k + size] * padded.dtype.type(tap)
    return np.moveaxis(total, 0, axis)


def mean(
    values: Float[ndarray, "*space"], size: int, axes: Sequence[int], wraps: Sequence[bool]
) -> Float[ndarray, "*space"]:
    """The mean over `size` neighbours along each of some axes."""
    for axis, wrap in zip(axes, wraps, strict=True):
        values = correlated(values, [1 / size] * size, axis, wrap)
    return values

"""The range of each code between fill values: no step lands on a fill value or crosses one."""

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray


def between(
    values: Int[ndarray, "*shape"],
    free: Bool[ndarray, "*shape"],
    forbidden: list[int],
    shift: int = 0,
) -> tuple[int | ndarray, int | ndarray]:
    """The least and the greatest code of each element; numbers if all free elements share them.

    `forbidden` are the values, in rising order, that no element may reach: the first and the last
    enclose all others. The code of a value is value / 2^shift.
    """
    ends = np.array(forbidden, np.int64)
    lows, highs = (ends[:-1] >> shift) + 1, -(-ends[1:] >> shift) - 1

    def place(found: Int[ndarray, "*shape"]) -> Int[ndarray, "*shape"]:
        return np.clip(np.searchsorted(ends, found, side="left"), 1, ends.size - 1) - 1

    limits = np.iinfo(values.dtype)
    least = values.min(where=free, initial=limits.max)
    most = values.max(where=free, initial=limits.min)
    first, last = place(np.array([min(least, most), most]))
    if first == last:
        return int(lows[first]), int(highs[first])
    gaps = place(values)
    return lows[gaps], highs[gaps]

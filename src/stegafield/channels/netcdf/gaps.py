"""Between which values a code may move: fill values split the range, and nothing steps onto or across one."""

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray


def between(
    values: Int[ndarray, "*shape"],
    free: Bool[ndarray, "*shape"],
    forbidden: list[int],
    shift: int = 0,
) -> tuple[int | ndarray, int | ndarray]:
    """The least and the greatest code of each sample; numbers where all free samples share them.

    `forbidden` are the values, in rising order, that no sample may reach: the first and the last enclose all. The code
    of a value is value / 2^shift.
    """
    ends = np.array(forbidden, np.int64)
    lows, highs = (ends[:-1] >> shift) + 1, -(-ends[1:] >> shift) - 1
    place = np.clip(np.searchsorted(ends, values, side="left"), 1, ends.size - 1) - 1
    used = np.unique(place[free])
    if used.size <= 1:
        only = int(used[0]) if used.size else 0
        return int(lows[only]), int(highs[only])
    return lows[place], highs[place]

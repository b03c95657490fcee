"""The chi-square attack: overwriting last bits makes the values 2k and 2k + 1 equally frequent.

A. Westfeld, A. Pfitzmann, "Attacks on steganographic systems", Information Hiding 1999. The score is the mean
probability of embedding over ever longer beginnings: the share of the samples for a message that was written in order.
"""

import math

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from .estimator import Estimator

_PARTS = 20
_LEAST = 5
"""Expected count from which a pair of values takes part in the test."""


class ChiSquare(Estimator):
    """The chi-square attack on pairs of values."""

    name = "chi-square"

    def of_plane(self, plane: Int[ndarray, "y x"]) -> float | None:
        """The mean probability over beginnings of the plane; None where no two pairs of values are frequent enough."""
        _, inverse, counts = np.unique(plane.ravel() >> 1, return_inverse=True, return_counts=True)
        frequent = counts >= 2 * _LEAST
        if frequent.sum() < 2:
            return None
        slot = np.where(frequent, np.cumsum(frequent) - 1, -1)[inverse]
        values = np.where(slot < 0, -1, 2 * slot + (plane.ravel() & 1))
        seen, found = np.zeros(2 * int(frequent.sum()), np.int64), []
        for part in np.array_split(values, _PARTS):
            seen += np.bincount(part[part >= 0], minlength=seen.size)
            found.append(_probability(seen))
        return float(np.mean(found))


def _probability(counts: Int[ndarray, " value"]) -> float:
    """The probability of a statistic at least as large if both values of all pairs were equally likely."""
    even, odd = counts[::2], counts[1::2]
    expected = (even + odd) / 2
    used = expected >= _LEAST
    freedom = int(used.sum()) - 1
    if freedom < 1:
        return 0.0
    statistic = (((even - expected)[used] ** 2) / expected[used]).sum()
    return chi_square_tail(float(statistic), freedom)


def chi_square_tail(statistic: float, freedom: int) -> float:
    """P(chi-square >= statistic), to about 0.01, by the cube root of Wilson and Hilferty (1931)."""
    shrink = 2 / (9 * freedom)
    normal = ((statistic / freedom) ** (1 / 3) - (1 - shrink)) / math.sqrt(shrink)
    return 0.5 * math.erfc(normal / math.sqrt(2))

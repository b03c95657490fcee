"""The chi-square attack: overwriting last bits makes the values 2k and 2k + 1 equally frequent.

A. Westfeld, A. Pfitzmann, "Attacks on steganographic systems", Information Hiding 1999. The score
is the mean probability of embedding over ever longer beginnings: the share of the elements for a
message that was written in order.
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
    kinds = ("plane",)
    depths = (8, 16)

    def of_plane(self, plane: Int[ndarray, "y x"]) -> float | None:
        """The mean probability over beginnings of the plane.

        None where no two pairs of values are frequent enough.
        """
        if not plane.size:
            return None
        pairs = (plane >> 1).ravel()
        pairs = pairs - pairs.min()
        if pairs.max() > 4 * pairs.size:  # few elements, many values: count those that occur
            pairs = np.unique(pairs, return_inverse=True)[1]
        frequent = np.bincount(pairs) >= 2 * _LEAST
        if frequent.sum() < 2:
            return None
        slot = np.where(frequent, np.cumsum(frequent) - 1, -1)[pairs]
        part = np.repeat(np.arange(_PARTS), [p.size for p in np.array_split(pairs, _PARTS)])
        slots, used = int(frequent.sum()), slot >= 0
        cell = (part * slots + slot) * 2 + (plane.ravel() & 1)
        found = np.bincount(cell[used], minlength=2 * slots * _PARTS)
        return float(np.mean(_probabilities(found.reshape(_PARTS, slots, 2).cumsum(axis=0))))


def _probabilities(counts: Int[ndarray, "part pair 2"]) -> list[float]:
    """The probability, for each part, of so large a statistic.

    Under the hypothesis that both values of every pair are equally likely.
    """
    expected = counts.sum(axis=2) / 2
    used = expected >= _LEAST
    terms = (counts[..., 0] - expected) ** 2 / np.where(used, expected, 1)
    statistic, freedom = (terms * used).sum(axis=1), used.sum(axis=1) - 1
    return [
        chi_square_tail(float(one), int(free)) if free >= 1 else 0.0
        for one, free in zip(statistic, freedom, strict=True)
    ]


def chi_square_tail(statistic: float, freedom: int) -> float:
    """P(chi-square >= statistic), to about 0.01, by the cube root of Wilson and Hilferty (1931)."""
    shrink = 2 / (9 * freedom)
    normal = ((statistic / freedom) ** (1 / 3) - (1 - shrink)) / math.sqrt(shrink)
    return 0.5 * math.erfc(normal / math.sqrt(2))

"""The law of the changes that carry most at a given cost: p(step) ~ exp(-m cost(step))."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..core.cover import Costs

CODING_LOSS = 0.1
"""The trellis form changes as much as the best coder does for a payload larger by this share.

0.07 to 0.14 were measured (`research/scripts/coding_loss.py`).
"""


_ROUNDS = 60


_CLOSE = 1e-5


def multiplier(costs: Costs, rate: float) -> float:
    """m of the law p(step) ~ exp(-m cost(step)), of single steps, with an entropy of `rate`.

    The rate is in bits per element. The least m where even equally likely steps carry less. T.
    Filler, J. Fridrich, "Gibbs construction in steganography", IEEE Transactions on Information
    Forensics and Security 5(4), 2010.
    """
    down, up = (side.ravel().astype(np.float64) for side in costs)
    least, most = 1e-12, 1e12
    if _entropy(down, up, least) < rate:
        return least
    for _ in range(_ROUNDS):
        middle = float(np.sqrt(least * most))
        entropy = _entropy(down, up, middle)
        least, most = (middle, most) if entropy > rate else (least, middle)
        if 0 <= rate - entropy < _CLOSE * rate:
            break
    return most


def shares(costs: Costs, m: float) -> tuple[Float[ndarray, "..."], Float[ndarray, "..."]]:
    """The probabilities of one step down and one step up."""
    down, up = np.exp(-m * costs.down), np.exp(-m * costs.up)
    total = 1 + down + up
    return down / total, up / total


def _entropy(down: Float[ndarray, " element"], up: Float[ndarray, " element"], m: float) -> float:
    """Bits per element of the law of single steps."""
    low, high = shares(Costs(down, up), m)
    rest = 1 - low - high
    parts = (-p * np.log2(np.maximum(p, 1e-300)) for p in (low, high, rest))
    return float(sum(part.mean() for part in parts))

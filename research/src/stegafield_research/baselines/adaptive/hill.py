"""HILL, simulated: changes of one step where the picture is rough.

Their expected cost is the least that coding theory allows.

B. Li, M. Wang, J. Huang, X. Li, "A new cost function for spatial image steganography", ICIP 2014.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator

from stegafield.costs.rough import hill

from .sender import least_cost


def costs(codes: Int[ndarray, "channel y x"]) -> Float[ndarray, "channel y x"]:
    """The cost of a change of one step: high where the neighbourhood is smooth.

    Each channel has costs of its own.
    """
    return np.stack([hill(values.astype(np.float64)) for values in codes])


def simulate(
    codes: Int[ndarray, "channel y x"], low: int, high: int, rate: float, rng: Generator
) -> Int[ndarray, "channel y x"]:
    """The codes after changes that cost least at an entropy of `rate` bits per element."""
    return least_cost(codes, costs(codes), low, high, rate, rng)

"""HILL, simulated: changes of one step where the picture is rough, at the least cost that coding theory allows.

B. Li, M. Wang, J. Huang, X. Li, "A new cost function for spatial image steganography", ICIP 2014.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator

from stegafield.costs.rough import hill

from .sender import least_cost


def costs(codes: Int[ndarray, "channel y x"]) -> Float[ndarray, "channel y x"]:
    """The cost of a change of one step, channel by channel: high where the neighbourhood is smooth."""
    return np.stack([hill(values.astype(np.float64)) for values in codes])


def simulate(
    codes: Int[ndarray, "channel y x"], low: int, high: int, rate: float, rng: Generator
) -> Int[ndarray, "channel y x"]:
    """The codes after changes whose entropy is `rate` bits per sample and whose expected cost is least."""
    return least_cost(codes, costs(codes), low, high, rate, rng)

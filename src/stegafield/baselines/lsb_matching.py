"""LSB matching: where the last bit of a sample is not the wanted one, the sample moves by one, up or down."""

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from numpy.random import Generator

from ..errors import ConfigError


def simulate(
    codes: Int[ndarray, "*shape"], low: int, high: int, rate: float, rng: Generator
) -> Int[ndarray, "*shape"]:
    """The codes after random bits, one in each of a share `rate` of the samples (at most 1), at random places."""
    if not 0 <= rate <= 1:
        raise ConfigError("rate", f"LSB matching carries 0 to 1 bits per sample, not {rate:g}.")
    carriers = rng.permutation(codes.size)[: round(rate * codes.size)]
    moved = carriers[rng.random(carriers.size) < 0.5]
    before = codes.ravel()[moved]
    step = rng.choice(np.array([-1, 1], codes.dtype), moved.size)
    step = np.where(before == low, 1, np.where(before == high, -1, step)).astype(codes.dtype)
    after = codes.ravel().copy()
    after[moved] += step
    return after.reshape(codes.shape)

"""LSB replacement: the last bit of a sample becomes the wanted one; what most tools do, and the easiest to find."""

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
        raise ConfigError("rate", f"LSB replacement carries 0 to 1 bits per sample, not {rate:g}.")
    carriers = rng.permutation(codes.size)[: round(rate * codes.size)]
    after = codes.ravel().copy()
    wanted = rng.integers(0, 2, carriers.size).astype(codes.dtype)
    after[carriers] = np.clip((after[carriers] >> 1 << 1) + wanted, low, high)
    return after.reshape(codes.shape)

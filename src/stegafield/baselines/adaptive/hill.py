"""HILL, simulated: changes of one step where the picture is rough, at the least cost that coding theory allows.

B. Li, M. Wang, J. Huang, X. Li, "A new cost function for spatial image steganography", ICIP 2014.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator

from .sender import least_cost

_SHARP = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 4  # the Ker-Boehme filter
_LEAST = 1e-10


def costs(codes: Int[ndarray, "channel y x"]) -> Float[ndarray, "channel y x"]:
    """The cost of a change of one step, channel by channel: high where the neighbourhood is smooth."""
    from scipy import ndimage

    found = np.empty(codes.shape)
    for channel, values in zip(found, codes, strict=True):
        rough = np.abs(ndimage.convolve(values.astype(np.float64), _SHARP, mode="reflect"))
        channel[:] = _mean(1 / np.maximum(_mean(rough, 3), _LEAST), 15)
    return found


def simulate(
    codes: Int[ndarray, "channel y x"], low: int, high: int, rate: float, rng: Generator
) -> Int[ndarray, "channel y x"]:
    """The codes after changes whose entropy is `rate` bits per sample and whose expected cost is least."""
    return least_cost(codes, costs(codes), low, high, rate, rng)


def _mean(values: Float[ndarray, "y x"], size: int) -> Float[ndarray, "y x"]:
    """The mean of size x size samples. (uniform_filter keeps running sums, which forget what stands by huge costs.)"""
    from scipy import ndimage

    window = np.full(size, 1 / size)
    across = ndimage.correlate1d(values, window, axis=0, mode="reflect")
    return ndimage.correlate1d(across, window, axis=1, mode="reflect")

"""HILL, simulated: changes of one step where the picture is rough, at the least cost that coding theory allows.

B. Li, M. Wang, J. Huang, X. Li, "A new cost function for spatial image steganography", ICIP 2014. No bit is
embedded: every sample changes with the probability that a perfect code would give it (T. Filler, J. Fridrich, "Gibbs
construction in steganography", 2010), which is the usual comparison.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator

from ..errors import ConfigError

_SHARP = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 4  # the Ker-Boehme filter
_LEAST = 1e-10
_ROUNDS = 60


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
    price = costs(codes)
    ways = (codes > low).astype(np.int8) + (codes < high)
    if not 0 <= rate < np.log2(1 + ways).mean():
        raise ConfigError("rate", f"changes of one step do not carry {rate:g} bits per sample.")
    price /= np.median(price)
    least, most = 1e-12, 1e12  # of the multiplier: at the first every way is equally likely
    for _ in range(_ROUNDS):
        middle = float(np.sqrt(least * most))
        entropy = _entropy(_share(price, ways, middle), ways).mean()
        least, most = (middle, most) if entropy > rate else (least, middle)
    change = rng.random(codes.shape) < _share(price, ways, most)
    step = rng.choice(np.array([-1, 1], codes.dtype), codes.shape)
    step = np.where(codes == low, 1, np.where(codes == high, -1, step)).astype(codes.dtype)
    return codes + step * change


def _mean(values: Float[ndarray, "y x"], size: int) -> Float[ndarray, "y x"]:
    """The mean of size x size samples. (uniform_filter keeps running sums, which forget what stands by huge costs.)"""
    from scipy import ndimage

    window = np.full(size, 1 / size)
    across = ndimage.correlate1d(values, window, axis=0, mode="reflect")
    return ndimage.correlate1d(across, window, axis=1, mode="reflect")


def _share(price: ndarray, ways: ndarray, multiplier: float) -> Float[ndarray, "..."]:
    """The probability that a sample changes at all."""
    likely = ways * np.exp(-multiplier * price)
    return likely / (1 + likely)


def _entropy(share: ndarray, ways: ndarray) -> Float[ndarray, "..."]:
    """Bits per sample: whether it changes, and which way."""
    inside = np.clip(share, 1e-300, 1 - 1e-16)
    either = -inside * np.log2(inside) - (1 - inside) * np.log2(1 - inside)
    return np.where(share > 0, either + share * np.log2(np.maximum(ways, 1)), 0)

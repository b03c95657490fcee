"""The sender that embeds at least cost: no bit is embedded, samples change as a perfect code would change them.

T. Filler, J. Fridrich, "Gibbs construction in steganography", IEEE Transactions on Information Forensics and Security
5(4), 2010: the usual comparison.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator

from ...errors import ConfigError

_ROUNDS = 60
_CLOSE = 1e-5
"""Of the rate, relative: then the multiplier is found."""


def least_cost(
    codes: Int[ndarray, "channel y x"],
    price: Float[ndarray, "channel y x"],
    low: int,
    high: int,
    rate: float,
    rng: Generator,
) -> Int[ndarray, "channel y x"]:
    """The codes after changes of one step, at these prices, whose entropy is `rate` bits per sample."""
    ways = (codes > low).astype(np.int8) + (codes < high)
    if not 0 <= rate < np.log2(1 + ways).mean():
        raise ConfigError("rate", f"changes of one step do not carry {rate:g} bits per sample.")
    price = price / np.median(price)
    least, most = 1e-12, 1e12  # of the multiplier: at the first every way is equally likely
    for _ in range(_ROUNDS):
        middle = float(np.sqrt(least * most))
        entropy = _entropy(_share(price, ways, middle), ways).mean()
        least, most = (middle, most) if entropy > rate else (least, middle)
        if 0 <= rate - entropy < _CLOSE * rate:
            break
    change = rng.random(codes.shape) < _share(price, ways, most)
    step = rng.choice(np.array([-1, 1], codes.dtype), codes.shape)
    step = np.where(codes == low, 1, np.where(codes == high, -1, step)).astype(codes.dtype)
    return codes + step * change


def _share(price: ndarray, ways: ndarray, multiplier: float) -> Float[ndarray, "..."]:
    """The probability that a sample changes at all."""
    likely = ways * np.exp(-multiplier * price)
    return likely / (1 + likely)


def _entropy(share: ndarray, ways: ndarray) -> Float[ndarray, "..."]:
    """Bits per sample: whether it changes, and which way."""
    inside = np.clip(share, 1e-300, 1 - 1e-16)
    either = -inside * np.log2(inside) - (1 - inside) * np.log2(1 - inside)
    return np.where(share > 0, either + share * np.log2(np.maximum(ways, 1)), 0)

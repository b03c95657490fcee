"""The sender that embeds at least cost: elements change as a perfect code would change them.

No bit is embedded.

T. Filler, J. Fridrich, "Gibbs construction in steganography", IEEE Transactions on Information
Forensics and Security 5(4), 2010: the usual comparison.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator

from stegafield.coding import gibbs
from stegafield.core.cover import Costs
from stegafield.errors import ConfigError


def least_cost(
    codes: Int[ndarray, "channel y x"],
    price: Float[ndarray, "channel y x"],
    low: int,
    high: int,
    rate: float,
    rng: Generator,
) -> Int[ndarray, "channel y x"]:
    """The codes after changes of one step that cost least at these prices.

    Their entropy is `rate` bits per element.
    """
    ways = (codes > low).astype(np.int8) + (codes < high)
    if not 0 <= rate < np.log2(1 + ways).mean():
        raise ConfigError("rate", f"changes of one step do not carry {rate:g} bits per element.")
    price = price / np.median(price)
    costs = Costs(
        np.where(codes > low, price, np.inf),
        np.where(codes < high, price, np.inf),
    )
    down, up = gibbs.shares(costs, gibbs.multiplier(costs, rate))
    luck = rng.random(codes.shape)
    step = np.where(luck < down, -1, np.where(luck < down + up, 1, 0))
    return codes + step.astype(codes.dtype)

"""LSB replacement: the last bit of an element becomes the wanted one.

Most tools do this, and it is the easiest to find.
"""

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from stegafield.core.cover import Cover
from stegafield.errors import ConfigError

from .reader import LastBits


class LsbReplacement(LastBits):
    """LSB replacement, at keyed positions. For comparison; never the default."""

    name: ClassVar[str] = "lsb-replacement"

    def bears(self, cover: Cover) -> bool:
        """Where each free element can take the other value of its pair."""
        other = cover.codes ^ 1
        return not (cover.free & ((other < cover.low) | (other > cover.high))).any()

    def project(
        self, cover: Cover, bits: UInt8[ndarray, " bit"], rng: Generator
    ) -> Int[ndarray, "channel *space"]:
        """Codes that read the bits; a bit that the range does not allow stays wrong."""
        places, codes = self.places(cover.free), cover.codes.ravel().copy()
        low, high = cover.take(cover.low, places), cover.take(cover.high, places)
        codes[places] = _replaced(codes[places], bits, low, high)
        return codes.reshape(cover.codes.shape)


def simulate(
    codes: Int[ndarray, "*shape"], low: int, high: int, rate: float, rng: Generator
) -> Int[ndarray, "*shape"]:
    """The codes after random bits in a share `rate` (at most 1) of the elements.

    The positions are random.
    """
    if not 0 <= rate <= 1:
        raise ConfigError("rate", f"LSB replacement carries 0 to 1 bits per element, not {rate:g}.")
    carriers = rng.permutation(codes.size)[: round(rate * codes.size)]
    after = codes.ravel().copy()
    wanted = rng.integers(0, 2, carriers.size)
    after[carriers] = _replaced(after[carriers], wanted, low, high)
    return after.reshape(codes.shape)


def _replaced(before: Int[ndarray, " element"], wanted: ndarray, low: Any, high: Any) -> ndarray:
    return np.clip((before >> 1 << 1) + wanted.astype(before.dtype), low, high)

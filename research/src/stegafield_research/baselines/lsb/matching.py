"""LSB matching: an element whose last bit is wrong moves by one, up or down."""

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from stegafield.core.cover import Cover
from stegafield.errors import ConfigError

from .reader import LastBits


class LsbMatching(LastBits):
    """LSB matching, at keyed positions. For comparison; never the default."""

    name: ClassVar[str] = "lsb-matching"

    def project(
        self, cover: Cover, bits: UInt8[ndarray, " bit"], rng: Generator
    ) -> Int[ndarray, "channel *space"]:
        """Codes that read the bits: half of the positions move, up or down as `rng` says."""
        places, codes = self.places(cover.free), cover.codes.ravel().copy()
        moved = places[(codes[places] & 1) != bits]
        low, high = cover.take(cover.low, moved), cover.take(cover.high, moved)
        codes[moved] += _steps(codes[moved], low, high, rng)
        return codes.reshape(cover.codes.shape)


def simulate(
    codes: Int[ndarray, "*shape"], low: int, high: int, rate: float, rng: Generator
) -> Int[ndarray, "*shape"]:
    """The codes after random bits in a share `rate` (at most 1) of the elements.

    The positions are random.
    """
    if not 0 <= rate <= 1:
        raise ConfigError("rate", f"LSB matching carries 0 to 1 bits per element, not {rate:g}.")
    carriers = rng.permutation(codes.size)[: round(rate * codes.size)]
    moved = carriers[rng.random(carriers.size) < 0.5]
    after = codes.ravel().copy()
    after[moved] += _steps(after[moved], low, high, rng)
    return after.reshape(codes.shape)


def _steps(before: Int[ndarray, " element"], low: Any, high: Any, rng: Generator) -> ndarray:
    """One step up or down for each, away from the ends of the range."""
    step = rng.choice(np.array([-1, 1], before.dtype), before.size)
    return np.where(before == low, 1, np.where(before == high, -1, step)).astype(before.dtype)

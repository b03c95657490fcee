"""Read the last bit of elements, at positions that the seed chooses."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int, UInt8
from numpy import ndarray

from stegafield.coding.ladder import LADDER_BY_RATE
from stegafield.coding.weights import words
from stegafield.core.cover import Cover, GridSpec
from stegafield.core.extractor import Extractor
from stegafield.core.rung import Rung


class LastBits(Extractor):
    """Reads the last bits of a share of the free elements, which is the rate.

    One bit per element at most.
    """

    exact = True

    @classmethod
    def offers(cls, cover: Cover) -> Sequence[Rung]:
        """The rungs of at most one bit per element."""
        return [rung for rung in LADDER_BY_RATE if rung.rate <= 1]

    def bears(self, cover: Cover) -> bool:
        """Where each free element has another value to go to: a last bit has no detour."""
        return not (cover.free & (np.asarray(cover.low) == cover.high)).any()

    def read(
        self,
        codes: Int[ndarray, "channel *space"],
        free: Bool[ndarray, "channel *space"],
        spec: GridSpec,
    ) -> UInt8[ndarray, " bit"]:
        """The last bits at the positions, in their order."""
        return (codes.ravel()[self.places(free)] & 1).astype(np.uint8)

    def count(self, cover: Cover) -> int:
        """The rate times the free elements, rounded down."""
        return self._share(int(np.count_nonzero(cover.free)))

    def places(self, free: Bool[ndarray, "channel *space"]) -> Int[ndarray, " bit"]:
        """Flat positions of the elements that carry bits.

        They are the first of a permutation of the free ones.
        """
        where = np.flatnonzero(free)
        order = np.argsort(words(self.seed, "lsb", where.shape), kind="stable")
        return where[order[: self._share(where.size)]]

    def _share(self, free: int) -> int:
        return free * self.rung.bits // self.rung.elements if self.rung.rate <= 1 else 0

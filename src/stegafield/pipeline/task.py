"""One cover with the bits that it shall carry, and what embedding them came to."""

import os
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from ..core import tiles
from ..core.cover import Cover
from ..core.extractor import Extractor
from ..core.noise import Source
from . import calls
from .effort import MethodName


@dataclass(frozen=True, slots=True)
class Task:
    """One cover and the bits that it shall carry."""

    cover: Cover
    bits: UInt8[ndarray, " bit"]
    extractor: Extractor
    rng: Generator
    """What breaks ties."""
    source: Source = os.urandom
    """What `sample` draws from."""

    def errors(self, codes: Int[ndarray, "channel *space"]) -> int:
        """How many bits read wrongly from these codes."""
        found = calls.read(self.extractor, codes, self.cover.free, self.cover.spec)
        if found.shape != self.bits.shape:
            return self.bits.size
        return int(np.count_nonzero(found != self.bits))


@dataclass(frozen=True, slots=True)
class Embedding:
    """Codes that carry the payload, and how they were found."""

    codes: Int[ndarray, "channel *space"]
    method: MethodName
    errors: int | None
    """Bits that the extractor reads wrongly from these codes; None where that was not counted, as
    it reads exactly."""
    evaluations: int
    """Evaluations of the objective; 0 where nothing was optimised."""
    milliseconds: float
    """Of a cover that was optimised in a batch: its share of that batch, and its own finish."""
    unrounded_errors: int | None = None
    """Bits that were wrong before the change was rounded, where the objective counts them."""
    nats: float | None = None
    """KL(stego || plain) of the payload's elements, where they were drawn."""


def strays(cover: Cover, codes: Int[ndarray, "channel *space"]) -> bool:
    """Whether `codes` differ from the cover's where they may not, or are no such codes at all.

    They may not where an element is not free, and beyond its range.
    """
    if codes.shape != cover.codes.shape or codes.dtype.kind not in "iu":
        return True

    def astray(block: slice) -> bool:
        here, new = tiles.piece(cover.codes, block), tiles.piece(codes, block)
        low, high = tiles.ends(cover.low, cover.high, block)
        good = tiles.piece(cover.free, block) & (new >= low) & (new <= high)
        return bool(((new != here) & ~good).any())

    return any(tiles.each(astray, tiles.blocks(codes.size)))

"""One rate of the ladder: how many bits a window of elements carries, and its taps."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int
from numpy import ndarray


@dataclass(frozen=True)
class Rung:
    """One rate: `bits` (k) per window of `elements` (n), and the integer taps of the window."""

    bits: int
    elements: int
    listed: tuple[int, ...] = ()
    span: int = 0
    """0: the block form. h: the trellis form, with kernels of h blocks of `elements`; a listed
    number holds the h taps of one element, in base 4, that of its own block lowest."""

    @property
    def phases(self) -> int:
        """2**k: how many residues a window can have."""
        return 1 << self.bits

    @property
    def rate(self) -> float:
        """Bits per free element."""
        return self.bits / self.elements

    @cached_property
    def taps(self) -> Int[ndarray, " sample"]:
        """The taps; 1..n where none are listed."""
        return np.array(self.listed or range(1, self.elements + 1), np.int64)

    @cached_property
    def kernel(self) -> Int[ndarray, "sample delay"]:
        """The taps modulo 4 of the trellis form."""
        return np.array(self.listed, np.int64)[:, None] // 4 ** np.arange(self.span) % 4

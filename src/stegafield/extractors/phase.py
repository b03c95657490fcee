"""The phase extractor, block form: a strided convolution with integer taps and a periodic activation.

    phi = (2 pi / 2**k) * sum_i w_i u_i        u: codes, w: taps; 2**k phases carry k bits

Windows of n samples, at keyed positions, do not overlap. With integer taps the phase is read exactly, as
sum w u mod 2**k, on every machine; and the nearest codes with a wanted phase come from a table (core/window.py), so
embedding needs no search. It is matrix embedding seen as a strided CNN (docs/concepts.md).
"""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from ..core import window
from ..core.cover import Cover, GridSpec
from ..core.extractor import Extractor
from ..message.place import permutation, tiles


class Phase(Extractor):
    """Reads k bits from each window of n codes at keyed positions. No options; no torch."""

    name: ClassVar[str] = "phase"
    exact: ClassVar[bool] = True

    def read(
        self,
        codes: Int[ndarray, "channel *space"],
        free: Bool[ndarray, "channel *space"],
        spec: GridSpec,
    ) -> UInt8[ndarray, " bit"]:
        """The bits of all windows, tile after tile, most significant bit of a symbol first."""
        values, bits = codes[free], [np.empty((0, self.rate.bits), np.uint8)]
        shifts = np.arange(self.rate.bits)[::-1]
        for index in self._windows(values.size):
            symbols = window.read_symbols(values[index], self.rate)
            bits.append(((symbols[:, None] >> shifts) & 1).astype(np.uint8))
        return np.concatenate(bits).ravel()

    def count(self, cover: Cover) -> int:
        """k bits for each window that fits into a tile."""
        free = int(np.count_nonzero(cover.free))
        sizes = (tile.stop - tile.start for _, tile in tiles(free))
        return sum(size // self.rate.samples for size in sizes) * self.rate.bits

    def project(
        self, cover: Cover, bits: UInt8[ndarray, " bit"], rng: Generator
    ) -> Int[ndarray, "channel *space"]:
        """The nearest codes that read `bits` (least sum of squared changes in every window)."""
        values, start = cover.codes[cover.free], 0
        low, high = (
            b[cover.free] if isinstance(b, ndarray) else b for b in (cover.low, cover.high)
        )
        places = 1 << np.arange(self.rate.bits)[::-1]
        for index in self._windows(values.size):
            stop = start + index.shape[0] * self.rate.bits
            symbols = bits[start:stop].reshape(-1, self.rate.bits) @ places
            low_here, high_here = (b[index] if isinstance(b, ndarray) else b for b in (low, high))
            values[index] = window.project(
                values[index], low_here, high_here, symbols, self.rate, rng
            )
            start = stop
        codes = cover.codes.copy()
        codes[cover.free] = values
        return codes

    def _windows(self, free: int) -> Iterator[Int[ndarray, "window sample"]]:
        """For each tile, which of the free samples (in storage order) make up its windows."""
        for number, tile in tiles(free):
            size = tile.stop - tile.start
            windows = size // self.rate.samples
            order = permutation(self.seed, size, number)[: windows * self.rate.samples]
            yield tile.start + order.reshape(windows, self.rate.samples)

"""The phase extractor: a strided convolution with integer taps and a periodic activation.

    phi = (2 pi / 2**k) * sum_i w_i u_i        u: codes, w: taps; 2**k phases carry k bits

With integer taps the phase is read exactly, as sum w u mod 2**k, on every machine. A rung has one of two forms. In the
block form windows of n samples do not overlap, and the nearest codes with a wanted phase come from a table
(core/window.py). In the trellis form kernels overlap, and the nearest codes of a whole run come from the Viterbi
algorithm (core/trellis.py). Samples stand at keyed positions in both. It is matrix embedding seen as a strided CNN
(docs/concepts.md).
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, TypeVar

import numpy as np
from jaxtyping import Bool, Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from ..core import sampler, trellis, window
from ..core.cover import Cover, GridSpec
from ..core.extractor import Extractor
from ..core.ladder import Rung, with_trellis
from ..core.noise import Source
from ..core.sampler import Drawn
from ..message.place import permutation, tiles

Found = TypeVar("Found")


class Phase(Extractor):
    """Reads k bits from each window of n codes at keyed positions. No options; no torch."""

    name: ClassVar[str] = "phase"
    exact: ClassVar[bool] = True

    @classmethod
    def offers(cls, cover: Cover, method: str) -> Sequence[Rung]:
        """Both forms: the trellis form for low rates and crowded covers, where the cover is not too large for it.

        The sampler takes rungs of its own, all of the block form.
        """
        if method == "sample":
            return super().offers(cover, method)
        free = int(np.count_nonzero(cover.free))
        ends = ((cover.codes == cover.low) | (cover.codes == cover.high)) & cover.free
        return with_trellis(free, int(np.count_nonzero(ends)) / max(1, free))

    def read(
        self,
        codes: Int[ndarray, "channel *space"],
        free: Bool[ndarray, "channel *space"],
        spec: GridSpec,
    ) -> UInt8[ndarray, " bit"]:
        """The bits of all windows, tile after tile, most significant bit of a symbol first."""
        values = codes[free]
        shifts = np.arange(self.rate.bits)[::-1]

        def bits(tile: tuple[int, slice]) -> ndarray:
            symbols = self._form.read_symbols(values[self._index(tile)], self.rate)
            return ((symbols[:, None] >> shifts) & 1).astype(np.uint8).ravel()

        return np.concatenate(_each(bits, list(tiles(values.size))))

    def count(self, cover: Cover) -> int:
        """k bits for each window that fits into a tile."""
        free = int(np.count_nonzero(cover.free))
        sizes = (tile.stop - tile.start for _, tile in tiles(free))
        return sum(size // self.rate.samples for size in sizes) * self.rate.bits

    def project(
        self, cover: Cover, bits: UInt8[ndarray, " bit"], rng: Generator
    ) -> Int[ndarray, "channel *space"]:
        """The nearest codes that read `bits` (least sum of squared changes, window by window or run by run)."""
        values = cover.codes[cover.free]
        bounds = (cover.low, cover.high)
        low, high = (b[cover.free] if isinstance(b, ndarray) else b for b in bounds)
        every, symbols = list(tiles(values.size)), self._symbols(bits)
        first = self._first(every)
        seeds = rng.integers(0, 1 << 63, (len(every), 4))

        def move(tile: tuple[int, slice]) -> None:
            number = tile[0]
            index, wanted = self._index(tile), symbols[first[number] : first[number + 1]]
            least, most = (b[index] if isinstance(b, ndarray) else b for b in (low, high))
            own = np.random.default_rng(seeds[number])
            values[index] = self._form.project(values[index], least, most, wanted, self.rate, own)

        _each(move, every)
        codes = cover.codes.copy()
        codes[cover.free] = values
        return codes

    def draw(self, cover: Cover, bits: UInt8[ndarray, " bit"], source: Source) -> Drawn:
        """The windows from the law of the cover given their symbols, what is left over from the law alone."""
        at = np.flatnonzero(cover.free)
        every, symbols = list(tiles(at.size)), self._symbols(bits)
        first, codes, nats = self._first(every), cover.codes.copy(), 0.0
        for number, where in every:  # one after the other: memory is that of one tile
            codes.flat[at[where]] = sampler.plain(cover, at[where], source)
            windows = at[self._index((number, where))]
            wanted = symbols[first[number] : first[number + 1]]
            drawn = sampler.draw(cover, windows, wanted, self.rate, source)
            codes.flat[windows], nats = drawn.codes, nats + drawn.nats
        return Drawn(codes, nats)

    def _symbols(self, bits: UInt8[ndarray, " bit"]) -> Int[ndarray, " window"]:
        """The bits as symbols, most significant bit first."""
        return bits.reshape(-1, self.rate.bits) @ (1 << np.arange(self.rate.bits)[::-1])

    def _first(self, every: list[tuple[int, slice]]) -> Int[ndarray, " tile_and_end"]:
        """The number of the first window of each tile, and that of all windows."""
        sizes = ((tile.stop - tile.start) // self.rate.samples for _, tile in every)
        return np.cumsum([0, *sizes])

    @property
    def _form(self):
        return trellis if self.rate.span else window

    def _index(self, tile: tuple[int, slice]) -> Int[ndarray, "window sample"]:
        """Which of the free samples (in storage order) make up the windows of a tile."""
        number, where = tile
        size = where.stop - where.start
        windows = size // self.rate.samples
        order = permutation(self.seed, size, number)[: windows * self.rate.samples]
        return where.start + order.reshape(windows, self.rate.samples)


def _each(work: Callable[[tuple[int, slice]], Found], every: list) -> list[Found]:
    """Do the work of every tile, side by side: NumPy lets go of the interpreter in what takes long."""
    if len(every) == 1:
        return [work(every[0])]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, every))

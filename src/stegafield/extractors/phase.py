"""The phase extractor: a strided convolution with integer taps and a periodic activation.

    phi = (2 pi / 2**k) * sum_i w_i u_i        u: codes, w: taps; 2**k phases carry k bits

With integer taps the phase is read exactly, as sum w u mod 2**k, on every machine. A rung has one
of two forms. In the block form windows of n elements do not overlap, and the nearest codes with a
wanted phase come from a table (coding/block.py). In the trellis form kernels overlap, and the
nearest codes of a whole run come from the Viterbi algorithm (coding/trellis.py). In both the
elements are at keyed positions. It is matrix embedding seen as a strided CNN (docs/concepts.md).
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from ..coding import block, block_priced, sampler, trellis
from ..coding.ladder import LADDER_BY_RATE
from ..coding.offer import TRELLIS_MOST, follows_costs, with_costs, with_trellis
from ..coding.trellis import Part
from ..core import tiles
from ..core.cover import Costs, Cover, GridSpec, widened
from ..core.extractor import Drawn, Extractor
from ..core.noise import Source
from ..core.rung import Rung
from ..message import place

TOGETHER = 4
"""Tiles that the trellis form solves in the same steps: sixteen runs."""


class Phase(Extractor):
    """Reads k bits from each window of n codes at keyed positions. No options; no torch."""

    name: ClassVar[str] = "phase"
    exact: ClassVar[bool] = True
    narrow: ClassVar[bool] = True

    @classmethod
    def offers(cls, cover: Cover) -> Sequence[Rung]:
        """The rungs of both forms.

        The trellis form is for low rates, if the cover is not too large for it. Where changes have
        costs, those that follow them up to two thirds of a bit per element.
        """
        free = tiles.count(cover.free)
        if cover.costs is not None:
            return with_costs(free)
        if free > TRELLIS_MOST:
            return LADDER_BY_RATE
        ends = ((cover.codes == cover.low) | (cover.codes == cover.high)) & cover.free
        crowded = int(np.count_nonzero(ends)) / max(1, free)
        return with_trellis(free, crowded)

    @classmethod
    def adapts(cls, rung: Rung) -> bool:
        """Up to two thirds of a bit per element, changes are made where they cost least."""
        return follows_costs(rung)

    def read(
        self,
        codes: Int[ndarray, "channel *space"],
        free: Bool[ndarray, "channel *space"],
        spec: GridSpec,
    ) -> UInt8[ndarray, " bit"]:
        """The bits of all windows, tile after tile, most significant bit of a symbol first."""

        every, first = tiles.stretches(free), self._first(tiles.count(free))
        found = np.empty(int(first[-1]) * self.rung.bits, np.uint8)

        def read(tile: tuple[int, slice]) -> None:
            number, stretch = tile
            values = tiles.piece(codes, stretch)[tiles.piece(free, stretch)]
            windows = values[self._index(number, values.size)]
            start, stop = first[number : number + 2] * self.rung.bits
            form = trellis if self.rung.span else block
            symbols = form.read_symbols(windows, self.rung)
            found[start:stop] = _bits(symbols, self.rung.bits)

        tiles.each(read, list(enumerate(every)))
        return found

    def count(self, cover: Cover) -> int:
        """k bits for each window that fits into a tile."""
        return int(self._first(tiles.count(cover.free))[-1]) * self.rung.bits

    def project(
        self, cover: Cover, bits: UInt8[ndarray, " bit"], rng: Generator
    ) -> Int[ndarray, "channel *space"]:
        """The nearest codes that read `bits`.

        That is the least sum of squared changes, window by window or run by run.
        """
        codes, every = tiles.like(cover.codes), tiles.stretches(cover.free)
        first = self._first(tiles.count(cover.free)) * self.rung.bits
        seeds = rng.integers(0, 1 << 63, (len(every), 4))

        def taken(number: int, stretch: slice) -> tuple[Part, Callable[[ndarray], None]]:
            """The windows of a tile, and how to write them back."""
            free = tiles.piece(cover.free, stretch)
            here = tiles.piece(codes, stretch)
            values = here[free]
            index = self._index(number, values.size)

            def gathered(values: ndarray) -> ndarray:
                return tiles.piece(values, stretch)[free][index]

            def put(found: ndarray) -> None:
                values[index] = found
                here[free] = values
                tiles.place(codes, stretch, here)

            low, high = (
                gathered(b) if isinstance(b, ndarray) else b for b in (cover.low, cover.high)
            )
            wanted = _symbols(bits[first[number] : first[number + 1]], self.rung.bits)
            own, prices = np.random.default_rng(seeds[number]), None
            if cover.costs is not None and self.adapts(self.rung):
                prices = Costs(*map(gathered, cover.costs))
            return Part(widened(values[index]), low, high, wanted, own, prices), put

        def move(some: list[tuple[int, slice]]) -> None:
            parts, puts = zip(*(taken(*tile) for tile in some), strict=True)
            for put, found in zip(puts, self._solved(parts), strict=True):
                put(found)

        numbered = list(enumerate(every))
        if self.rung.span:
            # One after the other: steps are so short that two threads would wait for the
            # interpreter.
            for at in range(0, len(numbered), TOGETHER):
                move(numbered[at : at + TOGETHER])
        else:
            tiles.each(move, [[tile] for tile in numbered])
        return codes

    def _solved(self, parts: Sequence[Part]) -> list[Int[ndarray, "window element"]]:
        """The windows of some tiles, changed to read their symbols."""
        if self.rung.span:
            return trellis.project_all(parts, self.rung)
        found = []
        for part in parts:
            *given, rng, costs = part
            form, prices = (block, ()) if costs is None else (block_priced, (costs,))
            found.append(form.project(*given, self.rung, rng, *prices))
        return found

    def draw(self, cover: Cover, bits: UInt8[ndarray, " bit"], source: Source) -> Drawn:
        """Windows drawn from the law of the cover given their symbols.

        What is left over is drawn from the law alone.
        """
        at = np.flatnonzero(cover.free)
        first, codes, nats = self._first(at.size), cover.codes.copy(), 0.0
        symbols = _symbols(bits, self.rung.bits)
        for number, where in place.tiles(
            at.size
        ):  # one after the other: memory is that of one tile
            here = at[where]
            codes.flat[here] = sampler.plain(cover, here, source)
            windows = here[self._index(number, here.size)]
            wanted = symbols[first[number] : first[number + 1]]
            drawn = sampler.draw(cover, windows, wanted, self.rung, source)
            codes.flat[windows], nats = drawn.codes, nats + drawn.nats
        return Drawn(codes, nats)

    def _first(self, free: int) -> Int[ndarray, " tile_and_end"]:
        """The number of the first window of each tile, and the number of all windows."""
        sizes = ((tile.stop - tile.start) // self.rung.elements for _, tile in place.tiles(free))
        return np.cumsum([0, *sizes])

    def _index(self, number: int, size: int) -> Int[ndarray, "window element"]:
        """Which free elements of a tile (in storage order) make up its windows."""
        windows = size // self.rung.elements
        order = place.permutation(self.seed, size, number)[: windows * self.rung.elements]
        return order.reshape(windows, self.rung.elements)


def _bits(symbols: Int[ndarray, " window"], bits: int) -> UInt8[ndarray, " bit"]:
    """Symbols as bits, the most significant first."""
    sixteen = np.unpackbits(symbols.astype(">u2").view(np.uint8)).reshape(-1, 16)
    return sixteen[:, 16 - bits :].ravel()


def _symbols(values: UInt8[ndarray, " bit"], bits: int) -> Int[ndarray, " window"]:
    """The symbols of bits: the reverse of `_bits`."""
    sixteen = np.zeros((values.size // bits, 16), np.uint8)
    sixteen[:, 16 - bits :] = values.reshape(-1, bits)
    return np.packbits(sixteen).view(">u2").astype(np.int64)

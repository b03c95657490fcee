"""The lattice in use: the codes that a file could hold, of which its content takes every n-th.

12-bit sound or pictures in files of 16 bits, 16 bits padded to 24, levels of which every second
one is empty. A step of one would leave the lattice, and a histogram shows that at once. So a code
counts steps of the lattice, and embedding never leaves it.

    codes of the file -> found -> on -> codes of the lattice -> stored -> codes of the file

The reader finds the lattice in the stego again: steps along it change neither its step nor its
offset. This is part of the format.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from . import tiles
from .cover import Cover, Lattice

LEVELS = 16
"""A sender leaves lattices with fewer levels alone, or with half as many in use: steps between so
few would be seen."""
_MOST = 1 << 31  # greatest step; no medium stores 32 bits more than it uses
_FIRST = 256  # elements that show most covers to have no lattice


def used(cover: Cover) -> Cover:
    """The cover in steps of its lattice, for embedding; itself where it has none.

    A cover with a law is drawn on all codes. One with too few levels gets a note instead.
    """
    if cover.law is not None or cover.lattice is not None:
        return cover
    lattice = found(cover)
    if lattice is None:
        return cover
    step, offset = lattice
    coarse = on(cover, step, offset)
    count = _levels(coarse)
    if 2 * count >= LEVELS and int(np.max(coarse.high)) - int(np.min(coarse.low)) >= LEVELS - 1:
        return coarse
    said = f"the cover has only {count} of its levels in use, {step} apart"
    note = f"{said}; the stego takes levels between them, and that shows"
    return replace(cover, notes=(*cover.notes, note))


def forms(cover: Cover) -> Iterator[Cover]:
    """What a reader tries: the cover in steps of its lattice, where it has one, and as it is."""
    lattice = found(cover)
    if lattice is not None:
        yield on(cover, *lattice)
    yield cover


def found(cover: Cover) -> tuple[int, int] | None:
    """Step and offset of the lattice that all free codes lie on; None where the step is 1.

    Codes at an end of their range say nothing, since they may have been cut off there. The offset
    is at least 0 and less than the step.
    """
    step, offset = 0, None
    for block in tiles.blocks(cover.codes.size):
        low, high = tiles.ends(cover.low, cover.high, block)
        codes, free = tiles.piece(cover.codes, block), tiles.piece(cover.free, block)
        inner = codes[free & (codes > low) & (codes < high)].astype(np.int64)
        if not inner.size:
            continue
        offset = int(inner[0]) if offset is None else offset
        # a difference of 64-bit codes overflows, but its size is right as an unsigned number
        apart = np.where(inner >= offset, inner - offset, offset - inner).view(np.uint64)
        for some in (apart[:_FIRST], apart[_FIRST:]):
            rest = some[some % np.uint64(step) != 0] if step else some
            step = int(np.gcd.reduce(rest, initial=np.uint64(step)))
            if step == 1:
                return None
    return (step, (offset or 0) % step) if 1 < step <= _MOST else None


def on(cover: Cover, step: int, offset: int) -> Cover:
    """The cover in steps of a lattice: code c stands for offset + c * step.

    Codes at an end of their range that are not on the lattice are not free.
    """
    codes, free = tiles.like(cover.codes), cover.free

    def divided(block: slice) -> bool:
        here = tiles.piece(cover.codes, block).astype(np.int64)
        tiles.place(codes, block, (here - offset) // step)
        return bool((tiles.piece(free, block) & ((here - offset) % step != 0)).any())

    if any(tiles.each(divided, tiles.blocks(codes.size))):
        free = free & ((cover.codes.astype(np.int64) - offset) % step == 0)
    return replace(
        cover,
        codes=codes,
        free=free,
        low=_wide(-((offset - cover.low) // step)),
        high=_wide((cover.high - offset) // step),
        step=cover.step * step,
        peak=None if cover.peak is None else cover.peak / step,
        lattice=Lattice(step, offset, cover),
    )


def stored(cover: Cover, codes: Int[ndarray, "channel *space"]) -> Int[ndarray, "channel *space"]:
    """The codes of the file for codes of the lattice; what did not change stays as it was."""
    assert cover.lattice is not None
    step, offset, plain = cover.lattice.step, cover.lattice.offset, cover.lattice.plain
    out = tiles.like(plain.codes)

    def patched(block: slice) -> None:
        here = tiles.piece(plain.codes, block).astype(np.int64)
        moved = tiles.piece(codes, block).astype(np.int64) - (here - offset) // step
        tiles.place(out, block, here + moved * step)

    tiles.each(patched, tiles.blocks(out.size))
    return out


def _levels(cover: Cover) -> int:
    """How many codes are in use, counted up to `LEVELS`."""
    seen = np.empty(0, cover.codes.dtype)
    for block in tiles.blocks(cover.codes.size):
        here = tiles.piece(cover.codes, block)[tiles.piece(cover.free, block)]
        seen = np.union1d(seen, here)[:LEVELS]
        if seen.size == LEVELS:
            break
    return int(seen.size)


def _wide(bound: "int | ndarray") -> "int | ndarray":
    return bound.astype(np.int64) if isinstance(bound, ndarray) else int(bound)

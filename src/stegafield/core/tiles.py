"""Work on large covers, tile by tile and side by side, without a second copy of the whole in
memory."""

import numpy as np
from jaxtyping import Bool, Int, Shaped
from numpy import ndarray

from ..message.place import TILE, tiles
from .parallel import each

__all__ = ["blocks", "count", "each", "ends", "first", "like", "piece", "place", "stretches"]


def blocks(size: int) -> list[slice]:
    """Stretches of up to 65,536 elements in storage order that cover `size` elements."""
    return [slice(start, min(start + TILE, size)) for start in range(0, size, TILE)]


def count(free: Bool[ndarray, "*shape"]) -> int:
    """How many elements are free; at once where one number was broadcast, as sounds have it."""
    if free.size and not any(free.strides):
        return free.size * int(free.flat[0])
    return int(np.count_nonzero(free))


def stretches(free: Bool[ndarray, "channel *space"]) -> list[slice]:
    """The stretch of each tile in storage order: it has the free elements of its tile, and those
    that lie between.

    All together they cover every element once.
    """
    parts = blocks(free.size)
    number = [count(piece(free, part)) for part in parts]
    before = np.cumsum([0, *number])  # free elements before each block
    stops = []
    for _, tile in tiles(int(before[-1])):
        # the block of the last one of the tile
        block = max(0, int(np.searchsorted(before, tile.stop)) - 1)
        last = tile.stop - int(before[block]) - 1
        if 0 <= last and number[block] < parts[block].stop - parts[block].start:
            last = int(np.flatnonzero(piece(free, parts[block]))[last])
        stops.append(parts[block].start + last + 1)
    stops[-1] = free.size
    return [slice(start, stop) for start, stop in zip([0, *stops[:-1]], stops, strict=True)]


def first(free: Bool[ndarray, "channel *space"], count: int) -> Int[ndarray, " position"]:
    """The flat positions of the first `count` free elements."""
    found, size = [np.empty(0, np.int64)], 0
    for block in blocks(free.size):
        if size >= count:
            break
        found.append(block.start + np.flatnonzero(piece(free, block)))
        size += found[-1].size
    return np.concatenate(found)[:count]


def like(array: Shaped[ndarray, "channel *space"]) -> Shaped[ndarray, "channel *space"]:
    """A copy with a layout that can be written stretch by stretch: samples of sounds may stay
    interleaved."""
    return array.copy("K" if array.ndim == 2 else "C")


def piece(array: Shaped[ndarray, "channel *space"], stretch: slice) -> Shaped[ndarray, " sample"]:
    """A stretch of an array in storage order: a view, unless it reaches from one channel into the
    next."""
    rows = array.reshape(len(array), -1)
    parts = [rows[channel, inside] for channel, inside in _inside(rows, stretch)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def ends(
    low: int | Shaped[ndarray, "channel *space"],
    high: int | Shaped[ndarray, "channel *space"],
    stretch: slice,
) -> tuple[int | ndarray, int | ndarray]:
    """The range of the codes in a stretch: numbers stay what they are."""
    first, last = (piece(b, stretch) if isinstance(b, ndarray) else b for b in (low, high))
    return first, last


def place(
    array: Shaped[ndarray, "channel *space"], stretch: slice, values: Shaped[ndarray, " sample"]
) -> None:
    """Write a stretch of an array that `like` made."""
    rows, done = array.reshape(len(array), -1), 0
    assert np.may_share_memory(rows, array)
    for channel, inside in _inside(rows, stretch):
        size = inside.stop - inside.start
        rows[channel, inside] = values[done : done + size]
        done += size


def _inside(rows: Shaped[ndarray, "channel sample"], stretch: slice) -> list[tuple[int, slice]]:
    """The channels that a stretch touches, and where in each."""
    size = rows.shape[1]
    first, last = stretch.start // size, (stretch.stop - 1) // size
    ends = [
        (max(stretch.start - c * size, 0), min(stretch.stop - c * size, size))
        for c in range(first, last + 1)
    ]
    return [(first + i, slice(*end)) for i, end in enumerate(ends)]

"""The rows of a PNG, filtered and compressed as the file had them before.

An encoder shows in how it filters each row, in the settings of its compression, and in the sizes of
its chunks. `coding_of` finds these in a file, and `packed` writes other pixels in the same way.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Integer, UInt8
from numpy import ndarray

_BAND = 1 << 20  # bytes that are filtered at once
_ADAM7 = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2))
_ADAM7 += ((1, 2, 0, 1),)
"""First row, step of rows, first column, step of columns, of each pass of an interlaced picture."""
_TRIED = 1 << 17  # bytes from which the settings of a compression are found
_STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_RLE, zlib.Z_HUFFMAN_ONLY)
_STRATEGIES += (zlib.Z_FIXED,)
_LEVELS = ((1, 0), (5, 4, 3, 2), (6,), (9, 8, 7))
"""By the class that a stream names in its second byte, the likeliest first."""


class Settings(NamedTuple):
    """How zlib compresses."""

    level: int = 6
    memory: int = 8
    strategy: int = zlib.Z_DEFAULT_STRATEGY


_USUAL = Settings()


@dataclass(frozen=True)
class Coding:
    """How the rows of a file are written."""

    filters: UInt8[ndarray, " row"] | None = None
    """The filter of each row, of all passes; None: those with the least sum of magnitudes."""
    head: bytes = b"\x78\x9c"
    """The first two bytes of the stream: window and class of level."""
    settings: Settings = _USUAL
    sizes: tuple[int, ...] = (1 << 16, 0)
    """Bytes of the chunks that the stream is in."""
    interlaced: bool = False


def coding_of(
    parts: list[bytes], height: int, width: int, pixel: int, interlaced: bool
) -> Coding | None:
    """How a stream was made, for rows of `pixel` bytes a pixel; None where it is damaged.

    The settings are those that give the same bytes again, or, if none do, about as many.
    """
    lengths = np.array(
        [1 + columns * pixel for rows, columns in _passes(height, width, interlaced)
         for _ in range(rows)]
    )  # fmt: skip
    total = int(lengths.sum())
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    filters, start = np.empty(len(lengths), np.uint8), bytearray()
    unpacker, done, row = zlib.decompressobj(), 0, 0
    stream = b"".join(parts)
    try:
        waiting = stream
        while done < total:
            got = unpacker.decompress(waiting, min(_BAND, total - done))
            waiting = unpacker.unconsumed_tail
            if not got:
                return None
            if len(start) < _TRIED:
                start += got[: _TRIED - len(start)]
            after = int(np.searchsorted(starts, done + len(got)))
            found = np.frombuffer(got, np.uint8)
            filters[row:after] = found[starts[row:after] - done]
            done, row = done + len(got), after
    except zlib.error:
        return None
    if filters.max() > 4:
        return None
    settings = _settings(bytes(start), stream, whole=len(start) == total)
    sizes = tuple(len(part) for part in parts)
    return Coding(filters, stream[:2], settings, sizes, interlaced)


def _settings(start: bytes, stream: bytes, *, whole: bool) -> Settings:
    """The settings with which the start of the rows becomes the start of the stream."""
    window, best = _window(stream), list[tuple[int, Settings]]()
    levels = _LEVELS[stream[1] >> 6]
    wanted = _length(start, stream) if not whole else len(stream) - 6
    for memory in (8, 9):
        for strategy in _STRATEGIES:
            for level in levels:
                one = Settings(level, memory, strategy)
                packer = zlib.compressobj(level, zlib.DEFLATED, -window, memory, strategy)
                made = packer.compress(start)
                if whole:
                    made += packer.flush()
                if len(made) > 64 and stream[2 : 2 + len(made)] == made:
                    return one
                if not whole:
                    made += packer.flush()
                best.append((abs(len(made) - wanted), one))
    return min(best, key=lambda found: found[0])[1]


def _length(start: bytes, stream: bytes) -> int:
    """About how many bytes of a stream hold these first bytes of its rows."""
    unpacker, taken = zlib.decompressobj(), 0
    for at in range(0, len(stream), 1 << 10):
        taken += len(unpacker.decompress(stream[at : at + (1 << 10)]))
        if taken >= len(start):
            return (at + (1 << 10)) * len(start) // taken
    return len(stream)


def _window(stream: bytes) -> int:
    """The logarithm of the window that a stream declares; zlib has none below 9."""
    return min(15, max(9, (stream[0] >> 4) + 8))


def packed(pixels: Integer[ndarray, "y x *sample"], coding: Coding | None = None) -> list[bytes]:
    """The data of the chunks for a PNG's rows (PNG specification, section 9).

    Without the filters of a file, each row gets the one whose bytes, taken as signed, have the
    least sum of magnitudes: the rule that the specification suggests and libpng follows.
    """
    coding = coding or Coding()
    level, memory, strategy = coding.settings
    window = _window(coding.head)
    packer = zlib.compressobj(level, zlib.DEFLATED, -window, memory, strategy)
    check, parts = 1, [coding.head]
    for lines in _lines(pixels, coding):
        check = zlib.adler32(lines, check)
        parts.append(packer.compress(lines))
    parts += [packer.flush(), check.to_bytes(4, "big")]
    return _divided(b"".join(parts), coding.sizes)


def _divided(stream: bytes, sizes: tuple[int, ...]) -> list[bytes]:
    """A stream in parts of these sizes. Where all but the last are alike, an encoder's buffer has
    that size, and more of them follow as needed; else the last part takes what is left."""
    *full, last = sizes
    parts, at = [], 0
    for size in full:
        if size >= len(stream) - at:
            break
        parts.append(stream[at : at + size])
        at += size
    buffer = full[0] if full and set(full) == {full[0]} and last <= full[0] else 0
    while buffer and len(stream) - at > buffer:
        parts.append(stream[at : at + buffer])
        at += buffer
    return [*parts, stream[at:]]


def _passes(height: int, width: int, interlaced: bool) -> Iterator[tuple[int, int]]:
    """Rows and columns of each pass that has any."""
    for top, down, left, right in _ADAM7 if interlaced else ((0, 1, 0, 1),):
        rows, columns = -(-(height - top) // down), -(-(width - left) // right)
        if rows > 0 and columns > 0:
            yield rows, columns


def _lines(pixels: Integer[ndarray, "y x *sample"], coding: Coding) -> Iterator[bytes]:
    """The filtered rows, band by band."""
    pixel, done = pixels[0, 0].nbytes, 0
    for top, down, left, right in _ADAM7 if coding.interlaced else ((0, 1, 0, 1),):
        part = pixels[top::down, left::right]
        if not part.size:
            continue
        height = len(part)
        above = np.zeros((1, part[0].nbytes), np.uint8)
        band = max(1, _BAND // above.size)
        for start in range(0, height, band):
            rows = part[start : start + band]
            here = np.ascontiguousarray(rows.astype(rows.dtype.newbyteorder(">"), copy=False))
            here = here.view(np.uint8).reshape(len(rows), -1)
            before = np.concatenate([above, here[:-1]])
            if coding.filters is None:
                lines = _least(here, before, pixel)
            else:
                at = done + start
                lines = _filtered(here, before, pixel, coding.filters[at : at + len(rows)])
            yield lines.tobytes()
            above = here[-1:]
        done += height


def _filtered(
    here: UInt8[ndarray, "row byte"],
    above: UInt8[ndarray, "row byte"],
    pixel: int,
    filters: UInt8[ndarray, " row"],
) -> UInt8[ndarray, "row byte_and_type"]:
    """Rows after the number of their filter; `pixel` is the number of bytes of a pixel."""
    lines = np.empty((len(here), here.shape[1] + 1), np.uint8)
    lines[:, 0] = filters
    for kind in np.unique(filters):
        chosen = filters == kind
        everywhere = bool(chosen.all())
        rows, over = (here, above) if everywhere else (here[chosen], above[chosen])
        lines[slice(None) if everywhere else chosen, 1:] = _residue(int(kind), rows, over, pixel)
    return lines


def _residue(
    kind: int, here: UInt8[ndarray, "row byte"], above: UInt8[ndarray, "row byte"], pixel: int
) -> UInt8[ndarray, "row byte"]:
    """What a filter leaves of rows."""
    if kind == 0:
        return here
    if kind == 2:
        return here - above
    left = _shifted(here, pixel)
    if kind == 1:
        return here - left
    if kind == 3:  # the mean, rounded down, without a wider type
        return here - ((left & above) + ((left ^ above) >> 1))
    return here - _paeth(left, above, _shifted(above, pixel))


def _shifted(rows: UInt8[ndarray, "row byte"], pixel: int) -> UInt8[ndarray, "row byte"]:
    """Rows moved to the right by a pixel, zeros first."""
    moved = np.zeros_like(rows)
    moved[:, pixel:] = rows[:, :-pixel]
    return moved


def _paeth(
    left: UInt8[ndarray, "row byte"], above: UInt8[ndarray, "row byte"],
    corner: UInt8[ndarray, "row byte"],
) -> UInt8[ndarray, "row byte"]:  # fmt: skip
    """The neighbour that is nearest to left + above - corner; of equals, the first of the three."""
    a, b, c = (rows.astype(np.int16) for rows in (left, above, corner))
    b -= c  # left's distance, signed
    a -= c
    to_left, to_above = np.abs(b), np.abs(a)
    to_corner = np.abs(a + b)
    found = np.where(to_above <= to_corner, above, corner)
    nearest = (to_left <= to_above) & (to_left <= to_corner)
    np.copyto(found, left, where=nearest)
    return found


def _least(
    here: UInt8[ndarray, "row byte"], above: UInt8[ndarray, "row byte"], pixel: int
) -> UInt8[ndarray, "row byte_and_type"]:
    """Rows with the filter that leaves the least."""
    residues = np.stack([_residue(kind, here, above, pixel) for kind in range(5)])
    cost = np.abs(residues.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)
    chosen = cost.argmin(axis=0)
    lines = residues[chosen, np.arange(len(here))]
    return np.concatenate([chosen[:, None].astype(np.uint8), lines], axis=1)

"""The samples of a TIFF page in its strips or tiles, decoded and encoded.

A segment is a strip or a tile. Segments of one height are handled together: their rows are those of
one picture. LZW and PackBits are libtiff's, through Pillow, which is handed rows of bytes.
"""

import lzma
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby, product
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Shaped, UInt8
from numpy import ndarray
from PIL import Image, TiffImagePlugin

from ...core.foreign import foreign
from ...errors import FormatError
from . import ifd

RAW, LZW, PACKBITS, LZMA, ZSTD = 1, 5, 32773, 34925, 50000
DEFLATE = (8, 32946)
COMPRESSIONS = (RAW, LZW, PACKBITS, LZMA, ZSTD, *DEFLATE)
"""Lossless compressions of bytes: those whose segments can be encoded again."""
PLAIN, DIFFERENCES, FLOATING = 1, 2, 3
"""Predictors (TIFF 6.0, section 14; TIFF technical note 3)."""
_TOGETHER = 1 << 25  # bytes that are decoded in one go
_REVERSED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1])
_PILLOW = {LZW: "tiff_lzw", PACKBITS: "packbits"}
_LEVELS = {LZMA: (6, 9, 3), ZSTD: (9, 3, 1, 15, 22)}
_BY_CLASS = {0: (1, 0), 1: (5, 2, 3, 4), 2: (6,), 3: (9, 8, 7)}
"""Levels of zlib, by what the header of a stream says of them; the likeliest first."""
_COSTS = 1 << 18  # bytes that are compressed to find out a level


class Segment(NamedTuple):
    """A strip or a tile."""

    at: int
    """Where its bytes are in the file."""
    size: int
    """How many there are; 0 where the file leaves the segment out."""
    plane: int
    top: int
    left: int
    height: int
    """Rows: the last strip of a page may have fewer."""


@dataclass(frozen=True)
class Layout:
    """How the samples of a page are stored."""

    order: str
    """"<" or ">"."""
    shape: tuple[int, int, int]
    """(height, width, samples)."""
    kind: Literal["u", "i", "f"]
    bits: int
    """Of one sample."""
    planar: bool
    """Whether each sample has segments of its own."""
    size: tuple[int, int]
    """(height, width) of a segment."""
    tiled: bool
    compression: int
    predictor: int
    reversed: bool
    """Whether the bits of each byte come least significant first (FillOrder 2)."""
    segments: tuple[Segment, ...]

    @property
    def dtype(self) -> np.dtype:
        """The type that holds a sample, in the machine's byte order."""
        return np.dtype(f"{self.kind}{max(1, 1 << (self.bits - 1).bit_length() >> 3)}")

    @property
    def numbers(self) -> int:
        """Samples of a row of a segment."""
        return self.size[1] * (1 if self.planar else self.shape[2])

    @property
    def row(self) -> int:
        """Bytes of a row of a segment."""
        return -(-self.numbers * self.bits // 8)


def read(data: bytes, layout: Layout, fill: float) -> Shaped[ndarray, "y x sample"]:
    """The samples of a page; `fill` where the file leaves a segment out."""
    out = np.full(layout.shape, fill, layout.dtype)
    for group in _groups(layout, [part for part in layout.segments if part.size]):
        rows = _decoded(data, layout, group)
        for part, block in zip(group, np.split(rows, len(group)), strict=True):
            place = out[area(layout, part)]
            place[...] = block[: place.shape[0], : place.shape[1]]
    return out


def changed(
    data: bytes, layout: Layout, samples: Shaped[ndarray, "y x sample"]
) -> Iterator[tuple[Segment, bytes]]:
    """The segments in which these samples differ from the file's, and their new bytes.

    What is in a segment beside the picture (the padding of a tile) stays.
    """
    packer = _Packer(data, layout)
    for group in _groups(layout, [part for part in layout.segments if part.size]):
        rows = _decoded(data, layout, group)
        blocks, kept = np.split(rows, len(group)), []
        for part, block in zip(group, blocks, strict=True):
            new = samples[area(layout, part)]
            here = block[: new.shape[0], : new.shape[1]]
            width = f"u{new.itemsize}"
            if not np.array_equal(new.view(width), here.view(width)):
                here[...] = new
                kept.append((part, block))
        if kept:
            raw = _encoded(layout, np.concatenate([block for _, block in kept]))
            parts = [part for part, _ in kept]
            yield from zip(parts, packer.packed(parts, raw), strict=True)


def area(layout: Layout, part: Segment) -> tuple[slice, slice, slice]:
    """The part of the picture that a segment holds."""
    rows = slice(part.top, part.top + part.height)
    columns = slice(part.left, part.left + layout.size[1])
    return rows, columns, slice(part.plane, part.plane + 1 if layout.planar else None)


def _groups(layout: Layout, parts: Sequence[Segment]) -> Iterator[list[Segment]]:
    """Segments of one height, as many as are decoded in one go."""
    for height, same in groupby(parts, lambda part: part.height):
        found, most = list(same), max(1, _TOGETHER // (height * layout.row))
        for start in range(0, len(found), most):
            yield found[start : start + most]


def _decoded(data: bytes, layout: Layout, group: list[Segment]) -> Shaped[ndarray, "y x sample"]:
    """The samples of some segments, one below the other, with their padding."""
    size = group[0].height * layout.row
    pieces = [data[part.at : part.at + part.size] for part in group]
    if layout.reversed:
        pieces = [_turned(piece) for piece in pieces]
    raw = b"".join(_unpacked(pieces, layout, group[0].height))
    if len(raw) != size * len(group):
        raise FormatError("a strip of the TIFF file is cut short", ".tif")
    rows = np.frombuffer(raw, np.uint8).reshape(-1, layout.row)
    per = layout.numbers // layout.size[1]
    if layout.bits not in (8, 16, 32, 64):
        return _of_bits(rows, layout).reshape(len(rows), -1, per)
    width = layout.bits // 8
    if layout.predictor == FLOATING:
        summed = np.cumsum(rows.reshape(len(rows), -1, per), axis=1, dtype=np.uint8)
        planes = summed.reshape(len(rows), width, -1).transpose(0, 2, 1)
        found = np.ascontiguousarray(planes).view(f">u{width}")
    else:
        found = rows.view(f"{layout.order}u{width}")
    found = found.astype(f"u{width}").reshape(len(rows), -1, per)
    if layout.predictor == DIFFERENCES:
        np.cumsum(found, axis=1, dtype=found.dtype, out=found)
    return found.view(layout.dtype)


def _encoded(layout: Layout, samples: Shaped[ndarray, "y x sample"]) -> UInt8[ndarray, "y byte"]:
    """The bytes of rows before compression: the inverse of what `_decoded` ends with."""
    height, _, per = samples.shape
    if layout.bits not in (8, 16, 32, 64):
        return _to_bits(samples.reshape(height, -1), layout)
    width = layout.bits // 8
    found = np.ascontiguousarray(samples).view(f"u{width}")
    if layout.predictor == DIFFERENCES:
        found = np.concatenate([found[:, :1], np.diff(found, axis=1)], axis=1)
    if layout.predictor != FLOATING:
        return found.astype(f"{layout.order}u{width}").view(np.uint8).reshape(height, -1)
    big = found.astype(f">u{width}").view(np.uint8).reshape(height, -1, width)
    planes = np.ascontiguousarray(big.transpose(0, 2, 1)).reshape(height, -1, per)
    whole = np.concatenate([planes[:, :1], np.diff(planes, axis=1)], axis=1)
    return whole.reshape(height, -1)


def _of_bits(rows: UInt8[ndarray, "y byte"], layout: Layout) -> Shaped[ndarray, "y number"]:
    """Samples of a number of bits that is no whole number of bytes, most significant bit first."""
    found = np.empty((len(rows), layout.numbers), layout.dtype)
    powers = 1 << np.arange(layout.bits - 1, -1, -1)
    for y, row in enumerate(rows):
        bits = np.unpackbits(row, count=layout.numbers * layout.bits)
        found[y] = bits.reshape(-1, layout.bits) @ powers
    return found


def _to_bits(samples: Shaped[ndarray, "y number"], layout: Layout) -> UInt8[ndarray, "y byte"]:
    shifts = np.arange(layout.bits - 1, -1, -1)
    out = np.empty((len(samples), layout.row), np.uint8)
    for y, row in enumerate(samples):
        out[y] = np.packbits((row[:, None] >> shifts) & 1)
    return out


def _turned(data: bytes) -> bytes:
    """Bytes with their bits in the other order."""
    return _REVERSED[np.frombuffer(data, np.uint8)].tobytes()


def _unpacked(pieces: list[bytes], layout: Layout, height: int) -> list[bytes]:
    """The bytes of segments of one height, without compression, and no more than their rows."""
    size, packing = height * layout.row, layout.compression
    if packing == RAW:
        return [piece[:size] for piece in pieces]
    if packing in _PILLOW:
        made = _as_tiff(pieces, packing, layout.row, height)
        with foreign("a strip of the TIFF file is damaged", ".tif"):
            return [TiffImagePlugin.TiffImageFile(BytesIO(made)).tobytes()]
    with foreign("a strip of the TIFF file is damaged", ".tif"):
        return [_inflated(piece, packing, size) for piece in pieces]


def _inflated(piece: bytes, packing: int, size: int) -> bytes:
    if packing in DEFLATE:
        return zlib.decompressobj().decompress(piece, size)
    if packing == LZMA:
        return lzma.LZMADecompressor(memlimit=1 << 28).decompress(piece, size)
    library = zstandard()
    return library.ZstdDecompressor().stream_reader(piece).read(size)


def zstandard() -> Any:
    """The library of this compression, where it is installed; else None."""
    try:
        import zstandard as library
    except ImportError:
        return None
    return library


def _as_tiff(pieces: list[bytes], packing: int, row: int, height: int) -> bytes:
    """Segments as the strips of a grey picture, one byte a pixel."""
    writer = ifd.Writer("<", b"")
    places = [writer.place(piece) for piece in pieces]
    values = {
        **{256: [row], 257: [height * len(pieces)], 258: [8], 259: [packing], 262: [1]},
        **{273: places, 277: [1], 278: [height], 279: [len(piece) for piece in pieces]},
    }
    fields = [ifd.numbers(tag, ifd.LONG, found, "<") for tag, found in values.items()]
    return writer.finished(writer.directory(fields))


class _Packer:
    """Compresses segments as their file's encoder did, as far as that can be found out."""

    def __init__(self, data: bytes, layout: Layout) -> None:
        self.data, self.layout = data, layout
        self._how: tuple[int, int] | None = None

    def packed(self, parts: list[Segment], raw: UInt8[ndarray, "y byte"]) -> Iterator[bytes]:
        """The new bytes of segments of one height, whose rows are one below the other."""
        layout, height = self.layout, parts[0].height
        if layout.compression in _PILLOW:
            found: Iterator[bytes] = iter(_by_pillow(raw, layout.compression, height))
        else:
            pieces = (raw[start : start + height].tobytes() for start in range(0, len(raw), height))
            found = (self._one(part, piece) for part, piece in zip(parts, pieces, strict=True))
        return (_turned(piece) for piece in found) if layout.reversed else found

    def _one(self, part: Segment, raw: bytes) -> bytes:
        packing = self.layout.compression
        if packing == RAW:
            return raw
        if self._how is None:
            old = self.data[part.at : part.at + part.size]
            old = _turned(old) if self.layout.reversed else old
            self._how = _like(old, packing, part.height * self.layout.row)
        return _squeezed(raw, packing, *self._how)


def _like(old: bytes, packing: int, size: int) -> tuple[int, int]:
    """Level and memory level that give a segment of the file again, or the likeliest.

    The header of a zlib stream says which of four classes the level is in.
    """
    memories = (0,)
    if packing in DEFLATE:
        levels, memories = _BY_CLASS[old[1] >> 6 if len(old) > 1 else 2], (8, 9)
    else:
        levels = _LEVELS[packing]
    raw = _inflated(old, packing, size)
    if len(raw) <= _COSTS:
        for level, memory in product(levels, memories):
            if _squeezed(raw, packing, level, memory) == old:
                return level, memory
    stored = len(old) > len(raw) and 0 in levels
    return (0 if stored else max(levels[0], 1)), memories[0]


def _squeezed(raw: bytes, packing: int, level: int, memory: int) -> bytes:
    if packing in DEFLATE:
        packer = zlib.compressobj(level, zlib.DEFLATED, 15, memory)
        return packer.compress(raw) + packer.flush()
    if packing == LZMA:
        return lzma.compress(raw, check=lzma.CHECK_NONE, preset=level)
    return zstandard().ZstdCompressor(level=level).compress(raw)


def _by_pillow(raw: UInt8[ndarray, "y byte"], packing: int, height: int) -> list[bytes]:
    """Segments of `height` rows, compressed by libtiff."""
    out = BytesIO()
    size = height * raw.shape[1]
    packing_name, info = _PILLOW[packing], {317: 1}
    Image.fromarray(np.ascontiguousarray(raw)).save(
        out, "TIFF", compression=packing_name, strip_size=size, tiffinfo=info
    )
    made = ifd.parse(out.getvalue())
    places, sizes = (made.numbers(made.pages[0].get(tag)) for tag in (273, 279))
    if made.number(made.pages[0], 278, 0) != height or len(places) * height != len(raw):
        raise struct.error("libtiff made other strips than it was told to")
    return [made.data[at : at + size] for at, size in zip(places, sizes, strict=True)]


def compressed(
    rows: UInt8[ndarray, "y byte"], height: int, level: int = 6
) -> tuple[list[bytes], int]:
    """Rows as deflated strips of `height` rows, and the number of this compression."""
    pieces = (rows[start : start + height].tobytes() for start in range(0, len(rows), height))
    return [zlib.compress(piece, level) for piece in pieces], DEFLATE[0]

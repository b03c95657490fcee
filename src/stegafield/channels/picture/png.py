"""PNG: grey, RGB, grey with alpha and RGBA of 8 and 16 bits, interlaced or not.

Every chunk except the pixels stays, byte for byte, but for those that the standard forbids to copy
beside other pixels. These are filtered and compressed as the file's own were.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Int, Integer
from numpy import ndarray
from PIL import Image

from ...core.channel import Channel
from ...core.cover import Cover
from ...errors import FormatError
from . import alpha_of, as_cover, as_pixels, samples
from .scanlines import Coding, coding_of, packed

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _GREY_ALPHA, _RGBA = 0, 2, 4, 6
_COLOURS = (_GREY, _GREY_ALPHA, _RGB, _RGBA)
"""By number of samples."""
_KNOWN = {
    *(b"cICP", b"mDCV", b"cLLI", b"mDCv", b"cLLi", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT"),
    *(b"bKGD", b"hIST", b"tRNS", b"tIME", b"pCAL", b"sTER", b"sPLT"),
    *(b"acTL", b"fcTL", b"fdAT"),
}
"""Chunks that are known to hold for other pixels of the same kind, or to be cared for."""


def stale(kind: bytes) -> bool:
    """Whether PNG forbids to copy a chunk beside other pixels: it is marked so, and its meaning is
    not known here (PNG specification, section 5.4)."""
    return kind[:1].islower() and not kind[3:].islower() and kind not in _KNOWN


class Chunk(NamedTuple):
    """One chunk: its four-letter type, its data, and all its bytes as they are in the file."""

    kind: bytes
    data: bytes
    raw: bytes


@dataclass(frozen=True)
class PngFile:
    """What a PNG holds besides its samples."""

    before: bytes
    """The chunks between IHDR and the pixels."""
    after: bytes
    """The chunks after the pixels, and whatever follows the end of the image."""
    dtype: type
    alpha: ndarray | None
    """(y, x), never changed."""
    body: tuple[bytes, ...] = field(default=(), repr=False)
    """The compressed rows of the file, chunk by chunk; none of a new file."""
    interlaced: bool = False


class PngChannel(Channel):
    """PNG files of 8 and 16 bits, with or without alpha. Fully transparent pixels are not free."""

    name: ClassVar[str] = "png"
    suffixes: ClassVar[tuple[str, ...]] = (".png",)

    def read(self, data: bytes) -> Iterator[Cover]:
        """One cover, or none for kinds that cannot be rewritten exactly.

        Those are pictures with a palette, with fewer bits, and animations.
        """
        chunks, end = parse(data)
        _, _, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0].data)
        kinds = {chunk.kind for chunk in chunks}
        found = samples(data)  # raises on damage, too
        if depth not in (8, 16) or colour not in _COLOURS or kinds & {b"tRNS", b"acTL"}:
            return
        body = [i for i, chunk in enumerate(chunks) if chunk.kind == b"IDAT"]
        container = PngFile(
            before=b"".join(chunk.raw for chunk in chunks[1 : body[0]] if not stale(chunk.kind)),
            after=b"".join(chunk.raw for chunk in chunks[body[-1] + 1 :] if not stale(chunk.kind))
            + data[end:],
            dtype=np.uint16 if depth == 16 else np.uint8,
            alpha=alpha_of(found),
            body=tuple(chunks[i].data for i in body),
            interlaced=interlaced == 1,
        )
        cover = as_cover(found.astype(container.dtype, copy=False), self.name, container)
        old = dict.fromkeys(kind.decode("latin-1") for kind in kinds if stale(kind))
        told = [f"left out, as PNG forbids to copy it beside other pixels: the chunk {kind}"
                for kind in old]  # fmt: skip
        yield replace(cover, notes=tuple(told))

    def write(self, cover: Cover, codes: Int[ndarray, "channel y x"]) -> bytes:
        """The file with new pixels between its own chunks."""
        container = cover.container
        assert isinstance(container, PngFile)
        pixels = as_pixels(codes, container.dtype, container.alpha)
        coding = _coding(container, pixels)
        if coding is None and (pixels.ndim == 2 or pixels.dtype == np.uint8):
            encoded = BytesIO()
            Image.fromarray(pixels).save(encoded, "PNG")
            parts = [c.raw for c in parse(encoded.getvalue())[0] if c.kind == b"IDAT"]
        else:
            parts = [_chunk(b"IDAT", part).raw for part in packed(pixels, coding)]
        head = _head(pixels, interlaced=container.interlaced)
        return b"".join([_SIGNATURE, head, container.before, *parts, container.after])


def _coding(file: PngFile, pixels: Integer[ndarray, "y x *sample"]) -> Coding | None:
    """How the rows of a file are written; None where that is as Pillow does it: of a new one, and
    where its rows are damaged."""
    height, width = pixels.shape[:2]
    found = None
    if file.body:
        found = coding_of(list(file.body), height, width, pixels[0, 0].nbytes, file.interlaced)
    return found or (Coding(interlaced=True) if file.interlaced else None)


def kind_of(pixels: Integer[ndarray, "y x *sample"]) -> tuple[int, int]:
    """Depth and colour type of pixels in a PNG."""
    return 8 * pixels.itemsize, _COLOURS[pixels[0, 0].size - 1]


def _head(pixels: Integer[ndarray, "y x *sample"], *, interlaced: bool) -> bytes:
    """The chunk IHDR."""
    height, width = pixels.shape[:2]
    body = struct.pack(">IIBBBBB", width, height, *kind_of(pixels), 0, 0, int(interlaced))
    return _chunk(b"IHDR", body).raw


def made(
    pixels: Integer[ndarray, "y x *sample"],
    chunks: Iterable[tuple[bytes, bytes, bool]],
    *,
    interlaced: bool = False,
) -> Cover:
    """A cover of a new file with these chunks: kinds, data, and whether they follow the pixels."""
    raw = [(late, _chunk(kind, data).raw) for kind, data, late in chunks]
    before = b"".join(one for late, one in raw if not late)
    after = b"".join(one for late, one in raw if late) + _chunk(b"IEND", b"").raw
    dtype, alpha = pixels.dtype.type, alpha_of(pixels)
    container = PngFile(before, after, dtype, alpha, interlaced=interlaced)
    return as_cover(pixels, PngChannel.name, container)


def _chunk(kind: bytes, data: bytes) -> Chunk:
    size, check = struct.pack(">I", len(data)), struct.pack(">I", zlib.crc32(kind + data))
    return Chunk(kind, data, size + kind + data + check)


def parse(data: bytes) -> tuple[list[Chunk], int]:
    """The chunks of a PNG up to IEND, and where they end; `FormatError` if it is not a PNG."""
    if not data.startswith(_SIGNATURE):
        raise FormatError("not a PNG file", ".png")
    chunks, at = [], len(_SIGNATURE)
    while not chunks or chunks[-1].kind != b"IEND":
        size, kind = struct.unpack(">I4s", data[at : at + 8].ljust(8, b"\0"))
        raw = data[at : at + 12 + size]
        if len(raw) < 12 + size:
            raise FormatError("the PNG file is cut short", ".png")
        chunks.append(Chunk(kind, raw[8:-4], raw))
        at += len(raw)
    kinds = [chunk.kind for chunk in chunks]
    one = kinds[0] == b"IHDR" and kinds.count(b"IHDR") == 1  # decoders believe the last one
    if not one or len(chunks[0].data) != 13 or b"IDAT" not in kinds:
        raise FormatError("the PNG file has no image", ".png")
    return chunks, at

"""PNG: grey, RGB, grey with alpha and RGBA of 8 and 16 bits.

Every chunk except the pixels stays, byte for byte.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Int, UInt16
from numpy import ndarray
from PIL import Image

from ...core.channel import Channel
from ...core.cover import Cover
from ...errors import FormatError
from . import alpha_of, as_cover, as_pixels, samples
from .scanlines import packed

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _GREY_ALPHA, _RGBA = 0, 2, 4, 6
_COLOURS = (_GREY, _GREY_ALPHA, _RGB, _RGBA)
"""By number of samples."""
_PART = 1 << 16  # bytes of an IDAT chunk


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


class PngChannel(Channel):
    """PNG files of 8 and 16 bits, with or without alpha. Fully transparent pixels are not free."""

    name: ClassVar[str] = "png"
    suffixes: ClassVar[tuple[str, ...]] = (".png",)

    def read(self, data: bytes) -> Iterator[Cover]:
        """One cover, or none for kinds that cannot be rewritten exactly.

        Those are pictures with a palette, with fewer bits, and animations.
        """
        chunks, end = parse(data)
        _, _, depth, colour = struct.unpack(">IIBB", chunks[0].data[:10])
        kinds = {chunk.kind for chunk in chunks}
        found = samples(data)  # raises on damage, too
        if depth not in (8, 16) or colour not in _COLOURS or kinds & {b"tRNS", b"acTL"}:
            return
        body = [i for i, chunk in enumerate(chunks) if chunk.kind == b"IDAT"]
        container = PngFile(
            before=b"".join(chunk.raw for chunk in chunks[1 : body[0]]),
            after=b"".join(chunk.raw for chunk in chunks[body[-1] + 1 :]) + data[end:],
            dtype=np.uint16 if depth == 16 else np.uint8,
            alpha=alpha_of(found),
        )
        yield as_cover(found.astype(container.dtype), self.name, container)

    def write(self, cover: Cover, codes: Int[ndarray, "channel y x"]) -> bytes:
        """The file with new pixels between its own chunks."""
        container = cover.container
        assert isinstance(container, PngFile)
        pixels = as_pixels(codes, container.dtype, container.alpha)
        if pixels.ndim == 3 and container.dtype == np.uint16:
            head, body = _deep(pixels)
        else:
            encoded = BytesIO()
            Image.fromarray(pixels).save(encoded, "PNG")
            fresh, _ = parse(encoded.getvalue())
            head, body = fresh[0], [chunk for chunk in fresh if chunk.kind == b"IDAT"]
        written = b"".join(chunk.raw for chunk in body)
        return _SIGNATURE + head.raw + container.before + written + container.after


def _deep(pixels: UInt16[ndarray, "y x sample"]) -> tuple[Chunk, list[Chunk]]:
    """IHDR and IDAT of 16-bit samples, which Pillow does not write."""
    height, width, number = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 16, _COLOURS[number - 1], 0, 0, 0)
    body = packed(pixels)
    parts = [body[at : at + _PART] for at in range(0, len(body), _PART)]
    return _chunk(b"IHDR", head), [_chunk(b"IDAT", part) for part in parts]


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

"""PNG: 8-bit grey, RGB, grey with alpha and RGBA; 16-bit grey. Every chunk but the pixels stays, byte for byte."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from PIL import Image

from ...core.channel import Channel
from ...core.cover import Cover
from ...errors import FormatError
from . import alpha_of, as_cover, as_pixels, decode

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _GREY_ALPHA, _RGBA = 0, 2, 4, 6
_EXACT = {(8, _GREY), (8, _RGB), (8, _GREY_ALPHA), (8, _RGBA), (16, _GREY)}


class Chunk(NamedTuple):
    """One chunk: its four-letter type, its data, and all its bytes as they stand in the file."""

    kind: bytes
    data: bytes
    raw: bytes


@dataclass(frozen=True)
class PngFile:
    """What a PNG holds besides its samples."""

    before: bytes
    """The chunks between IHDR and the pixels."""
    after: bytes
    """The chunks behind the pixels, and whatever follows the end of the image."""
    dtype: type
    alpha: ndarray | None
    """(y, x), never changed."""


class PngChannel(Channel):
    """PNG files whose samples Pillow holds exactly. Fully transparent samples are not free."""

    name: ClassVar[str] = "png"
    suffixes: ClassVar[tuple[str, ...]] = (".png",)

    def read(self, data: bytes) -> Iterator[Cover]:
        """One cover, or none for PNG kinds that cannot be rewritten exactly (palette, 16-bit colour, animated)."""
        chunks, end = parse(data)
        _, _, depth, colour = struct.unpack(">IIBB", chunks[0].data[:10])
        kinds = {chunk.kind for chunk in chunks}
        pixels = decode(data)
        if (depth, colour) not in _EXACT or kinds & {b"tRNS", b"acTL"}:
            return
        samples = np.asarray(pixels)
        body = [i for i, chunk in enumerate(chunks) if chunk.kind == b"IDAT"]
        container = PngFile(
            before=b"".join(chunk.raw for chunk in chunks[1 : body[0]]),
            after=b"".join(chunk.raw for chunk in chunks[body[-1] + 1 :]) + data[end:],
            dtype=np.uint16 if depth == 16 else np.uint8,
            alpha=alpha_of(samples),
        )
        yield as_cover(samples.astype(container.dtype), self.name, container)

    def write(self, cover: Cover, codes: Int[ndarray, "channel y x"]) -> bytes:
        """The file with new pixels between its own chunks."""
        container = cover.container
        assert isinstance(container, PngFile)
        pixels = as_pixels(codes, container.dtype, container.alpha)
        encoded = BytesIO()
        Image.fromarray(pixels).save(encoded, "PNG")
        fresh, _ = parse(encoded.getvalue())
        body = b"".join(chunk.raw for chunk in fresh if chunk.kind == b"IDAT")
        return _SIGNATURE + fresh[0].raw + container.before + body + container.after


def parse(data: bytes) -> tuple[list[Chunk], int]:
    """The chunks of a PNG up to IEND, and where they end; `FormatError` where the bytes are no PNG."""
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
    if kinds[0] != b"IHDR" or len(chunks[0].data) != 13 or b"IDAT" not in kinds:
        raise FormatError("the PNG file has no image", ".png")
    return chunks, at

"""Lossless WebP.

The pixels are encoded anew, exactly, also where they are transparent; every other chunk stays.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Int, Integer
from numpy import ndarray
from PIL import Image

from ...core.channel import Channel
from ...core.cover import Cover
from ...errors import ConfigError, FormatError
from . import alpha_of, as_cover, as_pixels, samples


class Chunk(NamedTuple):
    """One chunk: its four-letter type, and all its bytes as they are in the file."""

    kind: bytes
    raw: bytes


@dataclass(frozen=True)
class WebpFile:
    """What a WebP holds besides its pixels."""

    chunks: tuple[Chunk, ...]
    """All chunks; the pixels are in `VP8L`."""
    rest: bytes
    """What follows the end of the image."""
    alpha: ndarray | None
    """(y, x), never changed."""


class WebpChannel(Channel):
    """Still, lossless WebP pictures: RGB and RGBA. Fully transparent pixels are not free."""

    name: ClassVar[str] = "webp"
    suffixes: ClassVar[tuple[str, ...]] = (".webp",)

    def read(self, data: bytes) -> Iterator[Cover]:
        """One cover, or none for lossy and for moving pictures."""
        chunks, end = parse(data)
        if [chunk.kind for chunk in chunks].count(b"VP8L") != 1:
            return
        pixels = samples(data)
        container = WebpFile(tuple(chunks), data[end:], alpha_of(pixels))
        yield as_cover(pixels, self.name, container)

    def write(self, cover: Cover, codes: Int[ndarray, "channel y x"]) -> bytes:
        """The file with new pixels between its own chunks."""
        file, encoded = cover.container, BytesIO()
        assert isinstance(file, WebpFile)
        pixels = Image.fromarray(as_pixels(codes, np.uint8, file.alpha))
        try:
            pixels.save(encoded, "WEBP", lossless=True, exact=True)
        except (OSError, ValueError) as error:  # more than 16383 pixels in a row
            raise ConfigError("cover", f"cannot be a WebP file ({error}).", "Use PNG.") from None
        fresh = next(c for c in parse(encoded.getvalue())[0] if c.kind == b"VP8L")
        body = b"".join(fresh.raw if c.kind == b"VP8L" else c.raw for c in file.chunks)
        return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body + file.rest


def cover_of(pixels: Integer[ndarray, "y x sample"], chunks: Iterable[Chunk]) -> Cover:
    """A cover of a new file of these pixels, with these chunks."""
    container = WebpFile(tuple(chunks), b"", alpha_of(pixels))
    return as_cover(pixels, WebpChannel.name, container)


def made(kind: bytes, data: bytes) -> Chunk:
    """A chunk of these bytes."""
    return Chunk(kind, kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2))


def parse(data: bytes) -> tuple[list[Chunk], int]:
    """The chunks of a WebP, and where they end; `FormatError` if it is not a WebP."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise FormatError("not a WebP file", ".webp")
    chunks, at, end = [], 12, 8 + int.from_bytes(data[4:8], "little")
    while at + 8 <= end:
        kind, size = struct.unpack("<4sI", data[at : at + 8].ljust(8, b"\0"))
        raw = data[at : at + 8 + size + size % 2]
        if len(raw) < 8 + size:
            raise FormatError("the WebP file is cut short", ".webp")
        chunks.append(Chunk(kind, raw))
        at += len(raw)
    return chunks, at

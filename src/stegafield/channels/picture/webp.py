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

_WAYS = ((4, 80), (6, 75), (5, 90), (4, 50), (4, 90), (4, 70), (3, 30), (2, 25), (1, 20), (0, 0))
"""(method, quality): that of Pillow and cwebp, then the levels 7, 8, 4, ... of cwebp -z."""
_MOST_TRIED = 1 << 20  # pixels
_EMPTY = 8  # bytes of a chunk with nothing in it, as a new file has


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
        file = cover.container
        assert isinstance(file, WebpFile)
        old = next(chunk.raw for chunk in file.chunks if chunk.kind == b"VP8L")
        way = _way(as_pixels(cover.codes, np.uint8, file.alpha), old)
        fresh = _encoded(as_pixels(codes, np.uint8, file.alpha), way)
        body = b"".join(fresh if c.kind == b"VP8L" else c.raw for c in file.chunks)
        return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body + file.rest


def _way(pixels: Integer[ndarray, "y x sample"], old: bytes) -> tuple[int, int]:
    """With which method and quality of libwebp these pixels became a chunk, or nearly did.

    Large pictures take the usual one: each try is a whole encoding.
    """
    if len(old) <= _EMPTY or pixels.shape[0] * pixels.shape[1] > _MOST_TRIED:
        return _WAYS[0]
    best = list[tuple[int, tuple[int, int]]]()
    for way in _WAYS:
        made = _encoded(pixels, way)
        if made == old:
            return way
        best.append((abs(len(made) - len(old)), way))
    return min(best)[1]


def _encoded(pixels: Integer[ndarray, "y x sample"], way: tuple[int, int]) -> bytes:
    """The chunk VP8L of these pixels."""
    out, (method, quality) = BytesIO(), way
    try:
        image = Image.fromarray(pixels)
        image.save(out, "WEBP", lossless=True, exact=True, method=method, quality=quality)
    except (OSError, ValueError) as error:  # more than 16383 pixels in a row
        raise ConfigError("cover", f"cannot be a WebP file ({error}).", "Use PNG.") from None
    return next(chunk.raw for chunk in parse(out.getvalue())[0] if chunk.kind == b"VP8L")


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

"""BMP: uncompressed 24-bit colour and 8-bit grey.

The pixels are patched in place; all other bytes stay.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ...core.channel import Channel
from ...core.cover import Cover
from ...errors import FormatError
from . import as_cover, as_pixels

_GREYS = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(256, 3)


@dataclass(frozen=True)
class BmpFile:
    """Where the pixels are in a file."""

    data: bytes
    """The whole file."""
    start: int
    width: int
    height: int
    samples: int
    """Bytes of a pixel: 3 (blue, green, red) or 1."""
    upward: bool
    """Whether the last row of the picture comes first, as is usual."""

    @property
    def stride(self) -> int:
        """Bytes of a row: it is padded to a multiple of 4."""
        return -(-self.width * self.samples // 4) * 4

    def pixels(self, data: bytes | bytearray) -> ndarray:
        """(y, x, sample), top row first, red first: a view of the pixels in these bytes."""
        shape, size = (self.height, self.width, self.samples), self.stride
        rows = np.ndarray(shape, np.uint8, data, self.start, (size, self.samples, 1))
        return rows[:: -1 if self.upward else 1, :, ::-1]


class BmpChannel(Channel):
    """Windows bitmaps of 24 bits, or of 8 bits with all greys as their palette."""

    name: ClassVar[str] = "bmp"
    suffixes: ClassVar[tuple[str, ...]] = (".bmp", ".dib")

    def read(self, data: bytes) -> Iterator[Cover]:
        """One cover, or none for other kinds (32 bits, colour palettes, run lengths, OS/2)."""
        file = parse(data)
        if file is None:
            return
        pixels = np.ascontiguousarray(file.pixels(data))
        yield as_cover(pixels[..., 0] if file.samples == 1 else pixels, self.name, file)

    def write(self, cover: Cover, codes: Int[ndarray, "channel y x"]) -> bytes:
        """The file with new pixels between its own bytes."""
        file = cover.container
        assert isinstance(file, BmpFile)
        out = bytearray(file.data)
        file.pixels(out)[...] = np.atleast_3d(as_pixels(codes, np.uint8))
        return bytes(out)


def parse(data: bytes) -> BmpFile | None:
    """Where the pixels are; None for a bitmap of another kind, `FormatError` if it is not one."""
    if not data.startswith(b"BM") or len(data) < 54:
        raise FormatError("not a BMP file", ".bmp")
    start, size, width, height, _, bits, packing = struct.unpack_from("<IIiiHHI", data, 10)
    colours = struct.unpack_from("<I", data, 46)[0] or 256
    palette = np.frombuffer(data[14 + size :][:1024], np.uint8)
    grey = colours == 256 and palette.size == 1024
    grey = grey and np.array_equal(palette.reshape(-1, 4)[:, :3], _GREYS)
    if (
        size < 40
        or packing != 0
        or width <= 0
        or height == 0
        or not (bits == 24 or (bits == 8 and grey))
    ):
        return None
    file = BmpFile(data, start, width, abs(height), bits // 8, height > 0)
    if start + file.stride * (file.height - 1) + width * file.samples > len(data):
        raise FormatError("the BMP file is cut short", ".bmp")
    return file

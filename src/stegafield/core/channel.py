"""The contract of a channel: one file format as a codec of integers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import ClassVar

from jaxtyping import Int
from numpy import ndarray

from ..errors import BrokenPlugin, ConfigError, FormatError
from . import lattice
from .cover import Cover

MOST_SAMPLES = 1 << 29
"""More elements than this are not read: 50 minutes of 96 kHz stereo, 100 of 44.1 kHz, a picture of
13,377 x 13,377."""
_FREELY, _PER_BYTE = 1 << 26, 64


def most_samples(size: int) -> int:
    """The elements that a file of `size` bytes may declare: a few bytes can declare gigabytes of
    nothing.

    64 a byte, at least 67,108,864 and at most `MOST_SAMPLES`. Noise, which hides messages, is never
    that small.
    """
    return min(MOST_SAMPLES, max(_FREELY, _PER_BYTE * size))


_WORTH, _WORTH_PER_BYTE = 1 << 23, 192


def worth(elements: int, size: int | None) -> None:
    """Raise `FormatError` where a cover of so many elements comes from so few bytes that nearly all
    of it is flat, and to look at it would cost hundreds of megabytes for nothing.

    Stricter than `most_samples`, which bounds what is read: a stego of any such file still opens.
    """
    if size is not None and elements > max(_WORTH, _WORTH_PER_BYTE * size):
        raise FormatError(
            f"{elements:,} elements in {size:,} bytes: nearly all of it is flat, and carries "
            "nothing. Crop it to what is not, or save it with fewer elements."
        )


LOSSY = {
    **dict.fromkeys([".jpg", ".jpeg", ".jpe", ".jfif"], "JPEG"),
    **{".avif": "AVIF", ".heic": "HEIC", ".jxl": "JPEG XL"},
    **{".jp2": "JPEG 2000", ".gif": "GIF", ".mp3": "MP3", ".ogg": "Ogg Vorbis", ".opus": "Opus"},
    **{".m4a": "AAC", ".aac": "AAC", ".wma": "WMA", ".mp4": "MPEG-4", ".grib": "GRIB packing"},
    **{".grb": "GRIB packing", ".grib2": "GRIB packing"},
}
"""Formats that users ask for and that would destroy a message, by suffix."""


class Channel(ABC):
    """One file format. Reads the integers a file stores and writes them back, exactly.

    A user's own file is patched in a copy, never rebuilt: whatever is not a free element stays as
    it was.
    """

    name: ClassVar[str]
    api_version: ClassVar[int] = 1
    """The version of this contract that the class was written for (`core.registry`)."""
    suffixes: ClassVar[tuple[str, ...]]
    """File name suffixes with the dot, the usual one first."""

    @abstractmethod
    def read(self, data: bytes) -> Iterator[Cover]:
        """Every candidate cover of a file (each eligible variable, say).

        Raises `FormatError` where the bytes are not of this format; yields nothing where they are,
        but hold nothing that this channel can carry a message in.
        """

    @classmethod
    def recognizes(cls, data: bytes) -> bool:
        """Whether a file is of this format: what a cover's medium is told from.

        As it is, whether `read` takes it. Override it where the first bytes tell.
        """
        try:
            next(iter(cls().read(data)), None)
        except FormatError:
            return False
        return True

    @abstractmethod
    def write(self, cover: Cover, codes: Int[ndarray, "channel *space"]) -> bytes:
        """The file of `cover` with these codes in the place of its own."""

    def check_suffix(self, path: str) -> None:
        """Raise `ConfigError` where a file of this name would not be taken for this format, or
        would be lossy."""
        check_suffix(path, self.suffixes)


def written(channel: Channel, cover: Cover, codes: Int[ndarray, "channel *space"]) -> bytes:
    """The file that a channel writes; `BrokenPlugin` where it gives anything but bytes (a path
    would be read)."""
    if cover.lattice is not None:
        codes, cover = lattice.stored(cover, codes), cover.lattice.plain
    data = channel.write(cover, codes)
    if not isinstance(data, bytes):
        raise BrokenPlugin(
            f"the channel {channel.name!r} writes a {type(data).__name__}, not bytes."
        )
    return data


def check_suffix(path: str, suffixes: Sequence[str]) -> None:
    """Raise `ConfigError` where the suffix of a path is none of these; no suffix is no mistake."""
    suffix = PurePath(path).suffix.lower()
    if suffix in ("", *suffixes):
        return
    good = " or ".join(suffixes)
    if suffix in LOSSY:
        problem = f"{suffix} ({LOSSY[suffix]}) is lossy and would destroy the message."
        raise ConfigError("out", problem, f"Save losslessly instead, as {good}.")
    raise ConfigError("out", f"the stego is not written as {suffix}.", f"Save as {good}.")

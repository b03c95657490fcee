"""Plain samples in a file: where they are, how they are read, and how others take their place."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Integer
from numpy import ndarray

from ...core.channel import Channel
from ...core.cover import Cover
from . import DEPTHS, as_cover


@dataclass(frozen=True)
class PcmFile:
    """Where the samples are in a file, and how they are stored."""

    data: bytes
    """The whole file."""
    start: int
    frames: int
    channels: int
    bits: int
    rate: int
    big: bool = False
    """Whether the most significant byte comes first."""
    signed: bool = False
    """Whether 8 bits are signed; more always are."""

    @property
    def end(self) -> int:
        """The first byte after the samples."""
        return self.start + self.frames * self.channels * self.bits // 8

    def read(self) -> Integer[ndarray, "frame channel"]:
        """The samples: 8 bits from 0 to 255, more are signed."""
        size, order = self.bits // 8, ">" if self.big else "<"
        raw = np.frombuffer(self.data, np.uint8, self.end - self.start, self.start)
        if size == 3:
            wide = np.zeros((raw.size // 3, 4), np.uint8)
            wide[:, slice(0, 3) if self.big else slice(1, 4)] = raw.reshape(-1, 3)
            found = wide.reshape(-1).view(f"{order}i4") >> 8
        elif size == 1:
            found = raw ^ np.uint8(128) if self.signed else raw
        else:
            found = raw.view(f"{order}i{size}")
        if found.dtype.byteorder == ">":
            found = found.astype(found.dtype.newbyteorder("="))
        return found.reshape(-1, self.channels)

    def write(self, codes: Int[ndarray, "channel time"]) -> bytes:
        """The file with other samples between its own bytes."""
        whole, samples = memoryview(self.data), packed(codes.T, self.bits, self.big, self.signed)
        return b"".join([whole[: self.start], samples, whole[self.end :]])


class PcmChannel(Channel):
    """A format that stores plain samples, which are patched in place. All samples are free."""

    @staticmethod
    @abstractmethod
    def parse(data: bytes) -> PcmFile | None:
        """Where the samples are; None for another encoding, `FormatError` for another format."""

    def read(self, data: bytes) -> Iterator[Cover]:
        """One cover, or none for other encodings."""
        file = self.parse(data)
        if file is not None:
            yield as_cover(file.read(), file.bits, self.name, file)

    def write(self, cover: Cover, codes: Int[ndarray, "channel time"]) -> bytes:
        """The file with new samples between its own bytes."""
        assert isinstance(cover.container, PcmFile)
        return cover.container.write(codes)


def packed(
    frames: Int[ndarray, "frame channel"], bits: int, big: bool = False, signed: bool = False
) -> bytes | memoryview:
    """Samples as a file stores them."""
    size, order = bits // 8, ">" if big else "<"
    frames = np.ascontiguousarray(frames)
    if size == 3:
        octets = frames.astype(f"{order}i4").reshape(-1, 1).view(np.uint8)
        stored = octets[:, 1:] if big else octets[:, :3]
    elif size == 1:
        stored = frames.astype(np.uint8) ^ np.uint8(128 if signed else 0)
    else:
        stored = frames.astype(f"{order}i{size}", copy=False)
    return np.ascontiguousarray(stored).view(np.uint8).reshape(-1).data if stored.size else b""


def storable(bits: int) -> bool:
    """Whether samples of so many bits can carry a message."""
    return bits in DEPTHS.values()

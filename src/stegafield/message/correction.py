"""Error correction between the sealed frame and the bits, for extractors that read with floats.

An exact reader (the phase extractor) needs none. A float reader may flip a bit near its threshold
on another machine; Reed-Solomon repairs that before the frame is authenticated. Correction comes
before the mask, so that a codeword looks uniform.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

BLOCK, PARITY = 255, 32


class Correction(ABC):
    """Error correction from a fixed number of bytes to a fixed larger number of bytes."""

    name: ClassVar[str]

    @abstractmethod
    def room(self, coded: int) -> int:
        """How many bytes of data fit into `coded` bytes."""

    @abstractmethod
    def encode(self, data: bytes, coded: int) -> bytes:
        """`data` (exactly `room(coded)` bytes) as `coded` bytes."""

    @abstractmethod
    def decode(self, coded: bytes) -> bytes | None:
        """The data, or None where there are more errors than the correction can repair."""


class Plain(Correction):
    """No correction: for readers that are exact."""

    name = "none"

    def room(self, coded: int) -> int:
        """Every byte."""
        return coded

    def encode(self, data: bytes, coded: int) -> bytes:
        """The data itself."""
        return data

    def decode(self, coded: bytes) -> bytes | None:
        """The data itself."""
        return coded


class ReedSolomon(Correction):
    """Reed-Solomon over GF(256): repairs 16 wrong bytes in each block of up to 255.

    A block has 32 parity bytes. Blocks are as few as possible and as equal as possible, and
    interleaved byte by byte so that they share a burst of errors.
    """

    name = "rs"

    def room(self, coded: int) -> int:
        """`coded` less 32 bytes for each block."""
        return max(0, coded - PARITY * -(-coded // BLOCK))

    def encode(self, data: bytes, coded: int) -> bytes:
        """The interleaved codewords."""
        from reedsolo import RSCodec

        codec, out, start = RSCodec(PARITY), bytearray(coded), 0
        blocks = -(-coded // BLOCK)
        for index in range(blocks):
            size = len(range(index, coded, blocks)) - PARITY
            out[index::blocks] = codec.encode(data[start : start + size])
            start += size
        return bytes(out)

    def decode(self, coded: bytes) -> bytes | None:
        """The data, or None where a block has more than 16 wrong bytes."""
        from reedsolo import ReedSolomonError, RSCodec

        if self.room(len(coded)) == 0:
            return None
        codec, out = RSCodec(PARITY), bytearray()
        blocks = -(-len(coded) // BLOCK)
        for index in range(blocks):
            try:
                out += codec.decode(coded[index::blocks])[0]
            except ReedSolomonError:
                return None
        return bytes(out)


CORRECTIONS: tuple[Correction, ...] = (Plain(), ReedSolomon())

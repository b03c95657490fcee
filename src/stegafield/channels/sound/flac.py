"""FLAC: 16-bit and 24-bit samples.

The samples are encoded anew; every metadata block of the file stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ...core.channel import Channel, most_samples
from ...core.cover import Cover
from ...errors import FormatError
from . import DEPTHS, as_cover

_MAGIC = b"fLaC"
_STREAMINFO, _SEEKTABLE = 0, 3
_PART = 1 << 20  # frames decoded at a time: a damaged header may promise any number


class Block(NamedTuple):
    """One metadata block: its type, and its content."""

    kind: int
    content: bytes


@dataclass(frozen=True)
class FlacFile:
    """What a FLAC file holds besides its samples."""

    blocks: tuple[Block, ...]
    """The metadata that stays.

    Not STREAMINFO, which describes the encoding, nor SEEKTABLE, which points into it.
    """
    rate: int
    bits: int
    prefix: bytes = b""
    """An ID3v2 tag, which some programs put in front."""


class FlacChannel(Channel):
    """FLAC files of 16 or 24 bits. All samples are free."""

    name: ClassVar[str] = "flac"
    suffixes: ClassVar[tuple[str, ...]] = (".flac",)

    def read(self, data: bytes) -> Iterator[Cover]:
        """One cover, or none for other depths."""
        start = _behind_id3(data)
        prefix, data = data[:start], data[start:]
        blocks, _ = parse(data)
        facts = int.from_bytes(blocks[0].content[10:18])  # rate 20, channels 3, depth 5, length 36
        rate, bits = facts >> 44, (facts >> 36 & 31) + 1
        if bits not in (16, 24):
            return
        kept = tuple(block for block in blocks if block.kind not in (_STREAMINFO, _SEEKTABLE))
        channels, length = (facts >> 41 & 7) + 1, facts & (1 << 36) - 1
        frames = _decode(data, bits, most_samples(len(data)) // channels, length)
        yield as_cover(frames, bits, self.name, FlacFile(kept, rate, bits, prefix))

    def write(self, cover: Cover, codes: Int[ndarray, "channel time"]) -> bytes:
        """New FLAC frames of the samples, after a new STREAMINFO and the file's own metadata."""
        import soundfile

        file, encoded = cover.container, BytesIO()
        assert isinstance(file, FlacFile)
        subtype = next(name for name, bits in DEPTHS.items() if bits == file.bits)
        frames = np.ascontiguousarray(codes.T)
        frames = frames.astype(np.int16) if file.bits == 16 else frames << 8
        soundfile.write(encoded, frames, file.rate, subtype, format="FLAC")
        fresh = encoded.getvalue()
        blocks, end = parse(fresh)
        return file.prefix + _MAGIC + _packed([blocks[0], *file.blocks]) + fresh[end:]


def parse(data: bytes) -> tuple[list[Block], int]:
    """The metadata blocks and where they end; `FormatError` if the bytes are not FLAC."""
    if not data.startswith(_MAGIC):
        raise FormatError("not a FLAC file", ".flac")
    blocks, at, last = [], len(_MAGIC), 0
    while not last:
        head = data[at : at + 4]
        content = data[at + 4 : at + 4 + int.from_bytes(head[1:])]
        if len(head) < 4 or len(content) < int.from_bytes(head[1:]):
            raise FormatError("the FLAC file is cut short", ".flac")
        last = head[0] & 128
        blocks.append(Block(head[0] & 127, content))
        at += 4 + len(content)
    if blocks[0].kind != _STREAMINFO or len(blocks[0].content) != 34:
        raise FormatError("the FLAC file does not say what is in it", ".flac")
    return blocks, at


def _behind_id3(data: bytes) -> int:
    """Where the FLAC begins after ID3v2 tags, whose sizes have seven bits a byte."""
    start = 0
    while data[start : start + 3] == b"ID3" and len(data) >= start + 10:
        size, footer = data[start + 6 : start + 10], data[start + 5] & 16
        start += (
            10 + sum(byte << 7 * i for i, byte in enumerate(reversed(size))) + 10 * bool(footer)
        )
    return start


def _packed(blocks: list[Block]) -> bytes:
    """Metadata blocks as they are in a file, the last one marked."""
    last = len(blocks) - 1
    return b"".join(
        bytes([kind | 128 * (i == last)]) + len(content).to_bytes(3) + content
        for i, (kind, content) in enumerate(blocks)
    )


def _decode(data: bytes, bits: int, most: int, length: int) -> Int[ndarray, "frame channel"]:
    import soundfile

    if length > most:
        raise FormatError(f"the FLAC file declares {length} frames in {len(data)} bytes", ".flac")
    kind, parts = ("int16", []) if bits == 16 else ("int32", [])
    try:
        with soundfile.SoundFile(BytesIO(data)) as file:
            while not parts or (len(parts[-1]) == _PART and len(parts) * _PART <= most):
                parts.append(file.read(_PART, kind, always_2d=True))
            missing = file.frames - sum(map(len, parts))
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError) as error:
        raise FormatError(f"not a readable FLAC file ({error})", ".flac") from None
    if sum(map(len, parts)) > most:
        raise FormatError(f"the FLAC file has over {most} frames in {len(data)} bytes", ".flac")
    if missing:
        raise FormatError(f"the FLAC file is cut short: {missing} frames are missing", ".flac")
    frames = np.concatenate(parts)
    return frames if bits == 16 else frames >> 8

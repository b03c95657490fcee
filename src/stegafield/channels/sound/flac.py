"""FLAC: 8-bit, 16-bit and 24-bit samples.

Everything but the samples stays: metadata blocks, tags in front and behind, and what the encoder
chose for each frame (`frames`). Where libFLAC at one of its levels makes the very frames of the
cover, it makes those of the stego.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ...core.channel import Channel, most_samples
from ...core.cover import Cover
from ...core.foreign import foreign
from ...core.parallel import each
from ...errors import ConfigError, FormatError
from . import Memory, as_cover, frames

MAGIC = b"fLaC"
STREAMINFO, PADDING, SEEKTABLE, COMMENTS, PICTURE = 0, 1, 3, 4, 6
SUBTYPES = {8: "PCM_S8", 16: "PCM_16", 24: "PCM_24"}
_PART = 1 << 20  # frames decoded at a time: a damaged header may promise any number
_SHARE = 64  # frames that one thread encodes at a time
_TRIAL = 8  # blocks that tell whether libFLAC made a file
_LEVELS = {1152: (0, 1, 2), 4096: (5, 8, 3, 4, 6, 7)}
"""Levels of libFLAC, by the size of their blocks; the usual ones first."""
_NONE = bytes(16)  # a check sum that was never computed


class Block(NamedTuple):
    """One metadata block: its type, and its content."""

    kind: int
    content: bytes


@dataclass(frozen=True)
class FlacFile:
    """What a FLAC file holds besides its samples."""

    data: bytes
    """The whole file."""
    prefix: int
    """First byte of the FLAC: ID3v2 tags may stand in front."""
    blocks: tuple[Block, ...]
    start: int
    """First byte of the frames."""
    stop: int
    """First byte after the frames: tags may follow."""
    rate: int
    channels: int
    bits: int
    count: int
    """Samples of each channel, as the frames say."""

    @property
    def info(self) -> bytes:
        """STREAMINFO."""
        return next(block.content for block in self.blocks if block.kind == STREAMINFO)

    def samples(self) -> Int[ndarray, "frame channel"]:
        """The samples, decoded anew."""
        return _decode(self)

    @cached_property
    def frames(self) -> tuple[frames.Frame, ...] | None:
        """The frames, where they can be encoded again as they are; None else."""
        try:
            found = tuple(frames.parsed(self.data, self.start, self.samples(), self.bits))
        except FormatError:
            return None
        return found if found and found[-1].stop == self.stop else None


class FlacChannel(Channel):
    """FLAC files of 8, 16 or 24 bits. All samples are free."""

    name: ClassVar[str] = "flac"
    suffixes: ClassVar[tuple[str, ...]] = (".flac",)

    def read(self, data: bytes) -> Iterator[Cover]:
        """One cover, or none for other depths."""
        file = opened(data)
        if file is not None:
            found = file.samples() + (np.int16(128) if file.bits == 8 else np.int16(0))
            yield as_cover(found, file.bits, self.name, file)

    def write(self, cover: Cover, codes: Int[ndarray, "channel time"]) -> bytes:
        """The file with new frames, and what else must change with them: sizes, check sum, seek
        points."""
        file = cover.container
        assert isinstance(file, FlacFile)
        new = codes.T - 128 if file.bits == 8 else codes.T
        made = _again(file, new)
        blocks = file.blocks
        if made is None:
            info, made = _encoded(file, new, None)
            blocks = [block for block in blocks if block.kind != SEEKTABLE]
        else:
            info = file.info
            sizes = [len(part) for part in made]
            info = info[:4] + _bounds(info[4:10], sizes) + info[10:]
            if SEEKTABLE in [block.kind for block in blocks]:
                blocks = [_seeking(block, file, sizes) for block in blocks]
        if file.info[18:] != _NONE:
            info = info[:18] + checksum(new, file.bits)
        info = info[:10] + file.info[10:18] + (info[18:] if file.info[18:] != _NONE else _NONE)
        blocks = [Block(0, info) if block.kind == STREAMINFO else block for block in blocks]
        head = file.data[: file.prefix] + MAGIC + packed(blocks)
        return b"".join([head, *made, file.data[file.stop :]])


def notes(cover: Cover) -> tuple[str, ...]:
    """What a new FLAC file cannot keep of its cover."""
    file = cover.container
    if not isinstance(file, FlacFile) or file.frames is not None:
        return ()
    lost = "and its seek table is dropped" if SEEKTABLE in [b.kind for b in file.blocks] else ""
    said = "the frames of the cover cannot be encoded as they were: blocks and predictors are new"
    return (f"{said} {lost}".strip(),)


def opened(data: bytes) -> FlacFile | None:
    """What a FLAC file is; None for depths that carry nothing."""
    prefix = behind_id3(data)
    blocks, start = parse(data[prefix:])
    info = next(block.content for block in blocks if block.kind == STREAMINFO)
    facts = int.from_bytes(info[10:18])  # rate 20 bits, channels 3, depth 5, length 36
    rate, bits = facts >> 44, (facts >> 36 & 31) + 1
    if bits not in SUBTYPES:
        return None
    channels, count, start = (facts >> 41 & 7) + 1, facts & (1 << 36) - 1, start + prefix
    stop = before_tags(data, start)
    found = frames.length(data, start, stop)
    if found is None and not count and stop > start:
        raise FormatError("the FLAC file is cut short: its last frame is missing", ".flac")
    count = max(count, found or 0)
    most = most_samples(len(data)) // channels
    if count > most:
        raise FormatError(f"the FLAC file declares {count} frames in {len(data)} bytes", ".flac")
    return FlacFile(data, prefix, tuple(blocks), start, stop, rate, channels, bits, count)


def parse(data: bytes) -> tuple[list[Block], int]:
    """The metadata blocks and where they end; `FormatError` if the bytes are not FLAC."""
    if not data.startswith(MAGIC):
        raise FormatError("not a FLAC file", ".flac")
    blocks, at, last = [], len(MAGIC), 0
    while not last:
        head = data[at : at + 4]
        content = data[at + 4 : at + 4 + int.from_bytes(head[1:])]
        if len(head) < 4 or len(content) < int.from_bytes(head[1:]):
            raise FormatError("the FLAC file is cut short", ".flac")
        last = head[0] & 128
        blocks.append(Block(head[0] & 127, content))
        at += 4 + len(content)
    if [len(block.content) for block in blocks if block.kind == STREAMINFO] != [34]:
        raise FormatError("the FLAC file does not say what is in it", ".flac")
    return blocks, at


def packed(blocks: list[Block]) -> bytes:
    """Metadata blocks as they are in a file, the last one marked."""
    last = len(blocks) - 1
    return b"".join(
        bytes([kind | 128 * (i == last)]) + len(content).to_bytes(3) + content
        for i, (kind, content) in enumerate(blocks)
    )


def behind_id3(data: bytes) -> int:
    """Where the file begins after ID3v2 tags, whose sizes have seven bits a byte."""
    start = 0
    while data[start : start + 3] == b"ID3" and len(data) >= start + 10:
        size, footer = data[start + 6 : start + 10], data[start + 5] & 16
        start += (
            10 + sum(byte << 7 * i for i, byte in enumerate(reversed(size))) + 10 * bool(footer)
        )
    return start


def before_tags(data: bytes, start: int) -> int:
    """Where the frames end before tags of ID3v1 and APE, which some programs put behind."""
    stop = len(data)
    if data[max(start, stop - 128) : stop][:3] == b"TAG":
        stop -= 128
    foot = data[max(start, stop - 32) : stop]
    if foot[:8] == b"APETAGEX":
        size, _, flags = struct.unpack_from("<III", foot, 12)
        size += 32 if flags >> 31 else 0  # a header
        stop = stop - size if start <= stop - size else stop
    return stop


def checksum(samples: Int[ndarray, "frame channel"], bits: int) -> bytes:
    """The MD5 sum of samples, as STREAMINFO has it."""
    found = hashlib.md5(usedforsecurity=False)
    for at in range(0, len(samples), _PART):
        part = np.ascontiguousarray(samples[at : at + _PART], "<i4")
        octets = part.view(np.uint8).reshape(-1, 4)[:, : bits // 8]
        found.update(np.ascontiguousarray(octets).data)
    return found.digest()


def _again(file: FlacFile, new: Int[ndarray, "frame channel"]) -> list[bytes] | None:
    """The frames of other samples; None where those of the cover are of an unknown kind."""
    kept = file.frames
    if kept is None:
        return None
    old = file.samples()
    level = _level(file, old, kept)
    if level is not None:
        _, whole = _encoded(file, new, level)
        data = b"".join(whole)
        return [data[f.start : f.stop] for f in frames.parsed(data, 0, new, file.bits)]

    def recoded(some: slice) -> list[bytes]:
        found = []
        for frame in kept[some]:
            here = slice(frame.first, frame.first + frame.size)
            found.append(frames.recoded(file.data, frame, old[here], new[here]))
        return found

    shares = [slice(at, at + _SHARE) for at in range(0, len(kept), _SHARE)]
    return [made for some in each(recoded, shares) for made in some]


def _level(
    file: FlacFile, samples: Int[ndarray, "frame channel"], kept: tuple[frames.Frame, ...]
) -> int | None:
    """The level at which libFLAC makes the frames of a file; None where it does at none."""
    size = int.from_bytes(file.info[2:4])
    some = kept[:_TRIAL]
    wanted = file.data[file.start : some[-1].stop]
    for level in _LEVELS.get(size, ()):
        try:
            _, made = _encoded(file, samples[: some[-1].first + some[-1].size], level)
        except ConfigError:  # an odd rate
            return None
        if b"".join(made) == wanted:
            return level
    return None


def _encoded(
    file: FlacFile, samples: Int[ndarray, "frame channel"], level: int | None
) -> tuple[bytes, list[bytes]]:
    """STREAMINFO and all frames as libFLAC makes them."""
    import soundfile

    out, wide = BytesIO(), np.ascontiguousarray(samples, np.int32) << (32 - file.bits)
    kind = SUBTYPES[file.bits]
    share = None if level is None else level / 8
    try:
        with foreign("cannot be encoded", ".flac"):
            soundfile.write(out, wide, file.rate, kind, format="FLAC", compression_level=share)
    except FormatError as error:
        problem = f"cannot be written as FLAC again ({error})."
        raise ConfigError("cover", problem, "Save it anew first, or write a WAV.") from None
    blocks, start = parse(out.getvalue())
    return blocks[0].content, [out.getvalue()[start:]]


def _bounds(old: bytes, sizes: list[int]) -> bytes:
    """The least and the greatest size of a frame, where they were given: 24 bits each."""
    ends = min(sizes), max(sizes)
    given = old[:3], old[3:]
    return b"".join(
        end.to_bytes(3) if any(one) else one for one, end in zip(given, ends, strict=True)
    )


def _seeking(block: Block, file: FlacFile, sizes: list[int]) -> Block:
    """A seek table that points to the new frames; other blocks as they are."""
    if block.kind != SEEKTABLE:
        return block
    assert file.frames is not None
    moved = np.cumsum([0, *sizes]).tolist()
    places = {frame.start - file.start: at for frame, at in zip(file.frames, moved, strict=False)}
    content = bytearray(block.content)
    for at in range(0, len(content) - 17, 18):
        (offset,) = struct.unpack_from(">Q", content, at + 8)
        struct.pack_into(">Q", content, at + 8, places.get(offset, offset))
    return Block(SEEKTABLE, bytes(content))


def _decode(file: FlacFile) -> Int[ndarray, "frame channel"]:
    """The samples, signed, by libFLAC; it gets STREAMINFO and frames alone, with their number."""
    import soundfile

    facts = int.from_bytes(file.info[10:18]) >> 36 << 36 | file.count
    info = file.info[:10] + facts.to_bytes(8) + file.info[18:]
    head = MAGIC + packed([Block(STREAMINFO, info)])
    kind = "int32" if file.bits == 24 else "int16"
    parts, count = [], 0
    if not file.count:
        return np.empty((0, file.channels), kind)
    with foreign("not a readable FLAC file", ".flac"):
        stream = Memory(b"".join([head, memoryview(file.data)[file.start : file.stop]]))
        with soundfile.SoundFile(stream) as sound:
            if sound.channels != file.channels or sound.subtype != SUBTYPES[file.bits]:
                raise FormatError("the FLAC file is not of the kind that it says", ".flac")
            while count < file.count:
                parts.append(sound.read(min(_PART, file.count - count), kind, always_2d=True))
                count += len(parts[-1])
                if not len(parts[-1]):
                    break
    if count < file.count:
        missing = file.count - count
        raise FormatError(f"the FLAC file is cut short: {missing} frames are missing", ".flac")
    found = np.concatenate(parts) if len(parts) > 1 else parts[0]
    return found >> 8 if file.bits != 16 else found

"""WAV: 8-bit unsigned, 16-bit and 24-bit PCM.

Only the samples in the `data` chunk are patched; all other bytes stay.
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
from . import DEPTHS, as_cover

_PCM, _EXTENSIBLE = 1, 0xFFFE
_GUID = bytes.fromhex("000000001000800000aa00389b71")  # after the two bytes of the tag
_UNKNOWN = 0xFFFFFFFF  # a size that is in ds64, or that a stream never filled in


@dataclass(frozen=True)
class WavFile:
    """Where the samples are in a file."""

    data: bytes
    """The whole file."""
    start: int
    frames: int
    channels: int
    bits: int

    @property
    def end(self) -> int:
        """The first byte after the samples."""
        return self.start + self.frames * self.channels * self.bits // 8


class WavChannel(Channel):
    """RIFF and RF64 files of PCM samples, WAVE_FORMAT_EXTENSIBLE too. All samples are free."""

    name: ClassVar[str] = "wav"
    suffixes: ClassVar[tuple[str, ...]] = (".wav", ".wave", ".rf64")

    def read(self, data: bytes) -> Iterator[Cover]:
        """One cover, or none for padded samples and other encodings.

        Other encodings are float, 32 bits, ADPCM and mu-law.
        """
        file = parse(data)
        if file is None:
            return
        raw = np.frombuffer(data, np.uint8, file.end - file.start, file.start)
        if file.bits == 24:
            wide = np.zeros((raw.size // 3, 4), np.uint8)
            wide[:, 1:] = raw.reshape(-1, 3)
            samples = wide.reshape(-1).view("<i4") >> 8
        else:
            samples = raw.view("<i2") if file.bits == 16 else raw
        yield as_cover(samples.reshape(-1, file.channels), file.bits, self.name, file)

    def write(self, cover: Cover, codes: Int[ndarray, "channel time"]) -> bytes:
        """The file with new samples between its own bytes."""
        file = cover.container
        assert isinstance(file, WavFile)
        frames = np.ascontiguousarray(codes.T)
        if file.bits == 24:
            stored = frames.astype("<i4").reshape(-1, 1).view(np.uint8)[:, :3]
        else:
            stored = frames.astype("<i2" if file.bits == 16 else np.uint8, copy=False)
        whole = memoryview(file.data)
        samples = np.ascontiguousarray(stored).data.cast("B") if stored.size else b""
        return b"".join([whole[: file.start], samples, whole[file.end :]])


def parse(data: bytes) -> WavFile | None:
    """Where the samples are; None for another encoding, `FormatError` if it is not a WAV file."""
    if data[:4] not in (b"RIFF", b"RF64") or data[8:12] != b"WAVE":
        raise FormatError("not a WAV file", ".wav")
    form = None
    for kind, start, size in _chunks(data):
        if kind == b"fmt ":
            form = data[start : start + size]
        elif kind == b"data":
            if form is None or len(form) < 16:
                break
            return _file(data, form, start, min(size, len(data) - start))
    raise FormatError("the WAV file is cut short", ".wav")


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first byte and size of each chunk."""
    at, long = 12, _UNKNOWN
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind == b"ds64" and at + 24 <= len(data):
            long = struct.unpack_from("<Q", data, at + 16)[0]
        elif kind == b"data" and size == _UNKNOWN:
            size = long
        yield kind, at + 8, size
        at += 8 + size + size % 2


def _file(data: bytes, form: bytes, start: int, size: int) -> WavFile | None:
    tag, channels, _, _, align, bits = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 40 and form[26:40] == _GUID:
        used = struct.unpack_from("<H", form, 18)[0]
        tag = struct.unpack_from("<H", form, 24)[0] if used in (0, bits) else None
    if tag != _PCM or bits not in DEPTHS.values() or not channels or align != channels * bits // 8:
        return None
    return WavFile(data, start, size // align, channels, bits)

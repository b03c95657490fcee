"""WAV: 8-bit unsigned PCM, and 16, 24 and 32 bits.

Only the samples in the `data` chunk are patched; all other bytes stay.
"""

import struct
from collections.abc import Iterator
from typing import ClassVar

from ...errors import FormatError
from .pcm import PcmChannel, PcmFile, storable

PCM, EXTENSIBLE = 1, 0xFFFE
GUID = bytes.fromhex("000000001000800000aa00389b71")  # after the two bytes of the tag
_UNKNOWN = 0xFFFFFFFF  # a size that is in ds64, or that a stream never filled in


class WavChannel(PcmChannel):
    """RIFF, RF64 and BW64 files of PCM samples, also extensible ones. All samples are free."""

    name: ClassVar[str] = "wav"
    suffixes: ClassVar[tuple[str, ...]] = (".wav", ".wave", ".rf64", ".bw64", ".bwf")

    @staticmethod
    def parse(data: bytes) -> PcmFile | None:
        """Where the samples are; None for another encoding, `FormatError` for another format."""
        return parse(data)


def parse(data: bytes) -> PcmFile | None:
    """Where the samples are; None for another encoding, `FormatError` if it is not a WAV file."""
    if data[:4] not in (b"RIFF", b"RF64", b"BW64") or data[8:12] != b"WAVE":
        raise FormatError("not a WAV file", ".wav")
    form = None
    for kind, start, size in chunks(data):
        if kind == b"fmt ":
            form = data[start : start + size]
        elif kind == b"data":
            if form is None or len(form) < 16:
                break
            return _file(data, form, start, min(size, len(data) - start))
    raise FormatError("the WAV file is cut short", ".wav")


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first byte and size of each chunk.

    A program that was stopped, or that wrote to a pipe, leaves the sizes of the file and of `data`
    at 0: then the samples reach to the end.
    """
    at, long = 12, _UNKNOWN
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind == b"ds64" and at + 24 <= len(data):
            long = struct.unpack_from("<Q", data, at + 16)[0]
        elif kind == b"data" and size == _UNKNOWN:
            size = long
        elif kind == b"data" and not size and struct.unpack_from("<I", data, 4)[0] <= at:
            size = len(data) - at - 8
        yield kind, at + 8, size
        at += 8 + size + size % 2


def _file(data: bytes, form: bytes, start: int, size: int) -> PcmFile | None:
    tag, channels, rate, _, align, bits = struct.unpack_from("<HHIIHH", form)
    if tag == EXTENSIBLE and len(form) >= 40 and form[26:40] == GUID:
        used = struct.unpack_from("<H", form, 18)[0]
        tag = struct.unpack_from("<H", form, 24)[0] if used <= bits else None
    if tag != PCM or not storable(bits) or not channels or align != channels * bits // 8:
        return None
    return PcmFile(data, start, size // align, channels, bits, rate)

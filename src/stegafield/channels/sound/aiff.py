"""AIFF and AIFF-C without compression: 8, 16, 24 and 32 bits.

Only the samples in the `SSND` chunk are patched; all other bytes stay.
"""

import struct
from collections.abc import Iterator
from typing import ClassVar

from ...errors import FormatError
from .pcm import PcmChannel, PcmFile, storable

_BIG, _LITTLE = (b"NONE", b"twos", b"in24", b"in32"), (b"sowt", b"42ni", b"23ni")


class AiffChannel(PcmChannel):
    """AIFF files of PCM samples, and AIFF-C of the kinds `NONE`, `twos` and `sowt`."""

    name: ClassVar[str] = "aiff"
    suffixes: ClassVar[tuple[str, ...]] = (".aiff", ".aif", ".aifc")

    @staticmethod
    def parse(data: bytes) -> PcmFile | None:
        """Where the samples are; None for another encoding, `FormatError` for another format."""
        return parse(data)


def parse(data: bytes) -> PcmFile | None:
    """Where the samples are; None for another encoding, `FormatError` if it is no AIFF file."""
    if data[:4] != b"FORM" or data[8:12] not in (b"AIFF", b"AIFC"):
        raise FormatError("not an AIFF file", ".aiff")
    form = found = None
    for kind, start, size in chunks(data):
        if kind == b"COMM":
            form = data[start : start + size]
        elif kind == b"SSND" and start + 8 <= len(data):
            skipped = struct.unpack_from(">I", data, start)[0]
            found = start + 8 + skipped, min(size, len(data) - start) - 8 - skipped
    if form is None or len(form) < 18 or (data[8:12] == b"AIFC" and len(form) < 22):
        raise FormatError("the AIFF file is cut short", ".aiff")
    channels, frames, used = struct.unpack_from(">HIH", form)
    kind = form[18:22] if data[8:12] == b"AIFC" else b"NONE"
    bits = -(-used // 8) * 8  # fewer are in the upper bits
    if kind not in _BIG + _LITTLE or not storable(bits) or not channels:
        return None
    start, size = found or (len(data), 0)
    if start > len(data):
        raise FormatError("the AIFF file is cut short", ".aiff")
    frames = min(frames, max(0, size) // (channels * bits // 8))
    return PcmFile(data, start, frames, channels, bits, _rate(form), kind in _BIG, signed=True)


def _rate(form: bytes) -> int:
    """Samples a second: a float of 80 bits."""
    power, whole = struct.unpack_from(">HQ", form, 8)
    shift = 16383 + 63 - (power & 0x7FFF)
    return whole >> shift if 0 <= shift < 64 else 0


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first byte and size of each chunk."""
    at = 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from(">4sI", data, at)
        yield kind, at + 8, size
        at += 8 + size + size % 2

"""Frames of FLAC (RFC 9639, section 9), encoded again as they were: blocks, predictors, partitions.

An encoder shows in what it chose. So a frame keeps the choices of its cover: block size, stereo
decorrelation, kind and order of predictor, its coefficients, number of partitions. Only residuals
change, and the Rice parameters of partitions that have new ones. What comes out of a frame is known
from a decoder; a look at the headers and one sum over each partition tell where it ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Int, UInt8
from numpy import ndarray

from ...errors import FormatError

CONSTANT, VERBATIM, FIXED, LINEAR = range(4)
_TAPS = ((), (1,), (2, -1), (3, -3, 1), (4, -6, 4, -1))
_SIZES = {1: 192, **{2 + i: 576 << i for i in range(4)}, **{8 + i: 256 << i for i in range(8)}}
_DEPTHS = {1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}
_LEFT_SIDE, _SIDE_RIGHT, _MID_SIDE = 8, 9, 10
_LONGEST = 1 << 22  # bytes of a frame: 65,535 samples of 8 channels take 2 MB
_TRIED = 100  # headers that are looked at: by chance, one byte in 2^22 begins one
_PART = 1 << 12  # bytes of a frame whose check sum is found at once


@dataclass(frozen=True)
class Subframe:
    """The choices of an encoder for one channel of one frame."""

    kind: int
    wasted: int
    """Zero bits at the end of every sample, which are left out."""
    taps: tuple[int, ...]
    precision: int
    """Bits of a tap; of linear predictors only."""
    shift: int
    wide: bool
    """Whether a Rice parameter has 5 bits, not 4."""
    partitions: int
    """Binary logarithm of their number."""
    rice: tuple[int, ...]
    start: int
    """First bit in the file, and the first one after it."""
    stop: int


@dataclass(frozen=True)
class Frame:
    """One frame: where it is in the file, which samples it has, and how they are coded."""

    start: int
    body: int
    """First byte after the header."""
    stop: int
    first: int
    """Its first sample of each channel."""
    size: int
    stereo: int
    bits: int
    subframes: tuple[Subframe, ...]


def parsed(
    data: bytes, start: int, samples: Int[ndarray, "frame channel"], bits: int
) -> Iterator[Frame]:
    """The frames of a stream that begins at a byte, and decodes to `samples`.

    `bits` is what STREAMINFO says. Raises `FormatError` where they do not fit.
    """
    first = 0
    while first < len(samples):
        frame = _frame(data, start, samples, first, bits)
        yield frame
        first, start = first + frame.size, frame.stop
    if first != len(samples):
        raise FormatError("the frames of the FLAC file do not hold its samples", ".flac")


def recoded(
    data: bytes, frame: Frame, old: Int[ndarray, "frame channel"], new: Int[ndarray, "..."]
) -> bytes:
    """The frame with other samples; the same bytes where they are the same."""
    if np.array_equal(old, new):
        return data[frame.start : frame.stop]
    parts = [_unpacked(data, 8 * frame.start, 8 * frame.body)]
    signals = zip(_signals(old, frame.stereo), _signals(new, frame.stereo), strict=True)
    for number, (subframe, (before, after)) in enumerate(
        zip(frame.subframes, signals, strict=True)
    ):
        depth = frame.bits + _is_side(frame.stereo, number)
        if np.array_equal(before, after):
            parts.append(_unpacked(data, subframe.start, subframe.stop))
        else:
            parts.append(_subframe_of(subframe, before, after, depth))
    body = np.packbits(np.concatenate(parts)).tobytes()
    return body + crc16(body).to_bytes(2)


def length(data: bytes, start: int, stop: int) -> int | None:
    """How many samples a stream has, by its first frame and the last, which ends at a byte.

    The last is found by both of its check sums; None where there is no such frame.
    """
    at, tried = stop, 0
    while (at := data.rfind(b"\xff", start, at)) >= 0 and stop - at < _LONGEST:
        if data[at + 1 : at + 2] not in (b"\xf8", b"\xf9"):
            continue
        try:
            (size, number, *_), (block, *_) = _header(data, at, 0), _header(data, start, 0)
        except FormatError:
            continue
        tried += 1
        if tried > _TRIED:
            break
        if not crc16(data[at:stop]):
            return (number if data[at + 1] & 1 else number * block) + size
    return None


def crc16(data: bytes) -> int:
    """The check sum at the end of a frame; 0 for a frame with its check sum."""
    octets = np.frombuffer(bytes(-len(data) % _PART) + data, np.uint8).reshape(-1, _PART)
    table, found, rows = _table().reshape(-1), 0, 256 * np.arange(_PART)
    for part in octets:
        part = part.copy()
        part[:2] ^= np.array([found >> 8, found & 255], np.uint8)
        found = int(np.bitwise_xor.reduce(table.take(rows + part)))
    return found


def _table() -> ndarray:
    """What each value of a byte adds to the check sum, by its place in a part of a frame."""
    if not _TABLE:
        one = np.arange(256, dtype=np.uint16) << 8
        for _ in range(8):
            one = (one << 1) ^ np.where(one & 0x8000, np.uint16(0x8005), np.uint16(0))
        table = np.empty((_PART, 256), np.uint16)
        table[-1] = one
        for place in range(_PART - 2, -1, -1):
            after = table[place + 1]
            table[place] = (after << 8) ^ one[after >> 8]
        _TABLE.append(table)
    return _TABLE[0]


_TABLE: list[ndarray] = []


def _crc8(data: bytes) -> int:
    found = 0
    for octet in data:
        found ^= octet
        for _ in range(8):
            found = (found << 1 ^ (7 if found & 128 else 0)) & 255
    return found


def _header(data: bytes, at: int, bits: int) -> tuple[int, int, int, int, int]:
    """Samples, number, stereo decorrelation, depth, and the first byte after the header."""
    head = data[at : at + 16]
    if len(head) < 6 or head[0] != 255 or head[1] >> 1 != 0x7C or head[3] & 1:
        raise FormatError("a frame of the FLAC file is missing", ".flac")
    lead, size_code, rate_code = head[4], head[2] >> 4, head[2] & 15
    more = max(0, 7 - (lead ^ 255).bit_length())  # as in UTF-8
    number = lead & (63 >> more if more else 127)
    for octet in head[5 : 5 + more]:
        number = number << 6 | octet & 63
    end = 5 + more
    size = _SIZES.get(size_code, 0)
    if size_code in (6, 7):
        size = int.from_bytes(head[end : end + size_code - 5]) + 1
        end += size_code - 5
    end += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    depth = _DEPTHS.get(head[3] >> 1 & 7, bits)
    if not size or rate_code == 15 or head[3] >> 4 > 10 or _crc8(head[: end + 1]):
        raise FormatError("a frame of the FLAC file has a damaged header", ".flac")
    return size, number, head[3] >> 4, depth, at + end + 1


def _frame(
    data: bytes, at: int, samples: Int[ndarray, "frame channel"], first: int, bits: int
) -> Frame:
    size, _, stereo, depth, body = _header(data, at, bits)
    here = samples[first : first + size]
    wrong = stereo < 8 and stereo + 1 != samples.shape[1]
    if len(here) < size or depth != bits or wrong or (stereo >= 8 and samples.shape[1] != 2):
        raise FormatError("a frame of the FLAC file does not hold its samples", ".flac")
    place, found = 8 * body, []
    for number, signal in enumerate(_signals(here, stereo)):
        subframe = _subframe(data, place, signal, depth + _is_side(stereo, number))
        found.append(subframe)
        place = subframe.stop
    stop = -(-place // 8) + 2
    if stop > len(data):
        raise FormatError("the FLAC file is cut short", ".flac")
    return Frame(at, body, stop, first, size, stereo, depth, tuple(found))


def _signals(samples: Int[ndarray, "frame channel"], stereo: int) -> list[ndarray]:
    """What the subframes hold."""
    parts = [np.ascontiguousarray(part, np.int64) for part in samples.T]
    if stereo < _LEFT_SIDE:
        return parts
    left, right = parts
    side = left - right
    if stereo == _MID_SIDE:
        return [(left + right) >> 1, side]
    return [left, side] if stereo == _LEFT_SIDE else [side, right]


def _is_side(stereo: int, number: int) -> bool:
    return (stereo in (_LEFT_SIDE, _MID_SIDE) and number == 1) or (
        stereo == _SIDE_RIGHT and not number
    )


class _Bits:
    """A place in a file, read bit by bit."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def take(self, count: int) -> int:
        stop = self.at + count
        found = int.from_bytes(self.data[self.at >> 3 : -(-stop // 8)]) >> (-stop % 8)
        self.at = stop
        return found & ((1 << count) - 1)

    def signed(self, count: int) -> int:
        found = self.take(count)
        return found - (1 << count) if count and found >> (count - 1) else found


def _subframe(data: bytes, at: int, signal: Int[ndarray, " sample"], depth: int) -> Subframe:
    """The choices in a subframe that decodes to a signal."""
    bits, size = _Bits(data, at), len(signal)
    head, wasted = bits.take(7), bits.take(1)
    while wasted and not bits.take(1):
        wasted += 1
        if wasted >= depth:
            raise FormatError("a subframe of the FLAC file is damaged", ".flac")
    depth -= wasted
    taps, precision, shift, wide, partitions, rice = (), 0, 0, False, 0, ()
    if head in (0, 1):
        kind = CONSTANT if head == 0 else VERBATIM
        bits.at += depth * (size if head else 1)
    else:
        kind = FIXED if 8 <= head <= 12 else LINEAR
        order = head - 8 if kind == FIXED else (head & 31) + 1
        if (kind == LINEAR and head < 32) or order > size:
            raise FormatError("a subframe of the FLAC file is damaged", ".flac")
        bits.at += order * depth
        if kind == FIXED:
            taps = _TAPS[order]
        else:
            precision, shift = bits.take(4) + 1, bits.signed(5)
            taps = tuple(bits.signed(precision) for _ in range(order))
        if shift < 0:
            raise FormatError("a subframe of the FLAC file is damaged", ".flac")
        wide, partitions = bool(bits.take(2)), bits.take(4)
        if size % (1 << partitions) or size >> partitions < order:
            raise FormatError("a subframe of the FLAC file is damaged", ".flac")
        rice = _rice(bits, _residual(signal >> wasted, taps, shift), order, partitions, wide)
    return Subframe(
        *(kind, wasted, taps, precision, shift, wide, partitions, rice, at, bits.at),
    )


def _rice(
    bits: _Bits, residual: Int[ndarray, " sample"], order: int, partitions: int, wide: bool
) -> tuple[int, ...]:
    """The Rice parameters; -1 where a partition is stored in plain binary."""
    values, found = _folded(residual), []
    for part in _parts(values, order, partitions):
        here = bits.take(5 if wide else 4)
        if here == (31 if wide else 15):
            bits.at += bits.take(5) * len(part)
            found.append(-1)
        else:
            bits.at += int((part >> here).sum()) + len(part) * (1 + here)
            found.append(here)
    return tuple(found)


def _residual(
    signal: Int[ndarray, " sample"], taps: tuple[int, ...], shift: int
) -> Int[ndarray, " left"]:
    """What a predictor leaves of a signal, after its first samples."""
    order, size = len(taps), len(signal)
    foretold = np.zeros(size - order, np.int64)
    for back, tap in enumerate(taps):
        foretold += tap * signal[order - 1 - back : size - 1 - back]
    return signal[order:] - (foretold >> shift)


def _folded(residual: Int[ndarray, " sample"]) -> Int[ndarray, " sample"]:
    """Signed numbers as unsigned ones: 0, -1, 1, -2, 2 ..."""
    return (residual << 1) ^ (residual >> 63)


def _parts(values: ndarray, order: int, partitions: int) -> list[ndarray]:
    """The values of each partition; the first one lacks those that start the prediction."""
    length = (len(values) + order) >> partitions
    cuts = [0, *(length * (i + 1) - order for i in range(1 << partitions))]
    return [values[a:b] for a, b in pairwise(cuts)]


def _subframe_of(
    kept: Subframe, old: Int[ndarray, " sample"], new: Int[ndarray, " sample"], depth: int
) -> UInt8[ndarray, " bit"]:
    """The bits of a subframe with another signal, and the choices of the old one."""
    used = int(np.bitwise_or.reduce(new))
    wasted = kept.wasted if not used & ((1 << kept.wasted) - 1) else 0
    kind, taps, signal = kept.kind, kept.taps, new >> wasted
    if kind == CONSTANT and (signal != signal[0]).any():
        kind, taps = _simplest(signal)
    order = len(taps)
    head = {CONSTANT: 0, VERBATIM: 1, FIXED: 8 + order, LINEAR: 31 + order}[kind]
    fields = [(head, 7), (int(wasted > 0), 1)]
    if wasted:
        fields.append((1, wasted))
    plain = {CONSTANT: 1, VERBATIM: len(signal)}.get(kind, order)
    first = np.concatenate([_written(fields), _binary(signal[:plain], depth - wasted)])
    if kind in (CONSTANT, VERBATIM):
        return first
    fields = []
    if kind == LINEAR:
        fields = [(kept.precision - 1, 4), (kept.shift, 5)]
        fields += [(tap & ((1 << kept.precision) - 1), kept.precision) for tap in taps]
    left = _folded(_residual(signal, taps, kept.shift))
    rice = list(kept.rice) if kind == kept.kind else [-1]
    partitions = (len(rice) - 1).bit_length()
    parts, before = _parts(left, order, partitions), [None] * len(rice)
    if kind == kept.kind:
        before = _parts(_folded(_residual(old >> wasted, taps, kept.shift)), order, partitions)
    for i, (part, known) in enumerate(zip(parts, before, strict=True)):
        if rice[i] < 0 or known is None or not np.array_equal(known, part):
            rice[i] = _cheapest(part, rice[i])
    wide = kept.wide or max(rice) > 14
    fields += [(int(wide), 2), (partitions, 4)]
    return np.concatenate([first, _written(fields), _riced(left, order, partitions, rice, wide)])


def _simplest(signal: Int[ndarray, " sample"]) -> tuple[int, tuple[int, ...]]:
    """The fixed predictor that leaves least of a signal; none where it is too short."""
    able = [taps for taps in _TAPS if len(taps) < len(signal)]
    return FIXED, min(able, key=lambda taps: int(np.abs(_residual(signal, taps, 0)).sum()))


def _cheapest(part: Int[ndarray, " sample"], old: int) -> int:
    """The Rice parameter that takes the fewest bits; the old one where it is as good."""
    usual = int(part.mean()).bit_length() if len(part) else 0
    able = [k for k in (old, usual - 2, usual - 1, usual, usual + 1) if 0 <= k <= 30]
    return min(able, key=lambda k: int((part >> k).sum()) + len(part) * k)


def _riced(
    values: Int[ndarray, " sample"], order: int, partitions: int, rice: list[int], wide: bool
) -> UInt8[ndarray, " bit"]:
    """Partitions, each after its parameter: a number of zeros, a one, and the lower bits."""
    sizes = np.array([len(part) for part in _parts(values, order, partitions)])
    head = 5 if wide else 4
    lower = np.repeat(np.array(rice), sizes)
    upper = values >> lower
    stops = np.cumsum(upper + 1 + lower)
    total = int(stops[-1]) if stops.size else 0
    ones = stops - lower - 1 + head * np.repeat(np.arange(1, len(sizes) + 1), sizes)
    out = np.zeros(total + head * len(sizes), np.uint8)
    out[ones] = 1
    for bit in range(max(rice, default=0)):
        has = lower > bit
        out[(ones + lower - bit)[has]] = (values[has] >> bit) & 1
    before = np.concatenate([[0], stops])[np.cumsum(sizes) - sizes]
    for number, place in enumerate(before.tolist()):
        start = place + head * number
        out[start : start + head] = _written([(rice[number], head)])
    return out


def _written(fields: list[tuple[int, int]]) -> UInt8[ndarray, " bit"]:
    """Numbers of so many bits each."""
    text = "".join(f"{value:0{width}b}" for value, width in fields if width)
    return np.frombuffer(text.encode(), np.uint8) - 48


def _binary(values: Int[ndarray, " sample"], width: int) -> UInt8[ndarray, " bit"]:
    """Signed numbers of one width."""
    return ((values[:, None] >> np.arange(width)[::-1]) & 1).astype(np.uint8).ravel()


def _unpacked(data: bytes, start: int, stop: int) -> UInt8[ndarray, " bit"]:
    """Bits of a file as they are."""
    octets = np.frombuffer(data[start >> 3 : -(-stop // 8)], np.uint8)
    return np.unpackbits(octets)[start % 8 : start % 8 + stop - start]

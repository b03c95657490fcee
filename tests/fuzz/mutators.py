"""Damage where it hurts: at the fields of each format, checksums mended, and anywhere else.

All randomness comes from the generator that is given. A mutator takes and returns the bytes of a
file; where it finds none of its format's fields, it returns them as they are.
"""

import struct
import zlib
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

Mutator = Callable[[bytes, Generator], bytes]
_ODD = [0, 1, 2, 3, 4, 7, 8, 16, 127, 128, 255, 256, 32767, 32768, 65535, 65536]
_ODD += [
    (1 << 24) - 1,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 63) - 1,
    (1 << 64) - 1,
]
_ODD += [13377, 40000, 100_000, 1 << 20, 1 << 26]


def mutated(data: bytes, rng: Generator, other: bytes) -> bytes:
    """A file with one to three kinds of damage; `other` is a file to take parts of."""
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        own = structures(data)
        if own and rng.random() < 0.7:
            data = own[int(rng.integers(len(own)))](data, rng)
        elif rng.random() < 0.1:
            data = _spliced(data, other, rng)
        else:
            data = _ANYWHERE[int(rng.integers(len(_ANYWHERE)))](data, rng)
    return data


def structures(data: bytes) -> list[Mutator]:
    """The mutators that know the format of a file."""
    return [structure for magic, structure in _STRUCTURES if magic(data)]


def _odd(rng: Generator, size: int) -> int:
    """A number that a field of `size` bytes may hold: a limit, a neighbour of one, or any."""
    if rng.random() < 0.2:
        return int(rng.integers(0, 256)) << 8 * int(rng.integers(size))
    number = _ODD[int(rng.integers(len(_ODD)))] + int(rng.integers(-1, 2))
    return number & ((1 << 8 * size) - 1)


def _put(data: bytes, at: int, size: int, rng: Generator, order: str) -> bytes:
    raw = _odd(rng, size).to_bytes(size, "little" if order == "<" else "big")
    return data[:at] + raw[: max(0, len(data) - at)] + data[at + size :]


# Anywhere


def _bits(data: bytes, rng: Generator) -> bytes:
    out = bytearray(data)
    for at in rng.integers(0, max(1, len(out)), int(rng.integers(1, 9))):
        if out:
            out[at] ^= 1 << int(rng.integers(8))
    return bytes(out)


def _numbers(data: bytes, rng: Generator) -> bytes:
    at, size = int(rng.integers(0, max(1, len(data)))), int(rng.choice([1, 2, 4, 8]))
    return _put(data, at, size, rng, str(rng.choice(["<", ">"])))


def _early(data: bytes, rng: Generator) -> bytes:
    at, size = int(rng.integers(0, max(1, min(512, len(data))))), int(rng.choice([1, 2, 4, 8]))
    return _put(data, at, size, rng, str(rng.choice(["<", ">"])))


def _cut(data: bytes, rng: Generator) -> bytes:
    return data[: int(rng.integers(0, len(data) + 1))]


def _removed(data: bytes, rng: Generator) -> bytes:
    at = int(rng.integers(0, len(data) + 1))
    return data[:at] + data[at + int(rng.integers(1, 65)) :]


def _doubled(data: bytes, rng: Generator) -> bytes:
    at, size = int(rng.integers(0, len(data) + 1)), int(rng.integers(1, 257))
    return data[: at + size] + data[at:]


def _filled(data: bytes, rng: Generator) -> bytes:
    at, size = int(rng.integers(0, len(data) + 1)), int(rng.integers(1, 257))
    return data[:at] + bytes([int(rng.choice([0, 255]))]) * size + data[at + size :]


def _spliced(data: bytes, other: bytes, rng: Generator) -> bytes:
    return data[: int(rng.integers(0, len(data) + 1))] + other[int(rng.integers(len(other) + 1)) :]


_ANYWHERE: list[Mutator] = [_bits, _numbers, _early, _cut, _removed, _doubled, _filled]


# Lists of chunks: PNG, RIFF, IFF, FLAC, JPEG


def _shuffled(parts: list, rng: Generator, changed: Callable[[object], object]) -> list:
    """A list of parts with one changed, dropped, repeated, or moved."""
    at, parts = int(rng.integers(len(parts))), list(parts)
    match int(rng.integers(6)):
        case 0:
            del parts[at]
        case 1:
            parts.insert(int(rng.integers(len(parts) + 1)), parts[at])
        case 2:
            parts.insert(int(rng.integers(len(parts))), parts.pop(at))
        case _:
            parts[at] = changed(parts[at])
    return parts


def _png(data: bytes, rng: Generator) -> bytes:
    """Chunks; their checksums are right afterwards, and pixels are packed anew at times."""
    parts, at = [], 8
    while at + 12 <= len(data) and len(parts) < 1000:
        (size,) = struct.unpack_from(">I", data, at)
        parts.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    if not parts:
        return data

    def changed(part: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        kind, body = part
        if kind == b"IHDR" and len(body) == 13 and rng.random() < 0.9:
            if rng.random() < 0.5:
                return kind, _put(body, int(rng.choice([0, 4])), 4, rng, ">")
            at = int(rng.integers(8, 13))
            return kind, body[:at] + bytes([int(rng.integers(0, 17))]) + body[at + 1 :]
        if kind == b"IDAT" and rng.random() < 0.5:
            try:
                return kind, zlib.compress(_anywhere(zlib.decompress(body), rng))
            except zlib.error:
                pass
        return kind, _anywhere(body, rng)

    out = [data[:8]]
    for kind, body in _shuffled(parts, rng, changed):
        check = zlib.crc32(kind + body)
        out.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check))
    return b"".join(out) + data[at:]


def _anywhere(body: bytes, rng: Generator) -> bytes:
    return _ANYWHERE[int(rng.integers(len(_ANYWHERE)))](body, rng)


def _iff(data: bytes, rng: Generator) -> bytes:
    """Chunks of RIFF and FORM files, whose sizes are right afterwards, mostly."""
    order = ">" if data[:4] == b"FORM" else "<"
    parts, at = [], 12
    while at + 8 <= len(data) and len(parts) < 1000:
        kind, size = data[at : at + 4], struct.unpack_from(order + "I", data, at + 4)[0]
        parts.append((kind, data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    if not parts:
        return data

    def changed(part: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        kind, body = part
        if kind in (b"fmt ", b"COMM", b"VP8L", b"VP8X") and body:
            size = int(rng.choice([1, 2, 4]))
            return kind, _put(body, int(rng.integers(min(40, len(body)))), size, rng, order)
        return kind, _anywhere(body, rng)

    parts = _shuffled(parts, rng, changed)
    body = b"".join(k + struct.pack(order + "I", len(b)) + b + bytes(len(b) % 2) for k, b in parts)
    out = data[:4] + struct.pack(order + "I", 4 + len(body)) + data[8:12] + body
    if rng.random() < 0.3:  # a size that is not right
        places = [4]
        at = 12
        for _, body in parts:
            places.append(at + 4)
            at += 8 + len(body) + len(body) % 2
        out = _put(out, places[int(rng.integers(len(places)))], 4, rng, order)
    return out


def _flac(data: bytes, rng: Generator) -> bytes:
    """Metadata blocks, the stream's own numbers first."""
    parts, at, last = [], 4, False
    while not last and at + 4 <= len(data):
        last, size = bool(data[at] & 128), int.from_bytes(data[at + 1 : at + 4], "big")
        parts.append((data[at] & 127, data[at + 4 : at + 4 + size]))
        at += 4 + size
    if not parts:
        return data

    def changed(part: tuple[int, bytes]) -> tuple[int, bytes]:
        kind, body = part
        if kind == 0 and len(body) == 34:
            size = int(rng.choice([1, 2, 3, 4, 5]))
            return kind, _put(body, int(rng.integers(18)), size, rng, ">")
        return (int(rng.integers(128)) if rng.random() < 0.2 else kind), _anywhere(body, rng)

    parts = _shuffled(parts, rng, changed)
    packed = [
        bytes([kind | 128 * (i == len(parts) - 1)]) + (len(body) % (1 << 24)).to_bytes(3) + body
        for i, (kind, body) in enumerate(parts)
    ]
    return data[:4] + b"".join(packed) + data[at:]


def _jpeg(data: bytes, rng: Generator) -> bytes:
    """Segments before the first scan."""
    parts, at = [], 2
    while at + 4 <= len(data) and data[at] == 255 and data[at + 1] != 0xDA:
        (size,) = struct.unpack_from(">H", data, at + 2)
        parts.append((data[at + 1], data[at + 4 : at + 2 + size]))
        at += 2 + max(2, size)
    if not parts:
        return data

    def changed(part: tuple[int, bytes]) -> tuple[int, bytes]:
        kind, body = part
        if 0xC0 <= kind <= 0xC2 and len(body) >= 6 and rng.random() < 0.7:
            return kind, _put(body, int(rng.integers(6)), int(rng.choice([1, 2])), rng, ">")
        return kind, _anywhere(body, rng)

    parts = _shuffled(parts, rng, changed)
    packed = [
        bytes([255, kind]) + ((len(body) + 2) % 65536).to_bytes(2) + body for kind, body in parts
    ]
    return data[:2] + b"".join(packed) + data[at:]


# Tables of offsets: TIFF, NetCDF, HDF5


def _tiff(data: bytes, rng: Generator) -> bytes:
    """Fields of the entries of its directories: tag, type, number, value; and where one begins."""
    order, big = "<" if data[:2] == b"II" else ">", data[2:4] in (b"+\0", b"\0+")
    places, seen = [(8 if big else 4, 8 if big else 4)], set()
    try:
        queue = [struct.unpack_from(order + ("Q" if big else "I"), data, places[0][0])[0]]
        while queue and len(places) < 4000:
            at = queue.pop()
            if at in seen:
                continue
            seen.add(at)
            number = struct.unpack_from(order + ("Q" if big else "H"), data, at)[0]
            places.append((at, 8 if big else 2))
            begin, step = at + (8 if big else 2), 20 if big else 12
            for entry in range(begin, begin + min(number, 100) * step, step):
                tag, _ = struct.unpack_from(order + "HH", data, entry)
                size = 8 if big else 4
                places += [(entry, 2), (entry + 2, 2), (entry + 4, size), (entry + 4 + size, size)]
                value = struct.unpack_from(order + ("Q" if big else "I"), data, entry + 4 + size)[0]
                queue += [value] if tag in (330, 34665, 34853, 40965) else []
                places += [(value, 4)] * (8 < value < len(data))
            places.append((begin + number * step, 8 if big else 4))
    except struct.error:
        pass
    at, size = places[int(rng.integers(len(places)))]
    if size >= 4 and rng.random() < 0.3:  # point at another place of the file: loops, overlaps
        target = places[int(rng.integers(len(places)))][0]
        raw = target.to_bytes(size, "little" if order == "<" else "big")
        return data[:at] + raw + data[at + size :]
    return _put(data, at, size, rng, order)


def _classic(data: bytes, rng: Generator) -> bytes:
    """Big endian words of the header."""
    size = 8 if data[3:4] == b"\5" and rng.random() < 0.5 else 4
    at = 4 * int(rng.integers(1, max(2, min(len(data), 1500) // 4)))
    return _put(data, at, size, rng, ">")


def _hdf5(data: bytes, rng: Generator) -> bytes:
    """Addresses (numbers below the size of the file that point at something), and other numbers."""
    words = np.frombuffer(data[: len(data) // 8 * 8], "<u8")
    addresses = np.flatnonzero((words >= 48) & (words < len(data)) & (words % 8 == 0))
    if len(addresses) and rng.random() < 0.4:
        at, other = rng.choice(addresses, 2)
        raw = struct.pack("<Q", int(words[other]))
        return data[: 8 * at] + raw + data[8 * at + 8 :]
    marks = [i for mark in (b"TREE", b"SNOD", b"HEAP", b"OHDR", b"FRHP") for i in _all(data, mark)]
    if marks and rng.random() < 0.5:
        at = marks[int(rng.integers(len(marks)))] + int(rng.integers(4, 40))
        return _put(data, at, int(rng.choice([1, 2, 4, 8])), rng, "<")
    full = np.flatnonzero(np.frombuffer(data, np.uint8))
    at = int(rng.choice(full)) if len(full) else 0
    return _put(data, at, int(rng.choice([1, 2, 4, 8])), rng, "<")


def _all(data: bytes, mark: bytes) -> list[int]:
    found, at = [], data.find(mark)
    while at >= 0 and len(found) < 100:
        found.append(at)
        at = data.find(mark, at + 1)
    return found


_STRUCTURES: list[tuple[Callable[[bytes], bool], Mutator]] = [
    (lambda d: d.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda d: d[:4] in (b"RIFF", b"FORM", b"RF64"), _iff),
    (lambda d: d.startswith(b"fLaC"), _flac),
    (lambda d: d.startswith(b"\xff\xd8"), _jpeg),
    (lambda d: d[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
    (lambda d: d[:3] == b"CDF", _classic),
    (lambda d: d.startswith(b"\x89HDF\r\n\x1a\n"), _hdf5),
]

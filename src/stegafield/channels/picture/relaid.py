"""New strips or tiles in an old TIFF: all other bytes stay, and move where the sizes change.

old   header | directory | strip 1 | strip 2 | values | EXIF directory
new   header | directory | strip 1   | strip 2  | values | EXIF directory

Every place that a TIFF writes down is known, so what stands behind a strip moves along. A file that
may hold other places (notes of a maker, tags of unknown meaning) stays as it is: there a strip that
has grown goes to the end, and zeros take its old place.
"""

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from . import ifd
from .ifd import Directory, Entry, Structure

OFFSETS = {273: 279, 324: 325}
"""Tags of places of strips and tiles, each with the tag of their sizes."""
_OTHER_PLACES = {513: 514, 288: 289}  # an old JPEG thumbnail, free bytes
_TABLES = (519, 520, 521)  # places of tables of old JPEG
_OPAQUE = {ifd.MAKER_NOTE, 50740}  # notes of a maker, private data of a DNG: they may hold places
_KNOWN = 32768  # tags below are TIFF's own
_HARMLESS = {33550, 33723, 33922, 34264, 34377, 34675, 34735, 34736, 34737, 37724, 42112, 42113}
_HARMLESS |= {700, 33432, 34665, 34853, 40965, *range(33434, 33438), *range(36864, 37500)}
_HARMLESS |= {*range(37510, 37524), *range(40960, 42240), *range(50706, 50740)}
_PADDING, _WIDEST = 16, 16
_LEADER = b"BLOCK_LEADER=SIZE_AS_UINT4"
"""What GDAL writes behind the header: each tile stands between its size and its last four bytes."""


class Piece(NamedTuple):
    """A strip or tile and its new bytes."""

    at: int
    size: int
    data: bytes


def replaced(structure: Structure, page: Directory, pieces: list[Piece]) -> bytes:
    """The file with new bytes in some segments of a page, none of which share bytes with others."""
    pieces = sorted(pieces)
    if all(piece.size == len(piece.data) for piece in pieces):
        out = bytearray(structure.data)
        for at, size, data in pieces:
            out[at : at + size] = data
        return bytes(out)
    spans = [_led(structure.data, piece) for piece in pieces]
    first = min(span.at + span.size for span in spans if span.size != len(span.data))
    if movable(structure, first):
        return _moved(structure, page, pieces, spans)
    return _appended(structure, page, pieces)


class Item(NamedTuple):
    """Bytes of a file whose meaning is known."""

    start: int
    end: int
    segment: bool


def items(structure: Structure) -> Iterator[Item]:
    """All that is known to be in a file."""
    yield Item(0, 16 if structure.big else 8, False)
    for directory in structure.every():
        yield Item(directory.place, directory.end + (8 if structure.big else 4), False)
        for entry in directory.entries:
            if not entry.inline and entry.size > 0:
                yield Item(entry.at, entry.at + entry.size, False)
        for places, sizes in (OFFSETS | _OTHER_PLACES).items():
            for at, size in zip(*_both(structure, directory, places, sizes), strict=False):
                if at and size:
                    yield Item(at, at + size, places in OFFSETS)


def _both(
    structure: Structure, directory: Directory, places: int, sizes: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    found = structure.numbers(directory.get(places))
    return found, structure.numbers(directory.get(sizes))


def apart(structure: Structure, segments: list[tuple[int, int]]) -> bool:
    """Whether some segments of a file share no byte with each other, or with anything else."""
    ours = sorted(segments)
    if any(at + size > after for (at, size), (after, _) in pairwise(ours)):
        return False
    known = set(ours)
    starts = [at for at, _ in ours]
    for start, end, _ in items(structure):
        if (start, end - start) in known:
            known.discard((start, end - start))  # itself; a second time it is another page's
            continue
        i = bisect_right(starts, start) - 1
        if i >= 0 and ours[i][0] + ours[i][1] > start:
            return False
        if i + 1 < len(starts) and starts[i + 1] < end:
            return False
    return True


def movable(structure: Structure, first: int) -> bool:
    """Whether all bytes from `first` on may move: whatever points there is known."""
    size, secretive = len(structure.data), False
    for directory in structure.every():
        for entry in directory.entries:
            if entry.tag in _OPAQUE and entry.size > 4:
                secretive = True
                if not entry.inline and entry.at >= first:
                    return False
            held = _places(structure, directory, entry)
            if any(first <= place <= size for place in held):
                return False
    return not (secretive and _unknown(structure, first))


def _places(structure: Structure, directory: Directory, entry: Entry) -> tuple[int, ...]:
    """Numbers that may be places which nobody knows of."""
    if entry.size < 0:  # an unknown type, or a value that is not there
        end = entry.at + 4 if entry.inline else 0
        return struct.unpack(structure.order + "I", structure.data[entry.at : end]) if end else ()
    if entry.tag in ifd.POINTERS:
        held = {sub.place for sub in directory.subs.get(entry.tag, ())}
        return tuple(set(structure.numbers(entry)) - held)
    strange = entry.tag >= _KNOWN and entry.tag not in _HARMLESS
    return structure.numbers(entry) if strange and ifd.SIZES[entry.kind] >= 4 else ()


def _unknown(structure: Structure, first: int) -> bool:
    """Whether there are bytes behind `first` of which nothing is known, beside some padding."""
    at = first
    for start, end, _ in sorted(items(structure)):
        if start > at and not _padding(structure.data[at:start]):
            return True
        at = max(at, end)
    return not _padding(structure.data[at:])


def _padding(gap: bytes) -> bool:
    return len(gap) < _PADDING and not any(gap)


def _led(data: bytes, piece: Piece) -> Piece:
    """A tile with what GDAL writes in front of it and behind it."""
    at, size, new = piece
    led = _LEADER in data[:512] and data[at - 4 : at] == struct.pack("<I", size)
    if led and data[at + size : at + size + 4] == data[at + size - 4 : at + size]:
        return Piece(at - 4, size + 8, struct.pack("<I", len(new)) + new + new[-4:])
    return piece


def _moved(structure: Structure, page: Directory, pieces: list[Piece], spans: list[Piece]) -> bytes:
    """The file with all that stands behind a segment moved along."""
    data, out, done = structure.data, bytearray(), 0
    ends, deltas = [], []
    known = sorted(items(structure))
    starts, step = [item.start for item in known], _alignment(data, known)
    for span in spans:
        out += data[done : span.at] + span.data
        done = span.at + span.size
        i = bisect_right(starts, done - 1)
        if i == len(known):
            break  # nothing stands behind the last segment
        gap = data[done : starts[i]]
        if _padding(gap):
            done += len(gap)
        even = 2 if len(gap) < 2 else max(2, step)  # where directories and values are
        out += bytes((done - len(out)) % (step if known[i].segment else even))
        ends.append(span.at + span.size)
        deltas.append(len(out) - done)
    out += data[done:]

    def place(old: int) -> int:
        i = bisect_right(ends, old)
        return old + deltas[i - 1] if i else old

    _rewritten(structure, page, pieces, out, place)
    return bytes(out)


def _alignment(data: bytes, known: list[Item]) -> int:
    """The number that the places of all segments are multiples of, if there is padding for it."""
    pairs = pairwise(known)
    if not any(b.segment and a.end < b.start and _padding(data[a.end : b.start]) for a, b in pairs):
        return 1
    places = [item.start for item in known if item.segment]
    return next(n for n in (_WIDEST, 8, 4, 2, 1) if not any(place % n for place in places))


def _rewritten(
    structure: Structure,
    page: Directory,
    pieces: list[Piece],
    out: bytearray,
    place: Callable[[int], int],
) -> None:
    """Patches all places of a file that has moved, and the sizes of the segments of a page."""
    order, big = structure.order, structure.big
    word = "Q" if big else "I"

    def put(at: int, value: int) -> None:
        struct.pack_into(order + word, out, at, value)

    first = 8 if big else 4
    put(first, place(struct.unpack_from(order + word, structure.data, first)[0]))
    sizes = {piece.at: len(piece.data) for piece in pieces}
    for directory in structure.every():
        following = struct.unpack_from(order + word, structure.data, directory.end)[0]
        put(place(directory.end), place(following) if following else 0)
        for entry in directory.entries:
            at = place(entry.place) + entry.at - entry.place if entry.inline else place(entry.at)
            if entry.size > 0 and not entry.inline:
                put(place(entry.place) + (12 if big else 8), at)
            pointers = {*ifd.POINTERS, *OFFSETS, *_OTHER_PLACES, *_TABLES}
            if entry.tag in pointers:
                moved = [place(old) if old else 0 for old in structure.numbers(entry)]
                _write(structure, out, place(entry.place), at, entry, moved)
    for offsets, counts in OFFSETS.items():
        entry = page.get(counts)
        if entry is None:
            continue
        old, lengths = _both(structure, page, offsets, counts)
        moved = _new(lengths, old, sizes)
        at = place(entry.place) + entry.at - entry.place if entry.inline else place(entry.at)
        _write(structure, out, place(entry.place), at, entry, moved)


def _new(values: tuple[int, ...], starts: tuple[int, ...], new: dict[int, int]) -> list[int]:
    """The values of segments, other ones for some starts; those without a start stay."""
    found = [new.get(start, value) for start, value in zip(starts, values, strict=False)]
    return [*found, *values[len(found) :]]


def _write(
    structure: Structure, out: bytearray, row: int, at: int, entry: Entry, values: list[int]
) -> None:
    """Writes the numbers of an entry; as LONG at the end of the file where SHORT is too small."""
    if not values:
        return
    order, kind = structure.order, entry.kind
    letter = ifd.LETTERS[kind]
    if max(values) >> 8 * ifd.SIZES[kind]:
        field = ifd.numbers(entry.tag, ifd.LONG, values, order)
        struct.pack_into(order + "H", out, row + 2, ifd.LONG)
        head, room = (12, 8) if structure.big else (8, 4)
        if len(field.data) <= room:
            out[row + head : row + head + room] = field.data.ljust(room, b"\0")
        else:
            out += bytes(len(out) % 2)
            struct.pack_into(order + ("Q" if structure.big else "I"), out, row + head, len(out))
            out += field.data
        return
    struct.pack_into(f"{order}{len(values)}{letter}", out, at, *values)


def _appended(structure: Structure, page: Directory, pieces: list[Piece]) -> bytes:
    """The file with each segment in its old place, or at the end where it has grown."""
    out, places = bytearray(structure.data), {}
    for at, size, data in pieces:
        out[at : at + size] = bytes(size)  # nothing of the cover is left
        if len(data) <= size:
            out[at : at + len(data)] = data
            continue
        out += bytes(len(out) % 2)
        places[at] = len(out)
        out += data
    sizes = {piece.at: len(piece.data) for piece in pieces}
    for offsets, counts in OFFSETS.items():
        for tag, new in ((offsets, places), (counts, sizes)):
            entry = page.get(tag)
            if entry is None:
                continue
            old, lengths = _both(structure, page, offsets, counts)
            before = old if tag == offsets else lengths
            values = _new(before, old, new)
            _write(structure, out, entry.place, entry.at, entry, values)
    return bytes(out)

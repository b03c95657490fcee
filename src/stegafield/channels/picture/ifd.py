"""The directories of a TIFF: classic and BigTIFF, both byte orders, with all sub-directories.

EXIF data are such a structure, too. Values are never decoded and encoded again: an `Entry` says
where its bytes are, and a `Field` holds bytes that go into another file as they are.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from ...errors import FormatError

Order = Literal["<", ">"]
"""Byte order, as `struct` writes it."""
SIZES = {
    **{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4},
    **{10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8},
}
"""Bytes of one value, by field type: BYTE, ASCII, SHORT, LONG, RATIONAL, ... (TIFF 6.0, section 2;
IFD 13; BigTIFF 16 to 18)."""
LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
SUBIFDS, EXIF, GPS, INTEROP, MAKER_NOTE = 330, 34665, 34853, 40965, 37500
POINTERS = (SUBIFDS, EXIF, GPS, INTEROP)
"""Tags whose values are places of directories."""
_SWAPPED = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_MOST, _DEEPEST = 4096, 8  # directories of a file, and of a directory in a directory


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag of a directory, and where its value is."""

    tag: int
    kind: int
    """Field type."""
    count: int
    place: int
    """Where the entry is in the file."""
    at: int
    """Where the bytes of the value are."""
    size: int
    """How many there are; -1 where the type is unknown, or the file ends before they do."""
    inline: bool
    """Whether the value stands in the entry itself."""


@dataclass(frozen=True)
class Directory:
    """One directory (IFD), with those that its entries point to."""

    place: int
    entries: tuple[Entry, ...]
    end: int
    """Where the place of the next directory is written, behind the entries."""
    subs: dict[int, tuple["Directory", ...]] = field(default_factory=dict)
    """By tag: SubIFDs, EXIF, GPS, interoperability; without those whose places hold none."""

    def get(self, tag: int) -> Entry | None:
        """The first entry of a tag, where its value is whole."""
        return next((e for e in self.entries if e.tag == tag and e.size >= 0), None)

    def every(self) -> Iterator["Directory"]:
        """This directory, and all below it."""
        yield self
        for found in self.subs.values():
            for sub in found:
                yield from sub.every()


@dataclass(frozen=True)
class Structure:
    """A TIFF as a tree of directories."""

    data: bytes
    order: Order
    """Byte order."""
    big: bool
    """BigTIFF: places are of 8 bytes."""
    pages: tuple[Directory, ...]
    """The chain of directories that starts in the header."""

    def every(self) -> Iterator[Directory]:
        """All directories of the file."""
        for page in self.pages:
            yield from page.every()

    def raw(self, entry: Entry | None) -> bytes:
        """The bytes of a value; none where there is none."""
        whole = entry is not None and entry.size > 0
        return self.data[entry.at : entry.at + entry.size] if entry and whole else b""

    def numbers(self, entry: Entry | None) -> tuple[int, ...]:
        """A value of an integer type; empty for others."""
        if entry is None or entry.kind not in LETTERS or entry.size < 0:
            return ()
        return struct.unpack(f"{self.order}{entry.count}{LETTERS[entry.kind]}", self.raw(entry))

    def number(self, directory: Directory, tag: int, otherwise: int) -> int:
        """The first number of a tag; `otherwise` where the tag is missing."""
        found = self.numbers(directory.get(tag))
        return found[0] if found else otherwise

    def field(self, entry: Entry) -> "Field":
        """The entry as it goes into another file of the same byte order."""
        return Field(entry.tag, entry.kind, entry.count, self.raw(entry), entry.at)


def parse(data: bytes) -> Structure:
    """The directories of a TIFF, or of EXIF data that start with their TIFF header.

    `FormatError` where the header, or a place of a directory, is damaged, where directories form a
    loop, or are nested deeper than any real file's.
    """
    order: Order = ">" if data[:2] == b"MM" else "<"
    known = data[:2] in (b"II", b"MM") and len(data) >= 8
    version = struct.unpack(order + "H", data[2:4])[0] if known else 0
    if version not in (42, 43):
        raise FormatError("not a TIFF file", ".tif")
    big = version == 43
    reader = _Reader(data, order, big, set())
    if big and struct.unpack(order + "HH", data[4:8].ljust(4, b"\0")) != (8, 0):
        raise FormatError("not a TIFF file: a BigTIFF has places of 8 bytes", ".tif")
    first = reader.word(8 if big else 4)
    return Structure(data, order, big, tuple(reader.chain(first, 0)))


@dataclass
class _Reader:
    data: bytes
    order: Order
    big: bool
    seen: set[int]

    def word(self, at: int) -> int:
        """A place of 4 bytes, or of 8 in a BigTIFF."""
        size = 8 if self.big else 4
        if at + size > len(self.data):
            raise FormatError("the TIFF file is cut short", ".tif")
        return struct.unpack_from(self.order + ("Q" if self.big else "I"), self.data, at)[0]

    def chain(self, place: int, deep: int) -> Iterator[Directory]:
        while place:
            directory = self.directory(place, deep)
            yield directory
            place = self.word(directory.end)
            if not self.holds(place):
                return

    def directory(self, place: int, deep: int) -> Directory:
        if place in self.seen or len(self.seen) >= _MOST or deep > _DEEPEST:
            raise FormatError("the directories of the TIFF file form a loop", ".tif")
        self.seen.add(place)
        head, size = (8, 20) if self.big else (2, 12)
        if place + head > len(self.data):
            problem = f"a directory of the TIFF file is at byte {place} of {len(self.data)}"
            raise FormatError(problem, ".tif")
        count = struct.unpack_from(self.order + ("Q" if self.big else "H"), self.data, place)[0]
        end = place + head + count * size
        if end > len(self.data):
            raise FormatError("the TIFF file is cut short", ".tif")
        form = self.order + ("HHQ" if self.big else "HHI")
        made = (self.entry(form, at) for at in range(place + head, end, size))
        found = Directory(place, tuple(made), end)
        return replace(found, subs=dict(self.below(found, deep)))

    def entry(self, form: str, at: int) -> Entry:
        tag, kind, count = struct.unpack_from(form, self.data, at)
        room = 8 if self.big else 4
        size, value = count * SIZES.get(kind, 0), at + struct.calcsize(form)
        if kind not in SIZES:
            return Entry(tag, kind, count, at, value, -1, True)
        inline = size <= room
        start = value if inline else self.word(value)
        if start + size > len(self.data):
            size = -1
        return Entry(tag, kind, count, at, start, size, inline)

    def below(self, directory: Directory, deep: int) -> Iterator[tuple[int, tuple[Directory, ...]]]:
        whole = Structure(self.data, self.order, self.big, ())
        for tag in POINTERS:
            places = whole.numbers(directory.get(tag))[:_MOST]
            if tag != SUBIFDS:
                places = tuple(place for place in places[:1] if self.holds(place))
                found = [self.directory(place, deep + 1) for place in places]
            else:
                found = list[Directory]()
                for place in places:
                    if self.holds(place) and place not in {sub.place for sub in found}:
                        found += self.chain(place, deep + 1)
            if found:
                yield tag, tuple(found)

    def holds(self, place: int) -> bool:
        """Whether a whole directory can be at a place; a pointer to nothing stays as it is."""
        head, size = (8, 20) if self.big else (2, 12)
        if not 8 <= place <= len(self.data) - head:
            return False
        count = struct.unpack_from(self.order + ("Q" if self.big else "H"), self.data, place)[0]
        return place + head + count * size + size // 3 <= len(self.data)


@dataclass(frozen=True, slots=True)
class Field:
    """One tag as it is written: its bytes in the byte order of the file, or directories."""

    tag: int
    kind: int
    count: int
    data: bytes = b""
    home: int = 0
    """Where the bytes were in the file that they come from: notes of a maker go there again, as
    they may hold places."""
    children: tuple[tuple["Field", ...], ...] = ()
    """For tags that point to directories: the fields of each."""


def numbers(tag: int, kind: int, values: Iterable[int], order: str) -> Field:
    """A field of integers."""
    found = list(values)
    return Field(tag, kind, len(found), struct.pack(f"{order}{len(found)}{LETTERS[kind]}", *found))


def swapped(fields: Iterable[Field], order: str, wanted: str) -> tuple[Field, ...]:
    """Fields in another byte order; what is UNDEFINED or text stays as it is."""
    if order == wanted:
        return tuple(fields)
    return tuple(
        replace(
            one,
            data=_reversed(one.data, _SWAPPED.get(one.kind, 1)),
            children=tuple(swapped(child, order, wanted) for child in one.children),
        )
        for one in fields
    )


def _reversed(data: bytes, size: int) -> bytes:
    out = bytearray(data)
    for byte in range(size):
        out[byte::size] = data[size - 1 - byte :: size]
    return bytes(out)


def tree(structure: Structure, directory: Directory) -> tuple[Field, ...]:
    """All fields of a directory whose values are whole, with the directories below it.

    SubIFDs are left out: they are pictures of their own.
    """
    found = []
    for entry in directory.entries:
        if entry.tag in POINTERS:
            subs = () if entry.tag == SUBIFDS else directory.subs.get(entry.tag, ())
            children = tuple(tree(structure, sub) for sub in subs)
            if children:
                found.append(Field(entry.tag, LONG, len(children), children=children))
        elif entry.size >= 0 and entry.kind < 16:
            found.append(structure.field(entry))
    return tuple(found)


def serialized(fields: Iterable[Field], order: str) -> bytes:
    """A classic TIFF without pixels, as EXIF data are: a header and one directory.

    The notes of a maker are where they were, if that place is free and within the first 64 kB.
    """
    writer = Writer(order, b"")
    writer.keep(fields)
    return writer.finished(writer.directory(fields))


class Writer:
    """A classic TIFF that grows: values and directories behind the bytes that it has."""

    def __init__(self, order: str, start: bytes) -> None:
        """`start` are the first bytes of the file, if it has some already."""
        magic = b"II*\0" if order == "<" else b"MM\0*"
        self.order, self.out = order, bytearray(start or magic + bytes(4))
        self._kept: dict[int, bytes] = {}

    def keep(self, fields: Iterable[Field]) -> None:
        """Reserves the places of the notes of makers."""
        for one in fields:
            if one.tag == MAKER_NOTE and len(self.out) <= one.home < 1 << 16 and len(one.data) > 4:
                self._kept[one.home] = one.data
            for child in one.children:
                self.keep(child)

    def place(self, data: bytes) -> int:
        """Where these bytes stand now: at an even place."""
        self.out += bytes(len(self.out) % 2)
        for home, kept in sorted(self._kept.items()):
            if len(self.out) + len(data) <= home:
                break
            if len(self.out) <= home:
                self.out += bytes(home - len(self.out)) + kept
                self.out += bytes(len(self.out) % 2)
            del self._kept[home]
        at = len(self.out)
        self.out += data
        return at

    def directory(self, fields: Iterable[Field]) -> int:
        """The place of a directory of these fields, written with all that they point to."""
        entries = bytearray()
        rows = sorted(fields, key=lambda one: one.tag)
        for one in rows:
            data = one.data
            if one.children:
                places = [self.directory(child) for child in one.children]
                data = struct.pack(f"{self.order}{len(places)}I", *places)
            head = struct.pack(self.order + "HHI", one.tag, one.kind, one.count)
            if len(data) > 4:
                home = one.home if one.tag == MAKER_NOTE else 0
                kept = self._kept.get(home) == data or self.out[home : home + len(data)] == data
                at = home if home and kept else self.place(data)
                data = struct.pack(self.order + "I", at)
            entries += head + data.ljust(4, b"\0")
        count = struct.pack(self.order + "H", len(rows))
        return self.place(count + bytes(entries) + bytes(4))

    def finished(self, first: int) -> bytes:
        """The file, whose header points to the directory at `first`."""
        for home, kept in sorted(self._kept.items()):
            self.out += bytes(home - len(self.out)) + kept
        struct.pack_into(self.order + "I", self.out, 4, first)
        return bytes(self.out)

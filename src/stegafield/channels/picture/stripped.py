"""A TIFF without its EXIF data, GPS, XMP, IPTC and text, for `strip_metadata`.

Their entries leave the directories, and zeros take the place of their values: nothing else moves.
What says where and what a field is (GeoTIFF, GDAL) stays, and so do colours and resolution.
"""

import struct
from collections.abc import Iterator

from . import ifd, relaid
from .ifd import Directory, Entry, Structure

_NAMES = {
    **{ifd.EXIF: "EXIF data", ifd.GPS: "GPS data", 700: "XMP data", 33723: "IPTC data"},
    **{34377: "Photoshop's data", 37724: "Photoshop's data", ifd.INTEROP: "EXIF data"},
}
_TEXT = {
    269,
    18246,
    18249,
    270,
    271,
    272,
    285,
    305,
    306,
    315,
    316,
    33432,
    50708,
    50735,
    *range(40091, 40096),
}
_OF_FIELDS = {42112, 42113}  # GDAL, among the numbers of EXIF
_OF_EXIF = (range(33434, 33448), range(34850, 34867), range(36864, 42241), (50740,))


def personal(tag: int) -> bool:
    """Whether a tag may say who made a picture, with what, when and where."""
    exif = any(tag in some for some in _OF_EXIF) and tag not in _OF_FIELDS
    return tag in _TEXT or tag in _NAMES or exif


def named(tag: int) -> str:
    """What a personal tag holds, in words."""
    return _NAMES.get(tag, "text" if tag in _TEXT else "EXIF data")


def stripped(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The file without personal tags, and the names of what went."""
    structure = ifd.parse(data)
    out, names, gone = bytearray(data), dict[str, None](), list[tuple[int, int]]()
    for directory in _pages(structure.pages):
        kept = [entry for entry in directory.entries if not personal(entry.tag)]
        for entry in set(directory.entries) - set(kept):
            names[named(entry.tag)] = None
            gone += _spans(structure, directory, entry)
        if len(kept) < len(directory.entries):
            _write(structure, directory, kept, out)
    if not names:
        return data, ()
    left = sorted((start, end) for start, end, _ in relaid.items(ifd.parse(bytes(out))))
    for start, end in gone:
        if not any(first < end and start < last for first, last in left):
            out[start:end] = bytes(end - start)
    return bytes(out), tuple(sorted(names))


def _pages(directories: tuple[Directory, ...]) -> Iterator[Directory]:
    """The directories of pictures: pages and those below them."""
    for directory in directories:
        yield directory
        yield from _pages(directory.subs.get(ifd.SUBIFDS, ()))


def _spans(structure: Structure, directory: Directory, entry: Entry) -> Iterator[tuple[int, int]]:
    """Where the value of an entry is, with the directories that it points to."""
    if not entry.inline and entry.size > 0:
        yield entry.at, entry.at + entry.size
    for sub in directory.subs.get(entry.tag, ()):
        yield sub.place, sub.end + (8 if structure.big else 4)
        for below in sub.entries:
            yield from _spans(structure, sub, below)


def _write(structure: Structure, directory: Directory, kept: list[Entry], out: bytearray) -> None:
    """Writes a directory with fewer entries over the old one, and zeros behind it."""
    head, row, word = (8, 20, 8) if structure.big else (2, 12, 4)
    whole = slice(directory.place, directory.end + word)
    count = struct.pack(structure.order + ("Q" if structure.big else "H"), len(kept))
    rows = b"".join(structure.data[entry.place : entry.place + row] for entry in kept)
    following = structure.data[directory.end : directory.end + word]
    assert len(count) == head
    out[whole] = (count + rows + following).ljust(whole.stop - whole.start, b"\0")

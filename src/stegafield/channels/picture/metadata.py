"""What a picture has beside its samples: as bytes and exact numbers, in the words of no format.

`sources` takes a file apart by its own rules, not by Pillow's; `carried` decides what goes along
into another format, and what a note has to name instead.
"""

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

from ...errors import FormatError
from . import ifd
from .stripped import personal

EXIF_HEAD = b"Exif\0\0"
ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
_WIDTHS, _HEIGHTS = (256, 40962), (257, 40963)  # in the first directory, and in that of EXIF
_TURN = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)([1-8])(?=\s*[\"'<])")


class Resolution(NamedTuple):
    """Pixels a unit of length; exact."""

    x: Fraction
    y: Fraction
    unit: str
    """ "inch" or "metre"; "" where only the shape of a pixel is known."""

    def a_metre(self) -> tuple[Fraction, Fraction]:
        """Pixels a metre."""
        per = Fraction(10000, 254) if self.unit == "inch" else Fraction(1)
        return self.x * per, self.y * per


class Chunk(NamedTuple):
    """One chunk of a PNG."""

    kind: bytes
    data: bytes
    late: bool = False
    """Whether it stands behind the pixels."""


@dataclass(frozen=True)
class Metadata:
    """What a picture has beside its samples."""

    exif: bytes = b""
    """A TIFF structure ("II*" or "MM" first) with sub-directories, as JPEG, PNG and WebP hold it:
    offsets count from its first byte."""
    xmp: bytes = b""
    """The packet."""
    icc: bytes = b""
    """The colour profile."""
    photoshop: bytes = b""
    """Photoshop's image resources ("8BIM" first), IPTC among them: tag 34377 of a TIFF."""
    iptc: bytes = b""
    """IPTC data that stand by themselves: tag 33723 of a TIFF."""
    resolution: Resolution | None = None
    text: tuple[tuple[str, str], ...] = ()
    """Keywords and texts: of PNG; comments of JPEG and GIF."""
    chunks: tuple[Chunk, ...] = ()
    """All ancillary chunks of a PNG; what stands above is in them, too."""
    stored: tuple[int, int] | None = None
    """Depth and colour type of a PNG."""
    interlaced: bool = False
    """Whether a PNG is; other formats are not made so."""
    fields: tuple[ifd.Field, ...] = ()
    """All tags of a TIFF that do not say where and how its samples are stored."""
    order: str = "<"
    """The byte order of `fields`."""
    of_tiff: tuple[str, ...] = ()
    """Those of `fields` that no other format holds, in words for a note."""
    other: tuple[str, ...] = ()
    """What no other format holds, in words for a note."""
    dropped: tuple[str, ...] = ()
    """What was dropped because the user said so."""

    @property
    def orientation(self) -> int:
        """How the picture is to be turned, 1 to 8; that of EXIF data wins over that of XMP."""
        return _number(self.exif, ORIENTATION) or _turned_by_xmp(self.xmp) or 1

    def upright(self) -> "Metadata":
        """The same with an orientation of 1, for pixels that were turned."""
        exif = (
            patched(self.exif, {ORIENTATION: 1}) if _number(self.exif, ORIENTATION) else self.exif
        )
        fields = tuple(one for one in self.fields if one.tag != ORIENTATION)
        xmp = _TURN.sub(rb"\g<1>1", self.xmp)
        chunks = tuple(_upright(chunk, exif) for chunk in self.chunks)
        return replace(self, exif=exif, xmp=xmp, fields=fields, chunks=chunks)

    def resized(self, width: int, height: int) -> "Metadata":
        """The same with the new size in place of the old one, wherever EXIF data have it."""
        sizes = dict.fromkeys(_WIDTHS, width) | dict.fromkeys(_HEIGHTS, height)
        exif = patched(self.exif, sizes)
        chunks = (one._replace(data=exif) if one.kind == b"eXIf" else one for one in self.chunks)
        return replace(self, exif=exif, chunks=tuple(chunks))

    @property
    def thumbnail(self) -> bool:
        """Whether EXIF data hold a small picture of the picture."""
        structure = parsed(self.exif)
        return structure is not None and len(structure.pages) > 1

    def stripped(self) -> "Metadata":
        """The same without EXIF data, GPS, XMP and text; colours and resolution stay."""
        named = {
            "EXIF data": self.exif,
            "XMP data": self.xmp,
            "IPTC data": self.photoshop or self.iptc,
            "text": self.text,
            _TIME: any(one.kind == b"tIME" for one in self.chunks),
        }
        return Metadata(
            icc=self.icc,
            resolution=self.resolution,
            chunks=tuple(one for one in self.chunks if one.kind not in PERSONAL),
            stored=self.stored,
            interlaced=self.interlaced,
            fields=tuple(one for one in self.fields if not personal(one.tag)),
            of_tiff=self.of_tiff,
            order=self.order,
            dropped=tuple(name for name, found in named.items() if found),
        )


PERSONAL = (b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME")
"""Chunks of a PNG that `strip_metadata` drops."""


_TIME = "the time of the last change"


def of_chunk(kind: bytes, data: bytes) -> str:
    """What one of these chunks holds, in words."""
    if kind == b"iTXt" and data.startswith(b"XML:com.adobe.xmp\0"):
        return "XMP data"
    return {b"eXIf": "EXIF data", b"tIME": _TIME}.get(kind, "text")


def _upright(chunk: Chunk, exif: bytes) -> Chunk:
    if chunk.kind == b"eXIf":
        return chunk._replace(data=exif)
    if chunk.kind == b"iTXt" and chunk.data.startswith(b"XML:com.adobe.xmp\0\0"):
        return chunk._replace(data=_TURN.sub(rb"\g<1>1", chunk.data))
    return chunk


def _turned_by_xmp(xmp: bytes) -> int:
    found = _TURN.search(xmp)
    return int(found[2]) if found else 0


def parsed(exif: bytes) -> ifd.Structure | None:
    """The directories of EXIF data; None where there are none, or they are damaged."""
    try:
        return ifd.parse(exif) if exif else None
    except FormatError:
        return None


def entry(structure: ifd.Structure, tag: int) -> ifd.Entry | None:
    """The first entry of a tag in the first directory, or in that of EXIF below it."""
    if not structure.pages:
        return None
    first = structure.pages[0]
    places = (first, *first.subs.get(ifd.EXIF, ()))
    return next((found for one in places if (found := one.get(tag)) is not None), None)


def _number(exif: bytes, tag: int) -> int:
    structure = parsed(exif)
    found = structure.numbers(entry(structure, tag)) if structure else ()
    return found[0] if found and 1 <= found[0] <= 8 else 0


def patched(exif: bytes, numbers: dict[int, int]) -> bytes:
    """EXIF data with other numbers, each in the place of the old one; those that are not there, or
    too large for their place, are not added."""
    structure, out = parsed(exif), bytearray(exif)
    for tag, number in numbers.items():
        found = entry(structure, tag) if structure else None
        if structure is None or found is None or found.count != 1:
            continue
        kind = {ifd.SHORT: "H", ifd.LONG: "I"}.get(found.kind)
        if kind and number < 1 << 8 * found.size:
            struct.pack_into(structure.order + kind, out, found.at, number)
    return bytes(out)


def resolution_of(x: Fraction | None, y: Fraction | None, unit: str) -> Resolution | None:
    """A resolution, where it says anything: both positive, and more than that pixels are square."""
    if not x or not y or x <= 0 or y <= 0 or (not unit and x == y):
        return None
    return Resolution(x, y, unit)


def resolution_in(structure: ifd.Structure | None) -> Resolution | None:
    """The resolution that the first directory of a TIFF or of EXIF data has."""
    if structure is None or not structure.pages:
        return None
    first = structure.pages[0]
    x, y = (_rational(structure, first.get(tag)) for tag in (X_RESOLUTION, Y_RESOLUTION))
    unit = structure.number(first, RESOLUTION_UNIT, 2)
    if unit == 3 and x and y:  # a centimetre
        x, y = 100 * x, 100 * y
    return resolution_of(x, y, {1: "", 2: "inch", 3: "metre"}.get(unit, ""))


def _rational(structure: ifd.Structure, found: ifd.Entry | None) -> Fraction | None:
    if found is None or found.kind != ifd.RATIONAL or found.count < 1 or found.size < 8:
        return None
    above, below = struct.unpack(structure.order + "II", structure.raw(found)[:8])
    return Fraction(above, below) if below else None


def joined(words: Iterable[str]) -> str:
    """Words with commas and one "and"."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def decoded(value: Any) -> str:
    """A text as a file has it: in UTF-8, or else in Latin-1."""
    if isinstance(value, str):
        return value
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        return bytes(value).decode("latin-1")


def headless(exif: bytes) -> bytes:
    """EXIF data from their TIFF header on."""
    return exif[len(EXIF_HEAD) :] if exif.startswith(EXIF_HEAD) else exif

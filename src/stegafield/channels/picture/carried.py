"""What goes along from one file format into another: decided here, for every pair of formats.

Each function takes what a picture has beside its samples, and gives what a new file of its format
gets of that, and a note for each thing that it does not get.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from . import ifd, png, webp
from .metadata import (
    RESOLUTION_UNIT,
    X_RESOLUTION,
    Y_RESOLUTION,
    Chunk,
    Metadata,
    Resolution,
    joined,
    parsed,
    resolution_in,
)
from .sources.tiff import LAYOUT

_NAMES = {"png": "a PNG", "webp": "a WebP", "tiff": "a TIFF", "bmp": "a BMP"}
_HIGHEST = (1 << 31) - 1  # whole numbers of PNG and BMP
_COLOURS = (b"cICP", b"mDCV", b"cLLI", b"mDCv", b"cLLi", b"gAMA", b"cHRM", b"sRGB")
_ANIMATED = (b"acTL", b"fcTL", b"fdAT")
_OF_SIZE = (b"sCAL", b"oFFs")
_ELSEWHERE = (b"eXIf", b"iCCP", b"pHYs", b"tEXt", b"zTXt", b"iTXt", b"tRNS")
"""Chunks whose content stands in other places of `Metadata`, or in the pixels."""
_TEXTS = {"Description": 270, "Comment": 270, "Author": 315, "Software": 305, "Copyright": 33432}
_MAPPED = (33550, 33922, 34264, 34735, 34736, 34737)
"""Tags of a GeoTIFF."""
_XMP, _IPTC, _PHOTOSHOP, _ICC = 700, 33723, 34377, 34675


@dataclass(frozen=True)
class Change:
    """How the pixels of a new file differ from those of its source, but for the message."""

    was: tuple[int, int] | None
    """Depth and colour type in the source, where that is a PNG."""
    now: tuple[int, int]
    """Depth and PNG's colour type: 0 grey, 2 RGB; 4 more with alpha."""
    space: str
    """ "grey", "colour" or "other": what a pixel of the source is."""
    size: tuple[int, int] | None = None
    """(width, height), where the picture was resampled."""
    turned: bool = False

    @property
    def grey(self) -> bool:
        """Whether a pixel of the new file is grey."""
        return not self.now[1] & 2


def prepared(found: Metadata, change: Change, notes: list[str]) -> Metadata:
    """What is still true after the change."""
    if found.dropped:
        notes.append(f"dropped as requested: {joined(found.dropped)}")
    for what in found.other:
        notes.append(f"left out, as the new file cannot hold it: {what.rstrip(',')}")
    if found.icc and not _true(found.icc, change):
        notes.append("left out, as it does not hold for the converted pixels: the colour profile")
        found = replace(found, icc=b"", fields=_without(found.fields, _ICC))
        found = replace(found, chunks=tuple(c for c in found.chunks if c.kind != b"iCCP"))
    if found.thumbnail and (change.turned or change.size):
        notes.append("the thumbnail in the EXIF data shows the picture as it was before")
    if (change.turned or change.size) and any(one.tag in _MAPPED for one in found.fields):
        notes.append("left out, as it does not hold for the new pixels: where they are on the map")
        found = replace(found, fields=_without(found.fields, *_MAPPED))
    if change.turned:
        found = found.upright()
    if change.size is not None:
        found = found.resized(*change.size)
    return found


def _true(icc: bytes, change: Change) -> bool:
    """Whether a colour profile fits the new pixels as well as it did the old ones."""
    wanted = b"GRAY" if change.grey else b"RGB "
    return icc[16:20] == wanted or change.space == ("grey" if change.grey else "colour")


def _without(fields: Iterable[ifd.Field], *tags: int) -> tuple[ifd.Field, ...]:
    return tuple(one for one in fields if one.tag not in tags)


def _none(form: str, what: Iterable[str]) -> list[str]:
    return [f"left out, as {_NAMES[form]} file holds none: {one}" for one in what]


def _texts(found: Metadata, form: str) -> list[str]:
    """Notes on texts that a format has no place for."""
    names = list(dict.fromkeys(name for name, _ in found.text))
    if not names:
        return []
    return [f"left out, as {_NAMES[form]} file has no place for it: text ({joined(names)})"]


def _colours(found: Metadata, form: str) -> list[str]:
    """Notes on what only a PNG says, in its chunks."""
    damaged = [kind for kind, value in ((b"eXIf", found.exif), (b"iCCP", found.icc)) if not value]
    kinds = dict.fromkeys(
        one.kind for one in found.chunks if one.kind not in _ELSEWHERE or one.kind in damaged
    )
    names = [kind.decode("latin-1") for kind in kinds]
    plural = "chunks" if len(names) > 1 else "chunk"
    return _none(form, [f"the PNG {plural} {joined(names)}"] if names else [])


# --- PNG


def into_png(found: Metadata, change: Change, notes: list[str]) -> list[Chunk]:
    """The ancillary chunks of a new PNG."""
    if change.was is not None:
        return list(_kept(found.chunks, change, notes))
    chunks = list[Chunk]()
    if found.icc:
        chunks.append(Chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(found.icc)))
    if found.resolution is not None:
        chunks += _density(found.resolution, notes)
    if found.exif:
        chunks.append(Chunk(b"eXIf", found.exif))
    if found.xmp:
        chunks.append(Chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + found.xmp))
    chunks += (_text(name, value) for name, value in found.text)
    if found.photoshop or found.iptc:
        notes += _none("png", ["IPTC data (of Photoshop)"])
    return chunks


def _kept(chunks: Iterable[Chunk], change: Change, notes: list[str]) -> Iterator[Chunk]:
    """Those of a PNG's own chunks that are still true."""
    assert change.was is not None
    depth, colour = (a == b for a, b in zip(change.was, change.now, strict=True))
    kind_of = change.was[1] & 3 == change.now[1] & 3
    untrue, stale, moving = (dict[bytes, None]() for _ in range(3))
    for chunk in chunks:
        kind = chunk.kind
        if kind in _ANIMATED:
            moving[kind] = None
        elif png.stale(kind):
            stale[kind] = None
        elif (
            (kind == b"sBIT" and not (depth and colour))
            or (kind == b"bKGD" and not (depth and kind_of))
            or (kind == b"pCAL" and not depth)
            or (kind == b"hIST")
            or (kind in _OF_SIZE and change.size is not None)
        ):
            untrue[kind] = None
        elif kind != b"tRNS":
            yield chunk
    for kinds, why in (
        (untrue, "as it does not hold for the converted pixels"),
        (stale, "as PNG forbids to copy it beside other pixels"),
        (moving, "as the new file is a still picture"),
    ):
        names = [kind.decode("latin-1") for kind in kinds]
        if names:
            plural = "chunks" if len(names) > 1 else "chunk"
            notes.append(f"left out, {why}: the PNG {plural} {joined(names)}")


def _density(resolution: Resolution, notes: list[str]) -> list[Chunk]:
    numbers = _whole(resolution, "a PNG", notes)
    unit = 1 if resolution.unit else 0
    return [Chunk(b"pHYs", struct.pack(">IIB", *numbers, unit))] if numbers else []


def _whole(resolution: Resolution, name: str, notes: list[str]) -> tuple[int, ...]:
    """Whole pixels a metre, as near as a format can say it; of a shape, its smallest numbers."""
    if resolution.unit:
        exact = resolution.a_metre()
    else:
        shape = resolution.x / resolution.y
        exact = (Fraction(shape.numerator), Fraction(shape.denominator))
    found = tuple(min(max(round(value), 1), _HIGHEST) for value in exact)
    if any(abs(value - whole) > Fraction(1, 2) for value, whole in zip(exact, found, strict=True)):
        told = " x ".join(f"{float(value):g}" for value in (resolution.x, resolution.y))
        unit = f" a {resolution.unit}" if resolution.unit else ""
        nearest = " x ".join(str(whole) for whole in found)
        notes.append(
            f"the resolution of {told} pixels{unit} is beyond what {name} file can say: "
            f"{nearest} a metre were written"
        )
    return found


def _text(keyword: str, value: str) -> Chunk:
    """A text as a chunk: Latin-1 where that has all of its characters."""
    name = (keyword.encode("latin-1", "replace")[:79] or b"Comment").replace(b"\0", b" ")
    value = value.replace("\0", " ")
    try:
        return Chunk(b"tEXt", name + b"\0" + value.encode("latin-1"))
    except UnicodeEncodeError:
        return Chunk(b"iTXt", name + b"\0\0\0\0\0" + value.encode())


# --- WebP


def into_webp(
    found: Metadata, change: Change, size: tuple[int, int], notes: list[str]
) -> list[webp.Chunk]:
    """The chunks of a new WebP of `size`, the pixels' with nothing in it."""
    before = [webp.made(b"ICCP", found.icc)] if found.icc else []
    after = [webp.made(b"EXIF", found.exif)] if found.exif else []
    after += [webp.made(b"XMP ", found.xmp)] if found.xmp else []
    flags = bool(found.icc) << 5 | bool(change.now[1] & 4) << 4
    flags |= bool(found.exif) << 3 | bool(found.xmp) << 2
    if before or after:
        low, high = (struct.pack("<I", length - 1)[:3] for length in size)
        before.insert(0, webp.made(b"VP8X", bytes([flags, 0, 0, 0]) + low + high))
    lost = ["IPTC data (of Photoshop)"] if found.photoshop or found.iptc else []
    if found.resolution and not _alike(found.resolution, resolution_in(parsed(found.exif))):
        lost.append("the resolution")
    notes += _none("webp", lost) + _texts(found, "webp") + _colours(found, "webp")
    return [*before, webp.made(b"VP8L", b""), *after]


def _alike(a: Resolution, b: Resolution | None) -> bool:
    """Whether two resolutions are one that two formats round."""
    if b is None or bool(a.unit) != bool(b.unit):
        return False
    pairs = zip(a.a_metre(), b.a_metre(), strict=True)
    return all(abs(one - other) <= max(one / 1000, Fraction(1, 2)) for one, other in pairs)


# --- BMP


def into_bmp(new: bytes, found: Metadata, notes: list[str]) -> bytes:
    """A new BMP with the resolution, all of this that it can hold."""
    lost = {
        "EXIF data": found.exif,
        "XMP data": found.xmp,
        "the colour profile": found.icc,
        "IPTC data (of Photoshop)": found.photoshop or found.iptc,
    }
    notes += _none("bmp", [name for name, held in lost.items() if held])
    notes += _texts(found, "bmp") + _colours(found, "bmp")
    numbers: tuple[int, ...] = (0, 0)
    if found.resolution is not None and found.resolution.unit:
        numbers = _whole(found.resolution, "a BMP", notes)
    elif found.resolution is not None:
        notes += _none("bmp", ["the shape of a pixel"])
    out = bytearray(new)
    struct.pack_into("<ii", out, 38, *numbers)
    return bytes(out)


# --- TIFF


def into_tiff(new: bytes, found: Metadata, notes: list[str]) -> bytes:
    """A new TIFF of one page with all of this among its tags."""
    bare = ifd.parse(new)
    page = bare.pages[0]
    layout = [one for one in ifd.tree(bare, page) if one.tag in LAYOUT]
    fields, order = _described(found, notes)
    if bare.number(page, 258, 8) > 8:  # samples keep the order of their file
        fields, order = ifd.swapped(fields, order, bare.order), bare.order
    have = {one.tag for one in fields}
    more = list(_more(found, have, order))
    spare = _named_texts(found, have, order, more)
    if spare:
        what = f"text ({joined(dict.fromkeys(spare))})"
        notes.append(f"left out, as a TIFF file has no place for it: {what}")
    held = resolution_in(parsed(ifd.serialized([*fields, *more], order)))
    if found.resolution and held and not _alike(found.resolution, held):
        notes.append("left out, as EXIF data say another one: the resolution beside them")
    notes += _colours(found, "tiff")
    starts = bare.numbers(page.get(273))
    strips = zip(starts, bare.numbers(page.get(279)), strict=True)
    writer = ifd.Writer(order, b"")
    writer.keep(fields)
    places = [writer.place(new[start : start + size]) for start, size in strips]
    layout = [*ifd.swapped(_without(layout, 273), bare.order, order)]
    layout.append(ifd.numbers(273, ifd.LONG, places, order))
    made = writer.finished(writer.directory([*layout, *fields, *more]))
    if _moved(fields, made):
        notes.append("the maker's note in the EXIF data was moved: places in it may not hold")
    return made


def _moved(fields: Iterable[ifd.Field], made: bytes) -> bool:
    """Whether a note of a maker is elsewhere than in the file that it comes from."""
    return any(
        (one.tag == ifd.MAKER_NOTE and made[one.home : one.home + len(one.data)] != one.data)
        or any(_moved(child, made) for child in one.children)
        for one in fields
    )


def _described(found: Metadata, notes: list[str]) -> tuple[tuple[ifd.Field, ...], str]:
    """The fields that describe the picture, of a TIFF or of EXIF data, and their byte order."""
    if found.fields or not found.exif:
        return found.fields, found.order
    structure = parsed(found.exif)
    if structure is None or not structure.pages:
        notes.append("left out, as they are damaged and TIFF has no other place: EXIF data")
        return (), "<"
    tree = ifd.tree(structure, structure.pages[0])
    kept = tuple(one for one in tree if one.tag not in LAYOUT)
    untrue = sorted({one.tag for one in tree} & LAYOUT - set(range(256, 280)))
    if untrue:
        names = joined(_CODED.get(tag, str(tag)) for tag in untrue)
        notes.append(f"left out, as it tells how the source was coded: the EXIF tag {names}")
    damaged = sorted({e.tag for one in structure.every() for e in one.entries if e.size < 0})
    if damaged:
        notes.append(f"left out, as damaged: the EXIF tag {joined(map(str, damaged))}")
    if found.thumbnail:
        notes.append("left out, as a TIFF would have a second page: the thumbnail of EXIF data")
    return kept, structure.order


_CODED = {
    **{513: "JPEGInterchangeFormat", 514: "JPEGInterchangeFormatLength"},
    **{529: "YCbCrCoefficients", 530: "YCbCrSubSampling", 531: "YCbCrPositioning"},
    532: "ReferenceBlackWhite",
}


def _more(found: Metadata, have: set[int], order: str) -> Iterator[ifd.Field]:
    """Fields for what stands beside EXIF data in other formats."""
    for tag, kind, data in (
        (_XMP, ifd.BYTE, found.xmp),
        (_IPTC, ifd.UNDEFINED, found.iptc),
        (_PHOTOSHOP, ifd.BYTE, found.photoshop),
        (_ICC, ifd.UNDEFINED, found.icc),
    ):
        if data and tag not in have:
            yield ifd.Field(tag, kind, len(data), data)
    if found.resolution is None or {X_RESOLUTION, Y_RESOLUTION} & have:
        return
    x, y, unit = found.resolution
    if unit == "metre":
        x, y = x / 100, y / 100
    for tag, value in ((X_RESOLUTION, x), (Y_RESOLUTION, y)):
        yield ifd.Field(tag, ifd.RATIONAL, 1, _ratio(value, order))
    if RESOLUTION_UNIT not in have:
        number = {"inch": 2, "metre": 3, "": 1}[unit]
        yield ifd.numbers(RESOLUTION_UNIT, ifd.SHORT, [number], order)


def _ratio(value: Fraction, order: str) -> bytes:
    most = (1 << 32) - 1
    if value.numerator > most or value.denominator > most:
        value = value.limit_denominator(max(1, int(most / max(value, Fraction(1)))))
    return struct.pack(order + "II", min(value.numerator, most), value.denominator)


def _named_texts(found: Metadata, have: set[int], order: str, more: list[ifd.Field]) -> list[str]:
    """Adds texts that TIFF has tags for to `more`; gives the keywords of the others."""
    spare, taken = [], have | {one.tag for one in more}
    for keyword, value in found.text:
        tag = _TEXTS.get(keyword)
        if tag is None or tag in taken:
            spare.append(keyword)
            continue
        data = value.encode() + b"\0"
        more.append(ifd.Field(tag, ifd.ASCII, len(data), data))
        taken.add(tag)
    return spare

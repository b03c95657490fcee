"""What each file format has beside its samples: one parser for each, none of them Pillow's.

Damaged parts are left out, or kept as the bytes that they are; nothing here raises on them.
"""

import re
import struct
import zlib
from fractions import Fraction
from typing import Any

from ...errors import FormatError
from . import ifd, png, webp
from .metadata import (
    Chunk,
    Metadata,
    parsed,
    resolution_in,
    resolution_of,
)

_EXIF, _XMP, _MORE_XMP = (
    b"Exif\0\0",
    b"http://ns.adobe.com/xap/1.0/\0",
    (b"http://ns.adobe.com/xmp/extension/\0"),
)
_ICC, _PHOTOSHOP, _MPF = b"ICC_PROFILE\0", b"Photoshop 3.0\0", b"MPF\0"
_SOI, _EOI, _SOS, _COMMENT, _ADOBE = 0xD8, 0xD9, 0xDA, 0xFE, 0xEE
_BARE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
_MOST_TEXT = 1 << 24
_UNIT = {1: "inch", 2: "metre"}  # the density of JFIF, which counts centimetres


def metadata(image: Any, data: bytes | None) -> Metadata:
    """What a picture, which Pillow opened as `image`, has beside its samples; of its file `data`,
    where it has one."""
    reader = _READERS.get(image.format or "")
    if data is None or reader is None:
        return _of_pillow(image)
    return reader(data)


def _of_pillow(image: Any) -> Metadata:
    """What Pillow knows of a picture without a file, or of a format that has no reader here."""
    found: dict[str, Any] = image.info
    icc, exif, xmp = (found.get(name) or b"" for name in ("icc_profile", "exif", "xmp"))
    exif = _headless(exif if isinstance(exif, bytes) else b"")
    if not exif and image.getexif():
        exif = _headless(image.getexif().tobytes())
    dpi = found.get("dpi", ())
    tags = getattr(image, "tag_v2", None)
    if tags is not None and 282 not in tags:
        dpi = ()  # Pillow makes one up
    resolution = None
    if len(dpi) == 2:
        x, y = (_exact(value) for value in dpi)
        resolution = resolution_of(x, y, "inch")
    text = dict(getattr(image, "text", {}) if image.format == "PNG" else {})
    text |= {"Comment": found["comment"]} if "comment" in found else {}
    told = tuple((name, _decoded(value)) for name, value in text.items() if name != _PNG_XMP)
    return Metadata(
        exif=exif,
        xmp=xmp.encode() if isinstance(xmp, str) else xmp,
        icc=icc if isinstance(icc, bytes) else b"",
        resolution=resolution,
        text=told,
    )


def _exact(value: Any) -> Fraction | None:
    try:
        return Fraction(value).limit_denominator(10**6)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None


def _decoded(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        return bytes(value).decode("latin-1")


def _headless(exif: bytes) -> bytes:
    """EXIF data from their TIFF header on."""
    return exif[len(_EXIF) :] if exif.startswith(_EXIF) else exif


# --- JPEG


def _jpeg(data: bytes) -> Metadata:
    segments, end = _segments(data)
    exif, icc, photoshop, xmp = b"", dict[int, bytes](), b"", b""
    more_xmp, text, other = dict[bytes, dict[int, bytes]](), list[tuple[str, str]](), list[str]()
    resolution, said, wanted = None, set[str](), 0

    def note(what: str) -> None:
        if what not in said:
            said.add(what)
            other.append(what)

    for marker, body in segments:
        if marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 12:
            unit, x, y = struct.unpack(">BHH", body[7:12])
            scale = 100 if unit == 2 else 1
            found = resolution_of(Fraction(scale * x), Fraction(scale * y), _UNIT.get(unit, ""))
            resolution = resolution or found
            if body[12:14] not in (b"", b"\0\0") and all(body[12:14]):
                note("the thumbnail of its JFIF header")
        elif marker == 0xE0 and body.startswith(b"JFXX\0"):
            note("the thumbnail of its JFIF header")
        elif marker == 0xE1 and body.startswith(_EXIF):
            exif += body[len(_EXIF) :]  # longer ones go on in the next segment
        elif marker == 0xE1 and body.startswith(_XMP):
            xmp = xmp or body[len(_XMP) :]
        elif marker == 0xE1 and body.startswith(_MORE_XMP):
            head = body[len(_MORE_XMP) :]
            if len(head) >= 40:
                at = struct.unpack(">I", head[36:40])[0]
                more_xmp.setdefault(head[:32], {})[at] = head[40:]
        elif marker == 0xE2 and body.startswith(_ICC) and len(body) >= 14:
            icc.setdefault(body[12], body[14:])
            wanted = max(wanted, body[13])
        elif marker == 0xE2 and body.startswith(_MPF):
            note("the further pictures of the file (its MPF index)")
        elif marker == 0xED and body.startswith(_PHOTOSHOP):
            photoshop += body[len(_PHOTOSHOP) :]
        elif marker == _COMMENT:
            text.append(("Comment", _decoded(body.rstrip(b"\0"))))
        elif 0xE0 <= marker <= 0xEF and not (marker == _ADOBE and body.startswith(b"Adobe")):
            name = re.match(rb"[\x20-\x7e]*", body[:20])
            named = name[0].decode().strip() if name else ""
            note(f"the JPEG segment APP{marker - 0xE0}" + (f" ({named})" if named else ""))
    profile = b"".join(icc[number] for number in sorted(icc))
    if icc and sorted(icc) != list(range(1, wanted + 1)):
        profile = b""
        note("the colour profile, of which parts are missing,")
    if more_xmp:
        xmp, whole = _merged(xmp, more_xmp)
        if not whole:
            note("the extension of the XMP data")
    if "the further pictures of the file (its MPF index)" not in said:
        beyond = len(data[end:].strip(b"\0"))
        if beyond:
            note(f"{beyond} bytes behind the end of the picture")
    return Metadata(
        exif=exif,
        xmp=xmp,
        icc=profile,
        photoshop=photoshop,
        resolution=resolution or resolution_in(parsed(exif)),
        text=tuple(text),
        other=tuple(other),
    )


def _segments(data: bytes) -> tuple[list[tuple[int, bytes]], int]:
    """Markers and contents of segments up to the end of the first picture, and where that is."""
    found, at, size = list[tuple[int, bytes]](), 2, len(data)
    while at + 2 <= size:
        if data[at] != 0xFF:  # junk, or the coded samples
            match = _MARKER.search(data, at)
            if match is None:
                return found, size
            at = match.end() - 2
        marker = data[at + 1]
        if marker == 0xFF or marker == 0:
            at += 1
            continue
        at += 2
        if marker == _EOI:
            return found, at
        if marker in _BARE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        found.append((marker, data[at + 2 : at + length]))
        at += max(length, 2)
        if marker == _SOS:
            match = _MARKER.search(data, at)
            if match is None:
                return found, size
            at = match.end() - 2
    return found, size


_LINKED = re.compile(rb"""\s(xmpNote|xmpnote):HasExtendedXMP\s*=\s*(["'])([0-9A-Fa-f]{32})\2""")
_WITHIN = re.compile(rb"<rdf:RDF\b[^>]*?(?:/>|>(.*)</rdf:RDF\s*>)", re.DOTALL)


def _merged(xmp: bytes, parts: dict[bytes, dict[int, bytes]]) -> tuple[bytes, bool]:
    """The packet with the descriptions of its extension in it, and whether they could be.

    JPEG splits what is longer than a segment; other formats hold it whole. The link between the two
    parts becomes spaces, as it would point to nothing.
    """
    link = _LINKED.search(xmp)
    pieces = parts.get(link[3].upper()) or parts.get(link[3]) if link else None
    if link is None or pieces is None:
        return xmp, False
    whole, at = b"", 0
    for start in sorted(pieces):
        if start != at:
            return xmp, False
        whole += pieces[start]
        at = len(whole)
    inner, outer = _WITHIN.search(whole), xmp.rfind(b"</rdf:RDF")
    if inner is None or outer < 0:
        return xmp, False
    blank = xmp[: link.start()] + b" " * len(link[0]) + xmp[link.end() :]
    made = blank[:outer] + (inner[1] or b"") + blank[outer:]
    return (made, True) if _is_xml(made) else (xmp, False)


def _is_xml(packet: bytes) -> bool:
    from xml.parsers import expat

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(packet.strip(b"\0 \r\n\t"), True)
    except (expat.ExpatError, ValueError):
        return False
    return True


def _refuse(*_: Any) -> None:
    raise ValueError("a packet of XMP declares no types")


# --- PNG

_PNG_XMP = "XML:com.adobe.xmp"
_RAW_EXIF = ("Raw profile type exif", "Raw profile type APP1")


def _png(data: bytes) -> Metadata:
    chunks, end = png.parse(data)
    first = next(i for i, chunk in enumerate(chunks) if chunk.kind == b"IDAT")
    listed, found = list[Chunk](), dict[bytes, bytes]()
    text, xmp = list[tuple[str, str]](), b""
    for number, chunk in enumerate(chunks):
        if chunk.kind[:1].islower():
            listed.append(Chunk(chunk.kind, chunk.data, number > first))
            found.setdefault(chunk.kind, chunk.data)
        if chunk.kind in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, value = _text(chunk.kind, chunk.data)
            if keyword == _PNG_XMP:
                xmp = xmp or value
            else:
                text.append((keyword, _decoded(value)))
    exif = _headless(found.get(b"eXIf", b""))
    raw = next((value for name, value in text if name in _RAW_EXIF), "")
    exif = exif or _headless(_raw_profile(raw))
    icc = found.get(b"iCCP", b"")
    at = icc.find(b"\0") + 2
    resolution = None
    if len(found.get(b"pHYs", b"")) == 9:
        x, y, unit = struct.unpack(">IIB", found[b"pHYs"])
        resolution = resolution_of(Fraction(x), Fraction(y), "metre" if unit == 1 else "")
    beyond = len(data) - end
    return Metadata(
        exif=exif,
        xmp=xmp,
        icc=_inflated(icc[at:]) if icc else b"",
        resolution=resolution,
        text=tuple(text),
        chunks=tuple(listed),
        stored=(chunks[0].data[8], chunks[0].data[9]),
        other=(f"{beyond} bytes behind the end of the picture",) if beyond else (),
    )


def _text(kind: bytes, data: bytes) -> tuple[str, bytes]:
    """The keyword and the text of a PNG's chunk; in UTF-8 where it is in an iTXt."""
    keyword, _, rest = data.partition(b"\0")
    if kind == b"zTXt":
        value = _inflated(rest[1:])
    elif kind == b"iTXt":
        packed, value = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
        value = _inflated(value) if packed else value
    else:
        value = rest
    return keyword.decode("latin-1"), value


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MOST_TEXT)
    except zlib.error:
        return b""


def _raw_profile(text: str) -> bytes:
    """The bytes of ImageMagick's way to write EXIF data as text: a name, a length, hex digits."""
    try:
        return bytes.fromhex("".join(text.split()[2:]))
    except ValueError:
        return b""


# --- WebP, GIF, BMP


def _webp(data: bytes) -> Metadata:
    chunks, end = webp.parse(data)
    found = dict[bytes, bytes]()
    for chunk in chunks:
        size = int.from_bytes(chunk.raw[4:8], "little")
        found.setdefault(chunk.kind, chunk.raw[8 : 8 + size])
    known = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"EXIF", b"XMP ", b"ANIM", b"ANMF"}
    names = [kind.decode("latin-1").strip() for kind in found if kind not in known]
    other = [f"the WebP chunk {name}" for name in names]
    if b"ANIM" in found:
        other.append("the timing of the animation, which has one frame,")
    if data[end:]:
        other.append(f"{len(data) - end} bytes behind the end of the picture")
    exif = _headless(found.get(b"EXIF", b""))
    return Metadata(
        exif=exif,
        xmp=found.get(b"XMP ", b""),
        icc=found.get(b"ICCP", b""),
        resolution=resolution_in(parsed(exif)),
        other=tuple(other),
    )


def _gif(data: bytes) -> Metadata:
    text, xmp, icc, other = list[tuple[str, str]](), b"", b"", list[str]()
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    while at < len(data):
        if data[at] == 0x2C:  # a picture
            flags = data[at + 9] if at + 9 < len(data) else 0
            at += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
            _, at = _blocks(data, at)
        elif data[at] == 0x21 and at + 1 < len(data):
            label, start = data[at + 1], at + 2
            blocks, at = _blocks(data, start)
            name = blocks[0] if blocks else b""
            if label == 0xFE:
                text.append(("Comment", _decoded(b"".join(blocks).rstrip(b"\0"))))
            elif label == 0xFF and name.startswith(b"XMP Data"):
                xmp = data[start + 12 : at]
                xmp = xmp[: xmp.rfind(b"\x01\xff")] if b"\x01\xff" in xmp else b""
            elif label == 0xFF and name.startswith(b"ICCRGBG1"):
                icc = b"".join(blocks[1:])
            elif label == 0xFF and not name.startswith((b"NETSCAPE", b"ANIMEXTS")):
                other.append(f"the GIF extension {_decoded(name[:8]).strip()}")
            elif label == 0x01:
                other.append("a text that the GIF draws over the picture")
        else:
            break
    return Metadata(xmp=xmp, icc=icc, text=tuple(text), other=tuple(other))


def _blocks(data: bytes, at: int) -> tuple[list[bytes], int]:
    """The parts of a GIF's block from a place on, and where the next one starts."""
    found = []
    while at < len(data) and data[at]:
        found.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return found, at + 1


def _bmp(data: bytes) -> Metadata:
    at = data.find(b"BM") + 14 if data.startswith(b"BM") else 0
    size = int.from_bytes(data[at : at + 4], "little")
    if size < 40 or len(data) < at + 40:
        return Metadata()
    x, y = struct.unpack_from("<ii", data, at + 24)
    icc, other = b"", list[str]()
    if size >= 108 and len(data) >= at + 108:
        colours = data[at + 56 : at + 60]
        if colours == b"DEBM" and size >= 124:
            start, length = struct.unpack_from("<II", data, at + 112)
            icc = data[at + start : at + start + length]
        elif colours == b"KNIL":
            other.append("the link to a colour profile")
        elif colours == bytes(4):  # calibrated: end points and gamma
            if any(data[at + 60 : at + 108]):
                other.append("the colour space of the BMP header")
    return Metadata(
        icc=icc, resolution=resolution_of(Fraction(x), Fraction(y), "metre"), other=tuple(other)
    )


# --- TIFF

LAYOUT = {
    *range(254, 260), *range(262, 269), 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291, 292,
    293, 301, 317, *range(318, 333), *range(338, 348), *range(512, 522), *range(529, 533), 559,
    33421, 33422,
}  # fmt: skip
"""Tags that say where and how samples are stored, and what they mean in that way of storing."""
_APART = {ifd.SUBIFDS, 700, 33723, 34377, 34675}
_OF_EXIF = {
    *(269, 270, 271, 272, 274, 282, 283, 285, 286, 287, 296, 297, 305, 306, 315, 316, 318, 319),
    *(18246, 18249, 33432, 34665, 34853, 40091, 40092, 40093, 40094, 40095, 50341),
}
"""Tags of a TIFF that EXIF data have in other formats."""
_NAMES = {
    33550: "ModelPixelScale", 33922: "ModelTiepoint", 34264: "ModelTransformation",
    34735: "GeoKeyDirectory", 34736: "GeoDoubleParams", 34737: "GeoAsciiParams",
    42112: "GDAL_METADATA", 42113: "GDAL_NODATA", 50838: "ImageJ", 50839: "ImageJ",
    34118: "SEM", 34412: "LSM", 34361: "MM header", 37724: "ImageSourceData",
}  # fmt: skip


def _tiff(data: bytes) -> Metadata:
    try:
        structure = ifd.parse(data)
        page = structure.pages[0]
    except (FormatError, IndexError):
        return Metadata(other=("all tags of its damaged directory",))
    fields = tuple(one for one in ifd.tree(structure, page) if one.tag not in LAYOUT)
    exif = tuple(one for one in fields if one.tag in _OF_EXIF)
    alien = sorted({one.tag for one in fields} - _OF_EXIF - _APART)
    other = [_named(tag) for tag in alien]
    if ifd.SUBIFDS in page.subs:
        other.append("its sub-pages")

    def bytes_of(tag: int) -> bytes:
        return structure.raw(page.get(tag))

    return Metadata(
        exif=ifd.serialized(exif, structure.order) if exif else b"",
        xmp=bytes_of(700),
        icc=bytes_of(34675),
        photoshop=bytes_of(34377),
        iptc=bytes_of(33723),
        resolution=resolution_in(structure),
        fields=fields,
        order=structure.order,
        other=tuple(other),
    )


def _named(tag: int) -> str:
    return f"the TIFF tag {tag}" + (f" ({_NAMES[tag]})" if tag in _NAMES else "")


_READERS = {"JPEG": _jpeg, "MPO": _jpeg, "PNG": _png, "WEBP": _webp, "GIF": _gif, "BMP": _bmp}
_READERS |= {"DIB": _bmp, "TIFF": _tiff}

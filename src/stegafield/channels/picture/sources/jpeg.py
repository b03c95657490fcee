"""JPEG: EXIF, XMP with its extension, colour profiles in parts, Photoshop's resources, comments."""

import re
import struct
from fractions import Fraction
from typing import Any

from ..metadata import EXIF_HEAD, Metadata, decoded, parsed, resolution_in, resolution_of

_XMP, _MORE_XMP = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
_ICC, _PHOTOSHOP, _MPF = b"ICC_PROFILE\0", b"Photoshop 3.0\0", b"MPF\0"
_SOI, _EOI, _SOS, _COMMENT, _ADOBE = 0xD8, 0xD9, 0xDA, 0xFE, 0xEE
_BARE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
_UNIT = {1: "inch", 2: "metre"}  # the density of JFIF, which counts centimetres


def read(data: bytes) -> Metadata:
    """What the segments of a JPEG hold."""
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
        elif marker == 0xE1 and body.startswith(EXIF_HEAD):
            exif += body[len(EXIF_HEAD) :]  # longer ones go on in the next segment
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
            text.append(("Comment", decoded(body.rstrip(b"\0"))))
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

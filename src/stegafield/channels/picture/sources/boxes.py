"""JPEG 2000 and Photoshop's own format, and what is lost of formats without a reader."""

import struct
from collections.abc import Iterator
from fractions import Fraction

from ..metadata import Metadata, Resolution, headless, parsed, resolution_in, resolution_of

_EXIF, _XMP = b"JpgTiffExif->JP2", bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_CODED = {b"jP  ", b"ftyp", b"jp2h", b"jp2c", b"rreq", b"uuid"}
_ICC_OF, _EXIF_OF, _XMP_OF, _SIZE_OF = 1039, 1058, 1060, 1005
_SMALLER = {"ICO": 4, "CUR": 4}


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kinds and contents of boxes, one behind the other."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= len(data):
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        size = len(data) - at if size == 0 else size
        if size < head:
            return
        yield kind, data[at + head : at + size]
        at += size


def jpeg2000(data: bytes) -> Metadata:
    """What the boxes of a JPEG 2000 hold; a bare stream holds nothing."""
    exif = xmp = iptc = icc = b""
    resolution, other = None, list[str]()
    if data[4:8] != b"jP  ":
        return Metadata(other=_depth(data))
    for kind, body in _boxes(data):
        if kind == b"uuid":
            name, rest = body[:16], body[16:]
            if name == _EXIF:
                exif = exif or headless(rest)
            elif name == _XMP:
                xmp = xmp or rest
            elif name == _IPTC:
                iptc = iptc or rest
            else:
                other.append(f"the box uuid {name.hex()[:8]}")
        elif kind == b"jp2h":
            for inner, content in _boxes(body):
                if inner == b"colr" and content[:1] == b"\2":
                    icc = icc or content[3:]
                elif inner == b"res ":
                    resolution = _resolution(content) or resolution
        elif kind not in _CODED:
            other.append(f"the box {kind.decode('latin-1').strip()}")
    return Metadata(
        exif=exif,
        xmp=xmp,
        icc=icc,
        iptc=iptc,
        resolution=resolution or resolution_in(parsed(exif)),
        other=(*other, *_depth(data)),
    )


def _resolution(data: bytes) -> Resolution | None:
    for kind, body in _boxes(data):
        if kind in (b"resc", b"resd") and len(body) >= 10:
            up, up_by, across, across_by, up_ten, across_ten = struct.unpack(">HHHHbb", body[:10])
            if up_by and across_by:
                x = Fraction(across, across_by) * Fraction(10) ** across_ten
                return resolution_of(x, Fraction(up, up_by) * Fraction(10) ** up_ten, "metre")
    return None


def photoshop(data: bytes) -> Metadata:
    """What the image resources of Photoshop's own format hold."""
    start = 30 + int.from_bytes(data[26:30], "big")
    size = int.from_bytes(data[start : start + 4], "big")
    resources = data[start + 4 : start + 4 + size]
    found, at = dict[int, bytes](), 0
    while resources[at : at + 4] == b"8BIM":
        number, name = struct.unpack_from(">HB", resources, at + 4)
        place = at + 7 + name + (name + 1) % 2
        length = int.from_bytes(resources[place : place + 4], "big")
        found.setdefault(number, resources[place + 4 : place + 4 + length])
        at = place + 4 + length + length % 2
    x = y = None
    if len(found.get(_SIZE_OF, b"")) >= 16:
        across, up = struct.unpack(">I4xI4x", found[_SIZE_OF][:16])
        x, y = Fraction(across, 1 << 16), Fraction(up, 1 << 16)
    behind = start + 4 + size
    layers = int.from_bytes(data[behind : behind + 4], "big")
    exif = headless(found.get(_EXIF_OF, b""))
    return Metadata(
        exif=exif,
        xmp=found.get(_XMP_OF, b""),
        icc=found.get(_ICC_OF, b""),
        photoshop=resources,
        resolution=resolution_of(x, y, "inch"),
        other=("its layers and masks",) if layers else (),
    )


def _depth(data: bytes) -> tuple[str, ...]:
    at = data.find(b"\xff\x4f\xff\x51")
    bits = (data[at + 42] & 127) + 1 if 0 <= at < len(data) - 42 else 8
    components = data[at + 41] if 0 <= at < len(data) - 42 else 1
    return _lower(bits) if components > 1 else ()


def _lower(bits: int) -> tuple[str, ...]:
    return (f"the lower bits of samples of {bits} bits",) if bits > 8 else ()


def lost(form: str, data: bytes) -> tuple[str, ...]:
    """What is lost of a file of a format without a reader, in words."""
    if form in ("HEIF", "AVIF"):
        at = data.find(b"pixi")
        return _lower(data[at + 9]) if 0 < at < len(data) - 9 and data[at + 8] else ()
    if form in _SMALLER and len(data) > 6 and int.from_bytes(data[4:6], "little") > 1:
        return ("its smaller pictures",)
    if form == "PPM" and data[:2] in (b"P3", b"P6"):
        words = b" ".join(line.split(b"#")[0] for line in data[:256].split(b"\n")).split()
        most = int(words[3]) if len(words) > 3 and words[3].isdigit() else 0
        return _lower(most.bit_length())
    if form == "SGI" and data[3:4] == b"\2":
        return _lower(16)
    return ()

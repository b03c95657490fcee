"""WebP, GIF and BMP."""

import struct
from fractions import Fraction

from ..metadata import Metadata, decoded, headless, parsed, resolution_in, resolution_of
from ..webp import parse


def webp_of(data: bytes) -> Metadata:
    """What the chunks of a WebP hold."""
    chunks, end = parse(data)
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
    exif = headless(found.get(b"EXIF", b""))
    return Metadata(
        exif=exif,
        xmp=found.get(b"XMP ", b""),
        icc=found.get(b"ICCP", b""),
        resolution=resolution_in(parsed(exif)),
        other=tuple(other),
    )


def gif(data: bytes) -> Metadata:
    """What the extensions of a GIF hold."""
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
                text.append(("Comment", decoded(b"".join(blocks).rstrip(b"\0"))))
            elif label == 0xFF and name.startswith(b"XMP Data"):
                xmp = data[start + 12 : at]
                xmp = xmp[: xmp.rfind(b"\x01\xff")] if b"\x01\xff" in xmp else b""
            elif label == 0xFF and name.startswith(b"ICCRGBG1"):
                icc = b"".join(blocks[1:])
            elif label == 0xFF and not name.startswith((b"NETSCAPE", b"ANIMEXTS")):
                other.append(f"the GIF extension {decoded(name[:8]).strip()}")
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


def bmp(data: bytes) -> Metadata:
    """What the header of a BMP holds."""
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

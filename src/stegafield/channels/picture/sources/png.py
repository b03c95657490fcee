"""PNG: all of its ancillary chunks."""

import struct
import zlib
from fractions import Fraction

from ..metadata import Chunk, Metadata, decoded, headless, resolution_of
from ..png import parse

_MOST_TEXT = 1 << 24
"""Bytes that all compressed texts of a file may have together; the rest of them is left out."""
XMP = "XML:com.adobe.xmp"
_RAW_EXIF = ("Raw profile type exif", "Raw profile type APP1")


def read(data: bytes) -> Metadata:
    """What the chunks of a PNG hold."""
    chunks, end = parse(data)
    first = next(i for i, chunk in enumerate(chunks) if chunk.kind == b"IDAT")
    listed, found = list[Chunk](), dict[bytes, bytes]()
    text, xmp, room = list[tuple[str, str]](), b"", _MOST_TEXT
    for number, chunk in enumerate(chunks):
        if chunk.kind[:1].islower():
            listed.append(Chunk(chunk.kind, chunk.data, number > first))
            found.setdefault(chunk.kind, chunk.data)
        if chunk.kind in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, value = _text(chunk.kind, chunk.data, room)
            room = max(0, room - len(value))
            if keyword == XMP:
                xmp = xmp or value
            else:
                text.append((keyword, decoded(value)))
    exif = headless(found.get(b"eXIf", b""))
    raw = next((value for name, value in text if name in _RAW_EXIF), "")
    if not exif and raw:
        exif = headless(_raw_profile(raw))
        text = [(name, value) for name, value in text if not (exif and name in _RAW_EXIF)]
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
        interlaced=chunks[0].data[12] == 1,
        other=(f"{beyond} bytes behind the end of the picture",) if beyond else (),
    )


def _text(kind: bytes, data: bytes, room: int) -> tuple[str, bytes]:
    """The keyword and the text of a PNG's chunk, unpacked as far as there is room."""
    keyword, _, rest = data.partition(b"\0")
    if kind == b"zTXt":
        value = _inflated(rest[1:], room)
    elif kind == b"iTXt":
        packed, value = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
        value = _inflated(value, room) if packed else value
    else:
        value = rest
    return keyword.decode("latin-1"), value


def _inflated(data: bytes, room: int = _MOST_TEXT) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, room) if room else b""
    except zlib.error:
        return b""


def _raw_profile(text: str) -> bytes:
    """The bytes of ImageMagick's way to write EXIF data as text: a name, a length, hex digits."""
    try:
        return bytes.fromhex("".join(text.split()[2:]))
    except ValueError:
        return b""

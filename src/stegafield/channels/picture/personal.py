"""Files without what is personal in them, for `strip_metadata`: nothing else changes."""

import struct

from . import png, webp
from .metadata import PERSONAL, joined, of_chunk
from .stripped import stripped


def without(data: bytes, form: str) -> tuple[bytes, tuple[str, ...]]:
    """A file without its EXIF data, GPS, XMP and text, for `strip_metadata`, and a note on these;
    colours and resolution stay."""
    names, kept = dict[str, None](), list[bytes]()
    if form == "png":
        chunks, end = png.parse(data)
        for chunk in chunks:
            if chunk.kind in PERSONAL:
                names[of_chunk(chunk.kind, chunk.data)] = None
            else:
                kept.append(chunk.raw)
        out = data[:8] + b"".join(kept)
    elif form == "webp":
        parts, end = webp.parse(data)
        for part in parts:
            if part.kind in (b"EXIF", b"XMP "):
                names[f"{part.kind.decode().strip()} data"] = None
            elif part.kind == b"VP8X":
                kept.append(part.raw[:8] + bytes([part.raw[8] & ~0x0C]) + part.raw[9:])
            else:
                kept.append(part.raw)
        body = b"".join(kept)
        out = b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
    elif form == "tiff":
        out, gone = stripped(data)
        end, names = len(data), names | dict.fromkeys(gone)
    else:
        return data, ()
    if data[end:]:
        names[f"{len(data) - end} bytes behind the end of the picture"] = None
    return (out, (f"dropped as requested: {joined(names)}",)) if names else (data, ())

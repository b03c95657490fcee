"""What each file format has beside its samples: one parser for each, none of them Pillow's.

Damaged parts are left out, or kept as the bytes that they are; nothing here raises on them.
"""

from fractions import Fraction
from typing import Any

from ..metadata import Metadata, decoded, headless, resolution_of
from . import jpeg, others, png, tiff

_READERS = {"JPEG": jpeg.read, "MPO": jpeg.read, "PNG": png.read, "WEBP": others.webp_of}
_READERS |= {"GIF": others.gif, "BMP": others.bmp, "DIB": others.bmp, "TIFF": tiff.read}


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
    exif = headless(exif if isinstance(exif, bytes) else b"")
    if not exif and image.getexif():
        exif = headless(image.getexif().tobytes())
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
    told = tuple((name, decoded(value)) for name, value in text.items() if name != png.XMP)
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

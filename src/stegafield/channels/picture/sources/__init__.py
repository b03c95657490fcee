"""What each file format has beside its samples: one parser for each, none of them Pillow's.

Damaged parts are left out, or kept as the bytes that they are; nothing here raises on them.
"""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from PIL import Image

from .. import ifd, readable_exif
from ..metadata import Metadata, decoded, headless, resolution_of
from . import boxes, jpeg, others, png, tiff

_READERS = {"JPEG": jpeg.read, "MPO": jpeg.read, "PNG": png.read, "WEBP": others.webp_of}
_READERS |= {"GIF": others.gif, "BMP": others.bmp, "DIB": others.bmp, "TIFF": tiff.read}
_READERS |= {"JPEG2000": boxes.jpeg2000, "PSD": boxes.photoshop}
_PNG_COLOURS = {"gamma": "gAMA", "chromaticity": "cHRM", "srgb": "sRGB"}


def metadata(image: Any, data: bytes | None) -> Metadata:
    """What a picture, which Pillow opened as `image`, has beside its samples; of its file `data`,
    where it has one."""
    reader = _READERS.get(image.format or "")
    if data is None or reader is None:
        found = _of_pillow(image)
        lost = boxes.lost(image.format or "", data or b"")
        return replace(found, other=(*found.other, *lost))
    return reader(data)


def _of_pillow(image: Any) -> Metadata:
    """What Pillow knows of a picture without a file, or of a format that has no reader here."""
    found: dict[str, Any] = image.info
    icc, exif, xmp = (found.get(name) or b"" for name in ("icc_profile", "exif", "xmp"))
    exif = headless(exif if isinstance(exif, bytes) else b"")
    if not exif and image.format == "TIFF" and readable_exif(image):
        exif = _described(image.getexif())
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
        other=tuple(f"the PNG chunk {name}" for key, name in _PNG_COLOURS.items() if key in found),
    )


def _described(exif: Any) -> bytes:
    """What Pillow's EXIF data of a TIFF say of the picture, not of its samples."""
    made = Image.Exif()
    for tag in set(exif) & tiff.OF_EXIF:
        made[tag] = exif.get_ifd(tag) if tag in (ifd.EXIF, ifd.GPS) else exif[tag]
    return headless(made.tobytes()) if len(made) else b""


def _exact(value: Any) -> Fraction | None:
    try:
        return Fraction(value).limit_denominator(10**6)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None

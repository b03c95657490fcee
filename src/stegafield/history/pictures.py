"""The past of pictures: what their file says, and what their pixels say."""

from typing import Any

import numpy as np

from ..core.cover import Cover, depth
from ..core.history import Past
from . import interpolated, jpeg

_ORIGINAL = (
    "reduce it to half its size or less first (--size), or take a RAW or a never compressed one"
)
_LOSSY = {"JPEG": "a JPEG", "MPO": "a JPEG", "WEBP": "a lossy WebP", "AVIF": "an AVIF"}
_LOSSY |= {"HEIF": "a HEIF", "HEIC": "a HEIF", "JPEG2000": "a JPEG 2000", "JXL": "a JPEG XL"}
_TELLS = (
    "in pixels decoded from {} single changes can be seen: no such file decodes to them "
    "(JPEG compatibility)"
)
_HEAD = 64
"""Bytes in which a WebP says how it is compressed."""
_COLOURED = 0.95
"""Share of colours that a decoder makes from which pixels were decoded: a quarter by chance."""


def of_file(image: Any, data: bytes | None, size: tuple[int, int] | None) -> tuple[Past, ...]:
    """What the format of a cover's file says, as Pillow opened it.

    `size` is the (height, width) that its pixels were brought to, if they were: half or less leaves
    nothing of what they were.
    """
    form = image.format
    if form == "TIFF" and "jpeg" in str(image.info.get("compression")):
        form = "JPEG"
    if form not in _LOSSY or (form == "WEBP" and b"VP8L" in (data or b"")[:_HEAD]):
        return ()
    if size is not None and 2 * size[0] <= image.height and 2 * size[1] <= image.width:
        return ()
    kind = "jpeg" if form in ("JPEG", "MPO") else "lossy"
    return (Past(kind, _TELLS.format(_LOSSY[form]), _ORIGINAL),)


def of_pixels(cover: Cover) -> tuple[Past, ...]:
    """What the pixels say: decoded from a JPEG, put in between those of a sensor, enlarged."""
    codes = cover.codes[cover.free.reshape(len(cover.codes), -1).any(axis=1)]
    if codes.ndim != 3 or not codes.size:
        return ()
    planes, found = codes.astype(np.int32), list[Past]()
    colour = len(planes) == 3
    light = jpeg.luminance(planes) if colour else planes[0]
    eight = depth(cover) == 8
    if eight:
        known = (planes.min(axis=0) > 0) & (planes.max(axis=0) < 255) if colour else None
        share = jpeg.coloured(planes) if colour else None
        if (share or 0) > _COLOURED or jpeg.decoded(light, known) is not None:
            found.append(Past("jpeg", _TELLS.format("a JPEG"), _ORIGINAL))
    if colour and interpolated.demosaiced(planes[1]):
        told = "two of three colours of each pixel were put in between those of a sensor"
        found.append(Past("demosaiced", f"{told}, and a change contradicts that", _ORIGINAL))
    pixels = interpolated.period(light, ignored=8 if found else 0)
    if pixels is not None:
        told = f"it was resampled (a pattern of {pixels:.3g} pixels), and a change contradicts that"
        found.append(Past("resampled", told, "take it as it was before, or reduce it to half"))
    return tuple(found)

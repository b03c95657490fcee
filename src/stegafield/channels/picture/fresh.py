"""New files of pictures: pixels of a kind that the format holds, and what goes along with them."""

from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Integer
from PIL import Image, ImageOps

from ...core.channel import Channel
from ...core.cover import Cover
from ...errors import ConfigError
from . import deep, orientation, png, webp
from .carried import Change, into_bmp, into_png, into_tiff, into_webp, prepared
from .metadata import Metadata

_DIRECT = ("L", "LA", "RGB", "RGBA", "I;16")
_CONVERTED = {
    "1": "L",
    "P": "RGB",
    "PA": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "LAB": "RGB",
    "HSV": "RGB",
}
_SPACES: dict[str, str] = dict.fromkeys(("1", "L", "LA", "La", "I"), "grey")
_SPACES |= dict.fromkeys(("P", "PA", "RGB", "RGBA", "RGBa", "RGBX"), "colour")
"""What a pixel of each of Pillow's modes is; "other" for CMYK and the like."""
_CONVERTED |= {
    "La": "LA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "I;16B": "I;16",
    "I;16L": "I;16",
    "I;16N": "I;16",
}


_SAVE: dict[str, dict[str, Any]] = {
    "png": {},
    "webp": {"lossless": True, "exact": True},
    "tiff": {"compression": "tiff_adobe_deflate"},
    "bmp": {},
}
"""How Pillow writes a new file of each format without loss."""


def encode(
    image: Image.Image, found: Metadata, fine: deep.Deep | None, wanted: Any, channel: Channel
) -> Cover:
    """A cover of a new file of a picture, resampled if requested, with what goes along.

    `fine` samples, if given, replace the picture's, of which Pillow holds 8 bits.
    """
    form, notes = channel.name, list[str]()
    if image.format not in (None, "PNG") or form != "png":
        source = f"a {image.format} cover" if image.format else "a picture"
        notes.append(f"{source} was decoded; the stego is a new {form.upper()}")
    turn = 1
    already = image.format == "TIFF"  # which Pillow turns by itself
    if already or form in ("tiff", "bmp") or wanted.strip_metadata:  # nothing else would turn it
        turn = found.orientation
    if turn != 1:
        notes.append("the picture was turned upright, as its EXIF or XMP data say")
    pixels = _pixels(image, fine, form, notes)
    if turn != 1 and not already:
        pixels = np.ascontiguousarray(_TURNS[turn](pixels))
    size, shape = wanted.size, pixels.shape[:2]
    resampled = size is not None and size != shape
    if size is not None and resampled:
        notes.append(f"the cover was resampled from {shape[0]}x{shape[1]} to {size[0]}x{size[1]}")
        pixels = deep.resampled(pixels, size)
    change = Change(
        was=found.stored,
        now=png.kind_of(pixels),
        space=_SPACES.get(image.mode.partition(";")[0], "other"),
        size=(size[1], size[0]) if size is not None and resampled else None,
        turned=turn != 1,
    )
    if form != "tiff":
        found = replace(found, other=(*found.other, *found.of_tiff))
    found = prepared(found.stripped() if wanted.strip_metadata else found, change, notes)
    if form == "png":
        chunks = into_png(found, change, notes)
        cover = png.made(pixels, chunks, interlaced=found.interlaced)
    elif form == "webp":
        shape = (pixels.shape[1], pixels.shape[0])
        cover = webp.cover_of(pixels, into_webp(found, change, shape, notes))
    else:
        fine = deep.of_array(pixels)
        new = saved(Image.fromarray(pixels) if fine is None else deep.halved(fine), form, {})
        new = into_bmp(new, found, notes) if form == "bmp" else into_tiff(new, found, notes)
        new = new if fine is None else deep.deepened(new, channel, fine)
        cover = next(channel.read(new))
    return replace(cover, notes=tuple(notes))


_TURNS: dict[int, Any] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[:, ::-1].swapaxes(0, 1),
}
"""What sets pixels upright, by the orientation of EXIF."""


def _pixels(
    image: Image.Image, fine: deep.Deep | None, form: str, notes: list[str]
) -> Integer[np.ndarray, "y x *sample"]:
    """The pixels, of a kind that the format holds."""
    if fine is None:
        return np.asarray(_fitted(_direct(image, notes), form, notes))
    if form not in ("png", "tiff"):
        problem = f"has 16 bits a sample, and {form} files hold 8."
        raise ConfigError("cover", problem, "Write a PNG or a TIFF.")
    if form == "tiff" and fine.shape[2] == 2:
        notes.append("pixels were converted from LA to RGBA, as few programs read such TIFFs")
        return fine[..., [0, 0, 0, 1]]
    return fine


def saved(image: Image.Image, form: str, kept: dict[str, Any]) -> bytes:
    """A file of a picture with the data of `kept` beside its pixels."""
    out = BytesIO()
    try:
        image.save(out, form.upper(), **_SAVE[form], **kept)
    except (OSError, ValueError) as error:  # more than 16383 pixels in a row of a WebP
        raise ConfigError("cover", f"cannot be a {form} file ({error}).", "Use PNG.") from None
    return out.getvalue()


def _direct(image: Image.Image, notes: list[str]) -> Image.Image:
    """The picture with pixels that are codes; `ConfigError` if it cannot have them."""
    wanted = image.mode if image.mode in _DIRECT else _CONVERTED.get(image.mode)
    if image.mode == "I" and not (np.asarray(image) >> 16).any():
        wanted = "I;16"
    if wanted is None:
        raise ConfigError(
            "cover",
            f"has pixels of Pillow mode {image.mode!r}.",
            "Convert it to 8-bit RGB or grey.",
        )
    if "transparency" in image.info:
        wanted = "LA" if wanted == "L" else "RGBA"
    if wanted == image.mode:
        return image
    notes.append(f"pixels were converted from {image.mode} to {wanted}")
    if wanted == "I;16":
        return of_array(np.asarray(image).astype(np.uint16))
    return image.convert(wanted)


def _turned(image: Image.Image, notes: list[str]) -> Image.Image:
    """The picture upright."""
    if orientation(image) == 1:
        return image
    notes.append("the picture was turned upright, as its EXIF data says")
    return ImageOps.exif_transpose(image)


def _clean(image: Image.Image) -> Image.Image:
    """The picture without the text and comments of its source."""
    return Image.fromarray(np.asarray(image))


def upright(image: Image.Image, form: str, notes: list[str]) -> np.ndarray:
    """The upright pixels, of a kind that the format holds."""
    return np.asarray(_fitted(_clean(_direct(_turned(image, notes), notes)), form, notes))


def _fitted(image: Image.Image, form: str, notes: list[str]) -> Image.Image:
    """The picture with pixels of a kind that a format holds, noted.

    `ConfigError` where the conversion would lose something.
    """
    if form in ("png", "tiff"):
        return image
    problem = f"has 16 bits a sample, and {form} files hold 8." if image.mode == "I;16" else ""
    if form == "bmp" and image.mode in ("LA", "RGBA"):
        if np.asarray(image)[..., -1].min() < 255:
            problem = "is partly transparent, and bmp files are not."
        notes.append("the opaque alpha channel was dropped")
    if problem:
        raise ConfigError("cover", problem, "Write a PNG or a TIFF.")
    if form == "webp":
        wanted = "RGB" if image.mode in ("L", "RGB") else "RGBA"
    else:
        wanted = "L" if image.mode in ("L", "LA") else "RGB"
    if form == "webp" and wanted != image.mode:
        notes.append(f"pixels were converted from {image.mode} to {wanted}, all that WebP has")
    return image.convert(wanted)


def of_array(array: np.ndarray) -> Image.Image:
    """The picture of an array; for 16-bit samples of several to a pixel, their upper halves."""
    flat = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    good = flat.ndim == 2 or (flat.ndim == 3 and flat.shape[2] in (2, 3, 4))
    if not good or flat.dtype not in (np.uint8, np.uint16) or not flat.size:
        raise ConfigError(
            "cover",
            f"is a {array.dtype} array of shape {array.shape}.",
            "Give uint8 or uint16, (y, x[, 1 to 4]); as in np.rint(255 * x).astype(np.uint8).",
        )
    fine = deep.of_array(flat)
    return Image.fromarray(np.ascontiguousarray(flat)) if fine is None else deep.halved(fine)

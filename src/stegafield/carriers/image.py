"""Pictures: the user's own, in any format that Pillow reads, or an array.

The stego is a PNG, WebP, TIFF or BMP file.
"""

from dataclasses import replace
from io import BytesIO
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Integer
from PIL import Image, ImageOps
from pydantic import Field, field_validator

from ..channels.picture import (
    alpha_of,
    as_cover,
    decode,
    deep,
    opened,
    orientation,
    png,
    samples,
    webp,
)
from ..channels.picture.bmp import BmpChannel
from ..channels.picture.carried import (
    Change,
    into_bmp,
    into_png,
    into_tiff,
    into_webp,
    prepared,
    without,
)
from ..channels.picture.metadata import Metadata
from ..channels.picture.png import PngChannel
from ..channels.picture.sources import metadata
from ..channels.picture.tiff import TiffChannel
from ..channels.picture.webp import WebpChannel
from ..core import options
from ..core.artefact import read_bytes
from ..core.carrier import Carrier
from ..core.channel import MOST_SAMPLES, Channel
from ..core.cover import Costs, Cover
from ..core.law import drawn, fitted
from ..costs import rough
from ..errors import ConfigError, FormatError
from ..generators.fit import fit
from ..generators.fitted import Samples

SIGMA = 2.25
"""Standard deviation of the noise on a function's values, in codes: what 4 bits per RGB pixel
need."""
_MOST_PIXELS = MOST_SAMPLES // 3
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
_SPACES = dict.fromkeys(("1", "L", "LA", "La", "I"), "grey")
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


class ImageCarrier(Carrier):
    """The user's pictures: paths, bytes, file objects, `PIL.Image` objects, or arrays.

    Arrays are uint8 or uint16, (y, x[, channel]).
    """

    name: ClassVar[str] = "image"
    channel: ClassVar = PngChannel
    channels: ClassVar[tuple[type[Channel], ...]] = (
        *(PngChannel, WebpChannel, TiffChannel, BmpChannel),
    )
    rate_unit: ClassVar[str] = "bpp"

    class Options(options.Options):
        """Options of the image carrier."""

        size: tuple[int, int] | None = Field(
            None, description="(height, width) to resample the cover to"
        )

        format: Literal["png", "webp", "tiff", "bmp"] = Field("png", description="what is written")

        as_function: bool = Field(
            False, description="hide in noisy samples of a function fitted to the cover"
        )

        strip_metadata: bool = Field(
            False, description="drop EXIF data, GPS, XMP and text of the cover"
        )

        @field_validator("size")
        @classmethod
        def _sensible(cls, size: tuple[int, int] | None) -> tuple[int, int] | None:
            if size is not None and not (min(size) >= 1 and size[0] * size[1] <= _MOST_PIXELS):
                raise ValueError(f"a picture has 1 to {_MOST_PIXELS:,} pixels")
            return size

    def open(self, source: Any) -> Cover:
        """The picture as a cover.

        A file of the requested format keeps everything but its pixels; anything else becomes a new
        file, with what its format can hold of what was beside the pixels.
        """
        image, data = _image(source)
        channel = next(c for c in self.channels if c.name == self.options.format)()
        if self.options.as_function:
            return self._drawn(_eight(source, image, data))
        found, strip = metadata(image, data), self.options.strip_metadata
        own = data is not None and image.format == channel.name.upper()
        own = own and not (strip and found.orientation != 1)  # what turns it goes: it is turned
        if own and data is not None and self.options.size is None:
            kept, notes = without(data, channel.name) if strip else (data, ())
            cover = next(channel.read(kept), None)
            if cover is not None:
                return replace(cover, notes=(*notes, *cover.notes))
        fine = _fine(source, image, data)
        loaded = image if data is None else decode(data)
        return _encode(loaded, found, fine, self.options, channel)

    def blank(self) -> Cover:
        """A grey RGB picture of the requested size."""
        if self.options.size is None:
            raise ConfigError("size", "is needed where no cover is given.", "As in --size 512x768.")
        cover = as_cover(np.full((*self.options.size, 3), 128, np.uint8), self.options.format, None)
        return drawn(cover, cover.codes * 1.0, SIGMA) if self.options.as_function else cover

    def samples(self, source: Any) -> Samples:
        """The values to fit a function to: the picture upright, without transparent pixels."""
        image = _eight(source, *_image(source))
        return _samples(_upright(image, self.options.format, []))

    def costs(self, cover: Cover) -> Costs:
        """HILL of each channel by itself."""
        return Costs.alike(rough.picture(cover.codes, cover.low, cover.high))

    def value(self, source: Any, data: bytes) -> Any:
        """An array or a `PIL.Image` if the source was one, else the bytes.

        An array has its source's shape unless it was resampled.
        """
        if isinstance(source, np.ndarray):
            found = samples(data)
            return found.reshape(source.shape) if found.size == source.size else found
        return decode(data) if isinstance(source, Image.Image) else data

    def _drawn(self, image: Image.Image) -> Cover:
        """Noisy values of the picture's function, in a new file with only the colour profile."""
        form, notes = self.options.format, []
        pixels = _upright(image, form, notes)
        size, peak = self.options.size or pixels.shape[:2], int(np.iinfo(pixels.dtype).max)
        samples = _samples(pixels)
        function = fit(samples)
        value = fitted(function.raster(size) / peak, 0, peak, SIGMA)
        flat = np.rint(value).astype(pixels.dtype).transpose(1, 2, 0)
        alpha = alpha_of(pixels)
        if alpha is not None:
            resized = Image.fromarray(alpha).resize((size[1], size[0]), Image.Resampling.LANCZOS)
            flat = np.concatenate([flat, np.asarray(resized)[..., None]], axis=2)
        kept = _profile(image)
        new = _saved(_from_array(flat), form, kept)
        channel = next(c for c in self.channels if c.name == form)()
        cover = drawn(next(channel.read(new)), value, SIGMA)
        notes += [f"{function.told(samples, peak)} and sampled at {size[0]}x{size[1]}"]
        beside = "the colour profile" if kept else "nothing"
        notes += [f"the stego is a new {form.upper()} with {beside} beside pixels"]
        return replace(cover, notes=tuple(notes))


_SAVE: dict[str, dict[str, Any]] = {
    "png": {},
    "webp": {"lossless": True, "exact": True},
    "tiff": {"compression": "tiff_adobe_deflate"},
    "bmp": {},
}
"""How Pillow writes a new file of each format without loss."""


def _image(source: Any) -> tuple[Image.Image, bytes | None]:
    """The picture of a source, and its file if it has one; of a file, only the header is read."""
    if isinstance(source, Image.Image):
        image, data = source, None
    elif isinstance(source, np.ndarray):
        image, data = _from_array(source), None
    else:
        data = read_bytes(source)
        if data is None:
            raise FormatError(f"the image carrier takes no {type(source).__name__}")
        image = opened(data)
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # an MPO is a photograph with a preview
        hint = "Save one of them as a PNG and hide in that."
        raise ConfigError("cover", f"has {frames} frames.", hint)
    return image, data


def _fine(source: Any, image: Image.Image, data: bytes | None) -> deep.Deep | None:
    """The samples of a picture of which Pillow holds only half the bits; None for others."""
    return deep.of_array(source) if data is None else deep.of_file(image, data)


def _eight(source: Any, image: Image.Image, data: bytes | None) -> Image.Image:
    """A picture of which Pillow holds all bits, with its pixels; `ConfigError` for others."""
    if _fine(source, image, data) is not None:
        problem = "has 16 bits a sample, of which a function would be fitted to 8."
        raise ConfigError("cover", problem, "Save it as 8-bit RGB or 16-bit grey.")
    return image if data is None else decode(data)


def _encode(
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
    found = prepared(found.stripped() if wanted.strip_metadata else found, change, notes)
    if form == "png":
        cover = png.made(pixels, into_png(found, change, notes))
    elif form == "webp":
        shape = (pixels.shape[1], pixels.shape[0])
        cover = webp.cover_of(pixels, into_webp(found, change, shape, notes))
    else:
        fine = deep.of_array(pixels)
        new = _saved(Image.fromarray(pixels) if fine is None else deep.halved(fine), form, {})
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


def _saved(image: Image.Image, form: str, kept: dict[str, Any]) -> bytes:
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
        return _from_array(np.asarray(image).astype(np.uint16))
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


def _profile(image: Image.Image) -> dict[str, Any]:
    """The colour profile, if it is still true of converted pixels."""
    profile = image.info.get("icc_profile")
    own = image.mode not in ("CMYK", "LAB", "HSV", "YCbCr")
    return {"icc_profile": profile} if own and profile else {}


def _upright(image: Image.Image, form: str, notes: list[str]) -> np.ndarray:
    """The upright pixels, of a kind that the format holds."""
    return np.asarray(_fitted(_clean(_direct(_turned(image, notes), notes)), form, notes))


def _samples(pixels: np.ndarray) -> Samples:
    """The pixels without alpha, and which of them are visible."""
    alpha, planes = alpha_of(pixels), np.atleast_3d(pixels).transpose(2, 0, 1)
    if alpha is None:
        return Samples(planes.astype(np.float64), ("mirror", "mirror"))
    known = np.broadcast_to(alpha > 0, planes[:-1].shape)
    return Samples(planes[:-1].astype(np.float64), ("mirror", "mirror"), known)


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


def _from_array(array: np.ndarray) -> Image.Image:
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

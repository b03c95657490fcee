"""Pictures: the user's own, in any format that Pillow reads, or an array.

The stego is a PNG, WebP, TIFF or BMP file.
"""

from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from PIL import Image, ImageFile
from pydantic import Field, field_validator

from ..channels.picture import (
    alpha_of,
    as_cover,
    decode,
    deep,
    fresh,
    kinds,
    opened,
    samples,
    tiff,
)
from ..channels.picture.bmp import BmpChannel
from ..channels.picture.personal import without
from ..channels.picture.png import PngChannel
from ..channels.picture.sources import metadata
from ..channels.picture.tiff import TiffChannel
from ..channels.picture.webp import WebpChannel
from ..core import options
from ..core.artefact import read_bytes
from ..core.carrier import Carrier
from ..core.channel import MOST_SAMPLES, Channel
from ..core.cover import Costs, Cover
from ..core.history import Past
from ..core.law import drawn, fitted
from ..costs import rough
from ..errors import ConfigError, FormatError
from ..generators.fit import fit
from ..generators.fitted import Samples
from ..history import pictures

SIGMA = 2.25
"""Standard deviation of the noise on a function's values, in codes: what 4 bits per RGB pixel
need."""
_MOST_PIXELS = MOST_SAMPLES // 3
_WHOLE = ("MPO", "PSD")
"""Formats whose first frame is the whole picture: others are previews, or layers of it."""


_TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"crx ")
_MAGIC = (
    *((0, b"\x89PNG\r\n\x1a\n", "png"), (0, b"\xff\xd8\xff", "jpeg"), (0, b"GIF8", "gif")),
    *((8, b"WEBP", "webp"), *((0, start, "tiff") for start in _TIFFS), (128, b"DICM", "dicom")),
    *((0, b"\0\0\0\x0cjP  ", "jpeg2000"), (0, b"\0\0\0\x0cJXL ", "jxl"), (0, b"\xff\x0a", "jxl")),
    *((0, b"FUJIFILM", "raw"), *((4, b"ftyp" + brand, "heif") for brand in _BRANDS)),
)
"""How pictures begin, and where: what `open` reads, and what it can say more of than others."""
_VAGUE = {"TGA", "PCX", "DCX", "ICO", "CUR", "SPIDER", "PCD", "XVTHUMB", "MPEG", "IM", "GBR"}
"""Pillow's formats that other files look like."""


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

    @classmethod
    def identify(cls, data: bytes) -> str:
        """The format of a picture, also of one that cannot be opened."""
        begins = next((name for at, magic, name in _MAGIC if data.startswith(magic, at)), "")
        try:
            image = opened(data)
        except (FormatError, ConfigError):
            return begins
        vague = isinstance(image, ImageFile.StubImageFile) or image.format in _VAGUE
        return "" if vague and not begins else str(image.format or "picture").lower()

    def open(self, source: Any) -> Cover:
        """The picture as a cover.

        A file of the requested format keeps everything but its pixels; anything else becomes a new
        file, with what its format can hold of what was beside the pixels.
        """
        source, cover = self._patched_tiff(source)
        if cover is not None:
            return cover
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
        cover = fresh.encode(loaded, found, fine, self.options, channel)
        return replace(cover, past=pictures.of_file(image, data, self.options.size))

    def _patched_tiff(self, source: Any) -> tuple[Any, Cover | None]:
        """The cover of a TIFF whose samples are patched, of more kinds than Pillow reads; None if
        it has to be converted. The source is then its bytes.

        `ConfigError` where no picture of the requested format could hold its samples.
        """
        if isinstance(source, Image.Image | np.ndarray):
            return source, None
        data = read_bytes(source)
        if data is None or not data.startswith(tiff.MAGIC):
            return source if data is None else data, None
        if kinds.raw(data):
            raise kinds.unreadable(data)
        form, whole = self.options.format, self.options.size is None
        if form == "tiff" and whole and not self.options.as_function:
            kept, notes = without(data, form) if self.options.strip_metadata else (data, ())
            cover = next(TiffChannel().read(kept), None)
            if cover is not None:
                return data, replace(cover, notes=(*notes, *cover.notes, *tiff.warnings(cover)))
        why, kind = tiff.why_not(data), tiff.beyond(data)
        hint = "Write a TIFF."
        if kind is not None and form == "tiff":
            problem = f"is a TIFF of {kind}, which is neither resampled nor made a function."
            raise ConfigError("cover", problem, "Leave size and as_function away.")
        if kind is not None:
            raise ConfigError("cover", f"is a TIFF of {kind}, and {form} files hold none.", hint)
        pages = tiff.pages_of(data)
        if why is None and pages > 1:
            raise ConfigError("cover", f"is a TIFF of {pages} pages, and {form} holds one.", hint)
        try:
            (opened if why is None else decode)(data)
        except FormatError:
            if why is None:
                problem = f"is a TIFF of a kind that {form} files do not hold."
                raise ConfigError("cover", problem, hint) from None
            problem = f"is a TIFF that {why}, which cannot be converted here."
            hint = "Convert it to 8-bit or 16-bit grey or RGB, as a TIFF or a PNG."
            raise ConfigError("cover", problem, hint) from None
        return data, None

    def blank(self) -> Cover:
        """A grey RGB picture of the requested size."""
        if self.options.size is None:
            raise ConfigError(
                "size", "is needed where no cover is given.", "As in size=(512, 768)."
            )
        cover = as_cover(np.full((*self.options.size, 3), 128, np.uint8), self.options.format, None)
        return drawn(cover, cover.codes * 1.0, SIGMA) if self.options.as_function else cover

    def samples(self, source: Any) -> Samples:
        """The values to fit a function to: the picture upright, without transparent pixels."""
        image = _eight(source, *_image(source))
        return _samples(fresh.upright(image, self.options.format, []))

    def costs(self, cover: Cover) -> Costs:
        """HILL of each channel by itself; what is no data counts as smooth."""
        holes = isinstance(cover.container, tiff.TiffFile) and not cover.free.all()
        if cover.peak is not None and not holes:
            return Costs.alike(rough.picture(cover.codes, cover.low, cover.high))
        price = rough.field(cover.codes, cover.free, (False, False))
        if cover.peak is not None:
            ends = int(np.min(cover.low)), int(np.max(cover.high))
            price[np.isinf(rough.picture(cover.codes, *ends))] = np.inf
        return Costs.alike(price)

    def history(self, cover: Cover) -> tuple[Past, ...]:
        """What pixels say: decoded from a JPEG, put in between those of a sensor, resampled."""
        return pictures.of_pixels(cover)

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
        pixels = fresh.upright(image, form, notes)
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
        new = fresh.saved(fresh.of_array(flat), form, kept)
        channel = next(c for c in self.channels if c.name == form)()
        cover = drawn(next(channel.read(new)), value, SIGMA)
        notes += [f"{function.told(samples, peak)} and sampled at {size[0]}x{size[1]}"]
        beside = "the colour profile" if kept else "nothing"
        notes += [f"the stego is a new {form.upper()} with {beside} beside pixels"]
        return replace(cover, notes=tuple(notes))


def _image(source: Any) -> tuple[Image.Image, bytes | None]:
    """The picture of a source, and its file if it has one; of a file, only the header is read."""
    if isinstance(source, Image.Image):
        image, data = source, None
    elif isinstance(source, np.ndarray):
        image, data = fresh.of_array(source), None
    else:
        data = read_bytes(source)
        if data is None:
            raise FormatError(f"the image carrier takes no {type(source).__name__}")
        image = opened(data)
    frames = getattr(image, "n_frames", 1)
    if data is not None and image.format == "TIFF":
        frames = tiff.pages_of(data)
    if frames > 1 and image.format not in _WHOLE:
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


def _profile(image: Image.Image) -> dict[str, Any]:
    """The colour profile, if it is still true of converted pixels."""
    profile = image.info.get("icc_profile")
    own = image.mode not in ("CMYK", "LAB", "HSV", "YCbCr")
    return {"icc_profile": profile} if own and profile else {}


def _samples(pixels: np.ndarray) -> Samples:
    """The pixels without alpha, and which of them are visible."""
    alpha, planes = alpha_of(pixels), np.atleast_3d(pixels).transpose(2, 0, 1)
    if alpha is None:
        return Samples(planes.astype(np.float64), ("mirror", "mirror"))
    known = np.broadcast_to(alpha > 0, planes[:-1].shape)
    return Samples(planes[:-1].astype(np.float64), ("mirror", "mirror"), known)

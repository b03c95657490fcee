"""Pictures: the user's own, in any format Pillow reads, or an array; the stego is a PNG."""

from dataclasses import replace
from io import BytesIO
from typing import Any, ClassVar

import numpy as np
from PIL import Image
from pydantic import Field, field_validator

from ..channels import png
from ..core import options
from ..core.carrier import Carrier
from ..core.cover import Cover
from ..core.source import read_bytes
from ..errors import ConfigError, FormatError

_MOST_PIXELS = 1 << 28
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
_CONVERTED |= {
    "La": "LA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "I;16B": "I;16",
    "I;16L": "I;16",
    "I;16N": "I;16",
}


class ImageCarrier(Carrier):
    """The user's pictures: paths, bytes, file objects, `PIL.Image`, or uint8 / uint16 arrays (y, x[, channel])."""

    name: ClassVar[str] = "image"
    channel: ClassVar = png.PngChannel
    rate_unit: ClassVar[str] = "bpp"

    class Options(options.Options):
        """Options of the image carrier."""

        size: tuple[int, int] | None = Field(
            None, description="(height, width) to resample the cover to"
        )

        @field_validator("size")
        @classmethod
        def _sensible(cls, size: tuple[int, int] | None) -> tuple[int, int] | None:
            if size is not None and not (min(size) >= 1 and size[0] * size[1] <= _MOST_PIXELS):
                raise ValueError(f"a picture has 1 to {_MOST_PIXELS:,} pixels")
            return size

    def open(self, source: Any) -> Cover:
        """The picture as a cover. A PNG keeps all its chunks; anything else becomes a new PNG."""
        data, notes = self._png(source)
        cover = next(self.channel().read(data), None)
        if cover is None:
            raise ConfigError(
                "cover", "this kind of PNG cannot be rewritten exactly.", "Save it as 8-bit RGB."
            )
        return replace(cover, notes=tuple(notes))

    def blank(self) -> Cover:
        """A grey RGB picture of the asked size."""
        if self.options.size is None:
            raise ConfigError("size", "is needed where no cover is given.", "As in --size 512x768.")
        return self.open(np.full((*self.options.size, 3), 128, np.uint8))

    def value(self, source: Any, data: bytes) -> Any:
        """An array for an array (of its shape, where it was not resampled), a `PIL.Image` for one, else the bytes."""
        if isinstance(source, np.ndarray):
            found = np.asarray(png.decode(data))
            return found.reshape(source.shape) if found.size == source.size else found
        return png.decode(data) if isinstance(source, Image.Image) else data

    def _png(self, source: Any) -> tuple[bytes, list[str]]:
        """The source as a PNG file that the channel takes, and what had to be done to it."""
        data = None
        if isinstance(source, Image.Image):
            image = source
        elif isinstance(source, np.ndarray):
            image = _from_array(source)
        else:
            data = read_bytes(source)
            if data is None:
                raise FormatError(f"the image carrier takes no {type(source).__name__}")
            image = png.decode(data)
        self._refuse(image, data)
        exact = image.mode in _DIRECT and "transparency" not in image.info
        if data is not None and image.format == "PNG" and self.options.size is None and exact:
            chunks, _ = png.parse(data)
            if chunks[0].data[8] >= 8:  # fewer bits a sample become 8
                return data, []
        return _encode(image, self.options.size)

    def _refuse(self, image: Image.Image, data: bytes | None) -> None:
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and image.format != "MPO":  # an MPO is a photograph with a preview
            raise ConfigError(
                "cover", f"has {frames} frames.", "Save one of them as a PNG and hide in that."
            )
        if data is not None and image.format == "PNG":
            chunks, _ = png.parse(data)
            depth, colour = chunks[0].data[8:10]
            kind = "colour" if colour else "transparent grey"
            if depth == 16 and (colour or any(chunk.kind == b"tRNS" for chunk in chunks)):
                raise ConfigError(
                    "cover",
                    f"is a 16-bit {kind} PNG, which would lose half its bits.",
                    "Save it as 8-bit RGB or 16-bit grey.",
                )


def _encode(image: Image.Image, size: tuple[int, int] | None) -> tuple[bytes, list[str]]:
    """A new PNG of a picture, resampled where asked, with its colour profile, EXIF data and resolution."""
    notes, info = [], image.info
    wanted = image.mode if image.mode in _DIRECT else _CONVERTED.get(image.mode)
    if image.mode == "I" and not (np.asarray(image) >> 16).any():
        wanted = "I;16"
    if wanted is None:
        raise ConfigError(
            "cover",
            f"has pixels of Pillow mode {image.mode!r}.",
            "Convert it to 8-bit RGB or grey.",
        )
    if "transparency" in info:
        wanted = "LA" if wanted == "L" else "RGBA"
    if image.format not in (None, "PNG"):
        notes.append(f"a {image.format} cover was decoded; the stego is a new PNG")
    converted = image
    if wanted != image.mode:
        notes.append(f"pixels were converted from {image.mode} to {wanted}")
        converted = (
            _from_array(np.asarray(image).astype(np.uint16))
            if wanted == "I;16"
            else image.convert(wanted)
        )
    if size is not None and (size[1], size[0]) != image.size:
        notes.append(
            f"the cover was resampled from {image.height}x{image.width} to {size[0]}x{size[1]}"
        )
        converted = converted.resize((size[1], size[0]), Image.Resampling.LANCZOS)
    kept = {name: info[name] for name in ("exif", "dpi") if name in info}
    if image.mode not in ("CMYK", "LAB", "HSV", "YCbCr") and info.get("icc_profile"):
        kept["icc_profile"] = info["icc_profile"]
    out = BytesIO()
    clean = Image.fromarray(np.asarray(converted))  # without the text and comments of the source
    clean.save(out, "PNG", **kept)
    return out.getvalue(), notes


def _from_array(array: np.ndarray) -> Image.Image:
    flat = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    good = flat.ndim == 2 or (
        flat.ndim == 3 and flat.shape[2] in (2, 3, 4) and flat.dtype == np.uint8
    )
    if not good or flat.dtype not in (np.uint8, np.uint16) or not flat.size:
        raise ConfigError(
            "cover",
            f"is a {array.dtype} array of shape {array.shape}.",
            "Give uint8 (y, x[, 1 to 4]) or uint16 (y, x); as in np.rint(255 * x).astype(np.uint8).",
        )
    return Image.fromarray(np.ascontiguousarray(flat))

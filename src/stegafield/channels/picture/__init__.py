"""Pictures: pixels as codes, shared by all channels of this medium, and Pillow's decoders.

Whatever Pillow raises becomes one kind of error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Int, Integer, Shaped
from numpy import ndarray
from PIL import Image, ImageFile, UnidentifiedImageError

from ...core.channel import most_samples
from ...core.cover import Cover, GridSpec
from ...core.foreign import foreign
from ...errors import FormatError
from . import kinds

_UNREADABLE = "not a readable image"
_ORDERS = {"B": ">u2", "L": "<u2", "N": "=u2"}
"""Byte orders at the end of Pillow's raw modes; libtiff gives samples in the machine's order."""


def opened(data: bytes) -> Any:
    """The picture in an image file of any format that Pillow reads, its header only.

    `FormatError` if Pillow reads no picture.
    """
    kinds.heif(data)
    if kinds.raw(data):
        raise kinds.unreadable(data)
    try:
        with _damage():
            image = Image.open(BytesIO(data))
    except FormatError as error:
        raise kinds.unreadable(data, str(error).removeprefix(_UNREADABLE).strip(" ()")) from None
    if isinstance(image, ImageFile.StubImageFile) or image.format == "EPS":
        raise kinds.unreadable(data)
    with _damage():
        if image.width * image.height > most_samples(len(data)) // 3:
            size = f"{image.width} x {image.height} pixels in {len(data)} bytes"
            raise FormatError(f"the {image.format} image declares {size}")
        getattr(image, "n_frames", 1)  # reads through the file now; Pillow remembers the number
    return image


def decode(data: bytes) -> Image.Image:
    """The picture in an image file of any format that Pillow reads, with its pixels.

    `FormatError` if Pillow reads no picture.
    """
    return _loaded(opened(data))


def samples(data: bytes) -> Shaped[ndarray, "y x *sample"]:
    """The samples of a picture as its file stores them, in all of their 8 or 16 bits.

    Of 16-bit RGB Pillow keeps 8 bits: the first byte of a sample that it takes for big endian, and
    the second byte of one that it takes for little endian. So such a picture is decoded twice. Grey
    with alpha has four bytes a pixel, as 8-bit RGBA has.
    """
    image = opened(data)
    kind, _, order = _raw_mode(image).partition(";16")
    if order not in _ORDERS or kind not in ("LA", "RGB", "RGBA"):
        return np.asarray(_loaded(image))
    if kind == "LA":
        return np.asarray(_loaded(image, "RGBA")).view(_ORDERS[order]).astype(np.uint16)
    halves = [np.asarray(_loaded(opened(data), f"{kind};16{half}")) for half in "BL"]
    return np.stack(halves, axis=-1).view(_ORDERS[order])[..., 0].astype(np.uint16)


def _raw_mode(image: Any) -> str:
    """Pillow's name for the samples as they are stored; "" for formats of other libraries."""
    tiles = getattr(image, "tile", ())
    arguments = tiles[0][3] if tiles else ""
    found = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return found if isinstance(found, str) else ""


def _loaded(image: Any, raw_mode: str = "") -> Image.Image:
    """The picture with its pixels, its samples read in another raw mode if one is given."""
    with _damage():
        if raw_mode:
            image.tile = [_renamed(tile, raw_mode) for tile in image.tile]
        image.load()
    return image


def _renamed(tile: Any, raw_mode: str) -> Any:
    rest = tile[3][1:] if isinstance(tile[3], tuple) else None
    return tile._replace(args=raw_mode if rest is None else (raw_mode, *rest))


@contextmanager
def _damage() -> Iterator[None]:
    """Turns everything that Pillow raises into one kind of error, and hides its warnings."""
    with foreign(_UNREADABLE):
        try:
            yield
        except Image.DecompressionBombError as error:
            raise FormatError(f"the image is too large: {error}") from None
        except UnidentifiedImageError:
            raise FormatError(_UNREADABLE) from None


def readable_exif(image: Image.Image) -> bool:
    """Whether the EXIF data of a picture can be read, or are missing.

    Pillow reports damage only once; afterwards it takes the data for empty.
    """
    try:
        with _damage():
            Image.Exif().load(image.info.get("exif", b""))
            image.getexif()
    except FormatError:
        return False
    return True


def orientation(image: Image.Image) -> int:
    """How a picture is to be turned, by its EXIF data; 1, upright, if they cannot be read."""
    return image.getexif().get(0x0112, 1) if readable_exif(image) else 1


def alpha_of(pixels: Integer[ndarray, "y x *sample"]) -> Integer[ndarray, "y x"] | None:
    """The last of two or four samples of each pixel; None if there is no alpha."""
    return pixels[..., -1].copy() if pixels.ndim == 3 and pixels.shape[2] in (2, 4) else None


def as_cover(pixels: Integer[ndarray, "y x *sample"], channel: str, container: object) -> Cover:
    """A cover of 8-bit or 16-bit pixels.

    Alpha is not part of the codes, and fully transparent pixels are not free.
    """
    alpha = alpha_of(pixels)
    planes = np.atleast_3d(pixels).transpose(2, 0, 1)
    codes = np.ascontiguousarray(
        planes if alpha is None else planes[:-1], np.int16 if pixels.itemsize == 1 else np.int32
    )
    peak = (1 << 8 * pixels.itemsize) - 1
    return Cover(
        codes=codes,
        low=0,
        high=peak,
        free=np.broadcast_to(True if alpha is None else alpha > 0, codes.shape).copy(),
        spec=GridSpec(("y", "x"), (False, False)),
        container=container,
        channel=channel,
        peak=float(peak),
    )


def as_pixels(
    codes: Int[ndarray, "channel y x"], dtype: type, alpha: Integer[ndarray, "y x"] | None = None
) -> Integer[ndarray, "y x *sample"]:
    """The pixels of codes, with their alpha: the inverse of `as_cover`."""
    planes = codes.astype(dtype)
    if alpha is not None:
        planes = np.concatenate([planes, alpha[None]])
    return planes[0] if len(planes) == 1 else np.ascontiguousarray(planes.transpose(1, 2, 0))

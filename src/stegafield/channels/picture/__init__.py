"""Pictures: pixels as codes, which all channels of this medium share, and Pillow's decoders with one kind of error."""

import struct
import warnings
import zlib
from io import BytesIO

import numpy as np
from jaxtyping import Int, Integer, UInt8
from numpy import ndarray
from PIL import Image

from ...core.channel import most_samples
from ...core.cover import Cover, GridSpec
from ...errors import FormatError

DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, MemoryError)
DAMAGE += (TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError)
"""What Pillow raises on damaged files: the second line, on TIFF tags of odd types."""


def decode(data: bytes) -> Image.Image:
    """The picture in an image file of any format Pillow reads; `FormatError` where it reads none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures, and of odd tags
            image = Image.open(BytesIO(data))
            if image.width * image.height > most_samples(len(data)) // 3:
                size = f"{image.width} x {image.height} pixels in {len(data)} bytes"
                raise FormatError(f"the {image.format} image declares {size}")
            image.load()
            getattr(image, "n_frames", 1)  # walks through the file now, and Pillow remembers it
    except FormatError:
        raise
    except Image.DecompressionBombError as error:
        raise FormatError(f"the image is too large: {error}") from None
    except DAMAGE as error:
        raise FormatError(f"not a readable image ({error})") from None
    return image


def alpha_of(pixels: Integer[ndarray, "y x *sample"]) -> UInt8[ndarray, "y x"] | None:
    """The last of two or four samples of a pixel; None where there is no alpha."""
    return pixels[..., -1].copy() if pixels.ndim == 3 and pixels.shape[2] in (2, 4) else None


def as_cover(pixels: Integer[ndarray, "y x *sample"], channel: str, container: object) -> Cover:
    """A cover of 8-bit or 16-bit pixels; alpha is not in the codes, and what it hides is not free."""
    alpha = alpha_of(pixels)
    planes = np.atleast_3d(pixels).transpose(2, 0, 1)
    codes = np.ascontiguousarray(planes if alpha is None else planes[:-1], np.int32)
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
    codes: Int[ndarray, "channel y x"], dtype: type, alpha: UInt8[ndarray, "y x"] | None = None
) -> Integer[ndarray, "y x *sample"]:
    """The pixels of codes, with their alpha: what `as_cover` took apart."""
    planes = codes.astype(dtype)
    if alpha is not None:
        planes = np.concatenate([planes, alpha[None]])
    return planes[0] if len(planes) == 1 else np.ascontiguousarray(planes.transpose(1, 2, 0))

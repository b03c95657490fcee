"""Pictures of 16 bits and several samples a pixel: reading, resizing and new files.

Pillow keeps only half the bits of such pictures.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import UInt16
from numpy import ndarray
from PIL import Image

from ...core.channel import Channel
from ...errors import ConfigError
from . import alpha_of, as_cover, samples, tiff
from .png import parse

Deep = UInt16[ndarray, "y x sample"]
_BITS = 258  # the tag of a TIFF


def of_array(source: Any) -> Deep | None:
    """An array of such a picture; None for anything else."""
    deep = isinstance(source, ndarray) and source.dtype == np.uint16
    return source if deep and source.ndim == 3 and source.shape[2] > 1 else None


def of_file(image: Any, data: bytes) -> Deep | None:
    """The samples of such a picture, which Pillow opened as `image`; None for other files.

    Raises `ConfigError` for those that would be cut to 8 bits.
    """
    if image.format == "PNG":
        deep = parse(data)[0][0].data[8] == 16  # the depth, in the only IHDR
    elif image.format == "TIFF":
        deep = np.max(image.tag_v2.get(_BITS, 1)) > 8 and not image.mode.startswith(("I", "F"))
    else:
        deep = False
    if not deep:
        return None
    found = of_array(samples(data) if image.format == "PNG" else tiff.deep(data))
    if image.format == "PNG":
        cut = any(chunk.kind == b"tRNS" for chunk in parse(data)[0])
    else:
        cut = found is None
    if cut:
        problem = f"is a 16-bit {image.format} of a kind that would lose half its bits."
        raise ConfigError("cover", problem, "Save it as grey or RGB, with a channel of alpha.")
    return found


def halved(deep: Deep) -> Image.Image:
    """The higher 8 bits of every sample, as Pillow would keep them."""
    return Image.fromarray(np.ascontiguousarray(deep >> 8, np.uint8))


def resized(deep: Deep, size: tuple[int, int]) -> UInt16[ndarray, "height width sample"]:
    """The samples resized as Pillow's `resize` does it for 8 bits.

    Colours are weighted by alpha, so that transparent ones do not bleed.
    """
    planes = deep.transpose(2, 0, 1).astype(np.float32)
    if len(planes) in (2, 4):
        planes[:-1] *= planes[-1] / 65535
    shape = (size[1], size[0])
    small = (Image.fromarray(plane).resize(shape, Image.Resampling.LANCZOS) for plane in planes)
    found = np.stack([np.asarray(plane) for plane in small])
    if len(planes) in (2, 4):
        found[:-1] *= 65535 / np.maximum(found[-1], 1)
    return np.rint(found).clip(0, 65535).astype(np.uint16).transpose(1, 2, 0)


def resampled(pixels: Any, size: tuple[int, int]) -> Any:
    """The pixels of any kind at (height, width), by Lanczos' filter."""
    fine = of_array(pixels)
    if fine is not None:
        return resized(fine, size)
    small = Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.LANCZOS)
    return np.asarray(small)


def deepened(data: bytes, channel: Channel, deep: Deep) -> bytes:
    """A PNG or TIFF of 8 bits with these samples in place of its own."""
    if channel.name == "tiff":
        return tiff.deepened(data, deep)
    container: Any = next(channel.read(data)).container
    container = replace(container, dtype=np.uint16, alpha=alpha_of(deep))
    cover = as_cover(deep, channel.name, container)
    return channel.write(cover, cover.codes)

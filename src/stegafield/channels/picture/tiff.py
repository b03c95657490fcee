"""TIFF: one page of 8-bit or 16-bit grey or RGB, with or without alpha.

The pixels of an uncompressed file are patched in place, and all other bytes stay. Those of an LZW
or deflate file are encoded anew by Pillow, with the same compression and predictor, after all tags
of the file that Pillow understands.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from PIL import Image, TiffImagePlugin, TiffTags

from ...core.channel import Channel
from ...core.cover import Cover
from ...errors import ConfigError, FormatError
from . import DAMAGE, alpha_of, as_cover, as_pixels, opened, samples

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0")
_BITS, _COMPRESSION, _COLOUR, _FILL_ORDER = 258, 259, 262, 266
_OFFSETS, _ORIENTATION, _SAMPLES, _ROWS, _COUNTS = 273, 274, 277, 278, 279
_PLANES, _PREDICTOR, _TILES, _EXTRA, _SIGN = 284, 317, range(322, 326), 338, 339
_RAW, _DIFFERENCES = 1, 2
_PACKED = {5: "tiff_lzw", 8: "tiff_adobe_deflate", 32946: "tiff_deflate"}
_KINDS = {  # bits, samples, colour, extra samples: Pillow's mode
    (8, 1, 1, ()): "L",
    (8, 2, 1, (2,)): "LA",
    (8, 3, 2, ()): "RGB",
    (8, 4, 2, (2,)): "RGBA",
    (16, 1, 1, ()): "I;16",
    (16, 3, 2, ()): "RGB",
    (16, 4, 2, (2,)): "RGBA",
}
_PLAIN = {_FILL_ORDER: 1, _ORIENTATION: 1, _PLANES: 1}


@dataclass(frozen=True)
class TiffFile:
    """What a TIFF holds besides its samples."""

    data: bytes
    """The whole file."""
    strips: tuple[tuple[int, int], ...]
    """(first byte, bytes) of the strips of an uncompressed file, in order; empty if compressed."""
    dtype: type
    alpha: ndarray | None
    """(y, x), never changed."""


class TiffChannel(Channel):
    """TIFF files of one page of integers, grey or RGB. Fully transparent pixels are not free."""

    name: ClassVar[str] = "tiff"
    suffixes: ClassVar[tuple[str, ...]] = (".tif", ".tiff")

    def read(self, data: bytes) -> Iterator[Cover]:
        """One cover, or none for other kinds (several pages, CMYK, white is zero, turned, JPEG)."""
        if data[:4] not in _MAGIC:
            raise FormatError("not a TIFF file", ".tif")
        image, found = (
            opened(data),
            samples(data),
        )  # decoding turns a picture and forgets that it did
        tags = image.tag_v2
        if not _exact(image, tags):
            return
        dtype = np.uint16 if np.max(tags.get(_BITS, 1)) == 16 else np.uint8
        pixels = found.astype(dtype)
        strips = ()
        if tags.get(_COMPRESSION, _RAW) == _RAW and _OFFSETS in tags:
            strips = tuple(zip(tags[_OFFSETS], tags.get(_COUNTS, ()), strict=False))
            if not all(isinstance(n, int) for strip in strips for n in strip):
                return  # the tag has a damaged type
            if sum(size for _, size in strips) != pixels.nbytes or _overlap(strips):
                return  # strips that overlap, are padded, or have no lengths
        container = TiffFile(data, strips, dtype, alpha_of(pixels))
        yield as_cover(pixels, self.name, container)

    def write(self, cover: Cover, codes: Int[ndarray, "channel y x"]) -> bytes:
        """The file with new pixels in its strips, or a new file with its tags."""
        file = cover.container
        assert isinstance(file, TiffFile)
        pixels = as_pixels(codes, file.dtype, file.alpha)
        if not file.strips:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # about odd directories among the tags
                    return _encoded(pixels, file.data)
            except DAMAGE as error:
                problem = f"has tags that cannot be written again ({error})."
                raise ConfigError("cover", problem, "Save it anew, or write a PNG.") from None
        order = ">" if file.data[:2] == b"MM" else "<"
        stored = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
        out, done = bytearray(file.data), 0
        for start, size in file.strips:
            out[start : start + size] = stored[done : done + size]
            done += size
        return bytes(out)


def _overlap(strips: tuple[tuple[int, int], ...]) -> bool:
    """Whether two strips share bytes, so that writing one would damage the other."""
    placed = sorted(strips)
    return any(start + size > after for (start, size), (after, _) in pairwise(placed))


def _exact(image: Any, tags: Any) -> bool:
    """Whether what was decoded is what the file stores, and can be written again."""
    bits = set(np.ravel(tags.get(_BITS, 1)).tolist())
    extra = tuple(np.ravel(tags.get(_EXTRA, ())).tolist())
    kind = (max(bits), tags.get(_SAMPLES, 1), tags.get(_COLOUR), extra)
    return (
        image.n_frames == 1
        and len(bits) == 1
        and _KINDS.get(kind) == image.mode.replace("I;16B", "I;16")
        and set(np.ravel(tags.get(_SIGN, 1)).tolist()) == {1}
        and all(tags.get(tag, value) == value for tag, value in _PLAIN.items())
        and tags.get(_COMPRESSION) in (_RAW, *_PACKED)
    )


def _encoded(pixels: ndarray, data: bytes) -> bytes:
    """A new file of these pixels with the compression and the tags of a file.

    Only the positions of the strips differ.
    """
    image, encoded = opened(data), BytesIO()
    tags, exif = image.tag_v2, image.getexif()
    packing, predictor = _PACKED.get(tags[_COMPRESSION]), tags.get(_PREDICTOR, 1)
    bits = (8 * pixels.itemsize,) * (pixels.shape[2] if pixels.ndim == 3 else 1)
    if pixels.ndim == 3 and pixels.itemsize == 2:
        # Pillow writes 16 bits in grey only. What a pixel is matters to the predictor alone.
        if predictor == _DIFFERENCES:
            pixels = np.concatenate([pixels[:, :1], np.diff(pixels, axis=1)], axis=1)
        pixels, predictor = pixels.reshape(len(pixels), -1), 1
    info = {_PREDICTOR: predictor}
    Image.fromarray(pixels).save(encoded, "TIFF", compression=packing, tiffinfo=info)
    fresh, body = opened(encoded.getvalue()).tag_v2, encoded.getvalue()
    strips = list(zip(fresh[_OFFSETS], fresh[_COUNTS], strict=True))
    big = data[2] == 43
    out = TiffImagePlugin.ImageFileDirectory_v2(
        b"II+\0" + bytes(12) if big else b"II*\0" + bytes(4)
    )
    for tag in set(tags) - set(_TILES):
        out[tag] = exif.get_ifd(tag) if tag in TiffTags.TAGS_V2_GROUPS else tags[tag]
        out.tagtype[tag] = tags.tagtype[tag]
    out[_BITS] = bits  # fewer in a new file, which starts with 8 bits
    out[_ROWS], out[_COUNTS] = fresh[_ROWS], fresh[_COUNTS]
    sizes = [size for _, size in strips]
    out[_OFFSETS] = tuple(sum(sizes[:i]) for i in range(len(sizes)))  # from the end of the tags
    out.tagtype.update(dict.fromkeys([_OFFSETS, _COUNTS, _ROWS], TiffTags.LONG))
    file = BytesIO()
    out.save(file)
    return file.getvalue() + b"".join(body[start : start + size] for start, size in strips)

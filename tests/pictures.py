"""Small pictures of every kind, made by other libraries than ours, and what those see in a file."""

import struct
import zlib
from io import BytesIO

import numpy as np
import png
import tifffile
from PIL import Image

LOSSLESS = {"lossless": True, "exact": True}


def noise(*shape, dtype=np.uint8, seed=0):
    high = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, high, shape, dtype, endpoint=True)


def saved(array, form, **options):
    out = BytesIO()
    Image.fromarray(array).save(out, form, **options)
    return out.getvalue()


def tiff(array, **options):
    out = BytesIO()
    tifffile.imwrite(out, array, metadata=None, **options)
    return out.getvalue()


def file_of(array, form, **options):
    """The bytes of a picture (y, x, sample); of 16-bit colour, by other libraries than Pillow."""
    if array.dtype == np.uint16 and array.shape[2] > 1:
        return deep_png(array) if form == "PNG" else deep_tiff(array, **options)
    return saved(array[..., 0] if array.shape[2] == 1 else array, form, **options)


def deep_png(array, **options):
    height, width, number = array.shape
    out, kind = BytesIO(), {"greyscale": number < 3, "alpha": number in (2, 4), "bitdepth": 16}
    png.Writer(width, height, **kind, **options).write(out, array.reshape(height, -1).tolist())
    return out.getvalue()


def chunk(kind, body):
    """One of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def deep_tiff(array, compression=None, **options):
    """By tifffile; LZW, which it lacks, is the strip of the same bytes as 16-bit grey of Pillow."""
    more = {"photometric": "rgb", **options}
    if array.shape[2] == 4:
        more["extrasamples"] = ["unassalpha"]
    if compression != "tiff_lzw":
        return tiff(array, compression=compression and "zlib", **more)
    plain = bytearray(tiff(array, **more))
    packed = saved(array.reshape(len(array), -1), "TIFF", compression=compression)
    tags = Image.open(BytesIO(packed)).tag_v2
    (start,), (size,) = tags[273], tags[279]
    wanted = {259: 5, 273: len(plain), 279: size}
    for entry in range(10, 10 + 12 * struct.unpack_from("<H", plain, 8)[0], 12):
        tag, kind = struct.unpack_from("<HH", plain, entry)
        if tag in wanted:
            struct.pack_into("<H" if kind == 3 else "<I", plain, entry + 8, wanted[tag])
    return bytes(plain) + packed[start : start + size]


def pixels(data):
    """What others see in a file: pypng and tifffile of 16-bit colour, which Pillow cuts to 8."""
    image = Image.open(BytesIO(data))
    if image.format == "PNG" and data[24] == 16:
        width, height, rows, _ = png.Reader(bytes=data).asDirect()
        found = np.array([list(row) for row in rows]).reshape(height, width, -1)
        return found[..., 0] if found.shape[2] == 1 else found
    if image.format == "TIFF" and np.max(image.tag_v2[258]) == 16 and image.tag_v2[259] != 5:
        return tifffile.imread(BytesIO(data)).astype(int)
    return np.asarray(image).astype(int)


def soft(count, sharp, seed=0):
    """Colour pictures of 64x64: noise without what is finer than a scale."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(count, 64, 64, 3))
    at = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    soft = np.fft.ifft2(
        np.fft.fft2(noise, axes=(1, 2)) * np.exp(-at / sharp)[:, :, None], axes=(1, 2)
    )
    return np.clip(128 + 300 * soft.real, 0, 255).astype(np.uint8)

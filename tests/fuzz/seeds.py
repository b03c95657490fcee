"""Small good files of every format that a verb opens, stegos among them."""

import struct
from functools import cache
from io import BytesIO
from pathlib import Path

import h5py
import netCDF4
import numpy as np
from PIL import Image

from tests import pictures, sounds

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "files"
_MOST = 1 << 16


@cache
def seeds() -> list[tuple[str, bytes]]:
    """(name, file): golden files, then formats and layouts that no golden file has."""
    found = [(p.name, p.read_bytes()) for p in sorted(VECTORS.iterdir()) if p.suffix != ".json"]
    made = [*_pictures(), *_sounds(), *_fields()]
    return [(name, data) for name, data in [*found, *made] if len(data) <= _MOST]


def _pictures():
    grey, rgb = pictures.noise(24, 31), pictures.noise(24, 31, 3)
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "maker", 6
    exif.get_ifd(0x8769)[0x9003] = "2024:01:01 00:00:00"
    exif.get_ifd(0x8825)[1] = "N"
    more = {"exif": exif, "icc_profile": bytes(200), "dpi": (300, 300)}
    for form in ("JPEG", "PNG", "TIFF", "WEBP"):
        yield f"exif.{form.lower()}", pictures.saved(rgb, form, **more)
    yield "progressive.jpg", pictures.saved(grey, "JPEG", progressive=True, quality=60)
    out = BytesIO()
    Image.fromarray(pictures.noise(24, 31, 4), "CMYK").save(out, "JPEG")
    yield "cmyk.jpg", out.getvalue()
    yield "still.gif", pictures.saved(grey, "GIF")
    two = [Image.fromarray(pictures.noise(9, 11, seed=i)) for i in range(2)]
    for form in ("GIF", "PNG", "WEBP", "TIFF"):
        out = BytesIO()
        two[0].save(out, form, save_all=True, append_images=two[1:])
        yield f"two.{form.lower()}", out.getvalue()
    for mode in ("1", "P"):
        out = BytesIO()
        Image.fromarray(rgb).convert(mode).save(out, "PNG")
        yield f"mode-{mode}.png", out.getvalue()
    tiled = {"tile": (16, 16), "photometric": "rgb"}
    for packing in (None, "zlib", "packbits"):
        yield f"tiled-{packing}.tif", pictures.tiff(rgb, compression=packing, **tiled)
    for order in "<>":
        yield f"float{ord(order)}.tif", pictures.tiff(grey.astype(np.float32), byteorder=order)
    yield "big.tif", pictures.tiff(grey.astype(np.int16), bigtiff=True)
    yield (
        "planar.tif",
        pictures.tiff(rgb.transpose(2, 0, 1).copy(), planarconfig="separate", photometric="rgb"),
    )


def _sounds():
    yield "mono.aiff", sounds.sound("AIFF", frames=700, channels=1)
    yield "24.wav", sounds.sound("WAV", "PCM_24", frames=500)
    yield "float.wav", sounds.sound("WAV", "FLOAT", frames=500)
    yield "ext.wav", sounds.sound("WAVEX", frames=500)
    yield "vorbis.ogg", sounds.sound("OGG", "VORBIS", frames=2000)
    yield "24.flac", sounds.sound("FLAC", "PCM_24", frames=700)
    body = struct.pack("<4sI", b"INFO", 12) + b"inamname"
    yield "list.wav", sounds.with_chunks(sounds.sound(frames=400), before=[(b"LIST", body)])


def _fields():
    for kind in ("NETCDF3_CLASSIC", "NETCDF3_64BIT_DATA", "NETCDF4"):
        file = netCDF4.Dataset("made.nc", "w", format=kind, memory=1 << 14)
        _filled(file, packed=kind == "NETCDF4")
        yield f"{kind.lower()}.nc", bytes(file.close())
    out = BytesIO()
    with h5py.File(out, "w") as file:
        file["a/deep/values"] = np.arange(600, dtype="f4").reshape(20, 30)
        file["b"] = h5py.SoftLink("/a/deep/values")
        packed = file.create_dataset("c", data=np.arange(600, dtype="i2"), chunks=(100,))
        packed.attrs["scale_factor"] = 0.5
        file.create_dataset("d", data=np.arange(600, dtype="i4"), chunks=(60,), compression="gzip")
    yield "plain.h5", out.getvalue()


def _filled(file, *, packed):
    rng = np.random.default_rng(3)
    for name, size in (("lat", 16), ("lon", 24)):
        file.createDimension(name, size)
        file.createVariable(name, "f4", (name,))[:] = np.linspace(-60, 60, size)
    more = {"zlib": True, "shuffle": True, "chunksizes": (8, 12)} if packed else {}
    field = file.createVariable("t", "i2", ("lat", "lon"), fill_value=-9999, **more)
    field.setncatts({"scale_factor": 0.01, "add_offset": 273.0, "units": "K"})
    field[:] = rng.normal(280, 5, (16, 24))
    file.createVariable("p", "f4", ("lat", "lon"), **more)[:] = rng.normal(0, 1, (16, 24))

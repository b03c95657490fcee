"""Files that are not read as a picture: each refusal says what was given, and what to convert to.

E: no refusal prints the address of an object.
"""

import gzip
import struct
import zipfile
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image

from stegafield.errors import ConfigError, FormatError
from tests.carriers.test_beside import exif, written
from tests.pictures import noise, saved

BOX = struct.pack(">I", 24)


def _npy():
    out = BytesIO()
    np.save(out, noise(9, 9))
    return out.getvalue()


def _zip():
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a", "b")
    return out.getvalue()


def _raw(extra):
    out = BytesIO()
    tifffile.imwrite(out, noise(40, 40, 3), metadata=None, extratags=extra)
    return out.getvalue()


def _cfa():
    data = bytearray(saved(noise(40, 40), "TIFF"))
    at = data.index(struct.pack("<HHI", 262, 3, 1))
    data[at + 8 : at + 10] = struct.pack("<H", 32803)
    return bytes(data)


FILES = {
    "nothing": (b"", "empty file", ""),
    "DICOM": (bytes(128) + b"DICM" + bytes(99), "DICOM", "PNG"),
    "NumPy": (_npy(), "NumPy array", "numpy.load"),
    "ZIP": (_zip(), "ZIP", "Unpack"),
    "gzip": (gzip.compress(b"x"), "gzip", "Unpack"),
    "M4A": (BOX + b"ftypM4A " + bytes(99), "MPEG-4 sound", "audio"),
    "MP4": (BOX + b"ftypisom" + bytes(99), "film", "frame as a PNG"),
    "MOV": (BOX + b"ftypqt  " + bytes(99), "film", "frame as a PNG"),
    "CR3": (BOX + b"ftypcrx " + bytes(99), "Canon CR3", "16-bit TIFF"),
    "CR2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(99), "Canon CR2", "16-bit TIFF"),
    "DNG": (_raw([(50706, "B", 4, (1, 4, 0, 0), True)]), "DNG", "16-bit TIFF"),
    "a colour filter array": (_cfa(), "RAW", "16-bit TIFF"),
    "RAF": (b"FUJIFILMCCD-RAW 0201" + bytes(99), "Fujifilm", "16-bit TIFF"),
    "RW2": (b"IIU\0" + bytes(99), "Panasonic", "16-bit TIFF"),
    "ORF": (b"IIRO" + bytes(99), "Olympus", "16-bit TIFF"),
    "JPEG XL": (b"\xff\x0a" + bytes(99), "JPEG XL", "djxl"),
    "OpenEXR": (b"\x76\x2f\x31\x01" + bytes(99), "OpenEXR", "PNG"),
    "PDF": (b"%PDF-1.7\n", "PDF", "PNG"),
    "SVG": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG", "PNG"),
    "a web page": (b"<!DOCTYPE html><html></html>", "web page", "picture"),
    "text": ("a plain text, größer".encode(), "text file", "picture"),
    "EPS": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
        "PostScript",
        "PNG",
    ),
    "plain text": (b"a plain text\n", "text file", "picture"),
    "FLAC": (b"fLaC" + bytes(99), "FLAC", "audio"),
    "WAV": (b"RIFF" + bytes(4) + b"WAVE" + bytes(99), "RIFF", "audio"),
    "NetCDF": (b"CDF\1" + bytes(99), "NetCDF", "dataset"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5", "dataset"),
    "GRIB": (b"GRIB" + bytes(99), "GRIB", "NetCDF"),
    "a cut PNG": (saved(noise(9, 9), "PNG")[:20], "damaged PNG", ""),
    "a cut JPEG": (saved(noise(9, 9), "JPEG")[:20], "damaged JPEG", ""),
    "no file at all": (b"\x01\x02\x03" * 50, "not a readable image", "PNG"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_picture_is_named(engine, name, tmp_path):
    data, what, advice = FILES[name]
    path = tmp_path / "cover"
    path.write_bytes(data)
    for cover in (data, path, BytesIO(data)):
        with pytest.raises((FormatError, ConfigError)) as caught:
            engine.hide(b"m", carrier="image", cover=cover)
        said = str(caught.value)
        assert what in said and advice in said and "0x" not in said and "<" not in said


def test_a_heic_picture_is_read_or_names_what_to_install(engine, key, monkeypatch):
    """Its EXIF data go along as those of a JPEG do."""
    library = pytest.importorskip("pillow_heif")
    library.register_heif_opener()
    image, out = Image.fromarray(noise(64, 96, 3)), BytesIO()
    image.save(out, "HEIF", exif=b"Exif\0\0" + exif())
    data = out.getvalue()
    stego = engine.hide(b"m", carrier="image", cover=data, key=key)
    assert engine.reveal(stego.data, key=key) == b"m"
    assert exif() in stego.data and any("HEI" in note for note in stego.report.notes)
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(ConfigError, match=r"pillow-heif.*stegafield\[heif\].*PNG"):
        engine.hide(b"m", carrier="image", cover=data)


def test_avif_goes_along():
    out = BytesIO()
    Image.fromarray(noise(64, 96, 3)).save(out, "AVIF", exif=exif())
    stego, notes = written(out.getvalue(), "png")
    assert exif() in stego and any("AVIF" in note for note in notes)

"""What a file is that is not read as a picture, and what to convert it to: for refusals."""

import re
from importlib import import_module
from typing import Any, NamedTuple

from ...errors import ConfigError, FormatError
from . import ifd

_RAW = "Develop it first, as a 16-bit TIFF or PNG: darktable-cli IN OUT.tif, or dcraw -T -6 IN"
_SOUND = "Give it to the carrier audio"
_DATA = "Give it to the carrier dataset"
_FLOATS = "Convert it to 8-bit or 16-bit samples, as a PNG or a TIFF: magick IN OUT.png"
_FLAT = "It has no pixels: export it as a PNG"
_FRAME = "Save one frame as a PNG: ffmpeg -i IN -frames:v 1 OUT.png"
_ANY = "Convert it to a PNG or a TIFF: magick IN OUT.png"
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
                    ("a HEIC picture", "")),
    **dict.fromkeys((b"avif", b"avis"), ("an AVIF picture", _ANY)),
    b"crx ": ("a RAW photograph (Canon CR3)", _RAW),
    **dict.fromkeys((b"M4A ", b"M4B "), ("an MPEG-4 sound (AAC or ALAC)", _SOUND)),
}  # fmt: skip
_STARTS = (
    (b"\x93NUMPY", "a NumPy array", "Give the array itself: cover=numpy.load(path)"),
    (b"CONTRAST", "a RAW photograph", _RAW),
    (b"FUJIFILMCCD-RAW", "a RAW photograph (Fujifilm RAF)", _RAW),
    (b"IIRO", "a RAW photograph (Olympus ORF)", _RAW),
    (b"IIRS", "a RAW photograph (Olympus ORF)", _RAW),
    (b"MMOR", "a RAW photograph (Olympus ORF)", _RAW),
    (b"IIU\0", "a RAW photograph (Panasonic RW2)", _RAW),
    (b"\0MRM", "a RAW photograph (Minolta MRW)", _RAW),
    (b"FOVb", "a RAW photograph (Sigma X3F)", _RAW),
    (b"\xff\x0a", "a JPEG XL picture", "Convert it to a PNG: djxl IN OUT.png"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture", "Convert it to a PNG: djxl IN OUT.png"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture", _FLOATS),
    (b"#?RADIANCE", "a Radiance HDR picture", _FLOATS),
    (b"PF\n", "a PFM picture of floats", _FLOATS),
    (b"Pf\n", "a PFM picture of floats", _FLOATS),
    (b"SIMPLE  =", "a FITS picture", _FLOATS),
    (b"gimp xcf", "a GIMP picture with layers", "Export it as a PNG"),
    (b"%PDF", "a PDF document", _FLAT),
    (b"%!PS", "a PostScript document", _FLAT),
    (b"\xd0\xcf\x11\xe0", "an Office document", _FLAT),
    (b"RIFF", "a RIFF file that is no WebP", _SOUND),
    (b"fLaC", "a FLAC sound", _SOUND),
    (b"OggS", "an Ogg sound", _SOUND),
    (b"ID3", "an MP3 sound", _SOUND),
    (b"FORM", "an AIFF sound", _SOUND),
    (b"CDF", "a NetCDF file", _DATA),
    (b"\x89HDF\r\n\x1a\n", "a NetCDF or HDF5 file", _DATA),
    (b"GRIB", "a GRIB file", "Convert it to NetCDF for the carrier dataset: grib_to_netcdf"),
    (b"\x1aE\xdf\xa3", "a Matroska video", _FRAME),
    (b"PK\x03\x04", "a ZIP archive", "Unpack it, and give one picture of it"),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first: gunzip IN"),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it first"),
)
_DAMAGED = (
    (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"BM", "BMP"),
    (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"), (b"II+\0", "TIFF"), (b"MM\0+", "TIFF"),
)  # fmt: skip
_DNG, _PHOTOMETRIC, _CFA, _LINEAR = 50706, 262, 32803, 34892
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class Kind(NamedTuple):
    """What a file is, and what to do with it."""

    what: str
    advice: str


def kind(data: bytes) -> Kind | None:
    """What a file is that Pillow reads no picture from; None where its first bytes do not say."""
    if not data:
        return Kind("an empty file", "Give a picture")
    if data[128:132] == b"DICM":
        return Kind("a DICOM file", "Convert it to a PNG: dcmj2pnm --write-16-bit-png IN OUT.png")
    if data[4:8] == b"ftyp":
        return Kind(*_BRANDS.get(data[8:12], ("an MPEG-4 or QuickTime film", _FRAME)))
    if raw(data):
        return Kind(f"a RAW photograph ({raw(data)})", _RAW)
    for start, what, advice in _STARTS:
        if data.startswith(start) and not (start == b"RIFF" and data[8:12] == b"WEBP"):
            return Kind(what, advice)
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if re.match(rb"(?i)<\?xml|<svg", head) and b"<svg" in data[:4096]:
        return Kind("an SVG drawing", _FLAT)
    if re.match(rb"(?i)<!doctype html|<html", head):
        return Kind("a web page", "Download the picture itself")
    if head and all(byte >= 32 or byte in b"\t\r\n\f" for byte in head):
        return Kind("a text file", "Give a picture")
    return None


def raw(data: bytes) -> str:
    """The name of a RAW format that looks like a TIFF, whose first picture is but a preview; ""
    for other files."""
    if data[:4] not in _TIFF:
        return ""
    if data[8:10] == b"CR":
        return "Canon CR2"
    try:
        structure = ifd.parse(data)
    except FormatError:
        return ""
    for directory in structure.every():
        if directory.get(_DNG) is not None:
            return "DNG"
        if structure.number(directory, _PHOTOMETRIC, 0) in (_CFA, _LINEAR):
            return "of a TIFF's kind"
    return ""


def unreadable(data: bytes, words: str = "") -> FormatError:
    """The error for a file that Pillow reads no picture from; `words` are Pillow's own."""
    found = kind(data)
    if found is not None:
        problem = f"this is {found.what}, which is not read as a picture"
        return FormatError(f"{problem}. {found.advice}.")
    why = f" ({words})" if words else ""
    damaged = next((name for start, name in _DAMAGED if data.startswith(start)), "")
    if damaged:
        return FormatError(f"not a readable image: a damaged {damaged} file{why}")
    return FormatError(f"not a readable image{why}. {_ANY}.")


def heif(data: bytes) -> None:
    """Makes Pillow read HEIC, where this is such a file; `ConfigError` names what to install."""
    if data[4:8] != b"ftyp" or _BRANDS.get(data[8:12], ("",))[0] != "a HEIC picture":
        return
    try:
        library: Any = import_module("pillow_heif")
    except ImportError:
        hint = 'Install it with pip install "stegafield[heif]", or convert the picture to a PNG.'
        problem = "is a HEIC picture, which needs pillow-heif to be read."
        raise ConfigError("cover", problem, hint) from None
    library.register_heif_opener()

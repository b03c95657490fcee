"""From bytes to a file that variables are read from, or a sentence that says what they are."""

import zipfile
from io import BytesIO
from typing import NoReturn

from ...core.foreign import foreign
from ...errors import FormatError
from . import classic, hdf5
from .model import File

_CLASSIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
_FOREIGN = {
    b"GRIB": ("a GRIB file", "cdo -f nc copy FILE x.nc, or grib_to_netcdf -o x.nc FILE"),
    b"BUFR": ("a BUFR file", "bufr_dump, or pdbufr in Python"),
    b"\x0e\x03\x13\x01": ("an HDF4 file", "h4tonccf FILE x.nc, or gdal_translate -of netCDF"),
    b"netcdf ": ("CDL, the text form of a NetCDF file", "ncgen -4 -o x.nc FILE"),
    b"\x1f\x8b": ("a file compressed with gzip", "gunzip FILE"),
    b"BZh": ("a file compressed with bzip2", "bunzip2 FILE"),
    b"\xfd7zXZ\0": ("a file compressed with xz", "unxz FILE"),
    b"\x28\xb5\x2f\xfd": ("a file compressed with zstd", "unzstd FILE"),
    b"SIMPLE  =": ("a FITS file", "astropy in Python, and xarray's to_netcdf"),
    b"\x93NUMPY": ("a NumPy array", 'xarray.DataArray(numpy.load(FILE)).to_netcdf("x.nc")'),
}
"""How files begin that people take for NetCDF: what they are, and what makes NetCDF of them."""


_FIELDS = {b"GRIB": "grib", b"BUFR": "bufr", b"\x0e\x03\x13\x01": "hdf4", b"netcdf ": "cdl"}
"""How other data sets of fields begin."""


def identified(data: bytes) -> str:
    """The format of a data set of fields, also of one to convert first; "" for any other."""
    if data.startswith(_CLASSIC) or hdf5.begins(data):
        return "netcdf"
    for magic, name in _FIELDS.items():
        if data.startswith(magic):
            return name
    end = data[-(1 << 16) :]  # of a ZIP, the list of its files
    return "zip" if data.startswith(b"PK\x03\x04") and (b".nc" in end or b".grib" in end) else ""


def opened(data: bytes) -> File:
    """The variables of a NetCDF or HDF5 file; `FormatError` says what else it is."""
    if data.startswith(_CLASSIC):
        return classic.opened(data)
    if hdf5.begins(data):
        return hdf5.opened(data)
    _refuse(data)


def _refuse(data: bytes) -> NoReturn:
    for magic, (kind, way) in _FOREIGN.items():
        if data.startswith(magic):
            raise FormatError(
                f"not a NetCDF file but {kind}. Convert it first: {way}", ".nc", convert=True
            )
    if data.startswith(b"PK\x03\x04"):
        raise FormatError(f"not a NetCDF file but {_archive(data)}", ".nc", convert=True)
    start = data[:4096].lstrip()
    if start.startswith(b"{") and b'"refs"' in data:
        said = "a list of references (kerchunk) to data in other files"
        way = 'xarray.open_dataset(FILE, engine="kerchunk").to_netcdf("x.nc")'
        raise FormatError(
            f"not a NetCDF file but {said}. Convert it first: {way}", ".nc", convert=True
        )
    if start.lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise FormatError("not a NetCDF file but a web page: download the file itself", ".nc", True)
    raise FormatError("not a NetCDF file", ".nc")


def _archive(data: bytes) -> str:
    """What to unzip."""
    damaged = "not a NetCDF file but a ZIP archive that is damaged: fetch it again"
    with foreign(damaged, ".nc"):
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
    shown = [name for name in names if name.lower().endswith((".nc", ".nc4", ".cdf", ".h5"))]
    if shown:
        more = f" or one of {len(shown) - 1} more" if len(shown) > 1 else ""
        said = "as the Climate Data Store delivers"
        return f"a ZIP archive, {said}: unzip it first, then take {shown[0]!r}{more}"
    if any(name.rpartition("/")[2] in (".zgroup", ".zarray", "zarr.json") for name in names):
        way = 'xarray.open_zarr(FILE).to_netcdf("x.nc")'
        return f"a ZIP archive of a Zarr store. Convert it first: {way}"
    return f"a ZIP archive of {len(names)} files, none of which is a NetCDF file"

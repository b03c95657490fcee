"""What people take for NetCDF: the error says what it is and how to convert it (fault E)."""

import gzip
import io
import zipfile

import pytest

from stegafield.errors import FormatError
from tests.datasets import packed


def archive(*names):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        for name in names:
            file.writestr(name, packed())
    return memory.getvalue()


FOREIGN = {
    "CDS": (
        archive("data_stream-oper_stepType-instant.nc"),
        r"unzip it first.*data_stream-oper.*nc",
    ),
    "CDS, several": (
        archive("readme.txt", "a.nc", "b.nc"),
        r"unzip it first.*'a.nc' or one of 1 more",
    ),
    "other ZIP": (archive("a.txt"), "ZIP archive of 1 files, none of which is a NetCDF file"),
    "damaged ZIP": (archive("a.nc")[:-30], "ZIP archive that is damaged"),
    "zipped Zarr": (archive("t/.zarray", "t/0.0"), "Zarr store.*open_zarr"),
    "GRIB": (b"GRIB\0\0\0\x02" + bytes(99), "a GRIB file.*cdo -f nc copy"),
    "HDF4": (b"\x0e\x03\x13\x01" + bytes(99), "an HDF4 file.*h4tonccf"),
    "CDL": (b"netcdf x {\ndimensions:\n}", "CDL.*ncgen"),
    "kerchunk": (b'{"version": 1, "refs": {".zgroup": "{}"}}', "kerchunk.*to_netcdf"),
    "gzip": (gzip.compress(packed()), "gzip.*gunzip"),
    "a web page": (b"<!DOCTYPE html><html>Log in</html>", "web page: download"),
    "FITS": (b"SIMPLE  =                    T", "FITS"),
    "other": (b"?" * 99, "not a NetCDF file"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_other_formats_are_named_with_the_way_out(engine, key, kind):
    """E"""
    data, said = FOREIGN[kind]
    with pytest.raises(FormatError, match=f"(?s){said}") as caught:
        engine.capacity(carrier="dataset", cover=data)
    assert "0x" not in str(caught.value)
    other = {"GRIB": "a lossy copy", "damaged ZIP": "no installed", "other": "no installed"}
    with pytest.raises(FormatError, match=f"(?s){other.get(kind, said)}"):
        engine.reveal(data, key=key)


@pytest.mark.parametrize("marker", [".zgroup", "zarr.json", ".zmetadata"])
def test_a_zarr_store(engine, key, tmp_path, marker):
    """E: for hiding and revealing, as a path and as text."""
    store = tmp_path / "x.zarr"
    store.mkdir()
    (store / marker).write_text("{}")
    for work in (
        lambda: engine.capacity(carrier="dataset", cover=store),
        lambda: engine.capacity(carrier="dataset", cover=str(store)),
        lambda: engine.reveal(store, key=key),
    ):
        with pytest.raises(FormatError, match=r"x\.zarr is a folder.*Zarr store.*to_netcdf"):
            work()


def test_a_zarr_store_on_the_command_line(refused, folder):
    """E"""
    (folder / "x.zarr").mkdir()
    (folder / "x.zarr" / ".zgroup").write_text("{}")
    for words in (
        ["reveal", "x.zarr", "-k", "key"],
        ["hide", "x.zarr", "m", "-k", "key", "-o", "o.nc"],
    ):
        refused(5, *words, says=["Zarr store", "to_netcdf"])


def test_a_folder(engine, key, tmp_path):
    """E"""
    with pytest.raises(FormatError, match="is a folder, where one file is expected"):
        engine.reveal(tmp_path, key=key)

"""HDF5 files that crash the NetCDF library, or declare far more than they hold (C1 to C4, C7)."""

import io
import os
import struct
import subprocess
import sys
import threading

import h5py
import netCDF4
import numpy as np
import pytest

from stegafield.channels import netcdf
from stegafield.errors import ConfigError, FormatError, NoMessage, StegafieldError
from tests.attacks.test_netcdf import made

DATA = np.random.default_rng(0).normal(280, 9, (40, 50))


def hdf5(build):
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        build(file)
    return memory.getvalue()


def in_a_child(tmp_path, data, code, seconds=60):
    """The output of code in another process, where the file is x.nc, and its most memory in MiB."""
    (tmp_path / "x.nc").write_bytes(data)
    start = (
        "import resource, numpy as np\n"
        "from stegafield import Engine, Key\n"
        "from stegafield.errors import *\n"
        "key, engine = Key(bytes(32)), Engine()\n"
        "import h5py, netCDF4\n"
        "idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
    )
    end = "\nprint((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) // 1024)"
    words = [sys.executable, "-c", start + code + end]
    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=seconds)
    assert run.returncode == 0, (run.returncode, run.stderr[-2000:])
    *said, most = run.stdout.splitlines()
    return said, int(most)


EVERY_VERB = """
from stegafield.pipeline.candidates import candidates
from stegafield.plugins.discovery import registry
def tried(work):
    try:
        work()
        print("done")
    except StegafieldError as error:
        print(type(error).__name__)
tried(lambda: engine.hide(b"x", carrier="dataset", cover="x.nc", key=key))
tried(lambda: engine.capacity(carrier="dataset", cover="x.nc"))
tried(lambda: engine.reveal("x.nc", key=key))
tried(lambda: [None for cover in candidates(registry(), "x.nc")])
"""


def cycle(file):
    file.create_group("a")["self"] = file["/"]


def twice(file):
    """Two links to the next of each of 40 groups: 2^40 paths."""
    here = file["/"]
    for _ in range(40):
        after = here.create_group("a")
        here["b"] = after
        here = after
    here["t"] = DATA


@pytest.mark.parametrize("build", [cycle, twice], ids=lambda one: one.__name__)
def test_groups_within_themselves(tmp_path, build):
    """C1"""
    said, most = in_a_child(tmp_path, hdf5(build), EVERY_VERB)
    assert said == ["FormatError"] * 4 and most < 256
    with pytest.raises(FormatError, match="is in this file twice"):
        list(netcdf.NetcdfChannel().read(hdf5(build)))


def empties(count, shape=(8192, 8191), dtype="f4", chunks=(64, 64), most=None):
    return hdf5(
        lambda file: [
            file.create_dataset(f"t{i}", shape, dtype, chunks=chunks, maxshape=most)
            for i in range(count)
        ]
    )


HOLLOW = {
    "40 empty": lambda: empties(40),
    "one empty": lambda: empties(1),
    "integers": lambda: empties(3, dtype="i2"),
    "one chunk of 4 GB": lambda: empties(1, (100, 100), "f4", (32000, 32000), (None, None)),
    "contiguous": lambda: hdf5(lambda file: file.create_dataset("t", (8192, 8191), "f4")),
    "one chunk written": lambda: hdf5(
        lambda file: file.create_dataset("t", (8192, 8191), "f4", chunks=(64, 64)).__setitem__(
            (slice(64), slice(64)), 1
        )
    ),
    "a line": lambda: empties(5, (1 << 26,), "f8", (1 << 16,)),
    "long attributes": lambda: hdf5(
        lambda file: file.create_dataset("t", data=DATA).attrs.create("units", "K" * 60000)
    ),
    "many levels": lambda: hdf5(lambda file: file.create_group("/".join("abcde" * 40))),
    "classic records": lambda: made(
        lambda file: [
            file.createDimension("time", None),
            file.createVariable("t", "i2", ("time",)).__setitem__(slice(9), 1),
        ],
        "NETCDF3_CLASSIC",
    ).replace(b"CDF\x01\0\0\0\x09", b"CDF\x01\x7f\xff\xff\xff"),
}


@pytest.mark.parametrize("kind", HOLLOW)
def test_what_a_few_bytes_declare_is_not_held(tmp_path, kind):
    """C2: for hide, capacity, reveal and what detect walks through."""
    data = HOLLOW[kind]()
    assert len(data) < 400_000
    said, most = in_a_child(tmp_path, data, EVERY_VERB)
    assert most < 256
    assert said[2] in ("NoMessage", "FormatError")


def test_the_cap_is_one_for_the_whole_file(monkeypatch):
    """C2: what is read of all variables together, not of each, has an end."""
    monkeypatch.setattr(netcdf.File, "most", property(lambda self: 5000))
    data = hdf5(lambda file: [file.__setitem__(f"t{i}", DATA) for i in range(9)])
    assert len(list(netcdf.NetcdfChannel().read(data))) == 2


def test_one_variable_is_held_at_a_time(monkeypatch):
    """C2: a cover that nobody looks at is not read."""
    data = hdf5(lambda file: [file.__setitem__(f"t{i}", DATA) for i in range(9)])
    read = []
    covers = netcdf.covers_of
    monkeypatch.setattr(
        netcdf, "covers_of", lambda *given: read.append(given[2].path) or covers(*given)
    )
    next(netcdf.NetcdfChannel().read(data))
    assert read == ["t0"]


INNER = np.dtype([("x", "f4"), ("y", "f4")])
TYPES = {
    "nested": np.dtype([("a", INNER), ("b", "i4")]),
    "deeper": np.dtype([("a", np.dtype([("c", INNER, (2,))])), ("b", "i4")]),
    "array": np.dtype([("a", "f4", (3, 2))]),
    "text": np.dtype([("a", "S5")]),
    "lists in it": np.dtype([("a", h5py.vlen_dtype(np.int32))]),
    "words in it": np.dtype([("a", h5py.string_dtype())]),
    "enum in it": np.dtype([("a", h5py.enum_dtype({"no": 0, "yes": 1}))]),
    "lists": h5py.vlen_dtype(np.int32),
    "lists of pairs": h5py.vlen_dtype(INNER),
    "enum": h5py.enum_dtype({"no": 0, "yes": 1}, basetype="u1"),
    "opaque": h5py.opaque_dtype(np.dtype("M8[s]")),
    "raw": np.dtype("V7"),
    "reference": h5py.ref_dtype,
    "region": h5py.regionref_dtype,
    "references in it": np.dtype([("a", h5py.ref_dtype)]),
    "complex": np.dtype("c8"),
    "half": np.dtype("f2"),
    "long": np.dtype("longdouble"),
    "bool": np.dtype(bool),
}


@pytest.mark.parametrize("where", ["variable", "attribute", "named", "file"])
@pytest.mark.parametrize("kind", TYPES)
def test_types_that_are_no_numbers_harm_nothing(engine, key, kind, where):
    """C3: beside a variable, on it, as a committed type, and on the file."""
    dtype = TYPES[kind]
    if where == "named" and kind in ("reference", "region"):
        return  # HDF5 commits none

    def build(file):
        file["t"] = DATA
        if where == "variable":
            file.create_dataset("odd", (3,), dtype)
        elif where == "named":
            file["odd"] = dtype
        else:
            holder = file["t"] if where == "attribute" else file
            h5py.h5a.create(
                holder.id,
                b"units",
                h5py.h5t.py_create(dtype, logical=True),
                h5py.h5s.create_simple((3,)),
            )

    stego = engine.hide(b"C3", carrier="dataset", cover=hdf5(build), key=key)
    assert engine.reveal(stego.data, key=key) == b"C3"
    if where == "variable" and kind != "long":
        with pytest.raises(ConfigError, match="odd is not numeric"):
            engine.hide(
                b"C3", carrier="dataset", cover=hdf5(build), set={"carrier.variable": "odd"}
            )


def test_nested_compounds_alone_in_every_verb(tmp_path):
    """C3"""
    data = hdf5(lambda file: file.create_dataset("odd", (3,), TYPES["nested"]))
    assert in_a_child(tmp_path, data, EVERY_VERB)[0] == ["ConfigError"] * 2 + ["NoMessage", "done"]


def test_dimension_lists_that_lead_astray(engine, key):
    """C3: references to groups, to nothing, and of another type."""

    def build(file):
        file["t"] = DATA
        file.create_group("g")
        scale = file.create_dataset("y", data=np.arange(40.0))
        scale.make_scale("y")
        kind = h5py.vlen_dtype(h5py.ref_dtype)
        lists = np.empty(2, object)
        lists[0], lists[1] = np.array([file["g"].ref], object), np.array([h5py.Reference()], object)
        file["t"].attrs.create("DIMENSION_LIST", lists, dtype=kind)
        file["u"] = DATA
        file["u"].attrs["DIMENSION_LIST"] = [1, 2]
        file["v"] = DATA
        file["v"].attrs["DIMENSION_LIST"] = "y"

    for name in "tuv":
        chosen = {"carrier.variable": name}
        stego = engine.hide(b"C3", carrier="dataset", cover=hdf5(build), key=key, set=chosen)
        assert engine.reveal(stego.data, key=key) == b"C3"


MESSY = ["a b", "a ", " a", "tab\t", "\x1b[31m", "ä", "a:b", "..", "x" * 300]


@pytest.mark.parametrize("name", MESSY, ids=range(len(MESSY)))
def test_names_that_netcdf_does_not_allow(engine, key, name):
    """C4: as a cover they work, as a function they work or are refused, always in a sentence."""

    def build(file):
        for axis, values, units in (
            ("lat", np.linspace(80, -80, 40), "degrees_north"),
            ("lon", np.arange(50) * 7.2, "degrees_east"),
        ):
            file[axis] = values
            file[axis].make_scale(axis)
            file[axis].attrs["units"] = units
        file.create_dataset(name, data=DATA)
        for i, axis in enumerate(("lat", "lon")):
            file[name].dims[i].attach_scale(file[axis])

    data = hdf5(build)
    if name != "..":
        stego = engine.hide(b"C4", carrier="dataset", cover=data, key=key)
        assert engine.reveal(stego.data, key=key) == b"C4"
    try:
        engine.hide(
            b"C4", carrier="dataset", cover=data, key=key, set={"carrier.as_function": True}
        )
    except StegafieldError as error:
        assert "\x1b" not in str(error)


@pytest.mark.parametrize(("number", "size"), [(0, 0), (0, 8), (65535, 2**64 - 1), (1, 2**64 - 17)])
def test_a_heap_in_circles(tmp_path, number, size):
    """C3: HDF5 reads an object of size 0 in a heap of references for ever; so it gets none."""
    data = made(
        lambda file: [
            file.createDimension("y", 40),
            file.createDimension("x", 50),
            file.createVariable("y", "f4", ("y",)).__setitem__(..., np.arange(40)),
            file.createVariable("t", "f4", ("y", "x")).__setitem__(..., DATA),
        ]
    )
    at = data.index(b"GCOL") + 16
    damaged = data[:at] + struct.pack("<HHIQ", number, 0, 0, size) + data[at + 16 :]
    code = """
try:
    engine.capacity(carrier="dataset", cover="x.nc")
except FormatError as error:
    print("circles" in str(error))
"""
    assert in_a_child(tmp_path, damaged, code, 30)[0] == ["True"]


@pytest.mark.slow
def test_damaged_hdf5_files_crash_nothing(tmp_path):
    """C3, C4: bits flipped in what HDF5 keeps of its own, in a child process."""
    data = made(
        lambda file: [
            file.createDimension("y", 40),
            file.createDimension("x", 50),
            file.createVariable("t", "f4", ("y", "x"), zlib=True).__setitem__(..., DATA),
            file.createVariable("name", str, ("y",)),
            file.createGroup("g").setncattr("a", "b"),
        ]
    )
    code = """
data = open("x.nc", "rb").read()
rng = np.random.default_rng(0)
for i in range(400):
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        damaged[int(rng.integers(len(data)))] ^= int(rng.integers(1, 256))
    one = bytes(damaged)
    for work in (
        lambda: engine.reveal(one, key=key),
        lambda: engine.capacity(carrier="dataset", cover=one),
    ):
        try:
            work()
        except StegafieldError:
            pass
"""
    assert in_a_child(tmp_path, data, code, 300)[1] < 512


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_while_the_library_is_locked(tmp_path):
    """C7: another thread holds the lock; the child gets one of its own."""
    held, done = threading.Event(), threading.Event()

    def hold():
        with netcdf.LOCK:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if child == 0:
        threading.Timer(20, lambda: os._exit(1)).start()
        with netcdf.LOCK:
            os._exit(0)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with netcdf.LOCK:  # the parent's still works
        assert netCDF4.__version__


def test_no_message_in_what_is_merely_odd(engine, key):
    with pytest.raises(NoMessage):
        engine.reveal(hdf5(lambda file: file.create_dataset("odd", (3,), TYPES["nested"])), key=key)

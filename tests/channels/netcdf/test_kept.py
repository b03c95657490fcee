"""All of a file but the samples of one variable is in the stego (faults A7, A9, B7)."""

import io
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import netCDF4
import numpy as np
import pytest
import xarray

from stegafield.channels import netcdf
from stegafield.errors import CapacityError, ConfigError, FormatError
from tests.attacks.test_netcdf import FLAT, made

RNG = np.random.default_rng(0)
FIELD = RNG.normal(size=(6, 60, 70)).cumsum(1).astype("f4")


def opened_h5(data):
    return h5py.File(io.BytesIO(data), "r")


def storage(data, name):
    """Filters with their settings, layout, sizes of chunks, and which filters each chunk skips."""
    with opened_h5(data) as file:
        one = file[name].id
        plist = one.get_create_plist()
        filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
        count = one.get_num_chunks() if plist.get_layout() == h5py.h5d.CHUNKED else 0
        chunks = [one.get_chunk_info(i) for i in range(count)]
        skipped = {chunk.chunk_offset: chunk.filter_mask for chunk in chunks}
        return filters, plist.get_layout(), file[name].chunks, skipped, plist.get_fill_time()


def parsed(data):
    """Everything that HDF5 knows of a file, but the values of variables."""
    out = {}
    with opened_h5(data) as file:

        def look(name, one):
            attributes = []
            for key in one.attrs:
                found = h5py.h5a.open(one.id, key.encode())
                kind = found.get_type()
                value = (
                    None
                    if kind.get_class() in (h5py.h5t.VLEN, h5py.h5t.COMPOUND)
                    else str(one.attrs[key])
                )
                attributes.append((key, str(kind.get_class()), kind.get_size(), found.shape, value))
            out[name] = [
                list(one) if isinstance(one, h5py.Group) else None,
                attributes,
            ]
            if isinstance(one, h5py.Dataset):
                shape = (one.shape, one.maxshape)
                out[name] += [shape, one.id.get_type().encode(), storage(data, name)]

        look("/", file)
        file.visititems(look)
    return out


def values(data):
    """The values of every data set."""
    found = {}
    with opened_h5(data) as file:

        def look(name, one):
            if isinstance(one, h5py.Dataset):
                number = one.id.get_type().get_class() in (h5py.h5t.INTEGER, h5py.h5t.FLOAT)
                found[name] = one[...].tobytes() if number else repr(one[()])

        file.visititems(look)
    return found


def only(before, after, name):
    """Nothing but the values of one variable differ."""
    assert parsed(before) == parsed(after)
    old, new = values(before), values(after)
    assert {key for key in old if old[key] != new[key]} == {name}


STORED = {
    "zstd": {"compression": "zstd", "complevel": 7},
    "bzip2": {"compression": "bzip2"},
    "blosc": {"compression": "blosc_lz4", "blosc_shuffle": 1},
    "blosc zstd": {"compression": "blosc_zstd", "complevel": 9},
    "deflate 9": {"compression": "zlib", "complevel": 9, "shuffle": False},
    "deflate 1, sums": {"compression": "zlib", "complevel": 1, "fletcher32": True},
    "sums alone": {"fletcher32": True},
    "chunks alone": {},
    "contiguous": {"contiguous": True},
}


@pytest.mark.parametrize("kind", STORED)
@pytest.mark.parametrize("dtype", ["f4", "i2"])
def test_filters_and_chunks_are_kept(engine, key, kind, dtype):
    """A7"""

    def build(file):
        for name, size in zip("zyx", FIELD.shape, strict=True):
            file.createDimension(name, size)
        chunks = {} if kind == "contiguous" else {"chunksizes": (2, 17, 32)}
        for name in ("t", "beside"):
            one = file.createVariable(name, dtype, ("z", "y", "x"), **chunks, **STORED[kind])
            one.set_auto_maskandscale(False)
            one.setncatts({"units": "K", **({"scale_factor": 0.1} if dtype == "i2" else {})})
            one[:] = FIELD.round() if dtype == "f4" else (FIELD * 9).astype("i2")

    data = made(build)
    given = {"carrier": "dataset", "cover": data, "key": key, "set": {"carrier.variable": "t"}}
    if dtype == "f4":  # whole numbers, which all filters pack: a step would enter what lies between
        with pytest.raises(CapacityError, match=r"effort\.flat"):
            engine.hide(b"A7", **given)
        given["set"]["effort.flat"] = True
    stego = engine.hide(b"A7", **given)
    only(data, stego.data, "t")
    assert engine.reveal(stego.data, key=key) == b"A7"
    if kind in ("contiguous", "chunks alone"):
        assert len(stego.data) == len(data)


@pytest.mark.parametrize("kind", ["zstd", "bzip2", "blosc"])
def test_filters_are_found_whatever_was_imported_first(tmp_path, kind):
    """A7: h5py looks for filters when it is imported, and netCDF4 tells it where at its own import.

    Without them HDF5 writes what is optional plainly, and says nothing.
    """
    data = made(
        lambda file: [
            file.createDimension("y", 60),
            file.createDimension("x", 70),
            file.createVariable("t", "f4", ("y", "x"), **STORED[kind]).__setitem__(
                ..., FIELD[0].round()
            ),
        ]
    )
    (tmp_path / "c.nc").write_bytes(data)
    code = (
        "import h5py; from stegafield import Engine, Key; "
        "stego = Engine().hide(b'A7', carrier='dataset', cover='c.nc', key=Key(bytes(32)), "
        "set={'effort.flat': True}); "
        "open('s.nc', 'wb').write(stego.data)"
    )
    plain = {name: value for name, value in os.environ.items() if name != "HDF5_PLUGIN_PATH"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, env=plain)
    only(data, (tmp_path / "s.nc").read_bytes(), "t")


H5 = {
    "szip": {"compression": "szip", "chunks": (3, 20, 35)},
    "lzf": {"compression": "lzf", "shuffle": True, "chunks": (3, 20, 35)},
    "gzip": {"compression": 9, "chunks": (3, 20, 35)},
    "unlimited": {"chunks": (3, 20, 35), "maxshape": (None, 60, None)},
    "big-endian": {"dtype": ">f8"},
    "compact": {},
}


@pytest.mark.parametrize("kind", H5)
def test_files_of_h5py(engine, key, kind):
    """A7"""
    memory = io.BytesIO()
    with h5py.File(
        memory, "w", libver="latest" if kind == "lzf" else None, track_order=kind == "gzip"
    ) as file:
        file["text"] = "beside"
        if kind == "compact":
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plist.set_layout(h5py.h5d.COMPACT)
            space = h5py.h5s.create_simple((70, 80))
            one = h5py.h5d.create(file.id, b"t", h5py.h5t.IEEE_F64LE, space, plist)
            h5py.Dataset(one)[:] = RNG.normal(size=(70, 80))
        else:
            file.create_dataset("t", data=FIELD, **H5[kind])
        file["z"] = FIELD[0] > 0
    data = memory.getvalue()
    stego = engine.hide(b"A7", carrier="dataset", cover=data, key=key)
    only(data, stego.data, "t")


def test_chunks_that_keep_their_values_keep_their_bytes(engine, key):
    """A7: a few changes in one chunk do not compress the others anew."""
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.create_dataset("t", data=FIELD, chunks=(1, 60, 70), compression="gzip")
    data = memory.getvalue()
    cover = next(netcdf.NetcdfChannel().read(data))
    codes = cover.codes.copy()
    codes[2, 5, 7] += 1
    after = netcdf.NetcdfChannel().write(cover, codes)
    old, new = storage(data, "t"), storage(after, "t")
    assert old == new
    with opened_h5(data) as a, opened_h5(after) as b:
        raw = [[one["t"].id.read_direct_chunk((i, 0, 0))[1] for i in range(6)] for one in (a, b)]
    assert [i for i in range(6) if raw[0][i] != raw[1][i]] == [2]


def test_chunks_never_written_stay_so(engine, key):
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        one = file.create_dataset(
            "t", (60, 200), "f4", chunks=(60, 50), fillvalue=np.nan, compression=4
        )
        one[:, :50] = FIELD[0, :, :50]
    data = memory.getvalue()
    only(data, engine.hide(b"A7", carrier="dataset", cover=data, key=key).data, "t")


def test_a_missing_filter_is_named_with_what_to_install(engine, key):
    """A7: no package that comes along brings lz4."""
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((60, 70))
        plist.set_filter(h5py.h5z.FILTER_LZF, h5py.h5z.FLAG_OPTIONAL, (4, 261, 60 * 70 * 4))
        space = h5py.h5s.create_simple((60, 70))
        one = h5py.h5d.create(file.id, b"t", h5py.h5t.IEEE_F32LE, space, plist)
        h5py.Dataset(one)[:] = FIELD[0]
    data = bytearray(memory.getvalue())
    start = data.index(b"lzf") - 8
    assert data[start : start + 2] == (32000).to_bytes(2, "little")
    data[start : start + 2] = (32004).to_bytes(2, "little")
    with pytest.raises(ConfigError, match=r"t is compressed with lz4 .*32004.* hdf5plugin"):
        engine.hide(b"A7", carrier="dataset", cover=bytes(data), key=key)


def test_a_filter_that_rounds_is_refused(engine, key):
    """A7"""
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.create_dataset("t", data=FIELD, chunks=(6, 60, 70), scaleoffset=2)
    with pytest.raises(FormatError, match=r"filters \(scaleoffset\) do not keep"):
        engine.hide(b"A7" * 30, carrier="dataset", cover=memory.getvalue(), key=key)


def of_any_kind(model, seed):
    """A file of many kinds of variables, groups, attributes and types."""
    rng = np.random.default_rng(seed)
    four = model == "NETCDF4"

    def build(file):
        file.setncatts(
            {"history": "made", "numbers": np.arange(3, dtype="i2"), "one": np.float32(2)}
        )
        file.createDimension("time", None if seed % 2 else 3)
        file.createDimension("y", 37)
        file.createDimension("x", 41)
        file.createDimension("n", 6)
        storage = {"compression": "zlib", "chunksizes": (1, 20, 41)} if four and seed % 3 else {}
        fill = [None, -999, False][seed % 3]
        kinds = ["f4", "f8", "i2", "i4", "i1"] + (
            ["u2", "u1", "u4", "i8"] if "DATA" in model or four else []
        )
        big = four and seed % 2
        kind = kinds[seed % len(kinds)]
        if kind[0] == "u" and fill == -999:
            fill = 200
        if kind == "i1" and fill == -999:
            fill = -99
        order = {"endian": "big"} if big else {}
        stored = f">{kind}" if big else kind
        one = file.createVariable(
            "data", stored, ("time", "y", "x"), fill_value=fill, **storage, **order
        )
        one.set_auto_maskandscale(False)
        walk = (
            rng.normal(60, 5, (3, 37, 41)) if kind[1] == "1" else rng.normal(500, 90, (3, 37, 41))
        )
        one[:] = walk.astype(kind)
        one.setncatts(
            {"units": "m", "coordinates": "lat lon", "valid_max": np.dtype(kind).type(120)}
            if kind[1] == "1"
            else {"units": "m"}
        )
        if kind[0] != "f":
            one.scale_factor = 0.5
        clock = file.createVariable("time", "f8", ("time",))
        clock.units, clock[:] = "days since 2000-01-01", np.arange(3.0)
        names = file.createVariable("names", "S1", ("time", "n"))
        names[:] = np.full((3, 6), b"a")
        file.createVariable("scalar", "i4", ())[...] = 7
        if four:
            file.createVariable("words", str, ("n",))[:] = np.array(list("abcdef"), object)
            pair = file.createCompoundType(np.dtype([("a", "f4"), ("b", "i2")]), "pair_t")
            file.createVariable("pair", pair, ("n",))
            number = file.createEnumType(np.uint8, "kind_t", {"no": 0, "yes": 1})
            file.createVariable("kinds", number, ("n",), fill_value=0)[:] = 1
            file.createVLType(np.int32, "rag_t")
            group = file.createGroup("deep").createGroup("deeper")
            group.createVariable("inner", "f4", ("y",))[:] = rng.normal(size=37)
            group.note = "kept"

    return made(build, model)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "model",
    ["NETCDF4", "NETCDF4_CLASSIC", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"],
)
def test_all_but_the_samples_is_kept(engine, key, model, seed):
    """A7"""
    data = of_any_kind(model, seed)
    arguments = {
        "carrier": "dataset",
        "cover": data,
        "key": key,
        "set": {"carrier.variable": "data", **FLAT},
    }
    stego = engine.hide(b"A", **arguments)
    assert engine.reveal(stego.data, key=key) == b"A"
    same_but(data, stego.data, "data")


def same_but(before, after, name):
    """A file differs from another in the samples of one variable only."""
    if before.startswith(b"CDF"):
        assert len(before) == len(after)
        start = {one: _classic(before, one) for one in ("a", "b")}["a"]
        assert start == _classic(after, "b") and _rest(before, name) == _rest(after, name)
        return
    only(before, after, name.lstrip("/"))


def _classic(data, _):
    """The header: all before the first value."""
    from stegafield.channels.netcdf import classic

    return data[: min(one.begin for one in classic._header(data).variables.values())]


def _rest(data, name):
    """The values of all variables but one, with the bits that they have."""
    with netCDF4.Dataset("rest.nc", memory=data) as file:
        file.set_auto_maskandscale(False)
        return {n: np.asarray(v[...]).tobytes() for n, v in file.variables.items() if n != name}


@pytest.mark.slow
def test_real_files_keep_all_but_the_samples(engine, key, shared):
    """A7, B1, B2: every sample file, in the first variable that it is willing to take."""
    folders = [shared / "files" / "netcdf", shared / "weather" / "formats"]
    paths = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    if not paths:
        pytest.skip("needs ../shared/data/files/netcdf")
    tried = 0
    for path in paths:
        data = path.read_bytes()
        try:
            file = netcdf.opened(data)
        except FormatError:
            continue
        roles = netcdf.roles_of(file)
        for name in [one for one, role in roles.items() if role is None or not role.firm][:2]:
            chosen = {"carrier.variable": name, **FLAT}
            try:
                stego = engine.hide(b"", carrier="dataset", cover=data, key=key, set=chosen)
            except CapacityError:
                continue
            same_but(data, stego.data, name)
            tried += 1
    assert tried > 15


# Groomed floats


def groomed(how, bits=12, dtype="f4"):
    values = (FIELD[0] + 280).astype(dtype)
    if how.startswith("netCDF "):
        with TemporaryDirectory() as folder:
            path = Path(folder, "q.nc")
            with netCDF4.Dataset(path, "w") as file:
                file.createDimension("y", 60)
                file.createDimension("x", 70)
                mode, digits = how.split()[1], 12 if how == "netCDF BitRound" else 4
                file.createVariable(
                    "t", dtype, ("y", "x"), significant_digits=digits, quantize_mode=mode
                )[:] = values
            return path.read_bytes()
    whole = np.int32 if dtype == "f4" else np.int64
    numbers, mask = values.view(whole), whole((1 << bits) - 1)
    numbers &= ~mask
    if how == "alternating":
        numbers.ravel()[1::2] |= mask
    if how == "negative":
        values *= np.where(np.arange(70) % 3, -1, 1).astype(dtype)
        numbers.ravel()[1::2] |= mask
    return made(
        lambda f: (
            f.createDimension("y", 60),
            f.createDimension("x", 70),
            f.createVariable("t", dtype, ("y", "x")).__setitem__(..., values),
        )
    )


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    "how",
    [
        "shaved",
        "alternating",
        "negative",
        "netCDF BitGroom",
        "netCDF BitRound",
        "netCDF GranularBitRound",
    ],
)
def test_groomed_floats_stay_groomed(engine, key, how, dtype):
    """B7: no bit that the cover left out is set in the stego, and no note says otherwise."""
    data = groomed(how, dtype=dtype)
    stego = engine.hide(b"B7", carrier="dataset", cover=data, key=key)
    assert engine.reveal(stego.data, key=key) == b"B7"
    cover = netcdf.cover_of(data, netcdf.opened(data), netcdf.opened(data).variables["t"])
    shift = cover.container.shift
    assert shift >= 8
    with opened_h5(data) as a, opened_h5(stego.data) as b:
        kind, mask = (
            ("u4", np.uint32((1 << shift) - 1))
            if dtype == "f4"
            else ("u8", np.uint64((1 << shift) - 1))
        )
        old, new = a["t"][...].view(kind), b["t"][...].view(kind)
    assert (old != new).any() and ((old & mask) == (new & mask)).all()
    assert not any("leaves it" in note for note in stego.report.notes)


def test_floats_of_random_bits_have_one_candidate():
    data = made(
        lambda f: (
            f.createDimension("y", 60),
            f.createDimension("x", 70),
            f.createVariable("t", "f4", ("y", "x")).__setitem__(..., FIELD[0]),
        )
    )
    (cover,) = netcdf.NetcdfChannel().read(data)
    assert cover.container.shift == 0


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("values", [FIELD[0] + 280, FIELD[0], FIELD[0].clip(0)])
def test_floats_at_the_ends_of_their_ranges_are_not_groomed(values, end):
    """B7: the greatest float ends in ones, as do those below a fill value."""
    data = made(
        lambda f: (
            f.createDimension("y", 60),
            f.createDimension("x", 70),
            f.createVariable("t", "f4", ("y", "x")).__setitem__(..., values),
        )
    )
    channel = netcdf.NetcdfChannel()
    (cover,) = channel.read(data)
    codes = np.where(cover.free, getattr(cover, end), cover.codes).astype(cover.codes.dtype)
    (again,) = channel.read(channel.write(cover, codes))
    assert np.array_equal(again.codes, codes) and np.array_equal(again.free, cover.free)


def test_stegos_of_earlier_writers_in_groomed_floats_are_read(engine, key, monkeypatch):
    """B7: they took all bits; a reader tries both."""
    data = groomed("alternating")
    both = list(netcdf.NetcdfChannel().read(data))
    assert [cover.container.shift for cover in both] == [12, 0]
    monkeypatch.setattr(netcdf, "cover_of", lambda *_: both[1])
    stego = engine.hide(b"old", carrier="dataset", cover=data, key=key)
    monkeypatch.undo()
    assert engine.reveal(stego.data, key=key) == b"old"


# xarray


def dataset(**encoding):
    coords = {
        "time": np.array(["2000-01-01", "2000-01-03"], "datetime64[ns]"),
        "y": np.arange(40.0),
        "x": np.arange(50.0),
    }
    found = xarray.Dataset(
        {"t": (("time", "y", "x"), RNG.normal(280, 9, (2, 40, 50)).astype("f4"))}, coords
    )
    found["height"] = ("y", np.linspace(0, 9, 40))
    found["time"].encoding = {
        "units": "hours since 1900-01-01",
        "calendar": "proleptic_gregorian",
        "dtype": np.dtype("f8"),
    }
    found["t"].encoding = dict(encoding)
    found.encoding = {"unlimited_dims": {"time"}}
    return found.set_coords("height")


ENCODINGS = {
    "chunks": {"chunksizes": (1, 13, 25), "zlib": True, "complevel": 7, "shuffle": False},
    "zstd": {"compression": "zstd", "chunksizes": (1, 40, 50)},
    "sums": {"fletcher32": True, "chunksizes": (2, 8, 8)},
    "fill": {"_FillValue": np.float32(-1e20), "dtype": np.dtype("f4")},
    "nothing": {},
    "packed": {
        "dtype": np.dtype("i2"),
        "scale_factor": 0.01,
        "add_offset": 280.0,
        "_FillValue": np.int16(-32767),
    },
}


@pytest.mark.parametrize("kind", ENCODINGS)
def test_encoding_of_xarray_is_kept(engine, key, kind):
    """A9: in the file and in the object, and of every variable."""
    cover = dataset(**ENCODINGS[kind])
    before = {name: dict(one.encoding) for name, one in cover.variables.items()}
    stego = engine.hide(b"A9", carrier="dataset", cover=cover, key=key)
    assert {name: dict(one.encoding) for name, one in cover.variables.items()} == before
    after = {name: dict(one.encoding) for name, one in stego.value.variables.items()}
    assert {name for name in before if before[name] and after[name] != before[name]} == set()
    assert not any("source" in one for one in after.values())
    assert stego.value.encoding == cover.encoding
    xarray.testing.assert_identical(stego.value.drop_vars("t"), cover.drop_vars("t"))
    assert stego.value.t.attrs == cover.t.attrs
    with netCDF4.Dataset("x.nc", memory=stego.data) as file:
        wanted = ENCODINGS[kind]
        if "chunksizes" in wanted:
            assert tuple(file["t"].chunking()) == wanted["chunksizes"]
        for name in ("time", "height", "y", "x"):
            assert "_FillValue" not in file[name].ncattrs()
        assert ("_FillValue" in file["t"].ncattrs()) == ("_FillValue" in wanted)
        assert file["time"].units == "hours since 1900-01-01" and file["time"].dtype == "f8"
        assert file.dimensions["time"].isunlimited()
        filters = file["t"].filters()
        assert filters["complevel"] == 7 if kind == "chunks" else True
        assert filters["zstd"] == (kind == "zstd") and filters["fletcher32"] == (kind == "sums")
    assert engine.reveal(stego.value, key=key) == engine.reveal(stego.data, key=key) == b"A9"


@pytest.mark.parametrize("decoded", [True, False])
def test_a_file_opened_with_xarray_and_written_again(engine, key, decoded, tmp_path):
    """A9"""
    path = tmp_path / "c.nc"
    dataset(**ENCODINGS["packed"], chunksizes=(1, 20, 25), zlib=True).to_netcdf(path)
    with xarray.open_dataset(path, decode_cf=decoded) as cover:
        cover.load()
    stego = engine.hide(b"A9", carrier="dataset", cover=cover, key=key)
    assert stego.value.t.dtype == cover.t.dtype
    assert stego.value.t.encoding == cover.t.encoding
    assert stego.value.t.attrs == cover.t.attrs
    before, after = parsed(path.read_bytes()), parsed(stego.data)
    assert before["t"][2:] == after["t"][2:] and before["time"][2:] == after["time"][2:]
    assert engine.reveal(stego.value, key=key) == b"A9"

"""Weather files as they are found: fill values, odd types, odd shapes, several variables."""

import tempfile
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray

from stegafield.errors import CapacityError, ConfigError, FormatError, StegafieldError
from tests.datasets import packed, parsed

MESSAGE = b"rain at noon"
SIGNED = (
    "NETCDF4",
    "NETCDF4_CLASSIC",
    "NETCDF3_CLASSIC",
    "NETCDF3_64BIT_OFFSET",
    "NETCDF3_64BIT_DATA",
)


def made(build, model="NETCDF4"):
    """The bytes of a file that `build(file)` fills."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "made.nc")
        with netCDF4.Dataset(path, "w", format=model) as file:
            build(file)
        return path.read_bytes()


def add(parent, name, codes, dimensions, *, fill=None, dtype=None, attributes=None, **storage):
    """A packed variable with these stored integers."""
    for size, dimension in zip(codes.shape, dimensions, strict=True):
        if dimension not in parent.dimensions:
            parent.createDimension(dimension, size)
    variable = parent.createVariable(
        name, dtype or codes.dtype, dimensions, fill_value=fill, **storage
    )
    variable.set_auto_maskandscale(False)
    variable.setncatts({"scale_factor": 0.01, "add_offset": 250.0, **(attributes or {})})
    if codes.size:
        variable[...] = codes
    return variable


def raw(data, name):
    """The stored integers of a variable, nothing masked, nothing scaled."""
    with netCDF4.Dataset("raw.nc", memory=data) as file:
        file.set_auto_maskandscale(False)
        return np.asarray(file[name][...])


FLAT = {"effort.flat": True}
"""Flat and clipped places may be changed."""


def hidden(engine, key, cover, message=MESSAGE, **arguments):
    """The stego, after reading its message from the file."""
    stego = engine.hide(message, carrier="dataset", cover=cover, key=key, **arguments)
    assert engine.reveal(stego.data, key=key) == message
    return stego


def opened(data, **options):
    """An xarray data set, loaded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "opened.nc")
        path.write_bytes(data)
        return xarray.load_dataset(path, engine="netcdf4", **options)


def walk(shape=(1, 80, 100), seed=0):
    """Smooth int16 codes."""
    return np.random.default_rng(seed).integers(-300, 300, shape).cumsum(axis=-1).astype("i2")


# Missing values


def test_an_all_fill_field_holds_nothing(engine, refused, folder):
    data = packed(change=lambda codes: codes * 0 - 32767)
    with pytest.raises(CapacityError, match="too small for any message"):
        engine.hide(MESSAGE, carrier="dataset", cover=data)
    (folder / "c.nc").write_bytes(data)
    words = (
        "hide",
        "--carrier",
        "dataset",
        "--cover",
        "c.nc",
        "--message",
        "x",
        "--key-file",
        "key",
        "--out",
        "x.nc",
    )
    refused(4, *words, says=["too small for any message"])


@pytest.mark.parametrize("bps", [None, 1, 4])
def test_a_constant_field_works_where_that_is_asked_for(engine, key, bps):
    data = packed(rows=37, columns=72, change=lambda codes: codes * 0 + 7)
    with pytest.raises(CapacityError, match="effort.flat"):
        hidden(engine, key, data, bps=bps)
    hidden(engine, key, data, bps=bps, set=FLAT)


@pytest.mark.parametrize("bps", [None, 1, 4])
def test_masked_points_stay_masked_and_no_others_become_so(engine, key, bps):
    mask = np.random.default_rng(2).random((1, 37, 72)) < 0.3
    data = packed(rows=37, columns=72, change=lambda codes: np.where(mask, -32767, codes))
    stego = hidden(engine, key, data, bps=bps)
    assert ((raw(stego.data, "t2m") == -32767) == mask).all()


@pytest.mark.slow
@pytest.mark.parametrize("bps", [0.2, 1, 4])
@pytest.mark.parametrize("attribute", ["_FillValue", "missing_value"])
@pytest.mark.parametrize("fill", [0, 100, -32768, 32767])
def test_data_next_to_the_fill_value_never_becomes_it(engine, key, bps, attribute, fill):
    near = np.random.default_rng(3).integers(-2, 3, (1, 80, 100)) + fill
    codes = near.clip(-32768, 32767).astype("i2")
    options = (
        {"fill": np.int16(fill)}
        if attribute == "_FillValue"
        else {"attributes": {attribute: np.int16(fill)}}
    )
    data = made(lambda file: add(file, "t", codes, ("time", "y", "x"), **options))
    flat = FLAT if abs(fill) > 32766 else None  # many samples stand at an end of the range
    found = raw(hidden(engine, key, data, bps=bps, set=flat).data, "t")
    assert ((found == fill) == (codes == fill)).all()
    assert (found != codes).any()
    assert np.abs(found.astype(int) - codes).max() <= 64  # nothing wrapped around


@pytest.mark.parametrize("bps", [0.2, 4])
def test_the_default_fill_value_is_kept_where_none_is_declared(engine, key, bps):
    codes = (
        np.random.default_rng(4).integers(-32767, -32764, (1, 80, 100)).astype("i2")
    )  # from -32767 upwards
    found = raw(
        hidden(
            engine, key, made(lambda file: add(file, "t", codes, ("time", "y", "x"))), bps=bps
        ).data,
        "t",
    )
    assert ((found == -32767) == (codes == -32767)).all()


@pytest.mark.parametrize(
    "attributes",
    [
        {"valid_range": np.array([-3, 3], "i2")},
        {"valid_min": np.int16(-3)},
        {"valid_max": np.int16(3)},
        {"valid_min": np.int16(-3), "valid_max": np.int16(3)},
        {"missing_value": np.array([-1, 2], "i2")},
        {"valid_min": np.int16(-3), "missing_value": np.int16(0)},
    ],
    ids=str,
)
def test_nothing_enters_or_leaves_the_valid_range(engine, key, attributes):
    codes = np.random.default_rng(5).integers(-5, 6, (1, 80, 100)).astype("i2")
    data = made(lambda file: add(file, "t", codes, ("time", "y", "x"), attributes=attributes))
    found = raw(hidden(engine, key, data, bps=1).data, "t")
    low = attributes.get("valid_min", attributes.get("valid_range", [-32768])[0])
    high = attributes.get("valid_max", attributes.get("valid_range", [32767])[-1])

    def valid(values):
        return (
            (values >= low)
            & (values <= high)
            & ~np.isin(values, attributes.get("missing_value", []))
        )

    assert (valid(found) == valid(codes)).all()
    assert (found[~valid(codes)] == codes[~valid(codes)]).all()


def test_a_valid_range_in_kelvin_is_not_read_as_codes(engine, key):
    """The NetCDF conventions: bounds of the type of scale_factor are in unpacked units."""
    codes = walk()
    attributes = {"valid_range": np.array([100.0, 400.0])}
    stego = hidden(
        engine, key, made(lambda f: add(f, "t", codes, ("time", "y", "x"), attributes=attributes))
    )
    assert stego.report.free_elements == codes.size
    kelvin = raw(stego.data, "t") * 0.01 + 250
    before = codes * 0.01 + 250.0
    assert (((kelvin >= 100) & (kelvin <= 400)) == ((before >= 100) & (before <= 400))).all()


@pytest.mark.parametrize(
    "attributes",
    [
        {"valid_range": "none"},
        {"valid_min": np.nan},
        {"missing_value": np.float64(1e20)},
        {"missing_value": "-999"},
        {"units": np.array([1, 2])},
        {"_Unsigned": np.int32(1)},
        {"standard_name": np.float32(3)},
    ],
    ids=str,
)
def test_attributes_that_mean_nothing_are_no_crash(engine, key, attributes):
    hidden(
        engine,
        key,
        made(lambda file: add(file, "t", walk(), ("time", "y", "x"), attributes=attributes)),
    )


def test_a_scale_factor_that_is_no_number(engine, key):
    """Its own variable cannot be a cover; the message in another variable is still found."""

    def build(file):
        add(file, "bad", walk(), ("time", "y", "x"), attributes={"scale_factor": "about a tenth"})
        add(file, "good", walk(), ("time", "y", "x"))

    with pytest.raises(ConfigError, match="bad"):
        engine.hide(MESSAGE, carrier="dataset", cover=made(build), set={"carrier.variable": "bad"})
    hidden(engine, key, made(build), set={"carrier.variable": "good"})


# Types


@pytest.mark.parametrize("bps", [None, 4])
@pytest.mark.parametrize(
    ("dtype", "model"),
    [("u2", "NETCDF4"), ("u2", "NETCDF3_64BIT_DATA"), ("u1", "NETCDF4"), ("u4", "NETCDF4")],
)
def test_unsigned_variables_do_not_wrap(engine, key, dtype, model, bps):
    top = np.iinfo(dtype).max
    codes = (
        np.random.default_rng(6)
        .choice([0, 1, 2, top - 3, top - 2, top - 1], (1, 80, 100))
        .astype(dtype)
    )
    data = made(
        lambda file: add(file, "t", codes, ("time", "y", "x"), fill=np.dtype(dtype).type(top)),
        model,
    )
    found = raw(hidden(engine, key, data, bps=bps).data, "t")
    assert found.dtype == codes.dtype and not (found == top).any()
    assert np.abs(found.astype("i8") - codes.astype("i8")).max() <= 64


@pytest.mark.parametrize("bps", [None, 4])
def test_unsigned_in_a_format_that_has_only_signed(engine, key, bps):
    """`_Unsigned`: the stored -1 means 65535, and 32767 and -32768 are neighbours."""
    meant = (
        np.random.default_rng(7)
        .choice([0, 1, 32766, 32767, 32768, 32769, 65533, 65534], (1, 80, 100))
        .astype("u2")
    )
    attributes = {"_Unsigned": "true", "missing_value": np.int16(-1)}
    data = made(
        lambda f: add(f, "t", meant.view("i2"), ("time", "y", "x"), attributes=attributes),
        "NETCDF3_CLASSIC",
    )
    found = raw(hidden(engine, key, data, bps=bps).data, "t").astype("i2").view("u2")
    assert not (found == 65535).any()
    assert np.abs(found.astype(int) - meant).max() <= 64


@pytest.mark.parametrize("model", SIGNED)
def test_every_model_of_file_changes_in_one_variable_only(engine, key, model):
    data = packed(model=model, times=3, rows=37, columns=72)
    stego = hidden(engine, key, data)
    before, after = parsed(data), parsed(stego.data)
    assert after.pop("t2m")[:4] == before.pop("t2m")[:4]
    assert after == before


@pytest.mark.parametrize("endian", ["big", "little"])
def test_byte_order_is_kept(engine, key, endian):
    codes = walk()
    dtype = {"big": ">i2", "little": "<i2"}[endian]
    data = made(lambda file: add(file, "t", codes, ("time", "y", "x"), dtype=dtype, endian=endian))
    stego = hidden(engine, key, data)
    assert np.abs(raw(stego.data, "t").astype(int) - codes).max() <= 2
    with netCDF4.Dataset("x.nc", memory=stego.data) as file:
        assert file["t"].endian() == endian


def test_codes_at_both_ends_of_the_type_do_not_wrap(engine, key):
    codes = np.random.default_rng(8).choice([-32768, 32767], (1, 80, 100)).astype("i2")
    data = made(lambda file: add(file, "t", codes, ("time", "y", "x"), fill=np.int16(0)))
    found = raw(hidden(engine, key, data, bps=4).data, "t").astype(int)
    assert np.abs(found - codes).max() <= 64


# Shapes


def test_several_time_steps(engine, key):
    stego = hidden(engine, key, packed(times=4))
    assert stego.report.elements == 4 * 19 * 36


@pytest.mark.parametrize("bps", [None, 4])
def test_a_pole_is_one_point_and_stays_so(engine, key, bps):
    data = packed(rows=37, columns=72, times=2)
    found, before = raw(hidden(engine, key, data, bps=bps).data, "t2m"), raw(data, "t2m")
    assert (found[:, [0, -1]] == before[:, [0, -1]]).all() and (found != before).any()


def test_a_field_without_latitudes_is_a_plain_grid(engine, key):
    stego = hidden(engine, key, packed(rows=37, columns=72, grid=False))
    assert stego.report.free_elements == 37 * 72


def test_a_one_dimensional_variable(engine, key):
    hidden(engine, key, made(lambda file: add(file, "t", walk((3000,)), ("station",))))


def test_a_variable_of_five_dimensions(engine, key):
    codes = walk((2, 3, 2, 20, 20))
    data = made(lambda file: add(file, "t", codes, ("member", "time", "level", "y", "x")))
    assert np.abs(raw(hidden(engine, key, data).data, "t").astype(int) - codes).max() <= 2


def test_a_packed_number_is_no_field(engine):
    data = made(lambda file: add(file, "t", np.array(3, "i2"), ()))
    with pytest.raises(ConfigError, match=r"no packed variable .*t has no dimensions"):
        engine.hide(MESSAGE, carrier="dataset", cover=data)


@pytest.mark.parametrize("dimensions", [("time", "y", "x"), ("time", "x"), ("time",)], ids=len)
def test_an_empty_variable_hides_nothing_and_hides_no_other(engine, key, dimensions):
    """Zero steps of an unlimited dimension, in front of a field with data."""

    def build(file, both=True):
        file.createDimension("time", None)
        sizes = {"time": 0, "y": 80, "x": 100}
        add(file, "empty", np.empty([sizes[d] for d in dimensions], "i2"), dimensions)
        if both:
            add(file, "full", walk((80, 100)), ("y", "x"))

    hidden(engine, key, made(build), set={"carrier.variable": "full"})
    with pytest.raises((CapacityError, ConfigError)):
        engine.hide(b"", carrier="dataset", cover=made(lambda file: build(file, both=False)))


def test_the_root_group_comes_before_others(engine, key):
    def build(file):
        add(file.createGroup("inner"), "t", walk(), ("time", "y", "x"))
        add(file, "t", walk(), ("time", "y", "x"))

    found = raw(hidden(engine, key, made(build)).data, "inner/t")
    assert (found == walk()).all()


# Choice of the variable


def test_two_packed_variables_need_a_choice(engine, key, refused, cli, folder):
    data = packed(names=("u10", "v10"), rows=37, columns=72)
    with pytest.raises(ConfigError, match=r'u10, v10.*set={"carrier\.variable": "u10"}') as caught:
        engine.hide(MESSAGE, carrier="dataset", cover=data)
    assert caught.value.field == "carrier.variable"
    (folder / "c.nc").write_bytes(data)
    words = (
        "hide",
        "--carrier",
        "dataset",
        "--cover",
        "c.nc",
        "--message",
        "x",
        "--key-file",
        "key",
        "--out",
        "x.nc",
    )
    refused(2, *words, says=["u10", "v10", "--set carrier.variable="])
    assert cli(*words, "--set", "carrier.variable=v10").code == 0
    stego = (folder / "x.nc").read_bytes()
    assert engine.reveal(stego, key=key) == b"x"
    assert (raw(stego, "u10") == raw(data, "u10")).all() and (
        raw(stego, "v10") != raw(data, "v10")
    ).any()


@pytest.mark.parametrize("name", ["u10", "v10"])
def test_a_data_set_in_memory_is_searched_too(engine, key, name):
    cover = opened(packed(names=("u10", "v10"), rows=37, columns=72))
    stego = hidden(engine, key, cover, set={"carrier.variable": name})
    assert engine.reveal(stego.value, key=key) == MESSAGE


@pytest.mark.parametrize(
    ("name", "why"), [("t3m", "not in this file"), ("time", "t2m"), ("latitude", "t2m")]
)
def test_a_variable_that_cannot_be_taken(engine, name, why):
    with pytest.raises(ConfigError, match=name) as caught:
        engine.hide(MESSAGE, carrier="dataset", cover=packed(), set={"carrier.variable": name})
    assert why in str(caught.value) and "Packed: t2m" in str(caught.value)


def test_floats_that_were_never_written_hold_nothing(engine, refused, folder):
    data = made(
        lambda file: file.createDimension("x", 900) and file.createVariable("t", "f4", ("x",))
    )
    with pytest.raises(CapacityError, match="too small for any message"):
        engine.hide(MESSAGE, carrier="dataset", cover=data)
    (folder / "c.nc").write_bytes(data)
    words = (
        "hide",
        "--carrier",
        "dataset",
        "--cover",
        "c.nc",
        "--message",
        "x",
        "--key-file",
        "key",
        "--out",
        "x.nc",
    )
    refused(4, *words, says=["too small"])


def test_integers_without_a_scale_may_be_categories(engine):
    def build(file):
        file.createDimension("x", 8000)
        file.createVariable("kind", "i2", ("x",))[:] = walk().ravel()

    data = made(build)
    with pytest.raises(ConfigError, match=r"kind .*categories"):
        engine.hide(MESSAGE, carrier="dataset", cover=data)


def test_a_file_of_nothing(engine):
    with pytest.raises(ConfigError, match="no variables"):
        engine.hide(MESSAGE, carrier="dataset", cover=made(lambda file: None))


def test_text_and_compound_variables_are_passed_over(engine, key):
    def build(file):
        file.createDimension("n", 3)
        file.createVariable("name", str, ("n",))[:] = np.array(["a", "b", "c"], object)
        kind = file.createCompoundType(np.dtype([("a", "f4"), ("b", "i2")]), "pair_t")
        file.createVariable("pair", kind, ("n",))
        add(file, "t", walk(), ("time", "y", "x"))

    hidden(engine, key, made(build))


# xarray


PACKINGS = (
    {"scale_factor": 0.01, "add_offset": 250.0},
    {"add_offset": 250.0},
    {"scale_factor": 0.01},
)


@pytest.mark.parametrize("packing", PACKINGS, ids=str)
def test_values_that_outgrew_their_encoding_are_refused_and_not_wrapped(engine, packing):
    values = np.linspace(0, 1e6, 2000).reshape(40, 50)
    cover = xarray.Dataset({"t": (("y", "x"), values)})
    cover.t.encoding = {"dtype": "int16", "_FillValue": np.int16(-32767), **packing}
    with pytest.raises(ConfigError, match=r"values of t do not fit.*int16.*encoding"):
        engine.hide(MESSAGE, carrier="dataset", cover=cover)


def test_a_value_that_packs_to_the_fill_value_is_refused_or_kept(engine, key):
    values = np.full((40, 50), 10.0)
    values[3, 4] = -5.0  # packs to -5, the fill value
    cover = xarray.Dataset({"t": (("y", "x"), values)})
    cover.t.encoding = {
        "dtype": "int16",
        "_FillValue": np.int16(-5),
        "scale_factor": 1.0,
        "add_offset": 0.0,
    }
    with pytest.raises(ConfigError, match=r"values of t .*encoding"):
        engine.hide(MESSAGE, carrier="dataset", cover=cover)


def test_an_unsigned_encoding_holds_its_upper_half(engine, key):
    meant = np.random.default_rng(9).integers(30000, 60000, (1, 80, 100)).astype("u2")
    options = {"fill": np.int16(-1), "attributes": {"_Unsigned": "true"}}
    data = made(
        lambda file: add(file, "t", meant.view("i2"), ("time", "y", "x"), **options),
        "NETCDF3_CLASSIC",
    )
    cover = opened(data)
    stego = hidden(engine, key, cover)
    assert np.allclose(stego.value.t, cover.t, atol=0.05)


def test_an_array_of_zeros_holds_nothing(engine):
    cover = xarray.DataArray(np.zeros((40, 50)), dims=("y", "x"))
    with pytest.raises(CapacityError, match="too small for any message"):
        engine.hide(MESSAGE, carrier="dataset", cover=cover)


def test_no_number_among_the_values_stays_missing(engine, key):
    cover = opened(packed(rows=37, columns=72))
    cover["t2m"][:, 5:9, 10:20] = np.nan
    stego = hidden(engine, key, cover)
    assert (np.isnan(stego.value.t2m) == np.isnan(cover.t2m)).all()


# Other bytes


@pytest.mark.parametrize("thing", [3, {"t": [1]}, np.zeros((40, 50), "i2")])
def test_things_that_are_no_data_set(engine, thing):
    with pytest.raises(FormatError, match=f"takes no {type(thing).__name__}"):
        engine.hide(MESSAGE, carrier="dataset", cover=thing)


def test_a_field_larger_than_any_memory_is_refused(engine, key, refused, folder):
    """A few kilobytes of file that declare eight terabytes of never written data."""

    def build(file):
        file.createDimension("y", 2_000_000)
        file.createDimension("x", 2_000_000)
        variable = file.createVariable("t", "i2", ("y", "x"), zlib=True, chunksizes=(1000, 1000))
        variable.scale_factor = 0.1

    data = made(build)
    assert len(data) < 1e5
    with pytest.raises(StegafieldError):
        engine.reveal(data, key=key)
    (folder / "c.nc").write_bytes(data)
    words = (
        "hide",
        "--carrier",
        "dataset",
        "--cover",
        "c.nc",
        "--message",
        "x",
        "--key-file",
        "key",
        "--out",
        "x.nc",
    )
    refused(2, *words, says=["t has more than 67,108,864 samples in"])

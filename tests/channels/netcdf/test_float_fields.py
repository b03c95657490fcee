"""Float NetCDF variables: exact codes, no forbidden step, classic files are patched in place."""

from io import BytesIO

import netCDF4
import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield.channels.netcdf import NetcdfChannel
from stegafield.core import floats
from stegafield.errors import CapacityError, ConfigError, FormatError, NoMessage
from tests.datasets import field, parsed
from tests.datasets import floats as made

MODELS = ["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"]


def stored(data, name="t"):
    with netCDF4.Dataset("read.nc", memory=data) as file:
        file.set_auto_maskandscale(False)
        return np.asarray(file[name][...])


def weather(times=1, dtype="f4"):
    return field(times=times, rows=25)[2].astype(dtype)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["NETCDF4", "NETCDF3"])
def test_any_bits_make_the_round_trip(kind):
    """Random bits: NaN, infinite, denormal, both zeros, and numbers with zeros at their end."""

    @settings(max_examples=100, deadline=None)
    @given(
        dtype=st.sampled_from(["f4", "f8"]),
        model=st.sampled_from([model for model in MODELS if model.startswith(kind)]),
        shape=st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
        cut=st.integers(0, 40),
        seed=st.integers(0, 2**32),
    )
    def check(dtype, model, shape, cut, seed):
        rng = np.random.default_rng(seed)
        size = np.dtype(dtype).itemsize
        bits = rng.integers(0, 256, (*shape, size), np.uint8).view(f"u{size}")[..., 0]
        bits = bits >> np.uint8(min(cut, 8 * size - 12)) << np.uint8(min(cut, 8 * size - 12))
        values = bits.view(dtype)
        values.flat[0] = rng.choice([0.0, -0.0, np.nan, np.inf, 1.5])
        channel = NetcdfChannel()
        data = made(values, dtype=dtype, model=model, poles=False)
        cover = next(channel.read(data))
        assert channel.write(cover, cover.codes) == data or model == "NETCDF4"
        assert np.array_equal(stored(data).view(bits.dtype), values.view(bits.dtype))
        step = rng.integers(-3, 4, cover.codes.shape)
        codes = np.where(
            cover.free, np.clip(cover.codes + step, cover.low, cover.high), cover.codes
        )
        found = next(channel.read(channel.write(cover, codes)))
        if found.container.shift == cover.container.shift:
            assert np.array_equal(found.codes, codes) and np.array_equal(found.free, cover.free)
        else:  # every code turned even: only where there are few
            codes = codes[np.isfinite(cover.container.raw)]
            assert not (codes & 1).any() or (codes & 1).all() or codes.size < 9

    check()


@given(st.lists(st.floats(width=32), min_size=2, max_size=50))
def test_codes_keep_the_order(values):
    array = np.sort(np.array(values, np.float32)[~np.isnan(values)])
    integers = floats.ordered(array)
    assert (integers[1:] >= integers[:-1]).all()
    assert np.array_equal(floats.unordered(integers, array.dtype), array)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("records", [False, True])
def test_only_the_samples_change(engine, key, model, dtype, records):
    data = made(weather(3, dtype), dtype=dtype, model=model, records=records)
    stego = engine.hide(b"m" * 9, carrier="dataset", cover=data, key=key)
    before, after = parsed(data), parsed(stego.data)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"t"} and before["t"][:4] == after["t"][:4]
    change = stored(stego.data).astype("f8") - stored(data)
    assert 0 < np.abs(change).max() < 1e-3 and (change[:, [0, -1]] == 0).all()
    if model != "NETCDF4":
        assert len(stego.data) == len(data)
    assert engine.reveal(BytesIO(stego.data), key=key) == b"m" * 9


def test_missing_zero_and_infinite_samples_stay(engine, key):
    values = weather() - 250
    values[0, 3, :9] = [np.nan, np.inf, -np.inf, 0.0, -0.0, -999.0, 1e20, 9.96921e36, -np.nan]
    attributes = {"missing_value": np.array([1e20, 5.0])}
    data = made(values, fill=-999.0, attributes=attributes, poles=False)
    cover = next(NetcdfChannel().read(data))
    assert not cover.free[0, 3, [0, 1, 2, 3, 4, 5, 6, 8]].any() and cover.free[0, 3, 7]
    stego = engine.hide(b"m", carrier="dataset", cover=data, key=key, bps=4)
    before, after = stored(data).view("u4"), stored(stego.data).view("u4")
    fixed = ~cover.free
    assert (before.reshape(fixed.shape)[fixed] == after.reshape(fixed.shape)[fixed]).all()
    assert engine.reveal(stego.data, key=key) == b"m"


def test_a_code_never_crosses_a_fill_value_a_limit_or_zero():
    near = np.nextafter(np.float32(5), [np.float32(0), np.float32(9)])
    values = np.tile(np.array([*near, 1e-45, -1e-45, 250, 10, 300.5], np.float32), 40)
    data = made(
        values.reshape(1, 20, 14), fill=5.0, poles=False,
        attributes={"valid_range": np.array([-1, 250], "f4")},
    )  # fmt: skip
    cover = next(NetcdfChannel().read(data))
    codes, low, high = (
        np.broadcast_to(x, cover.codes.shape).ravel() for x in (cover.codes, cover.low, cover.high)
    )
    assert high[0] == codes[0] and low[1] == codes[1]  # beside the fill value
    assert low[2] == codes[2] and high[3] == codes[3]  # beside zero
    assert high[4] == codes[4] and not cover.free.ravel()[6]  # the valid range


def test_rounded_floats_keep_their_zeros_at_the_end(engine, key):
    values = (weather().view("u4") >> 12 << 12).view("f4")
    stego = engine.hide(b"m", carrier="dataset", cover=made(values), key=key)
    assert not (stored(stego.data).view("u4") & 0xFFF).any()
    assert engine.reveal(stego.data, key=key) == b"m"


@pytest.mark.parametrize(
    "unpacked",
    [
        np.rint(weather() / 0.0015) * np.float32(0.0015),
        np.rint(weather()),
        np.round(weather(), 2),
        (np.rint(weather().astype("f8") / 0.0015) * 0.0015 + 3.3),
    ],
    ids=["packed", "whole", "hundredths", "double"],
)
def test_a_lattice_is_noted(engine, key, unpacked):
    data = made(unpacked, dtype=unpacked.dtype.str[1:])
    stego = engine.hide(b"m", carrier="dataset", cover=data, key=key)
    assert any("lattice" in note for note in stego.report.notes)


def test_no_lattice_where_there_is_none(engine, key):
    stego = engine.hide(b"m", carrier="dataset", cover=made(weather()), key=key)
    assert stego.report.notes == [] and stego.report.unit == "K"
    assert 0 < stego.report.rms_change_physical < 1e-4


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -999.0])
def test_fields_without_a_free_sample_hold_nothing(engine, key, value):
    data = made(np.full((1, 20, 30), value, "f4"), fill=-999.0)
    with pytest.raises(CapacityError, match="too small for any message"):
        engine.hide(b"", carrier="dataset", cover=data)
    with pytest.raises(NoMessage):
        engine.reveal(data, key=key)


def test_a_constant_field_is_a_cover_for_those_who_insist(engine, key):
    given = {"carrier": "dataset", "cover": made(np.full((1, 30, 40), 1.5, "f4")), "key": key}
    with pytest.raises(CapacityError, match="effort.flat"):
        engine.hide(b"m", **given)
    stego = engine.hide(b"m", set={"effort.flat": True}, **given)
    assert engine.reveal(stego.data, key=key) == b"m"


def test_packed_variables_come_first_and_floats_can_be_chosen(engine, key):
    from tests.datasets import packed

    data = packed()
    stego = engine.hide(b"m", carrier="dataset", cover=data, key=key)
    assert (stored(stego.data, "orography") == stored(data, "orography")).all()
    chosen = {"carrier.variable": "orography"}
    stego = engine.hide(b"m", carrier="dataset", cover=data, key=key, set=chosen)
    assert (stored(stego.data, "t2m") == stored(data, "t2m")).all()
    assert engine.reveal(stego.data, key=key) == b"m"


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_arrays_in_memory(engine, key, dtype):
    values = weather(2, dtype)
    array = xarray.DataArray(values, dims=("time", "y", "x"), name="t", attrs={"units": "K"})
    for cover in (array, array.to_dataset()):
        stego = engine.hide(b"m", carrier="dataset", cover=cover, key=key)
        assert isinstance(stego.value, type(cover))
        found = stego.value if cover is array else stego.value["t"]
        assert found.dtype == dtype and found.attrs["units"] == "K" and found.encoding["zlib"]
        assert engine.reveal(stego.value, key=key) == b"m"


@settings(max_examples=60, deadline=None)
@given(
    model=st.sampled_from(MODELS),
    keep=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), max_size=3),
)
def test_damage_is_no_message_or_no_file(engine, key, model, keep, flips):
    data = bytearray(made(weather(), model=model))
    for place, mask in flips if model != "NETCDF4" else ():  # the HDF5 library can crash on these
        data[int(place * len(data))] ^= mask
    broken = bytes(data[: int(keep * len(data))] if not flips else data)
    try:
        engine.reveal(broken, key=key)
    except (FormatError, NoMessage):
        pass


@pytest.mark.slow
def test_real_files(engine, key, shared):
    for name, variable in (
        ("eraint_uvz.nc", None),
        ("ERA_Interim_2017a.nc", None),
        ("ebcc_temperature.nc", None),
        ("2m_temperature_1980_5.625deg_weekly.nc", None),
    ):
        data = (shared / "weather" / "formats" / name).read_bytes()
        try:
            stego = engine.hide(b"m", carrier="dataset", cover=data, key=key)
        except ConfigError as error:
            variable = (
                str(error).rpartition("Packed: ")[2].replace("none; floats: ", "").split(",")[0]
            )
            variable = variable.split(";")[0]
            chosen = {"carrier.variable": variable}
            stego = engine.hide(b"m", carrier="dataset", cover=data, key=key, set=chosen)
        assert engine.reveal(stego.data, key=key) == b"m"

"""What is data in a file: one rule for hiding, capacity and hints (faults B1, B2)."""

import io

import h5py
import numpy as np
import pytest

from stegafield.errors import ConfigError, StegafieldError
from tests.attacks.test_netcdf import add, made

MESSAGE = b"m"
RNG = np.random.default_rng(0)
SMOOTH = RNG.integers(-9, 10, (40, 50)).cumsum(1)
NOISE = RNG.normal(280, 9, (40, 50))


def field(file, name, values, dimensions=("y", "x"), **attributes):
    """A variable with these values and attributes."""
    for size, dimension in zip(values.shape, dimensions, strict=True):
        if dimension not in file.dimensions:
            file.createDimension(dimension, size)
    variable = file.createVariable(name, values.dtype, dimensions)
    variable.setncatts(attributes)
    variable[...] = values
    return variable


def hide(engine, key, data, name=None, message=MESSAGE):
    chosen = {} if name is None else {"carrier.variable": name}
    stego = engine.hide(message, carrier="dataset", cover=data, key=key, set=chosen)
    assert engine.reveal(stego.data, key=key) == message
    return stego.data


def changed(before, after):
    """The variables whose bytes differ, of HDF5 files."""
    found = []
    with h5py.File(io.BytesIO(before)) as a, h5py.File(io.BytesIO(after)) as b:
        a.visititems(
            lambda name, one: (
                found.append(name)
                if isinstance(one, h5py.Dataset) and one[...].tobytes() != b[name][...].tobytes()
                else None
            )
        )
    return found


def trajectory(file, **clock):
    """Measurements along a way, integers that may be categories, and float times of no order."""
    times = np.sort(RNG.uniform(0, 9, 2000))
    times[:1000] = times[1000:]
    units = clock.pop("units", "days since 2020-01-01")
    field(file, "time", times, ("obs",), units=units, **clock)
    field(file, "kind", RNG.integers(0, 9, 2000).astype("i4"), ("obs",))


LINE = RNG.normal(size=2000)
PLACES = {
    "time since": lambda f: trajectory(f),
    "Hours Since": lambda f: trajectory(f, units="Hours Since 1900-01-01 00:00:0.0"),
    "a clock without units": lambda f: trajectory(f, units="s", standard_name="time"),
    "axis": lambda f: trajectory(f, units="s", axis="T"),
    "seconds since, 2-D": lambda f: field(f, "time", NOISE, units="seconds since 1970-01-01"),
    "coordinates": lambda f: (
        field(f, "time", LINE, ("obs",)),
        field(f, "kind", LINE.astype("i4"), ("obs",), coordinates="place time"),
    ),
    "global coordinates": lambda f: (
        field(f, "time", LINE, ("obs",)),
        f.setncattr("coordinates", "time"),
    ),
    "bounds": lambda f: (
        field(f, "lat", np.arange(40.0), ("lat",), units="degrees_north", bounds="time"),
        field(f, "time", NOISE, ("lat", "n")),
    ),
    "climatology": lambda f: (
        field(f, "t", np.arange(40.0), ("t",), climatology="time"),
        field(f, "time", NOISE, ("t", "n")),
    ),
    "projection": lambda f: field(f, "time", NOISE, standard_name="projection_x_coordinate"),
    "vertical": lambda f: field(f, "time", LINE, ("obs",), positive="up"),
    "mesh": lambda f: (
        field(f, "mesh", np.array(0.0), (), cf_role="mesh_topology", face_coordinates="time"),
        field(f, "time", LINE, ("obs",)),
    ),
    "connectivity": lambda f: (
        field(f, "mesh", np.array(0.0), (), cf_role="mesh_topology", edge_node_connectivity="time"),
        field(f, "time", SMOOTH.astype("i4")),
    ),
    "gathered": lambda f: field(f, "time", LINE.astype("i4"), ("obs",), compress="y x"),
    "ragged": lambda f: field(f, "time", LINE.astype("i4"), ("obs",), sample_dimension="obs"),
    "grid mapping": lambda f: (
        field(f, "time", LINE, ("obs",)),
        field(f, "kind", LINE.astype("i4"), ("obs",), grid_mapping="time"),
    ),
}


@pytest.mark.parametrize("kind", PLACES)
def test_where_and_when_data_are_is_no_data(engine, key, kind):
    """B1: alone in a file, by name, and beside data that is then chosen without a question."""
    data = made(PLACES[kind])
    with pytest.raises(ConfigError) as caught:
        engine.hide(MESSAGE, carrier="dataset", cover=data, key=key)
    assert "variable=time" not in str(caught.value) and "floats: time" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"time (is|holds)"):
        engine.capacity(carrier="dataset", cover=data, set={"carrier.variable": "time"})

    def both(file):
        PLACES[kind](file)
        field(file, "temperature", NOISE, ("a", "b"))

    data = made(both)
    assert changed(data, hide(engine, key, data)) == ["temperature"]


DOUBTFUL = {
    "cell measure": (NOISE, {}, {"cell_measures": "area: other"}),
    "ancillary": (NOISE, {}, {"ancillary_variables": "other"}),
    "formula": (NOISE, {}, {"formula_terms": "a: x ps: other"}),
    "flags": (SMOOTH.astype("i2"), {"flag_values": np.arange(3, dtype="i2")}, {}),
    "masks": (SMOOTH.astype("u2"), {"flag_masks": np.arange(3, dtype="u2"), "scale_factor": 1}, {}),
    "integers": (SMOOTH.astype("i4"), {}, {}),
    "rising": (np.sort(RNG.normal(size=2000)), {}, {}),
}


@pytest.mark.parametrize("kind", DOUBTFUL)
def test_what_may_be_no_data_is_taken_by_name_only(engine, key, kind):
    """B1"""
    values, own, beside = DOUBTFUL[kind]

    def build(file):
        variable = field(file, "other", values, ("y", "x")[-values.ndim :])
        variable.set_auto_maskandscale(False)
        variable.setncatts(own)
        field(file, "temperature", NOISE, ("a", "b"), **beside)

    data = made(build)
    assert changed(data, hide(engine, key, data)) == ["temperature"]
    assert changed(data, hide(engine, key, data, "other")) == ["other"]


@pytest.mark.parametrize("model", ["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT_DATA"])
@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_integers_without_a_scale_by_name(engine, key, model, dtype):
    """B2"""
    values = np.clip(SMOOTH + 100, 1, 120).astype(dtype)
    if model == "NETCDF3_CLASSIC" and dtype not in ("i1", "i2", "i4"):
        return
    data = made(lambda file: field(file, "count", values), model)
    with pytest.raises(ConfigError, match=r"carrier\.variable\W+count"):
        engine.hide(MESSAGE, carrier="dataset", cover=data, key=key)
    assert hide(engine, key, data, "count") != data


@pytest.mark.parametrize("dtype", ["i8", "u8"])
def test_64_bits_at_both_ends(engine, key, dtype):
    """B2: no sum overflows, and what does not fit into a code is not free."""
    ends = np.iinfo(dtype)
    values = RNG.choice(
        np.array([ends.min, ends.min + 3, 7, 9, 1 << 62, ends.max], dtype), (40, 50)
    )
    data = made(lambda file: field(file, "count", values))
    after = hide(engine, key, data, "count")
    with h5py.File(io.BytesIO(after)) as file:
        found = file["count"][...]
    fixed = np.isin(values, [ends.max] if dtype == "u8" else [ends.min, ends.max])
    assert (found[fixed] == values[fixed]).all()
    apart = np.where(found > values, found - values, values - found)
    assert 0 < apart.max() <= 64


def in_groups(file):
    group = file.createGroup("PRODUCT")
    add(group, "methane", SMOOTH.astype("i2"), ("y", "x"))
    deep = group.createGroup("SUPPORT").createGroup("more")
    deep.createDimension("u", 30)
    values = RNG.normal(size=(40, 30)).astype("f4")
    deep.createVariable("albedo", "f4", ("y", "u"))[:] = values
    latitude = group.createVariable("latitude", "f4", ("y", "x"))
    latitude.units, latitude[:] = "degrees_north", NOISE
    time = group.createVariable("time", "f8", ("y",))
    time.units, time[:] = "seconds since 2010-01-01", np.arange(40.0)


@pytest.mark.parametrize(
    "name", ["/PRODUCT/methane", "PRODUCT/methane", "/PRODUCT/SUPPORT/more/albedo"]
)
def test_variables_in_groups(engine, key, name):
    """B2"""
    data = made(in_groups)
    assert changed(data, hide(engine, key, data, name)) == [name.lstrip("/")]


def test_groups_are_listed_by_path_and_searched_when_the_root_is_empty(engine, key):
    """B2"""
    data = made(in_groups)
    with pytest.raises(ConfigError, match=r"SUPPORT/albedo is not in this file.*/PRODUCT/methane"):
        hide(engine, key, data, "SUPPORT/albedo")
    with pytest.raises(ConfigError, match="/PRODUCT/latitude is a coordinate"):
        hide(engine, key, data, "/PRODUCT/latitude")
    assert changed(data, hide(engine, key, data)) == ["PRODUCT/methane"]


def linked(kind):
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.create_group("deep")["real"] = NOISE
        target = {"soft": h5py.SoftLink("/deep/real"), "hard": file["deep/real"]}
        file["t"] = target.get(kind, h5py.SoftLink("/nowhere"))
        if kind == "chain":
            del file["t"]
            file["t"], file["deep/u"] = h5py.SoftLink("deep/u"), h5py.SoftLink("real")
        if kind == "loop":
            del file["t"]
            file["t"], file["deep/u"] = h5py.SoftLink("deep/u"), h5py.SoftLink("/t")
        if kind == "group":
            del file["t"]
            file["t"] = h5py.SoftLink("/deep")
    return memory.getvalue()


@pytest.mark.parametrize("kind", ["soft", "hard", "chain", "dangling", "loop", "group"])
def test_links_within_the_file(engine, key, kind):
    """B2: a second name is no second choice; what leads nowhere harms nothing."""
    data = linked(kind)
    assert "deep/real" in changed(data, hide(engine, key, data))
    if kind in ("soft", "hard", "chain"):
        assert "deep/real" in changed(data, hide(engine, key, data, "t"))


@pytest.mark.parametrize("offset", [512, 1024, 4096])
def test_a_user_block_before_hdf5(engine, key, offset):
    memory = io.BytesIO()
    with h5py.File(memory, "w", userblock_size=offset) as file:
        file.create_dataset("t", data=NOISE)
        file.create_dataset("z", data=NOISE, chunks=(16, 16), compression="gzip")
        file.create_dataset("c", data=NOISE, chunks=(16, 16))
    data = b"MATLAB 7.3 MAT-file".ljust(offset, b" ") + memory.getvalue()[offset:]
    for name in "tzc":
        after = hide(engine, key, data, name)
        assert after[:offset] == data[:offset] and changed(data, after) == [name]


def test_hints_and_candidates_of_real_files(engine, key, shared):
    """B1, B2: no bounds, no times and no coordinates in any hint of any sample file."""
    folder = shared / "files" / "netcdf"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/files/netcdf")
    for path in sorted(folder.iterdir()):
        try:
            engine.capacity(carrier="dataset", cover=path.read_bytes())
        except StegafieldError as error:
            said = f"{path.name}: {error}"
            known = ("carrier.variable", "has no packed", "not a readable", "cover holds")
            assert any(word in said for word in known), said
            hint = said.partition("Packed:")[2]
            assert not any(word in hint for word in ("bnds", "bounds", "time", "lat", "lon")), said

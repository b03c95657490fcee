"""Small NetCDF files, made by the real library."""

from pathlib import Path
from tempfile import TemporaryDirectory

import netCDF4
import numpy as np


def field(rows=19, columns=36, times=1, seed=0):
    """A smooth field in kelvin (time, latitude, longitude)."""
    rng = np.random.default_rng(seed)
    latitude, longitude = np.linspace(90, -90, rows), np.arange(columns) * 360 / columns
    wave = np.cos(np.radians(latitude))[:, None] * np.sin(np.radians(longitude) + rng.random())
    values = (
        250
        + 40 * np.cos(np.radians(latitude))[:, None]
        + 5 * wave
        + rng.normal(0, 0.5, (times, rows, columns))
    )
    return latitude, longitude, values


def packed(
    *,
    names=("t2m",),
    model="NETCDF4",
    dtype="i2",
    times=1,
    rows=19,
    columns=36,
    fill=-32767,
    attributes=None,
    change=None,
    compress=True,
    grid=True,
):
    """The bytes of a NetCDF file with packed variables; `change(codes)` edits stored integers."""
    latitude, longitude, values = field(rows, columns, times)
    scale, offset = (values.max() - values.min()) / 60000, (values.max() + values.min()) / 2
    if np.dtype(dtype).itemsize == 1:
        scale *= 256
    if np.dtype(dtype).kind == "u":
        offset = values.min() - 100 * scale
    with TemporaryDirectory() as folder:
        path = Path(folder, "made.nc")
        with netCDF4.Dataset(path, "w", format=model) as file:
            file.Conventions = "CF-1.7"
            file.history = "2020-01-01 made for a test"
            file.createDimension("time", None)
            file.createDimension("latitude", rows)
            file.createDimension("longitude", columns)
            clock = file.createVariable("time", "i4", ("time",))
            clock.units = "hours since 1900-01-01"
            clock[:] = np.arange(times)
            if grid:
                for name, numbers, units in (
                    ("latitude", latitude, "degrees_north"),
                    ("longitude", longitude, "degrees_east"),
                ):
                    axis = file.createVariable(name, "f4", (name,))
                    axis.units = units
                    axis[:] = numbers
            other = file.createVariable("orography", "f4", ("latitude", "longitude"))
            other.units = "m"
            other[:] = values[0]
            for name in names:
                four = model.startswith("NETCDF4")
                storage = (
                    {"zlib": compress, "shuffle": compress, "chunksizes": (1, rows, columns)}
                    if four
                    else {}
                )
                variable = file.createVariable(
                    name,
                    dtype,
                    ("time", "latitude", "longitude"),
                    fill_value=fill if fill is not None else None,
                    **storage,
                )
                variable.set_auto_maskandscale(False)
                variable.setncatts(
                    {"scale_factor": scale, "add_offset": offset, "units": "K", "long_name": name}
                )
                variable.setncatts(attributes or {})
                codes = np.rint((values - offset) / scale).astype(np.dtype(dtype))
                variable[:] = codes if change is None else change(codes)
        return path.read_bytes()


def floats(
    values, *, dtype="f4", model="NETCDF4", attributes=None, fill=None, records=True, poles=True
):
    """The bytes of a file with a float field (time, latitude, longitude) and a packed one."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "made.nc")
        with netCDF4.Dataset(path, "w", format=model) as file:
            _fill(file, values, dtype, attributes, fill, records, poles)
        return path.read_bytes()


def groomed(values, bits=12):
    """The float32 values with their last bits all zeros and all ones by turns."""
    numbers = values.astype("f4").view("u4") >> bits << bits
    numbers.ravel()[1::2] |= (1 << bits) - 1
    return numbers.view("f4")


def grouped(values, dtype="i8"):
    """The bytes of a file with unscaled integers in a group, and flags beside them."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "made.nc")
        with netCDF4.Dataset(path, "w") as file:
            group = file.createGroup("PRODUCT")
            group.createDimension("y", values.shape[0])
            group.createDimension("x", values.shape[1])
            for name, kind, numbers in (("count", dtype, values), ("flag", "u1", values % 3)):
                group.createVariable(name, kind, ("y", "x"), zlib=True)[:] = numbers.astype(kind)
            group["flag"].flag_values = np.arange(3, dtype="u1")
        return path.read_bytes()


def _fill(file, values, dtype, attributes, fill, records, poles):
    times, rows, columns = values.shape
    file.history = "made for a test"
    for name, size in (
        ("time", None if records else times),
        ("latitude", rows),
        ("longitude", columns),
    ):
        file.createDimension(name, size)
    north = 90 if poles else 60
    for name, axis in (
        ("latitude", np.linspace(north, -north, rows)),
        ("longitude", np.arange(columns) * 360 / columns),
    ):
        file.createVariable(name, "f4", (name,))[:] = axis
        file[name].units = "degrees_north" if name == "latitude" else "degrees_east"
    clock = file.createVariable("time", "i2", ("time",))
    clock[:] = np.arange(times)
    variable = file.createVariable("t", dtype, ("time", "latitude", "longitude"), fill_value=fill)
    variable.set_auto_maskandscale(False)
    variable.setncatts({"units": "K", **(attributes or {})})
    variable[:] = values
    other = file.createVariable("flag", "i1", ("time", "longitude"))
    other[:] = 7


def parsed(data):
    """Everything in a NetCDF file: attributes, dimensions, storage, raw values of variables."""
    with netCDF4.Dataset("parsed.nc", memory=data) as file:
        file.set_auto_maskandscale(False)
        out = {
            "": (file.data_model, {n: file.getncattr(n) for n in file.ncattrs()}, _dimensions(file))
        }
        for name, variable in file.variables.items():
            four = file.data_model.startswith("NETCDF4")
            storage = (variable.filters(), variable.chunking(), variable.endian()) if four else None
            attributes = {n: np.asarray(variable.getncattr(n)).tolist() for n in variable.ncattrs()}
            out[name] = (
                variable.dimensions,
                str(variable.dtype),
                storage,
                attributes,
                variable[...].tolist(),
            )
        return out


def _dimensions(file):
    return {name: (len(d), d.isunlimited()) for name, d in file.dimensions.items()}

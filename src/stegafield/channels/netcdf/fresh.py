"""A gridded variable in physical units, and a new file for it, packed into 16 bits."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int16
from numpy import ndarray

from ...core.cover import Cover
from . import PackedVariable, packing
from .grid import coordinates, kind
from .library import writing
from .model import Dimension, File, Variable
from .opening import opened

LOW, HIGH, FILL = -32766, 32767, -32767
"""The range of packed values, and the missing value, as in the files of the Climate Data Store."""
_KEPT = ("units", "long_name", "standard_name")
_AXIS = (*_KEPT, "calendar", "axis", "positive", "scale_factor", "add_offset")


@dataclass(frozen=True)
class Axis:
    """A dimension other than latitude and longitude, with its coordinates if it has any."""

    name: str
    size: int
    values: ndarray | None
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Gridded:
    """A variable on latitudes and longitudes."""

    name: str
    values: Float[ndarray, "channel latitude longitude"]
    """In physical units; NaN where missing. All other dimensions are the channel."""
    latitude: Float[ndarray, " latitude"]
    longitude: Float[ndarray, " longitude"]
    others: tuple[Axis, ...]
    attributes: Mapping[str, Any]


def physical(cover: Cover) -> Gridded | None:
    """The variable of a cover in its units; None if it has no latitudes and longitudes."""
    where = cover.container
    assert isinstance(where, PackedVariable)
    if cover.spec.kind != "sphere":
        return None
    file, variable = opened(where.data), where.source
    kinds = [kind(file, dimension) for dimension in variable.dimensions]
    found = packing.physical(variable)
    found = np.where(np.isfinite(found), found, np.nan)
    order = [kinds.index("latitude"), kinds.index("longitude")]
    rest = [i for i in range(found.ndim) if i not in order]
    values = found.transpose([*rest, *order])
    north, east = (coordinates(file, variable.dimensions[i]) for i in order)
    return Gridded(
        name=variable.path.rpartition("/")[2],
        values=values.reshape(-1, *values.shape[-2:]),
        latitude=north,
        longitude=east,
        others=tuple(_other(file, variable.dimensions[i], found.shape[i]) for i in rest),
        attributes=_attributes(variable, _KEPT),
    )


def packed(
    like: Gridded,
    codes: Int16[ndarray, "channel y x"],
    latitude: Float[ndarray, " y"],
    longitude: Float[ndarray, " x"],
    scale: float,
    offset: float,
) -> bytes:
    """A NetCDF-3 file of a variable like this one, on another grid in degrees.

    Its values are code * scale + offset.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "field.nc")
        with writing(path, "w", format="NETCDF3_64BIT_OFFSET") as file:
            file.Conventions = "CF-1.6"
            degrees = (("longitude", longitude, "east"), ("latitude", latitude, "north"))
            for name, values, toward in degrees:
                file.createDimension(name, values.size)
                axis = file.createVariable(name, "f4", (name,))
                axis.setncatts({"units": f"degrees_{toward}", "long_name": name})
                axis.standard_name = name
                axis[:] = values
            for other in like.others:
                file.createDimension(other.name, other.size)
                if other.values is not None:
                    axis = file.createVariable(other.name, other.values.dtype, (other.name,))
                    axis.set_auto_maskandscale(False)
                    axis.setncatts(dict(other.attributes))
                    axis[:] = other.values
            dims = (*(other.name for other in like.others), "latitude", "longitude")
            field = file.createVariable(like.name, "i2", dims, fill_value=np.int16(FILL))
            field.set_auto_maskandscale(False)
            field.setncatts({"scale_factor": scale, "add_offset": offset})
            field.setncatts({"missing_value": np.int16(FILL), **like.attributes})
            field[...] = codes.reshape([file.dimensions[name].size for name in dims])
        return path.read_bytes()


def _other(file: File, dimension: Dimension, size: int) -> Axis:
    """A dimension as it is stored.

    NetCDF-3 lacks integers of 64 bits: they become narrower ones, or floats.
    """
    variable = file.variables.get(dimension.axis) if dimension.axis is not None else None
    if variable is None or variable.dtype is None or variable.problem:
        return Axis(dimension.name, size, None, {})
    values = variable.values()
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.str[1:] not in ("i1", "i2", "i4", "f4", "f8"):
        narrow = values.astype(np.int32)
        values = narrow if (narrow == values).all() else values.astype(np.float64)
    return Axis(dimension.name, size, values, _attributes(variable, _AXIS))


def _attributes(variable: Variable, names: tuple[str, ...]) -> dict[str, Any]:
    """Those of the named attributes that a variable has, if they are text or a number."""
    found = {name: variable.attributes[name] for name in names if name in variable.attributes}
    single = {n: v[0] if isinstance(v, ndarray) and v.size == 1 else v for n, v in found.items()}
    return {n: v for n, v in single.items() if isinstance(v, str | np.number)}

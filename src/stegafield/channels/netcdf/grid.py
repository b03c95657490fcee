"""The geometry of a variable: which dimensions are space, and where its elements lie."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from ...core.channel import MOST_SAMPLES
from ...core.cover import GridSpec
from .model import Dimension, File, Variable
from .packing import physical
from .roles import degrees

_POLE = 1e-3  # degrees: a row this close to 90 is the pole itself


def at_pole(latitude: ndarray) -> Bool[ndarray, "..."]:
    """Which latitudes, in degrees, are a pole: a row of elements there is one point."""
    return ~(np.abs(latitude) < 90 - _POLE)


def geometry(
    file: File, variable: Variable
) -> tuple[tuple[int, ...], GridSpec, Float[ndarray, " latitude"] | None]:
    """The space axes, and the latitudes in degrees.

    The space axes are latitude and longitude by CF metadata, or else the last two dimensions.
    """
    kinds = [kind(file, dimension) for dimension in variable.dimensions]
    if "latitude" in kinds and "longitude" in kinds:
        space = tuple(sorted(map(kinds.index, ("latitude", "longitude"))))
        names = tuple(kinds[i] or "" for i in space)
        found = {kinds[i]: coordinates(file, variable.dimensions[i]) for i in space}
        spec = GridSpec(names, tuple(_wraps(axis, found[axis]) for axis in names), "sphere")
        return space, spec, found["latitude"]
    count = min(2, len(variable.shape))
    space = tuple(range(len(variable.shape) - count, len(variable.shape)))
    names = tuple(variable.dimensions[i].name for i in space)
    return space, GridSpec(names, (False,) * count, "plane" if count == 2 else "line"), None


def kind(file: File, dimension: Dimension) -> str | None:
    """What the coordinate variable of a dimension says that it is; None without such a variable."""
    found = file.variables.get(dimension.axis) if dimension.axis is not None else None
    if found is None or found.dtype is None or found.size > MOST_SAMPLES or found.problem:
        return None
    return degrees(found)


def coordinates(file: File, dimension: Dimension) -> Float[ndarray, " element"]:
    """The coordinates of a dimension that has a coordinate variable, in its units."""
    assert dimension.axis is not None
    return physical(file.variables[dimension.axis])


def _wraps(axis: str, degrees: ndarray) -> bool:
    if axis != "longitude" or degrees.size < 2:
        return False
    step = np.abs(np.diff(degrees)).mean()
    return bool(abs(step * degrees.size - 360) < step / 2)

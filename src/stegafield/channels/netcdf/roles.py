"""What is data in a file, by the CF conventions: one rule for hiding, capacity and hints.

Coordinates, bounds and clocks say where and when data are, flags and categories say what they are:
a message never goes there unasked, and never at all where a changed value moves other data.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from ...core.channel import most_samples
from ...core.foreign import foreign
from ...errors import FormatError
from .model import File, Variable

_CLOCK = re.compile(r"\s*\w+\s+since\s+\S", re.IGNORECASE)
_COORDINATE = re.compile(
    r"(time|forecast_period|forecast_reference_time|(grid_)?(latitude|longitude)|\w+_coordinate)\s*$"
)
_NORTH = {f"degree{s}{n}" for s in ("", "s") for n in ("_north", "_N", "N")}
_EAST = {unit.replace("north", "east").replace("N", "E") for unit in _NORTH}

_NAMING = {
    **dict.fromkeys(("coordinates", "node_coordinates"), "is a coordinate of {}"),
    **dict.fromkeys(("bounds", "climatology", "nodes"), "holds the bounds of {}"),
    **dict.fromkeys(("node_count", "part_node_count", "interior_ring"), "is geometry of {}"),
    **dict.fromkeys(("geometry", "mesh"), "is geometry of {}"),
    "grid_mapping": "is the grid mapping of {}",
}
"""Attributes that name other variables, and what those are: they never take a message."""
_BESIDE = {
    "cell_measures": "is a cell measure of {}",
    "formula_terms": "is a formula term of {}",
    "ancillary_variables": "is ancillary to {}",
}
"""The same for variables that take a message where they are requested by name."""
_OWN = {
    "axis": "is a coordinate",
    "_CoordinateAxisType": "is a coordinate",
    "cf_role": "is structure",
    "compress": "is an index",
    "sample_dimension": "is an index",
    "instance_dimension": "is an index",
    "grid_mapping_name": "is a grid mapping",
}
"""Attributes that tell what a variable itself is."""


_LONGEST = 1 << 20
"""More elements than this are no axis."""


class Role(NamedTuple):
    """Why a variable takes no message."""

    why: str
    """In words, after its name."""
    kind: Literal["structure", "unable", "doubt"] = "structure"
    """Whether it says what other data are, can hold no message, or may hold no data."""

    @property
    def firm(self) -> bool:
        """Whether it takes no message even where it is requested by name."""
        return self.kind != "doubt"


def degrees(variable: Variable) -> str | None:
    """ "latitude" or "longitude" where the CF attributes of a variable say so."""
    units, name = variable.text("units"), variable.text("standard_name")
    if units in _NORTH or name == "latitude":
        return "latitude"
    return "longitude" if units in _EAST or name == "longitude" else None


def is_read(variable: Variable) -> bool:
    """Whether a reader looks for a message in a variable: a part of the format (docs/format.md)."""
    return not (_unable(variable) or variable.dimension or degrees(variable))


def roles_of(file: File) -> Mapping[str, Role | None]:
    """For each variable why it takes no message; None where it does without being named."""
    named = dict(_named(file))
    return {path: _role(file, one, named) for path, one in file.variables.items()}


def packed(variable: Variable) -> bool:
    """Whether the values of a variable are integers that stand for others."""
    found = [variable.attributes.get(name) for name in ("scale_factor", "add_offset")]
    return any(value is not None for value in found)


def _role(file: File, variable: Variable, named: Mapping[str, Role]) -> Role | None:
    unable = _unable(variable)
    if unable is None and variable.work > most_samples(file.size):
        most = most_samples(file.size)
        unable = f"has more than {most:,} samples in {file.size:,} bytes"
    unable = unable or variable.problem
    if variable.dimension or degrees(variable):
        return Role("is a coordinate")
    if unable:
        return Role(unable, "unable")
    found = _structure(variable) or named.get(variable.path)
    if found is not None and found.firm:
        return found
    if variable.same is not None:
        return Role(f"is another name of {variable.same}", kind="doubt")
    return found or _doubt(variable)


def _unable(variable: Variable) -> str | None:
    """Why a variable can hold no message, whatever it means."""
    dtype = variable.dtype
    if dtype is None:
        return "is not numeric"
    if not variable.shape:
        return "has no dimensions"
    if not variable.size:
        return "is empty"
    factors = [variable.attributes.get(name) for name in ("scale_factor", "add_offset")]
    if dtype.kind != "f" and not all(factor is None or _number(factor) for factor in factors):
        return "has a scale_factor or add_offset that is not a number"
    return None


def _number(value: Any) -> bool:
    found = np.ravel(value)
    return found.size == 1 and found.dtype.kind in "iuf" and bool(np.isfinite(found[0]))


def _structure(variable: Variable) -> Role | None:
    """What a variable's own attributes say that it is, if that is not data."""
    if _CLOCK.match(variable.text("units")):
        return Role(f"is a time ({variable.text('units')})")
    if _COORDINATE.match(variable.text("standard_name")):
        return Role(f"is a coordinate ({variable.text('standard_name').strip()})")
    if "positive" in variable.attributes and len(variable.shape) == 1:  # fluxes have it, too
        return Role("is a vertical coordinate")
    return next((Role(why) for name, why in _OWN.items() if name in variable.attributes), None)


def _doubt(variable: Variable) -> Role | None:
    """Why a variable takes a message only where it is requested by name."""
    if {"flag_values", "flag_masks", "flag_meanings"} & set(variable.attributes):
        return Role("holds flags", kind="doubt")
    if variable.dtype is not None and variable.dtype.kind != "f" and not packed(variable):
        why = "has no scale_factor and no add_offset: its integers may be categories"
        return Role(why, kind="doubt")
    if _steady(variable):
        return Role("rises or falls without end, as an axis does", kind="doubt")
    return None


def _steady(variable: Variable) -> bool:
    """Whether a variable of one dimension only rises, or only falls."""
    if len(variable.shape) != 1 or not 3 <= variable.size <= _LONGEST:
        return False
    try:
        with foreign("cannot be read"):
            steps = np.diff(variable.values().astype(np.float64))
    except FormatError:
        return False
    return bool((steps > 0).all() or (steps < 0).all())


def _named(file: File) -> Iterator[tuple[str, Role]]:
    """The variables that others name in their attributes, firm roles last."""
    whole = Variable("this file", (), (), None, file.attributes, lambda: np.empty(0))
    firm: list[tuple[str, Role]] = []
    for one in (whole, *file.variables.values()):
        group = "" if one is whole else one.group
        for name, value in one.attributes.items():
            why = _NAMING.get(name) or _BESIDE.get(name)
            if why is None and re.search(r"_(connectivity|coordinates)$", name):
                why = "is geometry of {}"
            if why is None or not isinstance(value, str):
                continue
            for word in value.replace(":", ": ").split():
                other = None if word.endswith(":") else file.find(word, group)
                if other is None or other is one:
                    continue
                role = Role(why.format(one.path), "doubt" if name in _BESIDE else "structure")
                if role.firm:
                    firm.append((other.path, role))
                else:
                    yield other.path, role
    yield from firm

"""NetCDF: variables of floats, or of integers, packed (`scale_factor`) or not.

A file is never rebuilt: one variable is patched in a copy.

    bytes -> opening -> File -> roles: what is data -> packing, grid: codes, free, axes -> Cover
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ...core import floats
from ...core.channel import Channel
from ...core.cover import Cover
from ...errors import FormatError
from . import classic, hdf5, patch
from .grid import at_pole, geometry
from .library import LOCK, writing
from .model import File, Variable
from .opening import identified, opened
from .packing import float_limits, integers, meant, unsigned
from .roles import Role, is_read, packed, roles_of

__all__ = [
    "LOCK",
    "File",
    "NetcdfChannel",
    "PackedVariable",
    "Role",
    "Variable",
    "at_pole",
    "cover_of",
    "identified",
    "notes",
    "opened",
    "roles_of",
    "writing",
]


@dataclass(frozen=True)
class PackedVariable:
    """Where a cover's codes are in a file."""

    data: bytes
    """The whole file."""
    source: Variable
    dtype: np.dtype
    """As stored; `unsigned` if the file says that the values are meant so."""
    unsigned: bool
    shape: tuple[int, ...]
    space: tuple[int, ...]
    """Which dimensions are the space axes; the others, flattened, are the channels."""
    raw: ndarray | None = None
    """The floats, shaped as the codes; None where integers are stored."""
    shift: int = 0
    """For floats: see `floats`."""

    @property
    def variable(self) -> str:
        """The name of the variable, or its path where it is in a group."""
        return self.source.path


class NetcdfChannel(Channel):
    """NetCDF-3, NetCDF-4 and other HDF5 files.

    Each variable of numbers is a candidate, whatever it means, but for coordinates.
    """

    name: ClassVar[str] = "netcdf"
    suffixes: ClassVar[tuple[str, ...]] = (".nc", ".nc4", ".cdf", ".netcdf")

    def read(self, data: bytes) -> Iterator[Cover]:
        """One cover for each variable that a message can be in, likely ones first.

        A damaged variable is left out, and does not hide the others.
        """
        file = opened(data)
        found = [one for one in file.variables.values() if one.same is None and is_read(one)]
        left = file.most
        for one in sorted(found, key=lambda one: not _likely(one)):
            if one.work <= left and one.problem is None:
                left -= one.work
                try:
                    yield from covers_of(data, file, one)
                except FormatError:
                    continue

    def write(self, cover: Cover, codes: Int[ndarray, "channel *space"]) -> bytes:
        """A copy of the file with new values in one variable."""
        where = cover.container
        assert isinstance(where, PackedVariable)
        moved = [where.shape[axis] for axis in _order(where.shape, where.space)]
        if where.raw is None:
            native = where.dtype.newbyteorder("=")
            values = codes.astype(meant(where.dtype, where.unsigned)).view(native)
        else:
            values = floats.write(where.raw, codes, where.shift)
        order = _order(where.shape, where.space)
        stored = np.moveaxis(values.reshape(moved), range(len(moved)), order)
        if hdf5.begins(where.data):
            return patch.patched(where.data, where.source, stored)
        return classic.patched(where.data, where.variable, stored)


def cover_of(data: bytes, file: File, variable: Variable) -> Cover:
    """The cover of a variable, to hide in; `FormatError` where its values cannot be read."""
    return next(covers_of(data, file, variable))


def covers_of(data: bytes, file: File, variable: Variable) -> Iterator[Cover]:
    """What a message can be in: codes that leave groomed bits alone, and codes of all bits.

    The second is what earlier writers took; for most variables it is the same.
    """
    raw = variable.values()
    space, spec, latitude = geometry(file, variable)
    size = tuple(raw.shape[axis] for axis in space)
    raw = np.ascontiguousarray(raw.transpose(_order(raw.shape, space))).reshape(-1, *size)
    raw = raw.astype(raw.dtype.newbyteorder("="), copy=False)
    if raw.dtype.kind != "f":
        codes, free, low, high = integers(raw, variable)
        step = abs(float(np.ravel(variable.attributes.get("scale_factor", 1.0))[0]))
        cover = Cover(codes, low, high, free, spec, step=step)
        yield _placed(cover, data, variable, space, latitude)
        return
    first: int | None = None
    for ends in (True, False):
        codes, free, low, high, shift = floats.read(raw, *float_limits(variable), ends=ends)
        if shift != first:
            step = floats.step(raw, free, shift)
            cover = Cover(codes, low, high, free, spec, step=step)
            yield _placed(cover, data, variable, space, latitude, raw, shift)
        if shift == 0:
            return
        first = shift


def _placed(
    cover: Cover,
    data: bytes,
    variable: Variable,
    space: tuple[int, ...],
    latitude: ndarray | None,
    raw: ndarray | None = None,
    shift: int = 0,
) -> Cover:
    """The cover with its place in the file, and without its poles."""
    assert variable.dtype is not None
    free, weight = cover.free, None
    if latitude is not None:
        rows = np.cos(np.radians(latitude)).clip(0)
        shape = [-1 if axis == "latitude" else 1 for axis in cover.spec.axes]
        weight = np.broadcast_to(rows.reshape(shape), cover.codes.shape)
        free = free & ~at_pole(latitude).reshape(shape)
    where = PackedVariable(
        data=data,
        source=variable,
        dtype=variable.dtype,
        unsigned=unsigned(variable),
        shape=variable.shape,
        space=space,
        raw=raw,
        shift=shift,
    )
    return replace(
        cover,
        free=free,
        weight=weight,
        container=where,
        channel=NetcdfChannel.name,
        unit=variable.text("units") or "1",
    )


def notes(cover: Cover) -> tuple[str, ...]:
    """A warning where floats lie on a lattice that steps of their codes leave: that will show."""
    where = cover.container
    assert isinstance(where, PackedVariable)
    if where.raw is None:
        return ()
    found = floats.lattice(where.raw, cover.free)
    if found is None or floats.kept(where.raw, cover.free, where.shift, found):
        return ()
    said = f"the values of {where.variable} lie on a lattice of {found:.4g} {cover.unit}"
    return (f"{said}, as unpacked or rounded data do; the stego leaves it, and that shows",)


def _likely(variable: Variable) -> bool:
    """Whether a variable was taken for data by every writer so far."""
    assert variable.dtype is not None
    return "/" not in variable.path and (variable.dtype.kind == "f" or packed(variable))


def _order(shape: tuple[int, ...], space: tuple[int, ...]) -> list[int]:
    """The dimensions with the space axes last."""
    return [axis for axis in range(len(shape)) if axis not in space] + list(space)

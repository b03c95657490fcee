"""NetCDF: variables of floats, or of integers that they are packed into (`scale_factor`).

A file is never rebuilt: one variable is patched in a copy.
"""

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from ...core import floats
from ...core.channel import MOST_SAMPLES, Channel, most_samples
from ...core.cover import Cover, GridSpec
from ...core.gaps import between
from ...errors import ConfigError, FormatError, StegafieldError
from . import classic, hdf5

_MAGIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n")
_NORTH = {f"degree{s}{n}" for s in ("", "s") for n in ("_north", "_N", "N")}
_EAST = {unit.replace("north", "east").replace("N", "E") for unit in _NORTH}
LOCK = threading.RLock()
"""The NetCDF and HDF5 libraries are not thread-safe: one call at a time in this process."""
_POLE = 1e-3  # degrees: a row this close to 90 is the pole itself


@dataclass(frozen=True)
class PackedVariable:
    """Where a cover's codes are in a file."""

    data: bytes
    """The whole file."""
    variable: str
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


class NetcdfChannel(Channel):
    """NetCDF-3 and NetCDF-4 files.

    Each packed or float variable of the root group is a candidate.
    """

    name: ClassVar[str] = "netcdf"
    suffixes: ClassVar[tuple[str, ...]] = (".nc", ".nc4", ".cdf", ".netcdf")

    def read(self, data: bytes) -> Iterator[Cover]:
        """One cover for each packed or float variable, in the file's order.

        A damaged variable is left out, and does not hide the others.
        """
        with LOCK:
            file = _opened(data)
        try:
            for name in list(file.variables):
                with LOCK:
                    cover = (
                        _cover(file, name, data) if why_not(file, name, len(data)) is None else None
                    )
                if cover is not None:
                    yield cover
        finally:
            with LOCK:
                file.close()

    def write(self, cover: Cover, codes: Int[ndarray, "channel *space"]) -> bytes:
        """A copy of the file with new values in one variable."""
        where = cover.container
        assert isinstance(where, PackedVariable)
        moved = [where.shape[axis] for axis in _order(where)]
        if where.raw is None:
            native = where.dtype.newbyteorder("=")
            values = codes.astype(_meant(where.dtype, where.unsigned)).view(native)
        else:
            values = floats.write(where.raw, codes, where.shift)
        stored = np.moveaxis(values.reshape(moved), range(len(moved)), _order(where))
        if not where.data.startswith(hdf5.SIGNATURE):
            return classic.patched(where.data, where.variable, stored)
        with LOCK:
            return hdf5.patch(where.data, where.variable, stored)


@contextmanager
def writing(path: Path, mode: Literal["w", "r+"], **options: Any) -> Iterator[Any]:
    """A NetCDF file open for writing.

    After a failed write or close, closing once more (as the destructor would) crashes the process.

    Raises:
        OSError: The disk is full, or the file cannot be written.
        ConfigError: The NetCDF library refuses to rewrite the file.
    """
    import netCDF4

    with LOCK:
        file = netCDF4.Dataset(path, mode, **options)
        try:
            try:
                yield file
            except (KeyboardInterrupt, StegafieldError):
                file.close()
                raise
            file.close()
            return
        except (RuntimeError, OSError) as caught:
            file._isopen = 0
            error = caught
    if "_FillValue" in str(error):
        problem = f"cannot be rewritten by the NetCDF library ({error})."
        raise ConfigError("cover", problem, "Write it anew with xarray or NCO first.") from None
    raise OSError(errno.EIO, f"could not be written ({error})", str(path)) from None


def why_not(file: Any, name: str, size: int) -> str | None:
    """Why a variable of a file of `size` bytes cannot be a cover, in words; None if it can."""
    variable = file.variables[name]
    dtype = variable.dtype
    if name in file.dimensions or _coordinate(variable):
        return "is a coordinate"
    if not isinstance(variable.datatype, np.dtype) or dtype.kind not in "iuf":
        return "is not numeric"
    if variable.ndim == 0:
        return "has no dimensions"
    if variable.size > most_samples(size):
        return f"has more than {most_samples(size):,} samples in {size:,} bytes"
    if not variable.size:
        return "is empty"
    if dtype.kind == "f":
        return None
    if not {"scale_factor", "add_offset"} & set(variable.ncattrs()):
        return "has no scale_factor and no add_offset: its integers may be categories"
    if dtype.itemsize > 4:
        return f"is stored as {dtype}"
    if not all(_number(getattr(variable, name, 1.0)) for name in ("scale_factor", "add_offset")):
        return "has a scale_factor or add_offset that is not a number"
    return None


def _number(value: Any) -> bool:
    found = np.ravel(value)
    return found.size == 1 and found.dtype.kind in "iuf" and bool(np.isfinite(found[0]))


def at_pole(latitude: ndarray) -> Bool[ndarray, "..."]:
    """Which latitudes, in degrees, are a pole: a row of elements there is one point."""
    return ~(np.abs(latitude) < 90 - _POLE)


def describe(data: bytes) -> dict[str, str | None]:
    """Every variable of a file with the reason why it cannot be a cover (None: it can)."""
    with LOCK, _opened(data) as file:
        return {name: why_not(file, name, len(data)) for name in file.variables}


def floating(data: bytes) -> set[str]:
    """The variables that are stored as floats."""
    with LOCK, _opened(data) as file:
        found = file.variables.items()
        return {n for n, v in found if isinstance(v.dtype, np.dtype) and v.dtype.kind == "f"}


def notes(cover: Cover) -> tuple[str, ...]:
    """A warning where floats lie on a lattice that steps of their codes leave: that will show."""
    where = cover.container
    assert isinstance(where, PackedVariable)
    found = None if where.raw is None else floats.lattice(where.raw, cover.free)
    if found is None or floats.kept(where.raw, cover.free, where.shift, found):
        return ()
    said = f"the values of {where.variable} lie on a lattice of {found:.4g} {cover.unit}"
    return (f"{said}, as unpacked or rounded data do; the stego leaves it, and that shows",)


def _opened(data: bytes) -> Any:
    import netCDF4

    if not data.startswith(_MAGIC):
        raise FormatError("not a NetCDF file", ".nc")
    if data.startswith(hdf5.SIGNATURE):
        hdf5.check_whole(data)
    try:
        return netCDF4.Dataset("in-memory.nc", memory=data)
    except (OSError, RuntimeError, ValueError) as error:
        raise FormatError(f"not a readable NetCDF file ({error})", ".nc") from None


def _cover(file: Any, name: str, data: bytes) -> Cover | None:
    """The cover of a packed variable, or None where its values cannot be read."""
    variable = file.variables[name]
    attributes = {name: variable.getncattr(name) for name in variable.ncattrs()}
    unsigned = str(attributes.get("_Unsigned", "false")).lower() == "true"
    variable.set_auto_maskandscale(False)
    try:
        raw = np.asarray(variable[...])
    except (OSError, RuntimeError):
        return None
    space, spec, latitude = _geometry(file, variable)
    where = PackedVariable(data, variable.name, variable.dtype, unsigned, raw.shape, space)
    size = tuple(raw.shape[axis] for axis in space)
    raw = np.ascontiguousarray(raw.transpose(_order(where))).reshape(-1, *size)
    raw = raw.astype(raw.dtype.newbyteorder("="), copy=False)
    if raw.dtype.kind == "f":
        codes, free, low, high, shift = floats.read(raw, *_float_limits(attributes, raw.dtype))
        where = replace(where, raw=raw, shift=shift)
        step = floats.step(raw, free, shift)
    else:
        meant = _meant(variable.dtype, unsigned)
        codes = raw.view(meant)
        if meant != np.int16:
            codes = codes.astype(np.int32 if meant.itemsize < 4 else np.int64)
        free, low, high = _range(codes, attributes, variable.dtype, meant)
        step = abs(float(np.ravel(attributes.get("scale_factor", 1.0))[0]))
    weight = None
    if latitude is not None:
        rows = np.cos(np.radians(latitude)).clip(0)
        shape = [-1 if axis == "latitude" else 1 for axis in spec.axes]
        weight = np.broadcast_to(rows.reshape(shape), codes.shape)
        free = free & ~at_pole(latitude).reshape(shape)
    return Cover(
        codes=codes,
        low=low,
        high=high,
        free=free,
        spec=spec,
        container=where,
        channel=NetcdfChannel.name,
        weight=weight,
        step=step,
        unit=str(attributes.get("units", "1")),
    )


def _meant(dtype: np.dtype, unsigned: bool) -> np.dtype:
    """The integer type that the stored one stands for.

    `_Unsigned` marks unsigned integers in files whose format has signed ones only.
    """
    return np.dtype(f"{'u' if unsigned or dtype.kind == 'u' else 'i'}{dtype.itemsize}")


def _order(where: PackedVariable) -> list[int]:
    """The dimensions with the space axes last."""
    return [axis for axis in range(len(where.shape)) if axis not in where.space] + list(where.space)


def _range(
    codes: Int[ndarray, "channel *space"],
    attributes: dict[str, Any],
    stored: np.dtype,
    meant: np.dtype,
) -> tuple[Bool[ndarray, "channel *space"], int | ndarray, int | ndarray]:
    """Which codes are data, and the range of each.

    Within its range a code may move without becoming missing, or ceasing to be.
    """
    import netCDF4

    limits = np.iinfo(meant)
    low, high = int(limits.min), int(limits.max)
    bounds = [*np.ravel(attributes.get("valid_range", []))] or [None, None]
    bounds = [attributes.get("valid_min", bounds[0]), attributes.get("valid_max", bounds[-1])]
    for i, bound in enumerate(bounds):
        whole = bound is not None and np.asarray(bound).dtype.kind in "iu"  # else in physical units
        value = _integer(bound, stored, meant) if whole else None
        if value is not None:
            low, high = (max(low, value), high) if i == 0 else (low, min(high, value))
    default = netCDF4.default_fillvals.get(stored.str[1:])
    fills = [attributes.get("_FillValue", default), *np.ravel(attributes.get("missing_value", []))]
    missing = sorted(
        {v for f in fills if (v := _integer(f, stored, meant)) is not None and low <= v <= high}
    )
    free = (codes >= low) & (codes <= high)
    for value in missing:
        free &= codes != value
    return free, *between(codes, free, [low - 1, *missing, high + 1])


def _float_limits(
    attributes: dict[str, Any], stored: np.dtype
) -> tuple[list[float], float | None, float | None]:
    """Missing values, the least and the greatest valid value of floats.

    What is not a number counts as absent.
    """
    import netCDF4

    def numbers(name: str, default: Any = ()) -> list[float]:
        try:
            return np.ravel(attributes.get(name, default)).astype(np.float64).tolist()
        except (ValueError, TypeError):
            return []

    fills = numbers("_FillValue", netCDF4.default_fillvals[stored.str[1:]])[:1]
    both = numbers("valid_range")
    ends = numbers("valid_min") or both[:1], numbers("valid_max") or both[-1:]
    least, most = (found[0] if found else None for found in ends)
    return fills + numbers("missing_value"), least, most


def _integer(value: Any, stored: np.dtype, meant: np.dtype) -> int | None:
    """An attribute in terms of the codes, or None where it is absent or cannot be stored."""
    if value is None:
        return None
    try:
        number = np.ravel(value)[0].item()
        if number != int(number):
            return None
        number = int(number)
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None
    if stored.kind == "i" and meant.kind == "u" and number < 0:
        number += 1 << (8 * meant.itemsize)
    return number if np.iinfo(meant).min <= number <= np.iinfo(meant).max else None


def _geometry(file: Any, variable: Any) -> tuple[tuple[int, ...], GridSpec, ndarray | None]:
    """The space axes, and the latitudes in degrees.

    The space axes are latitude and longitude by CF metadata, or else the last two dimensions.
    """
    kinds = [_axis(file, name) for name in variable.dimensions]
    if "latitude" in kinds and "longitude" in kinds:
        space = tuple(sorted(map(kinds.index, ("latitude", "longitude"))))
        names = tuple(kinds[i] or "" for i in space)
        degrees = {kinds[i]: _values(file, variable.dimensions[i]) for i in space}
        spec = GridSpec(names, tuple(_wraps(axis, degrees[axis]) for axis in names), "sphere")
        return space, spec, degrees["latitude"]
    count = min(2, variable.ndim)
    space = tuple(range(variable.ndim - count, variable.ndim))
    names = tuple(variable.dimensions[i] for i in space)
    return space, GridSpec(names, (False,) * count, "plane" if count == 2 else "line"), None


def _axis(file: Any, dimension: str) -> str | None:
    """What the coordinate variable of a dimension says that it is; None without such a variable."""
    variable = file.variables.get(dimension)
    if variable is None or variable.dimensions != (dimension,) or variable.size > MOST_SAMPLES:
        return None
    numeric = isinstance(variable.datatype, np.dtype) and variable.dtype.kind in "iuf"
    return _coordinate(variable) if numeric else None


def _coordinate(variable: Any) -> str | None:
    """ "latitude" or "longitude" where the CF attributes of a variable say so."""
    said = [getattr(variable, name, "") for name in ("units", "standard_name")]
    units, name = (text if isinstance(text, str) else "" for text in said)
    if units in _NORTH or name == "latitude":
        return "latitude"
    return "longitude" if units in _EAST or name == "longitude" else None


def _values(file: Any, dimension: str) -> ndarray:
    return np.ma.filled(file.variables[dimension][...].astype(np.float64), np.nan)


def _wraps(axis: str, degrees: ndarray) -> bool:
    if axis != "longitude" or degrees.size < 2:
        return False
    step = np.abs(np.diff(degrees)).mean()
    return bool(abs(step * degrees.size - 360) < step / 2)

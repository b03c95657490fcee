"""Data sets: a packed or float variable of the user's own NetCDF file or xarray object.

Takes an `xarray.Dataset` or `DataArray`, too.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray
from pydantic import Field, field_validator

from ..channels import netcdf
from ..channels.netcdf import fresh
from ..core import options
from ..core.artefact import read_bytes
from ..core.carrier import Carrier
from ..core.cover import Costs, Cover
from ..core.foreign import foreign
from ..core.law import drawn, fitted
from ..core.noise import normals
from ..costs import rough
from ..errors import ConfigError, FormatError
from ..generators.fit import fit
from ..generators.fitted import Samples, known_of

SIGMA = 1.5
"""Standard deviation of the noise on a function's values, in codes: about what packing itself
loses."""


class DatasetCarrier(Carrier):
    """A variable of floats, or packed into integers.

    Pole rows, fill values and values outside the valid range are not free.
    """

    name: ClassVar[str] = "dataset"
    channel: ClassVar = netcdf.NetcdfChannel

    class Options(options.Options):
        """Options of the dataset carrier."""

        variable: str | None = Field(
            None, description="the variable to hide in, where there are several"
        )
        as_function: bool = Field(
            False, description="hide in noisy samples of a function fitted to the cover"
        )
        size: tuple[int, int] | None = Field(
            None, description="as_function: (latitudes, longitudes) of the new grid"
        )

        @field_validator("size")
        @classmethod
        def _of_a_function(cls, size: Any, info: Any) -> Any:
            if size is not None and not info.data.get("as_function"):
                raise ValueError("a dataset is resampled only with as_function")
            if size is not None and min(size) < 1:
                raise ValueError("a grid has at least one latitude and one longitude")
            return size

    @classmethod
    def identify(cls, data: bytes) -> str:
        """The format of a data set, also in a form that cannot be opened."""
        return netcdf.identified(data)

    def open(self, source: Any) -> Cover:
        """The chosen variable as a cover; its other dimensions (time, level) are the channels."""
        cover = self._chosen(source)
        return self._drawn(cover) if self.options.as_function else cover

    def samples(self, source: Any) -> Samples:
        """The values to fit a function to: the chosen variable in its units.

        Missing values are unknown.
        """
        return _samples(_gridded(self._chosen(source)))

    def _drawn(self, cover: Cover) -> Cover:
        """Noisy values of the variable's function on a regular grid, in a new file."""
        field = _gridded(cover)
        samples = _samples(field)
        function = fit(samples)
        size = self.options.size or function.size
        found, places = function.raster(size), function.places(size)
        missing = np.isnan(field.values)
        for axis, (at, end) in enumerate(zip(places, samples.ends, strict=True), 1):
            count = missing.shape[axis]
            near = np.rint(at).astype(int)
            missing = missing.take(near % count if end == "wrap" else near.clip(0, count - 1), axis)
        latitude, longitude = (
            axis[0] + at * _step(axis)
            for axis, at in zip((field.latitude, field.longitude), places, strict=True)
        )
        poles = netcdf.at_pole(latitude) & _one_point(field)
        found[:, poles] = found[:, poles].mean(axis=2, keepdims=True)
        if missing.all():
            raise ConfigError("carrier.size", "leaves no value that is not missing.", "Take more.")
        low, high = found[~missing].min(), found[~missing].max()
        span = float(high - low) or 1.0
        value = fitted((found - low) / span, fresh.LOW, fresh.HIGH, SIGMA)
        least, most = fitted(np.array([0.0, 1.0]), fresh.LOW, fresh.HIGH, SIGMA)
        scale = span / (most - least)
        codes = np.where(missing, fresh.FILL, np.rint(value)).astype(np.int16)
        noise = SIGMA * normals(value.shape)
        noise[:, poles] = noise[:, poles, :1]
        polar = netcdf.at_pole(latitude)[:, None] & ~missing  # not free: drawn only here
        codes[polar] = np.rint(value + noise)[polar]
        offset = float(low - scale * least)
        new = fresh.packed(field, codes, latitude, longitude, scale, offset)
        file = netcdf.opened(new)
        cover = netcdf.cover_of(new, file, file.variables[field.name])
        told = function.told(samples, float(np.ptp(samples.values[known_of(samples)])))
        notes = (
            f"{told} and sampled at {size[0]}x{size[1]}",
            f"the stego is a new file with {field.name} and its axes alone",
        )
        return replace(drawn(cover, value, SIGMA), notes=notes)

    def _chosen(self, source: Any) -> Cover:
        """The chosen variable as it is stored."""
        data = _bytes(source)
        file = netcdf.opened(data)
        cover = netcdf.cover_of(data, file, choice(file, self.options.variable))
        return replace(cover, notes=netcdf.notes(cover))

    def candidates(self, source: Any) -> Iterator[Cover]:
        """Every variable that a message may be in."""
        return self.channel().read(_bytes(source))

    def costs(self, cover: Cover) -> Costs | None:
        """HILL of each level and time by itself; None without two space axes.

        Longitude wraps around where it spans the globe.
        """
        if cover.codes.ndim < 3:
            return None
        planes = (-1, *cover.codes.shape[-2:])
        wraps = (cover.spec.periodic[-2], cover.spec.periodic[-1])
        found = rough.field(cover.codes.reshape(planes), cover.free.reshape(planes), wraps)
        return Costs.alike(found.reshape(cover.codes.shape))

    def value(self, source: Any, data: bytes) -> Any:
        """An `xarray.Dataset` or `DataArray` if the source was one, else the bytes.

        The object is a copy of the source with the values of the file, which are loaded; for a
        function it is the new file.
        """
        import xarray

        if not isinstance(source, xarray.Dataset | xarray.DataArray):
            return data
        found = _loaded(data) if self.options.as_function else _with_values(_whole(source), data)
        return found[source.name or _UNNAMED] if isinstance(source, xarray.DataArray) else found


_UNNAMED = "data"


def _gridded(cover: Cover) -> fresh.Gridded:
    """The variable of a cover; `ConfigError` if it is not on regular latitudes and longitudes."""
    field = fresh.physical(cover)
    if field is None:
        problem = f"{_variable(cover)} is not on latitudes and longitudes."
        raise ConfigError("cover", problem, "Only such fields become functions.")
    for name, axis in (("latitudes", field.latitude), ("longitudes", field.longitude)):
        steps = np.diff(axis)
        if not (
            np.isfinite(axis).all() and (np.abs(steps - _step(axis)) <= 1e-3 * np.abs(steps)).all()
        ):
            raise ConfigError("cover", f"the {name} are not at equal steps.", "Interpolate first.")
    return field


def _samples(field: fresh.Gridded) -> Samples:
    """A variable and how its axes continue: round the globe and across the poles, or not at all."""
    north, east = _step(field.latitude), _step(field.longitude)
    whole = abs(abs(east) * field.longitude.size - 360) < 0.01 * abs(east)
    tops, rows = np.abs(field.latitude[[0, -1]]), "edge"
    if whole and field.latitude.size > 1 and field.latitude[0] * field.latitude[-1] < 0:
        if netcdf.at_pole(tops).all() and _one_point(field):
            rows = "pole"
        elif (np.abs(tops + abs(north) / 2 - 90) < 0.01 * abs(north)).all():
            rows = "beside"
    return Samples(field.values, (rows, "wrap" if whole else "edge"))


def _one_point(field: fresh.Gridded) -> bool:
    """Whether each pole row has one value, as for temperature.

    The components of a wind have several.
    """
    rows = field.values[:, netcdf.at_pole(field.latitude)]
    real = field.values[~np.isnan(field.values)]
    off = np.abs(rows - rows[..., :1]) > 1e-4 * np.ptp(real) if real.size else np.array(False)
    return not off.any()


def _step(axis: ndarray) -> float:
    """The step from one coordinate to the next."""
    return float(axis[-1] - axis[0]) / (axis.size - 1) if axis.size > 1 else 0.0


def choice(file: netcdf.File, wanted: str | None) -> netcdf.Variable:
    """The requested variable, or the only one that holds data: those of the root group come first,
    and packed ones before floats. `ConfigError` lists what there is."""
    roles = netcdf.roles_of(file)
    data = [file.variables[path] for path, role in roles.items() if role is None]
    if wanted is not None:
        found = file.find(wanted)
        role = roles[found.path] if found else None
        if found is None or (role is not None and role.firm):
            why = role.why if role else "is not in this file"
            raise ConfigError("carrier.variable", f"{_shown(wanted)} {why}.", _listed(data))
        return found
    near = [one for one in data if not one.group] or data
    able = [one for one in near if not _floats(one)] or near
    if not able:
        raise _nothing(roles)
    if len(able) > 1:
        hint = f'Choose one with set={{"carrier.variable": "{_shown(able[0].path)}"}}.'
        raise ConfigError("carrier.variable", f"there are several. {_listed(able)}", hint)
    return able[0]


def _nothing(roles: Mapping[str, netcdf.Role | None]) -> ConfigError:
    """Why there is no data in a file, and what to try."""
    told = {path: role for path, role in roles.items() if role and role.kind != "structure"}
    shown = [f"{_shown(path)} {role.why}" for path, role in told.items()]
    more = f"; and {len(shown) - _MOST} more" if len(shown) > _MOST else ""
    listed = ("; ".join(shown[:_MOST]) + more) or "no variables of data"
    doubtful = [path for path, role in told.items() if not role.firm]
    hint = "Packed integers need scale_factor or add_offset."
    if doubtful:
        name = f'set={{"carrier.variable": "{_shown(doubtful[0])}"}}'
        hint = f"Where one of them holds measurements, request it by name: {name}."
    return ConfigError("cover", f"has no packed variable and no floats ({listed}).", hint)


_MOST = 20  # names in an error text


def _floats(variable: netcdf.Variable) -> bool:
    return variable.dtype is not None and variable.dtype.kind == "f"


def _listed(found: list[netcdf.Variable]) -> str:
    """The names by kind, for an error text."""

    def names(floats: bool) -> str:
        here = [_shown(one.path) for one in found if _floats(one) == floats]
        return ", ".join(here[:_MOST]) + (", ..." if len(here) > _MOST else "")

    floats = names(True)
    return f"Packed: {names(False) or 'none'}" + (f"; floats: {floats}" if floats else "") + "."


def _shown(name: str) -> str:
    """A name as it is, if that is fit to be shown."""
    return name if name.isprintable() else ascii(name)


def _variable(cover: Cover) -> str:
    assert isinstance(cover.container, netcdf.PackedVariable)
    return cover.container.variable


def _bytes(source: Any) -> bytes:
    data = read_bytes(source)
    if data is not None:
        return data
    import xarray

    if isinstance(source, xarray.Dataset | xarray.DataArray):
        return _packed(_whole(source))
    raise FormatError(f"the dataset carrier takes no {type(source).__name__}")


def _whole(source: Any) -> Any:
    """The data set of an array, or the data set itself."""
    import xarray

    if isinstance(source, xarray.DataArray):
        return source.to_dataset(name=source.name or _UNNAMED)
    return source


def _packed(dataset: Any) -> bytes:
    """A data set as the file that its own encoding describes, if that encoding holds its values.

    xarray keeps the packing that a variable was read with, and packs changed values with it even
    where they no longer fit: they wrap around without a warning.
    """
    for name, variable in dataset.data_vars.items():
        _check_packing(name, variable)
    dataset = dataset.copy()
    for name, variable in dataset.variables.items():
        dataset[name].encoding = _stored_as(variable, name in dataset.data_vars)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cover.nc")
        with netcdf.LOCK, foreign("xarray cannot write this data set as NetCDF", ".nc"):
            dataset.to_netcdf(path, engine="netcdf4")
        return path.read_bytes()


_STORAGE = {
    *("zlib", "szip", "bzip2", "blosc", "zstd", "compression", "complevel", "shuffle"),
    *("fletcher32", "contiguous", "chunksizes"),
}
"""Encoding that says how the bytes of a variable are stored."""


def _stored_as(variable: Any, data: bool) -> dict[str, Any]:
    """The encoding of a variable, without the `_FillValue` that xarray would invent.

    Floats that come without any wish are compressed.
    """
    found = dict(variable.encoding)
    if "_FillValue" not in variable.attrs:
        found.setdefault("_FillValue", None)
    kind = np.dtype(found.get("dtype") or variable.dtype).kind
    if data and variable.ndim and kind == "f" and not _STORAGE & set(found):
        found |= {"zlib": True, "shuffle": True}
    return found


def _loaded(data: bytes) -> Any:
    """The data set of a file."""
    import xarray

    with tempfile.TemporaryDirectory() as folder, netcdf.LOCK:
        path = Path(folder, "stego.nc")
        path.write_bytes(data)
        found = xarray.load_dataset(path, engine="netcdf4")
    for one in (found, *found.variables.values()):
        one.encoding.pop("source", None)
    return found


def _with_values(dataset: Any, data: bytes) -> Any:
    """A copy of a data set with the values that a file written from it holds; nothing else changes.

    What has no encoding gets that of the file.
    """
    import xarray

    out = dataset.copy()
    with tempfile.TemporaryDirectory() as folder, netcdf.LOCK:
        path = Path(folder, "stego.nc")
        path.write_bytes(data)
        for name, variable in dataset.data_vars.items():
            if variable.dtype.kind not in "iuf":
                continue
            packing = {"scale_factor", "add_offset", "_FillValue", "missing_value"}
            scaled = not packing & set(variable.attrs)  # else it holds what is stored
            with xarray.open_dataset(
                path, engine="netcdf4", mask_and_scale=scaled, decode_times=False
            ) as file:
                found = file[name].variable.load()
            encoding = variable.encoding or {
                key: value for key, value in found.encoding.items() if key != "source"
            }
            out[name] = (variable.dims, found.values, variable.attrs, encoding)
    return out


def _check_packing(name: Any, variable: Any) -> None:
    packing = variable.encoding
    dtype = np.dtype(packing.get("dtype", variable.dtype))
    if dtype.kind not in "iu" or not {"scale_factor", "add_offset"} & set(packing):
        return
    if str(packing.get("_Unsigned", "false")).lower() == "true":
        dtype = np.dtype(f"u{dtype.itemsize}")
    scale, offset = packing.get("scale_factor", 1.0), packing.get("add_offset", 0.0)
    codes = np.rint((np.asarray(variable.values, np.float64) - offset) / scale)
    limits = np.iinfo(dtype)
    outside = (codes < limits.min) | (codes > limits.max)
    filled = codes == packing.get("_FillValue", np.nan)
    for wrong, what in ((outside, "do not fit"), (filled, "would become missing in")):
        if wrong.any():
            problem = f"{int(wrong.sum())} values of {name} {what} the packing it was read with"
            detail = f"({dtype}, scale_factor {scale:g}, add_offset {offset:g})."
            hint = f'Set another one in dataset["{name}"].encoding.'
            raise ConfigError("cover", f"{problem} {detail}", hint)

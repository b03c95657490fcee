"""Data sets: a packed or float variable of the user's own NetCDF file, or of an `xarray.Dataset` or `DataArray`."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from ..channels import netcdf
from ..core import options
from ..core.carrier import Carrier
from ..core.cover import Costs, Cover
from ..core.source import read_bytes
from ..costs import rough
from ..errors import ConfigError, FormatError


class DatasetCarrier(Carrier):
    """A variable of floats, or packed into integers.

    Pole rows, fill values and what lies outside the valid range are not free.
    """

    name: ClassVar[str] = "dataset"
    channel: ClassVar = netcdf.NetcdfChannel

    class Options(options.Options):
        """Options of the dataset carrier."""

        variable: str | None = Field(
            None, description="the variable to hide in, where there are several"
        )

    def open(self, source: Any) -> Cover:
        """The chosen variable as a cover; its other dimensions (time, level) are the channels."""
        data = _bytes(source)
        names = {
            name: why for name, why in netcdf.describe(data).items() if why != "is a coordinate"
        }
        able, floating = [name for name, why in names.items() if why is None], netcdf.floating(data)
        packed = [
            name for name in able if name not in floating
        ] or able  # floats where none is packed
        wanted = self.options.variable
        if wanted is not None and names.get(wanted, "is not in this file") is not None:
            why = names.get(wanted, "is not in this file")
            raise ConfigError("carrier.variable", f"{wanted} {why}.", f"{_listed(able, floating)}.")
        if not packed:
            listed = "; ".join(f"{name} {why}" for name, why in names.items())
            hint = "Packed integers need scale_factor or add_offset."
            raise ConfigError(
                "cover", f"has no packed variable and no floats ({listed or 'no variables'}).", hint
            )
        if wanted is None and len(packed) > 1:
            hint = f"Choose one with --set carrier.variable={packed[0]}."
            raise ConfigError(
                "carrier.variable", f"there are several. {_listed(packed, floating)}.", hint
            )
        covers = self.channel().read(data)
        found = next((c for c in covers if _variable(c) == (wanted or packed[0])), None)
        if found is None:
            raise FormatError(f"the variable {wanted or packed[0]} cannot be read", ".nc")
        return replace(found, notes=netcdf.notes(found))

    def candidates(self, source: Any) -> Iterator[Cover]:
        """Every variable that a message may be in."""
        return self.channel().read(_bytes(source))

    def costs(self, cover: Cover) -> Costs | None:
        """HILL of each level and time by itself, around the globe where longitude is; None without two space axes."""
        if cover.codes.ndim < 3:
            return None
        planes = (-1, *cover.codes.shape[-2:])
        wraps = (cover.spec.periodic[-2], cover.spec.periodic[-1])
        found = rough.field(cover.codes.reshape(planes), cover.free.reshape(planes), wraps)
        return Costs.alike(found.reshape(cover.codes.shape))

    def value(self, source: Any, data: bytes) -> Any:
        """An `xarray.Dataset` or `DataArray` for one (loaded, with its encoding), else the bytes."""
        import xarray

        if not isinstance(source, xarray.Dataset | xarray.DataArray):
            return data
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "stego.nc")
            path.write_bytes(data)
            with netcdf.LOCK:
                found = xarray.load_dataset(path, engine="netcdf4")
        return found[source.name or _UNNAMED] if isinstance(source, xarray.DataArray) else found


_UNNAMED = "data"


def _listed(names: list[str], floating: set[str]) -> str:
    """The names by kind, as an error shows them."""
    packed = ", ".join(name for name in names if name not in floating) or "none"
    floats = ", ".join(name for name in names if name in floating)
    return f"Packed: {packed}" + (f"; floats: {floats}" if floats else "")


def _variable(cover: Cover) -> str:
    assert isinstance(cover.container, netcdf.PackedVariable)
    return cover.container.variable


def _bytes(source: Any) -> bytes:
    data = read_bytes(source)
    if data is not None:
        return data
    import xarray

    if isinstance(source, xarray.DataArray):
        source = source.to_dataset(name=source.name or _UNNAMED)
    if isinstance(source, xarray.Dataset):
        return _packed(source)
    raise FormatError(f"the dataset carrier takes no {type(source).__name__}")


def _packed(dataset: Any) -> bytes:
    """A data set as the file that its own encoding describes, after a check that the encoding holds its values.

    xarray keeps the packing a variable was read with, and packs changed values with it even where they no longer fit:
    they wrap around without a word.
    """
    for name, variable in dataset.data_vars.items():
        _check_packing(name, variable)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cover.nc")
        with netcdf.LOCK:
            dataset.to_netcdf(path, engine="netcdf4", encoding=_lossless(dataset))
        return path.read_bytes()


def _lossless(dataset: Any) -> dict[str, dict[str, Any]]:
    """How float variables that are not packed are stored: compressed, and with nothing that rounds them."""
    kept = ("dtype", "_FillValue", "missing_value")
    return {
        name: {"zlib": True, "shuffle": True}
        | {option: found.encoding[option] for option in kept if option in found.encoding}
        for name, found in dataset.data_vars.items()
        if found.ndim and np.dtype(found.encoding.get("dtype", found.dtype)).kind == "f"
    }


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

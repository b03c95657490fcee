"""Training items from pictures in folders or archives, weather in NetCDF, Zarr or npz files."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from ..errors import ConfigError
from ..generators import grid
from .config import Data, TrainingConfig

_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_LATITUDE, _LONGITUDE = ("latitude", "lat", "y"), ("longitude", "lon", "x")
_TOGETHER = 64
"""Fields that are read and interpolated together."""


def load(
    path: str | Path, config: TrainingConfig, *, held_out: bool = False
) -> Shaped[ndarray, "item rows columns feature"]:
    """The items to train on, or the held-out ones, in the unit of the config's domain.

    Pictures are uint8, everything else is float32. Plane: a folder or zip archive of pictures, or
    an npz file of (item, row, column, feature). Sphere: a NetCDF file, a folder of them, a Zarr
    store, or npz files with `latitude` and `longitude` beside the field, in degrees.
    """
    path, domain = Path(path), config.domain
    if not path.exists():
        raise ConfigError("data", f"there is no {path}.")
    if domain.kind == "sphere":
        items = np.concatenate(list(_fields(path, config.data, domain.size)))[..., None]
    elif path.suffix == ".npz":
        items = _only(np.load(path, allow_pickle=False), config.data.variable, path)
    else:
        items = _pictures(path, domain.size, config.data.crop, config.features)
    return _training(items, config.data, held_out)


def _training(items: ndarray, data: Data, held_out: bool) -> ndarray:
    keep = np.arange(len(items)) < len(items) - data.hold_out_last
    if data.hold_out_every:
        keep &= np.arange(len(items)) % data.hold_out_every != data.hold_out_every - 1
    if held_out:
        return items[~keep]
    if not keep.any():
        raise ConfigError("data", f"has {len(items)} items, and all of them are held out.")
    return items[keep]


def _pictures(
    path: Path, size: tuple[int, int], crop: float | None, features: int
) -> Shaped[ndarray, "item rows columns feature"]:
    """All pictures of a folder (and its folders) or a zip archive, in the order of their names."""
    from PIL import Image, UnidentifiedImageError

    found = []
    for name, content in _members(path):
        try:
            with Image.open(io.BytesIO(content)) as picture:
                found.append(_cropped(picture.convert("RGB" if features == 3 else "L"), size, crop))
        except (UnidentifiedImageError, OSError) as error:
            raise ConfigError("data", f"{name} is no picture: {error}.") from None
    if not found:
        raise ConfigError("data", f"there is no picture in {path}.")
    return np.stack(found)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each picture file."""
    if path.is_dir():
        for member in sorted(p for p in path.rglob("*") if p.suffix.lower() in _PICTURES):
            yield str(member), member.read_bytes()
        return
    if not zipfile.is_zipfile(path):
        raise ConfigError("data", f"{path} is neither a folder nor a zip archive nor an npz file.")
    with zipfile.ZipFile(path) as archive:
        for name in sorted(n for n in archive.namelist() if n.lower().endswith(_PICTURES)):
            yield name, archive.read(name)


def _cropped(picture: Any, size: tuple[int, int], crop: float | None) -> Shaped[ndarray, "y x c"]:
    from PIL import Image

    width, height = picture.size
    box = (0, 0, width, height)
    if crop is not None:
        side = round(crop * min(width, height))
        left, top = (width - side) // 2, (height - side + 1) // 2
        box = (left, top, left + side, top + side)
    small = picture.crop(box).resize(size[::-1], Image.Resampling.LANCZOS)
    return np.asarray(small).reshape(*size, -1)


def _fields(
    path: Path, data: Data, size: tuple[int, int]
) -> Iterator[Float[ndarray, "item rows columns"]]:
    """Fields on the globe, interpolated to a grid of this size."""
    if path.is_dir() and path.suffix != ".zarr":
        files = sorted(p for p in path.iterdir() if p.suffix in (".nc", ".npz", ".zarr"))
        if not files:
            raise ConfigError("data", f"there is no .nc, .npz or .zarr in {path}.")
        for file in files:
            yield from _fields(file, data, size)
    elif path.suffix == ".npz":
        file = np.load(path, allow_pickle=False)
        latitude, longitude = (file[_named(file, axis, path)] for axis in (_LATITUDE, _LONGITUDE))
        values = _only(file, data.variable, path).reshape(-1, latitude.size, longitude.size)
        yield regular(values, latitude, longitude, size)
    else:
        yield from _dataset(path, data, size)


def _dataset(
    path: Path, data: Data, size: tuple[int, int]
) -> Iterator[Float[ndarray, "item rows columns"]]:
    import xarray

    try:
        file = xarray.open_zarr(path) if path.suffix == ".zarr" else xarray.open_dataset(path)
    except (ValueError, OSError, ImportError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError("data", f"{path} cannot be opened: {why}") from None
    with file:
        north, east = (
            _named(file.variables, _LATITUDE, path),
            _named(file.variables, _LONGITUDE, path),
        )
        fields = [str(n) for n, v in file.data_vars.items() if {north, east} <= set(v.dims)]
        name = data.variable if data.variable in fields or len(fields) != 1 else fields[0]
        if name not in fields:
            raise ConfigError("data.variable", f"{name!r} is not in {path}.", f"Fields: {fields}.")
        field = file[name].transpose(..., north, east)
        degrees = (file[north].to_numpy(), file[east].to_numpy())
        count = int(np.prod(field.shape[:-2]))
        warm = (
            273.15 if str(field.attrs.get("units", "")).lower() in ("degc", "c", "celsius") else 0
        )
        if field.ndim > 3:
            field = field.stack(item=field.dims[:-2]).transpose("item", north, east)
        for start in range(0, count, _TOGETHER):
            part = field[start : start + _TOGETHER] if field.ndim == 3 else field
            values = part.to_numpy().astype(np.float32).reshape(-1, *field.shape[-2:])
            yield regular(values + np.float32(warm), *degrees, size)


def regular(
    values: Float[ndarray, "item y x"],
    latitude: Shaped[ndarray, " y"],
    longitude: Shaped[ndarray, " x"],
    size: tuple[int, int],
) -> Float[ndarray, "item rows columns"]:
    """Fields on the globe at the points of `grid.globe`, by linear interpolation.

    Beyond their last row its values are repeated. A pole is the mean of its row. Where `values` are
    at every k-th point of the grid these are taken as they are.
    """
    if not np.isfinite(values).all():
        raise ConfigError("data", "has missing values.")
    north, east = grid.globe(*size)
    rows = np.argsort(latitude)
    values, latitude = values[:, rows].astype(np.float32), latitude[rows].astype(float)
    columns = np.argsort(longitude % 360)
    values, longitude = values[..., columns], (longitude % 360).astype(float)[columns]
    values = np.concatenate([values[..., -1:], values, values[..., :1]], axis=2)
    longitude = np.concatenate([longitude[-1:] - 360, longitude, longitude[:1] + 360])
    out = _between(values.swapaxes(1, 2), longitude, east).swapaxes(1, 2)
    out = _between(out, latitude, north.clip(latitude[0], latitude[-1]))
    out[:, [0, -1]] = out[:, [0, -1]].mean(2, keepdims=True)
    return out.astype(np.float32)


def _between(
    values: Float[ndarray, "item a b"], at: Float[ndarray, " a"], wanted: Float[ndarray, " c"]
) -> Float[ndarray, "item c b"]:
    """Linear interpolation along the middle axis."""
    upper = np.searchsorted(at, wanted).clip(1, at.size - 1)
    share = ((wanted - at[upper - 1]) / (at[upper] - at[upper - 1]))[:, None]
    return (1 - share) * values[:, upper - 1] + share * values[:, upper]


def _named(names: Any, wanted: tuple[str, ...], path: Path) -> str:
    for name in wanted:
        if name in names:
            return name
    raise ConfigError("data", f"{path} has no {wanted[0]}.")


def _only(file: Any, variable: str | None, path: Path) -> ndarray:
    """The variable of an npz file, or its only one of three or four dimensions."""
    if variable in file:
        return file[variable]
    large = [name for name in file.files if file[name].ndim >= 2]
    if len(large) != 1:
        raise ConfigError("data.variable", f"{path} has {', '.join(file.files)}.", "Name one.")
    return file[large[0]]

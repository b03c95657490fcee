"""World maps of temperature fields, with coastlines."""

import math
import os
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..channels.netcdf import LOCK
from ..generators import weather
from .stego import check_figure


def draw_maps(
    fields: Float[ndarray, "field y x"], titles: Sequence[str], path: str | os.PathLike[str]
) -> None:
    """Save a sheet of fields in kelvin, all in one scale.

    The fields are regular grids that start at 90 degrees north and longitude 0.
    """
    check_figure(path)
    from matplotlib.figure import Figure

    across = max(min(3, len(fields)), math.ceil((len(fields) / 2) ** 0.5))
    rows = -(-len(fields) // across)
    figure = Figure(figsize=(15, 0.4 + 7.2 / across * rows), layout="constrained")
    panels = figure.subplots(rows, across, squeeze=False)
    half = fields.shape[2] // 2
    shown: Any = None
    for panel, field, title in zip(panels.flat, fields, titles, strict=False):
        shown = panel.imshow(
            np.roll(field, half, axis=1),
            extent=(-180, 180, -90, 90),
            cmap="turbo",
            vmin=215,
            vmax=315,
        )
        outline(panel)
        panel.set_title(title, fontsize=9)
    for panel in panels.flat:
        panel.set_axis_off()
    figure.colorbar(shown, ax=panels, shrink=0.6, label="K")
    figure.savefig(path, dpi=80)


def draw_files(files: Iterable[bytes], path: str | os.PathLike[str]) -> None:
    """Save a sheet of NetCDF files as the carrier `era5` writes them, each with its hour."""
    import xarray

    fields, titles = [], []
    with TemporaryDirectory() as folder:
        for data in files:
            file = Path(folder, "field.nc")
            file.write_bytes(data)
            with LOCK, xarray.open_dataset(file, engine="netcdf4") as found:
                fields.append(found["t2m"].values[0])
                titles.append(str(found["time"].values[0])[:16].replace("T", ", "))
    draw_maps(np.array(fields), titles, path)


def outline(panel: Any) -> None:
    """Draw coastlines: cartopy's where it has them, else where the land mask is a half."""
    lines = _coastlines()
    if lines is None:
        latitude, longitude = np.linspace(90, -90, 361), np.arange(-180, 180.5, 0.5)
        land = weather.land(latitude, longitude)
        panel.contour(longitude, latitude, land, [0.5], colors="black", linewidths=0.4)
        return
    for line in lines:
        panel.plot(line[:, 0], line[:, 1], color="black", linewidth=0.4)
    panel.set_xlim(-180, 180)
    panel.set_ylim(-90, 90)


def _coastlines() -> list[ndarray] | None:
    """Natural Earth's coastlines in degrees (n, 2), if cartopy has them on this disk.

    Nothing is downloaded.
    """
    if find_spec("cartopy") is None:
        return None
    cartopy, io, reader = (
        import_module(f"cartopy{part}") for part in ("", ".io", ".io.shapereader")
    )
    which = {"resolution": "110m", "category": "physical", "name": "coastline"}
    source = io.Downloader.from_config(("shapefiles", "natural_earth", *which.values()))
    known = {"config": cartopy.config, **which}
    places = (source.pre_downloaded_path(known), source.target_path(known))
    found = next((place for place in places if place is not None and place.exists()), None)
    if found is None:
        return None
    shapes = (s for g in reader.Reader(found).geometries() for s in getattr(g, "geoms", [g]))
    return [np.asarray(shape.coords)[:, :2] for shape in shapes]

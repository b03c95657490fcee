"""Fields in figures: on their axes, in their unit, with coastlines where they are on the globe."""

from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..channels.netcdf import PackedVariable, fresh
from ..core.cover import Cover
from ..pipeline.stego import Stego


class Field(NamedTuple):
    """A field as it is drawn, and where."""

    cover: ndarray
    """(row, column), in its unit."""
    stego: ndarray
    rows: ndarray
    """The coordinates of the axes."""
    columns: ndarray
    names: tuple[str, str]
    """What the axes are: rows, columns."""
    unit: str
    globe: bool
    order: ndarray
    """Of the columns, as they are drawn."""


def field_of(stego: Stego) -> Field | None:
    """The first level and time of a stego that is a field; None for pictures and lines."""
    cover = stego.cover
    if cover.peak is not None or cover.codes.ndim != 3:
        return None
    before, after = _gridded(cover), _gridded(_read_back(stego))
    if before is None or after is None:
        return _plain(stego)
    east = np.where(before.longitude > 180, before.longitude - 360, before.longitude)
    order = np.argsort(east, kind="stable")
    return Field(
        before.values[0][:, order],
        after.values[0][:, order],
        before.latitude,
        east[order],
        ("latitude (degrees north)", "longitude (degrees east)"),
        cover.unit,
        True,
        order,
    )


def draw_field(panel: Any, field: Field, values: ndarray, unit: str, **colours: Any) -> None:
    """One panel: values on the axes of a field, with a colour bar in their unit."""
    from .maps import outline

    shown = panel.pcolormesh(field.columns, field.rows, values, shading="nearest", **colours)
    panel.figure.colorbar(shown, ax=panel, label=unit, shrink=0.8)
    panel.set_ylabel(field.names[0])
    panel.set_xlabel(field.names[1])
    limits = panel.get_xlim(), panel.get_ylim()
    if field.globe:
        outline(panel)
        panel.set_xlim(*limits[0])
        panel.set_ylim(*limits[1])
    else:
        panel.invert_yaxis()
    panel.set_aspect("equal" if field.globe else "auto")


def _plain(stego: Stego) -> Field:
    """A field that is on no latitudes and longitudes: its codes, by their place."""
    cover = stego.cover
    known = cover.free[0] | (cover.weight is not None)
    before, after = (
        np.where(known, codes[0], np.nan) * cover.step for codes in (cover.codes, stego.codes)
    )
    rows, columns = before.shape
    names = cover.spec.axes[0], cover.spec.axes[1]
    unit = f"codes x {cover.step:.3g} {cover.unit}"
    places = np.arange(columns)
    return Field(before, after, np.arange(rows), places, names, unit, False, places)


def _read_back(stego: Stego) -> Cover | None:
    """The variable of a stego's cover in the stego."""
    wanted = getattr(stego.cover.container, "variable", None)
    found = stego.channel.read(stego.data)
    return next((c for c in found if getattr(c.container, "variable", None) == wanted), None)


def _gridded(cover: Cover | None) -> fresh.Gridded | None:
    """A field in its unit on latitudes and longitudes; None where it is on none."""
    if cover is None or not isinstance(cover.container, PackedVariable):
        return None
    found = fresh.physical(cover)
    return None if found is None or found.values.ndim != 3 else found

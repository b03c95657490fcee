"""A picture of a result: cover, stego, and their difference, amplified."""

import math
import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy import ndarray

from ..core.cover import Cover, widened
from ..errors import ConfigError
from ..extras import need
from ..pipeline.stego import Stego
from .fields import Field, draw_field, field_of


def check_figure(path: str | os.PathLike[str]) -> None:
    """Raise `ConfigError`, before any work is done, where a figure of this name cannot be drawn."""
    need("matplotlib", "plots")
    from matplotlib.backend_bases import FigureCanvasBase

    known = sorted(FigureCanvasBase.get_supported_filetypes())
    suffix = PurePath(path).suffix
    if suffix[1:].lower() not in known:
        hint = f"Use one of .{', .'.join(known)}."
        raise ConfigError("figure", f"{suffix or 'no suffix'} is no format of figures.", hint)


def draw(stego: Stego, path: str | os.PathLike[str]) -> None:
    """Save cover, stego and amplified difference side by side.

    Draws the first channel where there are not three. For a sampled stego the difference is that
    from the noise-free value, since the cover is another draw of the same law.
    """
    check_figure(path)
    _save(picture(stego), path)


def picture(stego: Stego) -> Any:
    """The figure of a stego, not yet saved."""
    from matplotlib.figure import Figure

    cover = stego.cover
    law = None if stego.report.kl_bound_nats is None else cover.law  # it was sampled
    before = widened(cover.codes) if law is None else np.rint(law.value).astype(np.int64)
    change = stego.codes - before
    if cover.codes.ndim == 2:
        return _lines(Figure(figsize=(12, 5), layout="constrained"), stego, change, law is not None)
    reach = max(1, int(np.abs(change).max()))
    count = int(np.count_nonzero(change))
    told = f"difference, amplified: {count:,} of {change.size:,} elements changed by up to {reach}"
    told = "noise, amplified: plain covers have the same" if law else told
    field = field_of(stego)
    if field is not None:
        return _maps(Figure(figsize=(9, 13), layout="constrained"), stego, field, change, told)
    wide = cover.codes.shape[2] > 1.5 * cover.codes.shape[1]
    figure = Figure(figsize=(6, 10) if wide else (14, 5), layout="constrained")
    panels = figure.subplots(3, 1) if wide else figure.subplots(1, 3)
    coloured = _coloured(cover)
    shown = {} if coloured else _colours(cover)
    low = np.min(cover.low) if cover.peak else None
    for panel, codes, title in zip(
        panels, (cover.codes, stego.codes), ("cover", "stego"), strict=False
    ):
        panel.imshow(_picture(codes, cover, low), **shown)
        panel.set_title(title)
    if coloured:
        panels[2].imshow(np.clip(0.5 + change.transpose(1, 2, 0) / (2 * reach), 0, 1))
    else:
        panels[2].imshow(change[0], cmap="RdBu", vmin=-reach, vmax=reach)
    panels[2].set_title(told)
    for panel in panels:
        panel.set_axis_off()
    return figure


def _maps(figure: Any, stego: Stego, field: Field, change: ndarray, told: str) -> Any:
    """A field on its axes: cover, stego, and what was changed in it."""
    panels, cover = figure.subplots(3, 1), stego.cover
    known = field.cover[np.isfinite(field.cover)]
    ends = {"vmin": known.min(), "vmax": known.max()} if known.size else {}
    for panel, values, title in zip(
        panels, (field.cover, field.stego), ("cover", "stego"), strict=False
    ):
        draw_field(panel, field, values, field.unit, cmap="turbo", **ends)
        panel.set_title(title)
    reach = max(1, int(np.abs(change).max()))
    unit = f"codes of {cover.step:.3g} {cover.unit}"
    bounds = {"cmap": "RdBu", "vmin": -reach, "vmax": reach}
    draw_field(panels[2], field, change[0][:, field.order], unit, **bounds)
    panels[2].set_title(told)
    return figure


def draw_sheet(covers: Sequence[Cover], path: str | os.PathLike[str]) -> None:
    """Save covers side by side, in a square of rows.

    Draws the first channel where there are not three.
    """
    check_figure(path)
    from matplotlib.figure import Figure

    side = math.ceil(len(covers) ** 0.5)
    figure = Figure(figsize=(10, 10), layout="constrained")
    panels = figure.subplots(math.ceil(len(covers) / side), side, squeeze=False).ravel()
    for panel in panels:
        panel.set_axis_off()
    for panel, cover in zip(panels, covers, strict=False):
        if cover.codes.ndim == 2:
            panel.plot(cover.codes[0], linewidth=0.5)
            continue
        low = np.min(cover.low) if cover.peak else None
        colours = {} if _coloured(cover) else _colours(cover)
        panel.imshow(_picture(cover.codes, cover, low), **colours)
    _save(figure, path)


def _picture(codes: ndarray, cover: Cover, low: float | None) -> ndarray:
    if low is not None and _coloured(cover):
        return (codes.transpose(1, 2, 0) - low) / (cover.peak or 1.0)
    return np.where(cover.free[0] | (cover.weight is not None), codes[0], np.nan)


def _coloured(cover: Cover) -> bool:
    """Whether the channels are red, green and blue: three of a medium that has a full scale."""
    return cover.codes.shape[0] == 3 and cover.peak is not None


def _colours(cover: Cover) -> dict[str, str]:
    return {"cmap": "gray" if cover.peak else "turbo"}


def _lines(figure: Any, stego: Stego, change: ndarray, sampled: bool) -> Any:
    """A line over its axis: cover and stego, and what was changed in it."""
    cover = stego.cover
    top, bottom = figure.subplots(2, 1, sharex=True)
    step = "codes" if cover.unit == "levels" else f"codes of {cover.step:.3g} {cover.unit}"
    top.plot(cover.codes[0], label="another draw of the same law" if sampled else "cover")
    top.plot(stego.codes[0], label="stego", linewidth=0.7)
    top.legend()
    bottom.plot(change[0])
    noise = "noise of the stego: plain covers have the same"
    bottom.set_title(noise if sampled else "difference of stego and cover")
    bottom.set_xlabel(cover.spec.axes[0])
    for panel in (top, bottom):
        panel.set_ylabel(step)
    return figure


def _save(figure, path: str | os.PathLike[str]) -> None:
    figure.savefig(path, dpi=110)

"""The whole curve of rate and distortion of `phase`, in both forms, with its bound.

Beside it stands what other methods do at these rates.
"""

import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from stegafield.coding.ladder import PROJECTED
from stegafield.errors import StegafieldError
from stegafield.figures.stego import check_figure
from stegafield.metrics import fidelity
from stegafield.pipeline.engine import Engine

from ..baselines.adaptive import hill
from ..baselines.lsb import matching
from .fidelity import cropped, measure_one

COLUMNS = ("image", "curve", "bpp", "bpp_actual", "ber", "psnr", "bound")
BASELINES = {"LSB matching": matching.simulate, "HILL": hill.simulate}
"""They change a picture as if they carried bits at a rate; nothing is read back."""
BASELINE_RATES = (0.05, 0.1, 0.2, 0.4, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Bits per pixel."""
PAPER = {1: 34.50, 2: 28.37, 3: 29.64, 4: 27.14}
"""PSNR in dB by bits per pixel, as arXiv 2406.01918 states it.

On generated 64x64 faces, before they were rounded to a file.
"""


def measure(
    engine: Engine,
    images: Iterable[Path],
    *,
    crop: tuple[int, int] | None = None,
    lowest: float = 0.05,
    highest: float = 4.0,
) -> Iterator[dict[str, Any]]:
    """One row per picture and rung of either form, and per picture, baseline and rate.

    The last rows are the points that the paper published. `lowest` and `highest` bound the rate in
    bits per pixel.
    """
    for path in images:
        for curve, bpp, row in _of_picture(engine, path, crop, lowest, highest):
            yield {"image": path.name, "curve": curve, "bpp": bpp, **row}
    for bpp, psnr in PAPER.items():
        if lowest <= bpp <= highest:
            yield {"curve": "paper", "bpp": bpp, "psnr": psnr}


def _of_picture(
    engine: Engine, path: Path, crop: tuple[int, int] | None, lowest: float, highest: float
) -> Iterator[tuple[str, float, dict[str, Any]]]:
    plan = engine.plan(carrier="image", extractor="phase", method="project", bps=1)
    try:
        cover = plan.carrier.open(path if crop is None else cropped(path, crop))
    except StegafieldError as error:
        yield "phase", 0.0, {"error": str(error)}
        return
    channels, low, high = cover.codes.shape[0], int(np.min(cover.low)), int(np.max(cover.high))
    peak = cover.peak or 1.0
    for rung in sorted(PROJECTED, key=lambda rung: rung.rate):
        bpp = rung.rate * channels
        if not lowest * (1 - 1e-9) <= bpp <= highest * (1 + 1e-9):
            continue
        try:
            row = measure_one(plan, path, crop, os.urandom(32), rung)
        except StegafieldError as error:
            row = {"error": str(error)}
        form = "trellis" if rung.span else "block"
        yield f"phase, {form} form", bpp, {name: row[name] for name in row if name in _KEPT}
    rng = np.random.default_rng(list(os.urandom(32)))
    for name, simulate in BASELINES.items():
        for bpp in (rate for rate in BASELINE_RATES if lowest <= rate <= highest):
            try:
                codes = simulate(cover.codes, low, high, bpp / channels, rng)
            except StegafieldError:
                continue  # above what changes of one step carry
            bits = round(bpp * cover.codes.size / channels)
            found = {
                "psnr": fidelity.psnr(cover.codes, codes, peak),
                "bound": fidelity.bound(cover.codes, low, high, bits, peak),
            }
            yield name, bpp, found


_KEPT = ("bpp_actual", "ber", "psnr", "bound", "milliseconds", "error")


def medians(rows: Iterable[dict[str, Any]], value: str = "psnr") -> dict[str, dict[float, float]]:
    """{curve: {bpp: median over pictures}}, rates ascending."""
    found: dict[str, dict[float, list[float]]] = {}
    for row in rows:
        if row.get(value) is not None and math.isfinite(row[value]):
            found.setdefault(row["curve"], {}).setdefault(row["bpp"], []).append(row[value])
    return {
        curve: {bpp: median(points[bpp]) for bpp in sorted(points)}
        for curve, points in found.items()
    }


_MARKS = {
    "phase, trellis form": "o-",
    "phase, block form": "s-",
    "LSB matching": "^--",
    "HILL": "v--",
    "paper": "x",
}
_LABELS = {"HILL": "HILL (simulated)", "paper": "the paper's published points"}


def draw(rows: Iterable[dict[str, Any]], path: str | os.PathLike[str]) -> None:
    """Save the curves: the median PSNR of all pictures against the rate, and the median bound."""
    check_figure(path)
    from matplotlib.figure import Figure

    rows = list(rows)
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    bounds = {
        bpp: value for points in medians(rows, "bound").values() for bpp, value in points.items()
    }
    axes.plot(*zip(*sorted(bounds.items()), strict=True), "k:", label="bound for steps of one")
    for curve, points in medians(rows).items():
        axes.plot(
            *zip(*points.items(), strict=True), _MARKS[curve], label=_LABELS.get(curve, curve)
        )
    axes.set_xscale("log")
    axes.set_xlabel("bits per pixel")
    axes.set_ylabel("PSNR in dB, median")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=90)

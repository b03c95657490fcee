"""Solvers side by side, through a real file.

Each gets the same pictures, extractor, seed and bits.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from stegafield.errors import ConfigError, StegafieldError
from stegafield.figures.stego import check_figure
from stegafield.pipeline.engine import Engine
from stegafield.pipeline.request import PRESETS

from .fidelity import measure_one

_PAPER: dict[str, Any] = {"optimizer": "paper", **PRESETS["paper"]["set"]}
ARMS: dict[str, dict[str, Any]] = {
    "lbfgs": {"optimizer": "lbfgs"},
    "lbfgs-short": {"optimizer": "lbfgs", "optimizer.evaluations": 40},
    "adam": {"optimizer": "adam"},
    "paper": _PAPER,
    "paper-plain": _PAPER | {"effort.loss": "bce"},
}
"""What is compared: solvers, each with what belongs to it.

The paper has its own loss and repairs no rounding. An extractor that offers no choice of losses
lends all arms its own.
"""
DEFAULT_ARMS = ("lbfgs", "adam", "paper")
COLUMNS = (
    *("image", "bpp", "seed", "arm", "ber", "ber_unrounded", "psnr", "ssim"),
    *("evaluations", "processor_seconds"),
)
SUMMARY = (
    *("extractor", "bpp", "arm", "runs", "file without errors, most %"),
    *("floats without errors, most %", "PSNR dB", "SSIM", "evaluations", "processor s"),
)


def compare(
    engine: Engine,
    images: Iterable[Path],
    rates: Iterable[float],
    *,
    crop: tuple[int, int] | None = None,
    extractor: str = "cnn",
    seeds: int = 1,
    arms: Sequence[str] = DEFAULT_ARMS,
    set: Mapping[str, Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """One row per image, rate, seed and arm.

    Image name and seed number decide network and bits: runs repeat.

    `processor_seconds` are those of embedding, writing and reading, of all threads.
    """
    for arm in arms:
        if arm not in ARMS:
            raise ConfigError("arm", f"{arm!r} is unknown.", f"Known: {', '.join(ARMS)}.")
    rates = list(rates)
    for path in images:
        for bpp in rates:
            for seed in range(seeds):
                fixed = hashlib.sha256(f"{path.name}/{seed}".encode()).digest()
                for arm in arms:
                    own = dict(ARMS[arm])
                    if not engine.registry.get("extractor", extractor).losses:
                        own.pop("effort.loss", None)
                    plan = engine.plan(
                        carrier="image",
                        bpp=bpp,
                        extractor=extractor,
                        method="optimize",
                        optimizer=own.pop("optimizer"),
                        set={**own, **(set or {})},
                    )
                    start = process_time()
                    try:
                        row = measure_one(plan, path, crop, fixed)
                        row["processor_seconds"] = process_time() - start
                    except StegafieldError as error:
                        row = {"error": str(error)}
                    settings = {
                        "extractor": extractor,
                        "extractor_options": plan.extractor_options.model_dump(),
                    }
                    yield {
                        "image": path.name,
                        "bpp": bpp,
                        "seed": seed,
                        "arm": arm,
                        **row,
                        **settings,
                    }


def summary(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `compare` as a Markdown table: one line per extractor, rate and arm.

    Failures are included.
    """
    lines = [f"| {' | '.join(SUMMARY)} |", f"|{'---|' * len(SUMMARY)}"]
    for (extractor, bpp, arm), found in _groups(rows).items():
        count = len(found)
        cells = [
            f"`{extractor}`",
            f"{bpp:g}",
            f"`{arm}`",
            f"{count}",
            *(
                f"{sum(row[kind] == 0 for row in found)} of {count}, "
                f"{100 * max(row[kind] for row in found):.3f}"
                for kind in ("ber", "ber_unrounded")
            ),
            _spread(found, "psnr", ".1f"),
            _spread(found, "ssim", ".3f"),
            _spread(found, "evaluations", ".0f"),
            _spread(
                [row for row in found if "processor_seconds" in row], "processor_seconds", ".1f"
            ),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(rows: Iterable[Mapping[str, Any]], path: str | PathLike[str]) -> None:
    """Save a figure of rows of `compare`: PSNR over wrong bits of the file and over evaluations.

    Extractors and rates that only one arm has run on are left out, unless there are no others.
    """
    check_figure(path)
    from matplotlib.figure import Figure

    groups = _groups(rows)
    arms = Counter((extractor, bpp) for extractor, bpp, _ in groups)
    places = [place for place, count in arms.items() if count > 1] or list(arms)
    figure = Figure(figsize=(11, 3.6 * len(places)), layout="constrained")
    panels = figure.subplots(len(places), 2, squeeze=False, sharey="row")
    for (extractor, bpp, arm), found in groups.items():
        if (extractor, bpp) not in places:
            continue
        files, effort = panels[places.index((extractor, bpp))]
        style = {
            "label": f"{arm} ({len(found)})",
            "color": f"C{list(ARMS).index(arm)}",
            "alpha": 0.7,
        }
        decibels = [row["psnr"] for row in found]
        files.scatter([100 * row["ber"] for row in found], decibels, **style)
        effort.scatter([row["evaluations"] for row in found], decibels, **style)
        files.set(
            title=f"{extractor}, {bpp:g} bpp: what the file says",
            xlabel="wrong bits in the file, % (zero at the left edge)",
            ylabel="PSNR, dB",
        )
        files.set_xscale("symlog", linthresh=0.01, subs=range(2, 10))
        files.set_xlim(-0.002, 100)
        effort.set(title="what it takes", xlabel="evaluations of the loss")
        effort.set_xscale("log")
        effort.legend(title="arm (pictures)", fontsize="small")
    figure.savefig(path, dpi=110)


def _groups(
    rows: Iterable[Mapping[str, Any]],
) -> dict[tuple[str, float, str], list[Mapping[str, Any]]]:
    """The rows without errors, by extractor, rate and arm, in that order."""
    groups: dict[tuple[str, float, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if "error" not in row:
            groups.setdefault((row["extractor"], row["bpp"], row["arm"]), []).append(row)
    order = list(ARMS)
    return dict(sorted(groups.items(), key=lambda g: (*g[0][:2], order.index(g[0][2]))))


def _spread(rows: Sequence[Mapping[str, Any]], column: str, kind: str) -> str:
    values = sorted(row[column] for row in rows)
    if not values:
        return "-"
    return " / ".join(format(v, kind) for v in (values[0], median(values), values[-1]))

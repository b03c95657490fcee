"""Solvers side by side: the same pictures, extractor, seed and bits for each, through a real file."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from ..core.engine import Engine
from ..core.extras import need
from ..core.plan import PRESETS
from ..errors import ConfigError, StegafieldError
from .fidelity import measure_one

_PAPER: dict[str, Any] = {"optimizer": "paper", **PRESETS["paper"]["set"]}
ARMS: dict[str, dict[str, Any]] = {
    "lbfgs": {"optimizer": "lbfgs"},
    "lbfgs-short": {"optimizer": "lbfgs", "optimizer.evaluations": 40},
    "adam": {"optimizer": "adam"},
    "paper": _PAPER | {"effort.loss": "bce"},
    "paper-normal": _PAPER | {"effort.loss": "bce-normal"},
}
"""What is compared: solvers, each with what belongs to it. The paper has its own loss and repairs no rounding."""
DEFAULT_ARMS = ("lbfgs", "adam", "paper")
COLUMNS = (
    *("image", "bpp", "seed", "arm", "ber", "ber_unrounded", "psnr", "ssim"),
    *("evaluations", "milliseconds"),
)
SUMMARY = (
    *("bpp", "arm", "runs", "file without errors, most %", "floats without errors, most %"),
    *("PSNR dB", "SSIM", "evaluations"),
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
    """One row per image, rate, seed and arm. Image name and seed number decide network and bits: runs repeat."""
    need("skimage", "bench")
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
                    settings = {"extractor_options": plan.extractor_options.model_dump()}
                    yield {
                        "image": path.name,
                        "bpp": bpp,
                        "seed": seed,
                        "arm": arm,
                        **row,
                        **settings,
                    }


def summary(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `compare` as a Markdown table: one line per rate and arm, failures included."""
    groups: dict[tuple[float, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["bpp"], row["arm"]), []).append(row)
    lines = [f"| {' | '.join(SUMMARY)} |", f"|{'---|' * len(SUMMARY)}"]
    for bpp, arm in sorted(groups, key=lambda group: (group[0], list(ARMS).index(group[1]))):
        found = [row for row in groups[bpp, arm] if "error" not in row]
        if not found:
            continue
        count = len(found)
        cells = [
            f"{bpp:g}",
            f"`{arm}`",
            f"{count}",
            *(
                f"{sum(row[kind] == 0 for row in found)} of {count}, {100 * max(row[kind] for row in found):.3f}"
                for kind in ("ber", "ber_unrounded")
            ),
            _spread(found, "psnr", ".1f"),
            _spread(found, "ssim", ".3f"),
            _spread(found, "evaluations", ".0f"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _spread(rows: Sequence[Mapping[str, Any]], column: str, kind: str) -> str:
    values = sorted(row[column] for row in rows)
    return " / ".join(format(v, kind) for v in (values[0], median(values), values[-1]))

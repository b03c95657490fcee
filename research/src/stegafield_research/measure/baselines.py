"""The baselines side by side: the same pictures and bits for each, through a real file."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from stegafield.errors import StegafieldError
from stegafield.metrics import recovery
from stegafield.pipeline.engine import Engine

from ..baselines import BASELINES, LEAST_PSNR, NOTEBOOK_ABOVE_LUMA, Baseline
from ..baselines.learned.steganogan import SteganoGan
from .fidelity import measure_one, prepared

SUMMARY = (
    *("bpp", "baseline", "runs", "BER of the file, %", "BER of the floats, %"),
    *("PSNR dB", "notebook's PSNR dB", "SSIM", "evaluations"),
)


def compare(
    engine: Engine,
    images: Iterable[Path],
    rates: Iterable[int],
    *,
    crop: tuple[int, int] | None = None,
    only: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    """One row per picture, rate and baseline.

    The registry of the engine has the baselines; `only` picks some by label. The name of a picture
    decides bits and keys: runs repeat. A row that failed has `error`.
    """
    rates = list(rates)
    for path in images:
        fixed = hashlib.sha256(path.name.encode()).digest()
        for bpp in rates:
            for baseline in BASELINES:
                if bpp in baseline.rates and (not only or baseline.label in only):
                    row = {"image": path.name, "bpp": bpp, "baseline": baseline.label}
                    try:
                        yield row | _measured(engine, baseline, bpp, path, crop, fixed)
                    except StegafieldError as error:
                        yield row | {"error": str(error)}


def _measured(
    engine: Engine,
    baseline: Baseline,
    bpp: int,
    path: Path,
    crop: tuple[int, int] | None,
    seed: bytes,
) -> dict[str, Any]:
    """The row of the first attempt that is near enough, or of the last; and how many were made."""
    row: dict[str, Any] = {}
    for number, attempt in enumerate(baseline.attempts, 1):
        plan = engine.plan(carrier="image", bpp=bpp, **baseline.arguments(attempt))
        row = measure_one(plan, path, crop, seed) | {"attempts": number}
        if plan.extractor is SteganoGan:
            cover, extractor, bits, rng = prepared(plan, path, crop, seed)
            floats = extractor.encoded(cover, bits, rng)
            row["ber_unrounded"] = recovery.ber(bits, extractor.decoded(floats, cover.free))
        if row["psnr_luma"] is None:  # grey: the notebook has no measure for it
            return row | {"psnr_notebook": None}
        row["psnr_notebook"] = row["psnr_luma"] + NOTEBOOK_ABOVE_LUMA
        if row["psnr_notebook"] > LEAST_PSNR:
            break
    return row


def summary(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `compare` as a Markdown table, a line per rate and baseline.

    A cell has the least, median and greatest value.
    """
    groups: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if "error" not in row:
            groups.setdefault((row["bpp"], row["baseline"]), []).append(row)
    order = [baseline.label for baseline in BASELINES]
    lines = [f"| {' | '.join(SUMMARY)} |", f"|{'---|' * len(SUMMARY)}"]
    for bpp, label in sorted(groups, key=lambda group: (group[0], order.index(group[1]))):
        found = groups[bpp, label]
        cells = [
            f"{bpp}",
            label,
            f"{len(found)}",
            _spread(found, "ber", ".2f", 100),
            _spread(found, "ber_unrounded", ".2f", 100),
            *(_spread(found, column, ".1f") for column in ("psnr", "psnr_notebook")),
            _spread(found, "ssim", ".3f"),
            _spread(found, "evaluations", ".0f"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _spread(rows: Sequence[Mapping[str, Any]], column: str, kind: str, unit: float = 1) -> str:
    values = sorted(unit * row[column] for row in rows if row[column] is not None)
    if not values or not any(values):
        return format(0, kind) if values else "-"
    return " / ".join(format(v, kind) for v in (values[0], median(values), values[-1]))

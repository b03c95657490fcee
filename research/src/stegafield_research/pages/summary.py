"""Rows of measurements, condensed to what a page shows: distributions over covers, and what failed.

A set is one file of rows; its name is the file's. Rows that are no measurement of a cover (times,
fits, remarks) and lines that are summaries already pass unchanged, so a summary can be summarised
again.
"""

import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from stegafield.errors import ConfigError, StegafieldError

CLEAR = 0.01
"""Pictures with a smaller share of elements near an end of the range are clear.

Near is within 3 codes. Clear pictures are compared with each other.
"""

Row = dict[str, Any]


@contextmanager
def understood(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what rows of a third party lack or hold in its place into a `ConfigError`."""
    try:
        yield
    except StegafieldError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        problem = f"{folder} has rows that were not measured here, or not so ({said})."
        raise ConfigError("folder", problem) from error


def read(folder: str | os.PathLike[str]) -> Iterator[tuple[str, Row]]:
    """(set, row) of every line of every `*.jsonl` of a folder, in the order of names."""
    paths = sorted(Path(folder).glob("*.jsonl"))
    if not paths:
        raise ConfigError("folder", f"there are no JSON lines in {folder}.")
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                raise ConfigError("folder", f"line {number} of {path.name} is no JSON.") from None
            if not isinstance(row, dict):
                raise ConfigError("folder", f"line {number} of {path.name} is no object.")
            yield path.stem, row


def summarise(rows: Iterable[tuple[str, Row]]) -> list[Row]:
    """Lines of a page: one for each set and rate of `bench fidelity`, and others.

    `bench curve` gives one for each set, curve and rate; all other rows pass as they are.
    """
    lines: list[Row] = []
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for name, row in rows:
        if "curve" in row and "covers" not in row:
            groups.setdefault((name, "curve", row["curve"], row["bpp"]), []).append(row)
        elif ("image" in row or "cover" in row) and "embed_ms" not in row:
            unit = "bpp" if "bpp" in row else "bps"
            groups.setdefault((name, "rate", unit, row[unit]), []).append(row)
        else:
            lines.append(row)
    for (name, kind, what, rate), alike in groups.items():
        line = _curve(what, rate, alike) if kind == "curve" else _rate(what, rate, alike)
        lines.append({"set": name, **line})
    return lines


def _rate(unit: str, rate: float, rows: list[Row]) -> Row:
    done = [row for row in rows if "error" not in row]
    line: Row = {
        "unit": unit,
        "rate": rate,
        "covers": len(rows),
        "errors": dict(Counter(row["error"] for row in rows if "error" in row)),
        "misread": sum(row["ber"] > 0 for row in done),
        "milliseconds": spread(row["milliseconds"] for row in done),
        "cpu_milliseconds": spread(row.get("cpu_milliseconds") for row in done),
    }
    if unit == "bpp":
        clear = [row for row in done if row["near_ends"] < CLEAR]
        crowded = [row for row in done if row["near_ends"] >= CLEAR]
        return line | {
            "clear": len(clear),
            "psnr_clear": spread(row["psnr"] for row in clear),
            "psnr_crowded": spread(row["psnr"] for row in crowded),
            "gap_clear": spread(_gap(row) for row in clear),
            "gap_crowded": spread(_gap(row) for row in crowded),
            "ssim": spread(row["ssim"] for row in done),
        }
    excess = (row["rms"] / row["bound"] for row in done if row["bound"])
    return line | {
        "rms": spread(row["rms"] for row in done),
        "excess": spread(excess),
        "dbfs": spread(row["dbfs"] for row in done),
    }


def _gap(row: Row) -> float | None:
    """Decibels below the bound.

    None above the capacity of steps of one, where there is no bound.
    """
    return None if row["bound"] is None else row["bound"] - row["psnr"]


def _curve(curve: str, bpp: float, rows: list[Row]) -> Row:
    done = [row for row in rows if "error" not in row]
    return {
        "curve": curve,
        "bpp": bpp,
        "covers": len(rows),
        "failed": len(rows) - len(done),
        "misread": sum(row.get("ber", 0) > 0 for row in done),
        "psnr": spread(row["psnr"] for row in done),
        "gap": spread(_gap(row) if "bound" in row else None for row in done),
    }


def spread(values: Iterable[float | None]) -> list[float] | None:
    """[least, median, greatest] of the numbers, to five digits; None where there are none."""
    found = [value for value in values if value is not None and math.isfinite(value)]
    return [_short(number) for number in (min(found), median(found), max(found))] if found else None


def _short(number: float) -> float:
    return float(f"{number:.5g}")

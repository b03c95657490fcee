"""The page of detection, in Markdown, from rows of `bench detect`.

The same rows give the same page.
"""

from collections.abc import Iterable
from typing import Any

from ..prose import Prose

Row = dict[str, Any]

_PROSE = Prose("stegafield_research.pages", "detection.md")


def page(lines: Iterable[Row]) -> str:
    """The whole page: a section for each set of rows, in the order of its `about` line."""
    lines = list(lines)
    parts = [_PROSE.passage("head")]
    for about in (line for line in lines if "about" in line):
        rows = [line for line in lines if line.get("set") == about["about"] and "detector" in line]
        if rows:
            parts.append(
                _section(about, rows, [one for one in lines if one.get("set") == about["about"]])
            )
    if law := _law(lines):
        parts.append(law)
    return "\n\n".join([*parts, _PROSE.passage("until")]) + "\n"


def _law(lines: list[Row]) -> str:
    """Windows and files of the sampler beside those of an independent one.

    Nothing where that was not measured.
    """
    windows, files = ([row for row in lines if name in row] for name in ("law", "sizes"))
    if not windows or not files:
        return ""
    ways = ("samples", "residues", "pairs", "sums")
    table = [["taps", "bits per element", "sigma, codes", *ways, "noise 5 % too strong"]]
    table.append(["---"] * len(table[0]))
    for row in windows:
        taps = " ".join(map(str, row["law"]))
        cells = [_chance(row["p"][way]) if way in row["p"] else "" for way in ways]
        cells.append(_chance(min(row["p_wrong"].values())))
        table.append([taps, f"{row['bits_per_sample']:.3g}", f"{row['sigma']:g}", *cells])
    sizes = [["against", "pairs", "plain, bytes", "longer by", "p"], ["---"] * 5]
    for row in files:
        sizes.append(
            [
                row["sizes"],
                f"{row['files']:,}",
                f"{row['plain']:.0f}",
                f"{row['longer']:.2f}",
                _chance(row["p"]),
            ]
        )
    drawn = f"{windows[0]['samples']:,}"
    return _PROSE.passage("law", samples=drawn, windows=_joined(table), sizes=_joined(sizes))


def _chance(p: float) -> str:
    return f"{p:.2g}" if p else "below 1e-300"


def _section(about: Row, rows: list[Row], lines: list[Row]) -> str:
    measured = [row for row in rows if "p_e" in row]
    counts = {
        n: _either(sorted({row.get(n, row["sources"] // 2) for row in measured}))
        for n in ("pairs", "sources", "training", "splits")
    }
    tables = {n: _table(measured, lambda row, n=n: _with(row, n)) for n in ("p_e", "auc")}
    given = {name: about[name] for name in ("title", "text", "command")}
    parts = [_PROSE.passage("section", **given, **counts, **tables)]
    stubborn = {
        row["detector"]
        for row in measured
        if row.get("own_false_alarms", row["false_alarms"]) != row["false_alarms"]
    }
    own = [row for row in measured if row["detector"] in stubborn]
    if own:
        parts.append(_PROSE.passage("alarms", table=_table(own, _alarms)))
    if about.get("figure"):
        parts.append(_PROSE.passage("figure", path=about["figure"]))
    failed = [line for line in lines if "error" in line]
    if failed:
        parts.append(_PROSE.passage("failed", count=len(failed), error=failed[0]["error"]))
    return "\n\n".join(parts)


def _table(rows: list[Row], cell: Any) -> str:
    """A line for each rate and method, a column for each detector."""
    detectors = list(dict.fromkeys(row["detector"] for row in rows))
    cases = list(dict.fromkeys((row["rate"], row["unit"], row["against"]) for row in rows))
    found = {(row["rate"], row["against"], row["detector"]): row for row in rows}
    table: list[list[str]] = [["asked", "bits per element", "method", *detectors]]
    table.append(["---"] * len(table[0]))
    for rate, unit, against in cases:
        alike = [found.get((rate, against, name)) for name in detectors]
        payload = next(row["payload"] for row in alike if row)
        cells = [cell(row) if row else "" for row in alike]
        table.append([f"{rate:g} {unit}", f"{payload:.3f}", against, *cells])
    return _joined(table)


def _joined(table: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in table)


def _with(row: Row, name: str) -> str:
    low, high = row[f"{name}_interval"]
    return f"{row[name]:.3f} ({low:.3f} to {high:.3f})"


def _alarms(row: Row) -> str:
    return f"{row['own_false_alarms']:.3f} / {row['own_hits']:.3f}"


def _either(numbers: list[int]) -> str:
    return " or ".join(map(str, numbers))

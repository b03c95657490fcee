"""Reports on generators: a table of real and drawn, a figure, and a page that shows both.

A family (weather, ...) is a module with `measure(data, count, seed)` that makes a `Comparison`; all else is the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COLUMNS = (
    *("what", "unit", "real_low", "real", "real_high"),
    *("drawn_10", "drawn", "drawn_90", "test", "passed"),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a family's measurement found."""

    title: str
    about: str
    """What was compared, and what the tests ask: paragraphs of Markdown."""
    tables: Mapping[str, Sequence[dict[str, Any]]]
    """Rows with `COLUMNS`, by heading."""
    draw_figure: Callable[[Path], None]
    """Saves the distributions, real beside drawn."""
    draw_sheet: Callable[[Path], None]
    """Saves samples to look at."""
    draw_neighbours: Callable[[Path], None] | None = None
    """Saves samples beside the nearest training items, where those may be shown."""

    def rows(self) -> list[dict[str, Any]]:
        """All rows, each with its table's heading."""
        return [{"kind": name, **row} for name, rows in self.tables.items() for row in rows]


def page(comparison: Comparison, command: str, pictures: Mapping[str, str]) -> str:
    """The report in Markdown; `pictures` are links by caption."""
    rows = comparison.rows()
    passed, asked = sum(bool(row["passed"]) for row in rows), sum(bool(row["test"]) for row in rows)
    parts = [f"# {comparison.title}", comparison.about]
    parts.append(f"This page was written by\n\n```text\n{command}\n```")
    parts.append(f"{passed} of {asked} tests pass.")
    parts += [f"![{caption}]({link})" for caption, link in pictures.items()]
    for name, table in comparison.tables.items():
        lines = [
            "| statistic | real: least, median, greatest | drawn: 10 %, median, 90 % | test | |",
            "|---|---|---|---|---|",
        ]
        for row in table:
            real, drawn = (
                ", ".join(f"{row[n]:.2f}" for n in names) for names in (COLUMNS[2:5], COLUMNS[5:8])
            )
            verdict = {None: "", True: "pass", False: "**fail**"}[row["passed"]]
            what = f"{row['what']}, {row['unit']}"
            lines.append(f"| {what} | {real} | {drawn} | {row['test']} | {verdict} |")
        parts += [f"## {name}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"

"""Reports on generators: a table of real and drawn, a figure, and a page that shows both.

A family (weather, ...) is a module with `measure(data, count, seed)` that makes a `Comparison`; all
else is the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..prose import Prose

_PAGE = Prose("stegafield_research.generators", "comparison.md")
COLUMNS = (
    *("what", "unit", "real_low", "real", "real_high"),
    *("drawn_10", "drawn", "drawn_90", "test", "passed", "exact"),
)
"""`exact`: how often, in %, the test would pass if real items were draws of the generator.

None where that is unknown.
"""
OTHER = ("other_10", "other", "other_90", "other_passed")
"""The same of another model on the same data, where one was given."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a family's measurement found."""

    title: str
    about: str
    """What was compared, and what the tests demand: paragraphs of Markdown."""
    tables: Mapping[str, Sequence[dict[str, Any]]]
    """Rows with `COLUMNS`, by heading."""
    draw_figure: Callable[[Path], None]
    """Saves the distributions, real beside drawn."""
    draw_sheet: Callable[[Path], None]
    """Saves samples to look at."""
    draw_neighbours: Callable[[Path], None] | None = None
    """Saves samples beside the nearest training items, where those may be shown."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """A sentence on a table, by heading."""
    other: str | None = None
    """What the other model is called, where one was given."""
    draw_other: Callable[[Path], None] | None = None
    """Saves samples of it."""

    def rows(self) -> list[dict[str, Any]]:
        """All rows, each with its table's heading."""
        return [{"kind": name, **row} for name, rows in self.tables.items() for row in rows]


def page(comparison: Comparison, command: str, pictures: Mapping[str, str]) -> str:
    """The report in Markdown; `pictures` are links by caption."""
    rows = comparison.rows()
    sections = []
    for name, table in comparison.tables.items():
        sections += [f"## {name}", *filter(None, [comparison.notes.get(name)])]
        sections.append(_markdown(table, comparison.other))
    return (
        _PAGE.passage(
            "page",
            title=comparison.title,
            about=comparison.about,
            command=command,
            passed=sum(bool(row["passed"]) for row in rows),
            asked=sum(bool(row["test"]) for row in rows),
            parts="\n\n".join(
                [*(f"![{caption}]({link})" for caption, link in pictures.items()), *sections]
            ),
        )
        + "\n"
    )


def _span(row: dict[str, Any], names: Sequence[str]) -> str:
    """Three numbers; nothing where real items have none."""
    numbers = [f"{row[name]:.2f}" for name in names]
    return "" if "nan" in numbers else ", ".join(numbers)


def _markdown(rows: Sequence[dict[str, Any]], other: str | None) -> str:
    """A Markdown table, without columns that are empty."""
    exact = any(row["exact"] is not None for row in rows)
    heads = ["statistic", "real: least, median, greatest", "drawn: 10 %, median, 90 %"]
    heads += [f"{other}: the same"] if other else []
    heads += ["test", *([""] if not other else ["drawn", other]), *(["if exact"] if exact else [])]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    verdicts = {None: "", True: "pass", False: "**fail**"}
    for row in rows:
        cells = [f"{row['what']}, {row['unit']}"]
        spans = (COLUMNS[2:5], COLUMNS[5:8], *([OTHER[:3]] if other else []))
        cells += [_span(row, names) for names in spans]
        cells += [row["test"], verdicts[row["passed"]]]
        cells += [verdicts[row["other_passed"]]] if other else []
        cells += [f"{row['exact']:.0f} %" if row["exact"] is not None else ""] if exact else []
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)

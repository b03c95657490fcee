"""Lines of tables and statements about them, from rows of embeddings.

A line is one method, counted one way. Numbers in a cell are the median and, in brackets, least and
greatest.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from ..journal import Row
from .document import Line, Table
from .published import NUMBERS, PAPER, UNKNOWN, known

LEAST_PSNR = 20.0
"""dB: below it the paper takes another of its seeds."""
GAIN, FASTER = 23.0, 500.0
"""What is asked of ours against the paper: decibels above its figure, and how many times faster."""
_ORDER = {"paper": 0, "ours": 1, "other": 2}


def spread(values: Iterable[float | None], form: str | Callable[[float], str]) -> str:
    """Median (least to greatest) of those that there are."""
    found = sorted(value for value in values if value is not None and not math.isnan(value))
    if not found:
        return ""
    shown = form.format if isinstance(form, str) else form
    least, middle, greatest = map(shown, (found[0], median(found), found[-1]))
    return middle if least == greatest else f"{middle} ({least} to {greatest})"


def accepted(runs: Iterable[Row]) -> list[Row]:
    """One run for each cover and rate by the paper's rule.

    The rule takes the first seed above 20 dB, else the last. Its time is that of all seeds that had
    to be tried. Methods without seeds have one run each.
    """
    groups: dict[tuple, list[Row]] = {}
    for row in sorted(runs, key=lambda row: row["seed"]):
        groups.setdefault((row["method"], row["kind"], row["cover"], row["bpp"]), []).append(row)
    found = []
    for tried in groups.values():
        good = (k for k, row in enumerate(tried) if row["psnr"] >= LEAST_PSNR)
        last = next(good, len(tried) - 1)
        total = {
            name: sum(row[name] for row in tried[: last + 1])
            for name in ("milliseconds", "cpu_milliseconds")
            if name in tried[last]
        }
        found.append(tried[last] | total)
    return found


@dataclass(frozen=True)
class Measured:
    """The runs of one kind of cover, those that failed left out."""

    kind: str
    runs: Sequence[Row]
    """Every seed."""
    rates: Sequence[float]

    @property
    def methods(self) -> list[tuple[str, str]]:
        """(method, role), the paper first, then ours, then all others by name."""
        found = {(row["method"], row["role"]) for row in self.runs}
        return sorted(found, key=lambda one: (_ORDER[one[1]], one[0]))

    def of(self, method: str, bpp: float, *, every: bool = False) -> list[Row]:
        """The runs of a method at a rate: those that the paper's rule accepts, or all."""
        found = [row for row in self.runs if (row["method"], row["bpp"]) == (method, bpp)]
        return found if every else accepted(found)

    def table(self, quantity: str, counts: Sequence["Count"]) -> Table:
        """A table of the paper's numbers, where it states some, and of each method.

        `counts` are the ways in which each method is counted.
        """
        lines, roles = [], dict(self.methods)
        left = dict.fromkeys(one.method for one in NUMBERS if one.quantity == quantity)
        for method in roles:
            for stated in [name for name in left if _is(method, name)]:
                lines.append(self._says(quantity, stated))
                del left[stated]
            for count in counts:
                values = [[count.value(row) for row in self.of(method, bpp)] for bpp in self.rates]
                if all(value is None for cell in values for value in cell):
                    continue
                cells = [spread(cell, count.form) for cell in values]
                runs = str(max(len(cell) for cell in values))
                whose = "ours" if roles[method] == "ours" else ""
                lines.append(Line((method, count.of, runs, *cells), whose))
        for stated in left:
            lines += [self._says(quantity, stated), Line((stated, "", "0", *self._all("not run")))]
        rates = (f"{bpp:g} bpp" for bpp in self.rates)
        return Table(("method", "counted on", "covers", *rates), tuple(lines))

    def _says(self, quantity: str, method: str) -> Line:
        stated = known(quantity, method)
        cells = (_stated(quantity, stated.get(int(bpp))) for bpp in self.rates)
        return Line((f"{method}: the paper says", "floats", "", *cells), "paper")

    def _all(self, cell: str) -> list[str]:
        return [cell] * len(self.rates)


@dataclass(frozen=True)
class Count:
    """How a quantity is counted."""

    of: str
    """"file", or "floats": before the change was rounded to codes."""
    value: Callable[[Row], float | None]
    form: str | Callable[[float], str]


def duration(seconds: float) -> str:
    """Seconds, or milliseconds where it is less than one."""
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{1000 * seconds:.2g} ms" if seconds < 0.0995 else f"{1000 * seconds:.0f} ms"


BER = (
    Count("floats", lambda row: _percent(row.get("ber_unrounded")), "{:.2f}"),
    Count("file", lambda row: _percent(row["ber"]), "{:.2f}"),
)
PSNR = (Count("file", lambda row: row["psnr"], "{:.2f}"),)
SSIM = (Count("file", lambda row: row["ssim"], "{:.3f}"),)
SECONDS = (
    Count("clock", lambda row: _seconds(row.get("milliseconds")), duration),
    Count("processors", lambda row: _seconds(row.get("cpu_milliseconds")), duration),
)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _is(method: str, stated: str) -> bool:
    """Whether a method is one of those that the paper gives this name."""
    return method == stated or method.startswith((f"{stated} ", f"{stated},"))


def _stated(quantity: str, value: float | None) -> str:
    form = {"seconds": "{:.1f} s", "detections": "{:.0f}"}.get(quantity, "{:.2f}")
    return UNKNOWN if value is None else form.format(value)


def reached(every: Sequence[Measured], quantity: str, count: Count, higher: bool) -> Table:
    """Whether the paper's own procedure gave the paper's number here, for each rate.

    The line also has what all its seeds gave.
    """
    rates, lines = every[0].rates, []
    for measured in every:
        for method in (name for name, role in measured.methods if role == "paper"):
            cells, most = [], 0
            for bpp in rates:
                runs = [count.value(row) for row in measured.of(method, bpp, every=True)]
                found = [value for value in runs if value is not None]
                most = max(most, len(found))
                wanted = known(quantity, PAPER).get(int(bpp))
                cells.append("" if wanted is None else _compared(found, wanted, count.form, higher))
            lines.append(Line((method, measured.kind, str(most), *cells)))
    columns = ("the paper's own procedure", "covers", "runs", *(f"{bpp:g} bpp" for bpp in rates))
    return Table(columns, tuple(lines))


def _compared(
    found: Sequence[float], wanted: float, form: str | Callable[[float], str], higher: bool
) -> str:
    if not found:
        return ""
    good = [value >= wanted if higher else value <= wanted for value in map(_hundredths, found)]
    said = (
        "reached" if 2 * sum(good) >= len(good) else "by some runs" if any(good) else "not reached"
    )
    return f"{said}: {spread(found, form)}"


def _hundredths(value: float) -> float:
    return round(value, 2)  # as the paper prints its numbers


def asked(every: Sequence[Measured]) -> Table:
    """What is demanded of ours, and whether it holds.

    Errors, decibels above the paper, and times faster.
    """
    rates, lines = every[0].rates, []

    def line(what: str, kind: str, cells: Iterable[str]) -> None:
        lines.append(Line((what, kind, *cells)))

    for measured in every:
        ours = [name for name, role in measured.methods if role == "ours"]
        theirs = [name for name, role in measured.methods if role == "paper"]
        for method in ours:
            runs = [measured.of(method, bpp) for bpp in rates]
            line("files without a wrong bit: all", measured.kind, map(_unspoilt, runs))
            gains = [_gain(part, bpp) for part, bpp in zip(runs, rates, strict=True)]
            line(f"dB above the paper's PSNR: {GAIN:g}, on every cover", measured.kind, gains)
            for other in theirs:
                slow = [measured.of(other, bpp) for bpp in rates]
                for clock, of in (("milliseconds", "clock"), ("cpu_milliseconds", "processors")):
                    what = f"times faster than {other}, {of}: {FASTER:g}"
                    cells = (_faster(*pair, clock) for pair in zip(runs, slow, strict=True))
                    line(what, measured.kind, cells)
    columns = ("asked of ours", "covers", *(f"{bpp:g} bpp" for bpp in rates))
    return Table(columns, tuple(lines))


def _unspoilt(runs: Sequence[Row]) -> str:
    good = sum(row["ber"] == 0 for row in runs)
    return _verdict(good == len(runs), f"{good} of {len(runs)}") if runs else ""


def _gain(runs: Sequence[Row], bpp: float) -> str:
    stated = known("psnr", PAPER).get(int(bpp))
    if stated is None or not runs:
        return ""
    least = min(row["psnr"] for row in runs) - stated
    return _verdict(least >= GAIN, f"{least:.1f}")


def _faster(ours: Sequence[Row], theirs: Sequence[Row], clock: str) -> str:
    if not (ours and theirs):
        return ""
    ratio = median(row[clock] for row in theirs) / median(row[clock] for row in ours)
    return _verdict(ratio >= FASTER, f"{ratio:,.0f}")


def _verdict(met: bool, told: str) -> str:
    return f"{'met' if met else '**missed**'}: {told}"

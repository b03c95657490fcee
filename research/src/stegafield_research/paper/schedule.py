"""Figure 10: the paper's procedure at other learning rates."""

from collections.abc import Iterator
from statistics import median

from ..journal import Journal
from . import charts
from .contestant import paper
from .document import PROSE, Block, Heading, Line, Picture, Table, Text
from .experiment import Experiment, Job, Lab
from .published import PAPER
from .tables import spread


class Schedule(Experiment):
    """Which learning rates, on which covers."""

    rates: tuple[float, ...] = (0.05, 0.1, 0.5)
    bpp: float = 1
    size: tuple[int, int] = (64, 64)
    faces: int = 1
    photographs: int = 1

    def jobs(self, lab: Lab) -> Iterator[Job]:
        """One run for each rate and cover.

        The run at the paper's own rate is that of the other tables.
        """
        subjects = lab.subjects(self.faces, self.photographs, self.size)
        for rate in self.rates:
            changes = {"extractor.norm": "batch"} | (
                {} if rate == 0.1 else {"optimizer.rate": rate}
            )
            who = paper(
                lab.engine, self._name(rate), changes, "paper" if rate == 0.1 else "variant"
            )
            yield from lab.embeddings(who, subjects, [self.bpp])

    def _name(self, rate: float) -> str:
        return f"{PAPER}, normalised" + ("" if rate == 0.1 else f", rate {rate:g}")

    def show(self, rows: Journal) -> Iterator[Block]:
        """A table and a figure."""
        size = "x".join(map(str, self.size))
        found = [row for row in rows.rows("embedding") if tuple(row["size"]) == self.size]
        found = [row for row in found if (row["bpp"], row["seed"]) == (self.bpp, 0)]
        of = {
            rate: [r for r in found if r["method"] == self._name(rate) and "error" not in r]
            for rate in self.rates
        }
        named = [{row["cover"] for row in runs} for runs in of.values()]
        common = set.intersection(*named) if named else set()
        of = {rate: [r for r in runs if r["cover"] in common] for rate, runs in of.items()}
        yield Heading("Figure 10: learning rates")
        yield Text(PROSE.paragraph("learning-rates", bpp=f"{self.bpp:g}", size=size))
        if not common:
            yield Text("Not run.")
            return
        yield Table(
            (
                "learning rate",
                "covers",
                "wrong, floats, %",
                "wrong, file, %",
                "PSNR, dB",
                "evaluations",
            ),
            tuple(
                Line(
                    (
                        f"{rate:g}",
                        str(len(runs)),
                        spread((100 * row["ber_unrounded"] for row in runs), "{:.2f}"),
                        spread((100 * row["ber"] for row in runs), "{:.2f}"),
                        spread((row["psnr"] for row in runs), "{:.2f}"),
                        spread((row["evaluations"] for row in runs), "{:.0f}"),
                    )
                )
                for rate, runs in of.items()
            ),
        )
        lines = {
            name: {
                rate: median(row["evaluations"] for row in runs if row["cover"] == name)
                for rate, runs in of.items()
            }
            for name in sorted(common)
        }
        axes = {"x": "learning rate", "y": "evaluations", "log": "xy"}
        shown = PROSE.paragraph("evaluations")
        yield Picture("learning-rates", shown, lambda path: charts.curves(lines, path, **axes))

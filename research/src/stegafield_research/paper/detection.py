"""Table 5: how many files StegExpose names, for each method and for clean covers."""

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from stegafield.pipeline.warden import visible

from ..journal import Journal, Row
from . import covers
from .comparison import draw
from .contestant import Contestant
from .covers import Subject
from .document import PROSE, Block, Heading, Line, Points, Table, Text
from .experiment import Experiment, Job, Lab
from .published import PAPER, RATES, known

_SCATTERED = "its changes, scattered"


class Detection(Experiment):
    """How many covers, and of which size, contestants get that do not optimise."""

    size: tuple[int, int] = (64, 64)
    rates: tuple[float, ...] = RATES
    faces: int = Field(default=100, ge=0)
    photographs: int = Field(default=100, ge=0)
    threshold: float = 0.2
    """StegExpose's own."""
    tries: int = Field(default=4, ge=1)
    """Files of ours of which the one that StegExpose suspects least is kept."""

    def jobs(self, lab: Lab) -> Iterator[Job]:
        """Clean covers, draws, and all contestants that do not optimise."""
        subjects = lab.subjects(self.faces, self.photographs, self.size)
        yield from (lab.clean(subject) for subject in subjects)
        for rate in self.rates:
            yield from (draw(lab, self.size, rate, number) for number in range(self.faces))
        for who in lab.contestants:
            if not who.slow:
                yield from lab.embeddings(who, subjects, self.rates)
        for who in (who for who in lab.contestants if who.role == "ours"):
            for rate in self.rates:
                yield from (_scattered(lab, who, subject, rate) for subject in subjects)
                yield from (_quietest(lab, who, subject, rate, self.tries) for subject in subjects)

    def show(self, rows: Journal) -> Iterator[Block]:
        """The table, a part for each kind of cover."""
        yield Heading("Table 5: what StegExpose names")
        yield Text(PROSE.paragraph("detection"))
        if rows.rows("scattered") or rows.rows("quietest"):
            yield Text(PROSE.paragraph("controls"))
        said = []
        for kind in ("faces", "photographs"):
            clean = [row for row in rows.rows("clean") if row["kind"] == kind]
            runs = [row for row in rows.rows("embedding") if row["kind"] == kind]
            runs = [row for row in runs if row["role"] != "variant" and "error" not in row]
            if not clean:
                continue
            yield Heading(kind.capitalize(), 3)
            controls = {
                what: [row for row in rows.rows(what) if row["kind"] == kind]
                for what in ("scattered", "quietest")
            }
            draws = rows.rows("draw") if kind == "faces" else []
            lines, told = self._lines(clean, runs, controls, draws)
            said += [f"{kind.capitalize()}: {one}" for one in told]
            yield Table(("method", "size", *(f"{bpp:g} bpp" for bpp in self.rates)), tuple(lines))
        if said:
            yield Points(tuple(said))

    def _lines(
        self,
        clean: list[Row],
        runs: list[Row],
        controls: dict[str, list[Row]],
        draws: list[Row],
    ) -> tuple[list[Line], list[str]]:
        stated = known("detections", PAPER)
        cells = (f"{stated[int(bpp)]:.0f}" for bpp in self.rates if int(bpp) in stated)
        lines, said = [Line((f"{PAPER}: the paper says", "64x64", *cells), "paper")], []
        for size in sorted({tuple(row["size"]) for row in clean}):
            label = "x".join(map(str, size))
            of = [row for row in clean if tuple(row["size"]) == size]
            innocent = self._named(of)
            lines.append(
                Line(("covers with nothing in them", label, *[innocent] * len(self.rates)))
            )
            here = [row for row in runs if tuple(row["size"]) == size]
            roles = {row["method"]: row["role"] for row in here}
            for method, role in roles.items():
                found = [
                    [r for r in here if (r["method"], r["bpp"], r["seed"]) == (method, bpp, 0)]
                    for bpp in self.rates
                ]
                named = [self._named(part) for part in found]
                lines.append(Line((method, label, *named), "ours" if role == "ours" else ""))
                if role == "ours" and size == self.size:
                    more, told = self._controlled(method, of, found, controls)
                    lines += more
                    said += told
            drawn = [row for row in draws if tuple(row["size"]) == size and "error" not in row]
            for name, key in (
                ("sample", "stegexpose"),
                ("honest covers of `sample`", "stegexpose_honest"),
            ):
                named = [
                    self._named([r for r in drawn if r["bpp"] == bpp], key) for bpp in self.rates
                ]
                if drawn:
                    lines.append(Line((name, label, *named), "ours" if name == "sample" else ""))
        return lines, said

    def _controlled(
        self,
        method: str,
        clean: list[Row],
        found: list[list[Row]],
        controls: dict[str, list[Row]],
    ) -> tuple[list[Line], list[str]]:
        """Lines of controls for ours, and verdicts on them.

        The controls are the same noise with nothing in it, and the quietest of its files.
        """
        scattered, quietest = (
            [
                [r for r in controls[what] if (*r["size"], r["bpp"]) == (*self.size, bpp)]
                for bpp in self.rates
            ]
            for what in ("scattered", "quietest")
        )
        plain, name = [clean] * len(self.rates), f"quietest of {self.tries}"
        label = "x".join(map(str, self.size))
        lines = [
            Line((f"{method}, {what}", label, *map(self._named, part)))
            for what, part in ((_SCATTERED, scattered), (name, quietest))
            if any(part)
        ]
        said = self._verdicts("ours", "clean covers", plain, found)
        said += self._verdicts("ours", _SCATTERED, scattered, found)
        return lines, said + self._verdicts(f"the {name}", "clean covers", plain, quietest)

    def _named(self, rows: list[Row], key: str = "stegexpose") -> str:
        return f"{sum(row[key] > self.threshold for row in rows)} / {len(rows)}" if rows else ""

    def _verdicts(
        self, name: str, than: str, plain: list[list[Row]], found: list[list[Row]]
    ) -> list[str]:
        """Whether these are named as often as others.

        They are where the difference on the same covers is within two of its errors.
        """
        told = []
        for innocent, stego, bpp in zip(plain, found, self.rates, strict=True):
            before = {row["cover"]: row["stegexpose"] > self.threshold for row in innocent}
            pairs = [
                (before[row["cover"]], row["stegexpose"] > self.threshold)
                for row in stego
                if row["cover"] in before
            ]
            if not pairs:
                continue
            alarms, named = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
            new, gone = pairs.count((False, True)), pairs.count((True, False))
            met = "**met**" if new - gone <= 2 * (new + gone) ** 0.5 else "**missed**"
            told.append(
                f"at {bpp:g} bpp {name} is named as often as {than}, "
                f"within two standard errors: {met} ({named:.0%} against {alarms:.0%}; "
                f"{new} of {len(pairs)} newly, {gone} no longer)"
            )
        return told


def _scattered(lab: Lab, who: Contestant, subject: Subject, bpp: float) -> Job:
    """A cover with the changes that an embedding makes, at other elements.

    The noise is the same, and nothing is hidden.
    """

    def run() -> Row:
        _, read = who.embed(subject, bpp, 0)
        cover, rng = subject.cover, np.random.default_rng(list(covers.seeds(subject.name, 0)))
        change = rng.permutation((read.codes.astype(np.int64) - cover.codes).ravel())
        codes = np.clip(cover.codes + change.reshape(cover.codes.shape), cover.low, cover.high)
        return {"stegexpose": lab.detector.score(visible(cover, codes.astype(cover.codes.dtype)))}

    return Job({"what": "scattered", "method": who.name, **subject.inputs, "bpp": bpp}, run)


def _quietest(lab: Lab, who: Contestant, subject: Subject, bpp: float, tries: int) -> Job:
    """The file that StegExpose suspects least, of several, and the worst BER of all.

    The files differ in their bits and positions.
    """

    def run() -> Row:
        made = [who.embed(subject, bpp, number) for number in range(tries)]
        scores = [lab.detector.score(visible(read, read.codes)) for _, read in made]
        return {"stegexpose": min(scores), "ber": max(row["ber"] for row, _ in made)}

    asked = {"what": "quietest", "method": who.name, "tries": tries}
    return Job({**asked, **subject.inputs, "bpp": bpp}, run)

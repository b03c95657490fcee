"""Tables 2 to 5 and Figure 14: all contestants on the same covers and rates, through a file."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from pydantic import Field

from stegafield.metrics import fidelity
from stegafield.pipeline.warden import visible

from ..journal import Journal, Row
from . import charts
from .document import PROSE, Block, Heading, Line, Picture, Table, Text
from .experiment import Experiment, Job, Lab
from .published import RATES
from .tables import BER, PSNR, SECONDS, SSIM, Measured, asked, reached, spread

_LEAST_FACE = 32
"""Pixels of the shorter side of what `celeba` draws, at least."""


class Comparison(Experiment):
    """Which covers, how many of them, and how often."""

    size: tuple[int, int] = (64, 64)
    """(height, width) of all covers."""
    rates: tuple[float, ...] = RATES
    """Bits per pixel."""
    faces: int = Field(default=2, ge=0)
    """Generated faces that every contestant gets."""
    photographs: int = Field(default=2, ge=0)
    """Photographs that every contestant gets."""
    seeds: int = Field(default=2, ge=1, le=10)
    """Networks and messages for each cover and rate of the paper's procedure."""

    def jobs(self, lab: Lab) -> Iterator[Job]:
        """Clean covers, contestants that do not optimise, then the others by rate and seed."""
        subjects = lab.subjects(self.faces, self.photographs, self.size)
        yield from (lab.clean(subject) for subject in subjects)
        for rate in self.rates if min(self.size) >= _LEAST_FACE else ():
            yield from (draw(lab, self.size, rate, number) for number in range(self.faces))
        quick, slow = (
            [who for who in lab.contestants if who.slow == optimises] for optimises in (False, True)
        )
        for who in quick:
            yield from lab.embeddings(who, subjects, self.rates)
        for seed in range(self.seeds):
            for rate in self.rates:
                for who in (who for who in slow if seed < who.seeds):
                    yield from lab.embeddings(who, subjects, [rate], seed)

    def show(self, rows: Journal) -> Iterator[Block]:
        """Tables 2, 3 and 4, with the goals of ours, and Figure 14."""
        every = [self._measured(rows, kind) for kind in ("faces", "photographs")]
        every = [one for one in every if one.runs]
        sections = (
            ("Table 2: bit error rate, %", "ber", BER, BER[0], False),
            ("Table 3: PSNR, dB", "psnr", PSNR, PSNR[0], True),
            ("Table 3: SSIM", "ssim", SSIM, SSIM[0], True),
            ("Table 4: time of embedding", "seconds", SECONDS, None, False),
        )
        for title, quantity, counts, told, higher in sections:
            yield Heading(title)
            yield Text(PROSE.paragraph(quantity, size="x".join(map(str, self.size))))
            for one in every:
                yield Heading(one.kind.capitalize(), 3)
                yield one.table(quantity, counts)
            if told is not None and every:
                yield Heading("Does its own procedure reach the paper's number?", 3)
                if quantity == "ber":
                    yield Text(PROSE.paragraph("reached"))
                yield reached(every, quantity, told, higher)
        yield from self._drawn(rows)
        yield Heading("Figure 14: quality over bits per pixel")
        if not every:
            yield Text("Not run.")
            return
        yield Picture(
            "quality",
            PROSE.paragraph("quality"),
            lambda path: charts.quality(every, path),
        )
        yield Heading("What is asked of ours")
        yield Text(PROSE.paragraph("asked"))
        yield asked(every)

    def _measured(self, rows: Journal, kind: str) -> Measured:
        found = [
            row
            for row in rows.rows("embedding")
            if (row["kind"], tuple(row["size"])) == (kind, self.size)
            and row["role"] != "variant"
            and row["bpp"] in self.rates
            and "error" not in row
        ]
        return Measured(kind, found, self.rates)

    def _drawn(self, rows: Journal) -> Iterator[Block]:
        """The lines of the method `sample`, which has no cover."""
        found = [row for row in rows.rows("draw") if tuple(row["size"]) == self.size]
        found = [row for row in found if "error" not in row]
        if not found:
            return
        of = {bpp: [row for row in found if row["bpp"] == bpp] for bpp in self.rates}
        quantities = (
            ("KL(stego, plain), nats", "nats", "{:.1e}"),
            ("PSNR of an honest cover against f, dB", "psnr_honest", "{:.2f}"),
            ("PSNR of the stego against f, dB", "psnr", "{:.2f}"),
        )
        lines = [
            Line(
                (name, *(spread((row[key] for row in of[bpp]), form) for bpp in self.rates)), "ours"
            )
            for name, key, form in quantities
        ]
        yield Heading("Instead of a distance: the method sample", 3)
        yield Text(PROSE.paragraph("sample"))
        yield Table(("draws of `celeba`", *(f"{bpp:g} bpp" for bpp in self.rates)), tuple(lines))


def draw(lab: Lab, size: tuple[int, int], bpp: float, seed: int) -> Job:
    """`hide` with the method `sample`: what the message costs, and how noisy an honest cover is."""

    def run() -> Row:
        asked: dict[str, Any] = {"carrier": "celeba", "size": size, "bpp": bpp, "seed": seed}
        stego = lab.engine.hide(b"", method="sample", **asked)
        law, cover = stego.cover.law, stego.cover
        assert law is not None
        noise = [float(np.sqrt(np.mean((c - law.value) ** 2))) for c in (cover.codes, stego.codes)]
        honest, ours = (fidelity.decibels(cover.peak or 1.0, rms) for rms in noise)
        return {
            "nats": stego.report.kl_bound_nats,
            "psnr_honest": honest,
            "psnr": ours,
            "milliseconds": stego.report.milliseconds_embed,
            "stegexpose": lab.detector.score(visible(cover, stego.codes)),
            "stegexpose_honest": lab.detector.score(visible(cover, cover.codes)),
        }

    inputs = {"what": "draw", "carrier": "celeba", "size": list(size), "bpp": bpp, "seed": seed}
    return Job(inputs, run)

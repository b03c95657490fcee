"""Figure 8: samples of the generated media, and a table of all media that draw covers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray
from pydantic import Field

from stegafield.core.carrier import draws
from stegafield.core.cover import Cover

from ..journal import Journal, Row
from . import charts
from .document import PROSE, Block, Heading, Line, Picture, Table, Text
from .experiment import Experiment, Job, Lab


class Samples(Experiment):
    """How many covers of each medium."""

    shown: int = Field(default=8, ge=1)
    """In the figure."""
    covers: int = Field(default=3, ge=1)
    """Stegos of each medium, for the table."""
    bps: float = Field(default=1 / 3, gt=0)
    """Bits per element."""

    def jobs(self, lab: Lab) -> Iterator[Job]:
        """A stego of each medium, several times."""
        names = [n for n in lab.engine.registry.names("carrier") if self._draws(lab, n)]
        for name in names:
            for seed in range(self.covers):
                inputs = {"what": "medium", "carrier": name, "bps": self.bps, "seed": seed}
                yield Job(inputs, lambda name=name, seed=seed: self._hidden(lab, name, seed))

    def _draws(self, lab: Lab, name: str) -> bool:
        return draws(lab.engine.registry.get("carrier", name))

    def _hidden(self, lab: Lab, name: str, seed: int) -> Row:
        report = lab.engine.hide(b"", carrier=name, bps=self.bps, seed=seed).report
        return {
            "method": report.method,
            "samples": report.free_elements,
            "rate": report.bits_per_element,
            "nats": report.kl_bound_nats,
            "rms": report.rms_change,
            "milliseconds": report.milliseconds_embed,
        }

    def show(self, rows: Journal) -> Iterator[Block]:
        """The figure and the table."""
        yield Heading("Figure 8: samples of faces and weather")
        yield Picture("samples", PROSE.paragraph("samples"), self._draw)
        yield Heading("Every medium that is installed", 3)
        yield Text(PROSE.paragraph("media"))
        found = rows.rows("medium")
        lines = []
        for name in dict.fromkeys(row["carrier"] for row in found):
            runs = [row for row in found if row["carrier"] == name]
            good = [row for row in runs if "error" not in row]
            cells: tuple[str, ...] = (f"0 of {len(runs)}", runs[0].get("error", ""), "", "", "")
            if good:
                one = good[-1]
                cost = (
                    f"{one['nats']:.1e} nats"
                    if one["nats"] is not None
                    else f"{one['rms']:.3f} codes rms"
                )
                cells = (
                    f"{len(good)} of {len(runs)}",
                    one["method"],
                    f"{one['samples']:,}",
                    f"{one['rate']:.3g}",
                    cost,
                )
            lines.append(Line((f"`{name}`", *cells)))
        columns = (
            "carrier",
            "read back",
            "method",
            "free elements",
            "bits per element",
            "cost of a file",
        )
        yield Table(columns, tuple(lines))

    def _draw(self, path: Path) -> None:
        from stegafield.generators.zoo import load

        model = load("celeba")
        faces = model.raster(model.latents(self.shown, np.random.default_rng(0)), (64, 64))
        pixels = np.rint(255 * (faces.clip(-1, 1) + 1) / 2).astype(np.uint8)
        charts.sheet(
            {
                "faces, 64x64": [("", one) for one in pixels],
                "weather, 46x90": [("", field) for field in self._weather()],
            },
            path,
            size=1.15,
        )

    def _weather(self) -> list[ndarray]:
        from stegafield.plugins.wiring import Engine

        asked: dict[str, Any] = {"carrier": "era5", "size": (46, 90), "seed": 0}
        drawn = Engine(device="cpu").sample(self.shown, **asked)
        return [_value(cover) for cover, _ in drawn]


def _value(cover: Cover) -> ndarray:
    return cover.codes[0] if cover.law is None else cover.law.value[0]

"""Figures 11 and 15: one face at several resolutions.

They show what hiding in it looks like, and how long it takes.
"""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
from numpy import ndarray

from ..journal import Journal, Row
from . import charts, covers
from .document import PROSE, Block, Heading, Line, Picture, Table, Text
from .experiment import PICTURES, Experiment, Job, Lab, picture_of
from .tables import duration, spread


class Resolution(Experiment):
    """Which sizes and rates."""

    sizes: tuple[int, ...] = (64, 128, 256, 512)
    """Sides of squares."""
    rates: tuple[float, ...] = (1, 2, 3, 4)
    slow_sizes: tuple[int, ...] = (64,)
    """Sizes at which the paper's procedure is run, too."""
    slow_rates: tuple[float, ...] = (1,)

    def jobs(self, lab: Lab) -> Iterator[Job]:
        """Ours at every size and rate, then the paper's procedure."""
        faces = [covers.face(lab.carrier, 0, (side, side)) for side in self.sizes]
        for who in (who for who in lab.contestants if who.role == "ours"):
            yield from lab.embeddings(who, faces, self.rates)
        for who in (who for who in lab.contestants if self._shown(who.name, who.role)):
            slow = [covers.face(lab.carrier, 0, (side, side)) for side in self.slow_sizes]
            yield from lab.embeddings(who, slow, self.slow_rates)

    def _shown(self, method: str, role: str) -> bool:
        return role == "paper" and "normalised" in method

    def show(self, rows: Journal) -> Iterator[Block]:
        """Pictures, a table, and the curves of time."""
        found = [row for row in rows.rows("embedding") if row["cover"] == "face 0"]
        found = [row for row in found if "error" not in row and row["seed"] == 0]
        found = [r for r in found if r["role"] == "ours" or self._shown(r["method"], r["role"])]
        found = [r for r in found if r["size"][0] in (*self.sizes, *self.slow_sizes)]
        found = [r for r in found if r["bpp"] in self.rates]
        slow = " and ".join(f"{side}x{side}" for side in self.slow_sizes)
        rates = ", ".join(f"{rate:g}" for rate in self.slow_rates)
        yield Heading("Figure 11: stego at several resolutions")
        if not found:
            yield Text("Not run.")
            return
        yield Text(PROSE.paragraph("resolutions", slow=slow, bpp=rates))
        bpp, folder = self.slow_rates[0], rows.path.parent / PICTURES
        shown = PROSE.paragraph("stegos", bpp=f"{bpp:g}")
        yield Picture("resolutions", shown, lambda path: self._draw(found, folder, bpp, path))
        yield Table(
            ("method", "size", "bpp", "BER, file, %", "PSNR, dB", "SSIM", "processors"),
            tuple(self._line(row) for row in found if row["bpp"] in self.slow_rates),
        )
        yield Heading("Figure 15: time over size and rate")
        yield Text(PROSE.paragraph("size"))
        lines = {}
        for method, rate in dict.fromkeys((row["method"], row["bpp"]) for row in found):
            points: dict[float, list[float]] = {}
            for row in found:
                if (row["method"], row["bpp"]) == (method, rate):
                    pixels = float(np.prod(row["size"]))
                    points.setdefault(pixels, []).append(row["cpu_milliseconds"] / 1000)
            lines[f"{method}, {rate:g} bpp"] = {n: median(points[n]) for n in sorted(points)}
        axes = {"x": "pixels", "y": "seconds of processors", "log": "xy"}
        yield Picture(
            "time", PROSE.paragraph("time"), lambda path: charts.curves(lines, path, **axes)
        )

    def _line(self, row: Row) -> Line:
        cells = (
            "x".join(map(str, row["size"])),
            f"{row['bpp']:g}",
            spread([100 * row["ber"]], "{:.2f}"),
            f"{row['psnr']:.2f}",
            f"{row['ssim']:.4f}",
            duration(row["cpu_milliseconds"] / 1000),
        )
        return Line((row["method"], *cells), "ours" if row["role"] == "ours" else "")

    def _draw(self, found: list[Row], folder: Path, bpp: float, path: Path) -> None:
        from stegafield.plugins.wiring import Engine

        from ..measure.fidelity import through_file

        plan = Engine(device="cpu").plan(carrier="image", bpp=bpp)
        pictures: dict[str, list[tuple[str, ndarray]]] = {"ours": [], "its change": []}
        originals = {}
        for side in dict.fromkeys((*self.sizes, *self.slow_sizes)):
            subject = covers.face(plan.carrier, 0, (side, side))
            originals[side] = _pixels(subject.cover.codes)
            if side in self.sizes:
                read = through_file(plan, subject.cover, covers.seeds(subject.name, 0))[1]
                pictures["ours"].append((f"{side}x{side}", _pixels(read.codes)))
                pictures["its change"].append(
                    ("", _change(originals[side], _pixels(read.codes), 8))
                )
        for row in found:
            kept = picture_of(row, folder)
            if row["role"] == "paper" and row["bpp"] == bpp and kept.is_file():
                from PIL import Image

                pixels = np.asarray(Image.open(kept).convert("RGB"))
                side = row["size"][0]
                pictures.setdefault("the paper's", []).append((f"{side}x{side}", pixels))
                change = _change(originals[side], pixels, 1)
                pictures.setdefault("its change ", []).append(("", change))
        charts.sheet(pictures, path, size=1.9)


def _pixels(codes: ndarray) -> ndarray:
    return np.ascontiguousarray(codes.transpose(1, 2, 0)).astype(np.uint8)


def _change(before: ndarray, after: ndarray, gain: float) -> ndarray:
    moved = after.astype(float) - before
    return np.clip(128 + gain * moved, 0, 255).astype(np.uint8)

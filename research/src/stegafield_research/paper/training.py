"""Figures 9, 12 and 13: samples and their quality as training goes on.

Of functions, and of a grid GAN.

items (the user's faces, or covers of our own model) -> train to step 1 -> measure -> train to step
2 -> measure ...
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray
from pydantic import BaseModel, ConfigDict, Field

from stegafield.extras import need
from stegafield.metrics import distribution

from ..journal import Journal, Row
from . import charts
from .document import PROSE, Block, Heading, Line, Picture, Table, Text
from .experiment import PICTURES, Experiment, Job, Lab, picture_of

_SHIPS = "celeba, as it ships"
_LATENTS = 8
_KEPT = "kept-out.png"


class Trained(BaseModel):
    """One generator: what `stegafield train --config CONFIG --set ...` would train."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    config: str
    changes: dict[str, str] = {}
    """Entries of the config, as `--set` takes them."""


class Training(Experiment):
    """Which generators, and at which steps they are looked at."""

    runs: tuple[Trained, ...] = ()
    steps: tuple[int, ...] = ()
    items: int = Field(default=512, ge=64)
    """How many faces of our own are drawn where the user has none."""
    drawn: int = Field(default=256, ge=16)
    """Samples that are compared."""

    def jobs(self, lab: Lab) -> Iterator[Job]:
        """For each generator and step: train up to it, and measure."""
        data = "own" if lab.data is None else lab.data.name
        for run in self.runs:
            for step in self.steps:
                inputs = {
                    "what": "training",
                    "method": run.name,
                    "config": run.config,
                    "changes": run.changes,
                    "data": data,
                    "step": step,
                }
                if lab.data is None:
                    inputs["items"] = self.items
                yield Job(inputs, lambda run=run, step=step: self._trained(lab, run, step))
        # without real faces it would be compared with draws of its own
        if self.runs and lab.data is not None:
            run = self.runs[0]
            inputs = {"what": "shipped", "method": _SHIPS, "config": run.config, "data": data}
            yield Job(inputs | {"changes": run.changes}, lambda: self._shipped(lab, run))

    def _trained(self, lab: Lab, run: Trained, step: int) -> Row:
        need("lightning_fabric", "train")
        need("torch", "torch")
        from stegafield.generators.checkpoint import from_pretrained
        from stegafield.training import config as configs
        from stegafield.training.loop import train

        chosen = configs.read(run.config, run.changes)
        items, held = self._items(lab, chosen)
        folder = lab.out / "training" / run.name.replace(" ", "-")
        train(chosen, items, folder, resume=True, steps=step, device=lab.engine.device)
        model = from_pretrained(folder / "model")
        found = self._compared(lab, model, chosen.domain.size, held, f"{folder.name}-{step}.png")
        return found | {"trained_on": len(items)}

    def _shipped(self, lab: Lab, run: Trained) -> Row:
        """What the package draws faces from, at the size of a run and before the same faces."""
        from stegafield.generators.zoo import load as shipped
        from stegafield.training import config as configs

        chosen = configs.read(run.config, run.changes)
        _, held = self._items(lab, chosen)
        return self._compared(lab, shipped("celeba"), chosen.domain.size, held, "celeba-ships.png")

    def _compared(
        self, lab: Lab, model: Any, size: tuple[int, ...], held: ndarray, picture: str
    ) -> Row:
        """How far draws of a model are from items kept out, and a strip of both."""
        latents = model.latents(_LATENTS + self.drawn, np.random.default_rng(0))
        shown, drawn = np.split(_levels(model.raster(latents, size)), [_LATENTS])
        _strip(shown, lab.out / PICTURES / picture)
        _strip(held[:_LATENTS], lab.out / PICTURES / _KEPT)
        half = len(held) // 2
        return {
            "distance": _distance(drawn, held),
            "floor": _distance(held[:half], held[half:]),
            "parameters": sum(p.numel() for p in model.parameters()),
            "picture": picture,
        }

    def _items(self, lab: Lab, chosen: Any) -> tuple[ndarray, ndarray]:
        """Items to train on, and others to compare with."""
        if lab.data is not None:
            return _loaded(lab.data, chosen)
        from stegafield.generators.zoo import load as shipped

        model, rows = shipped("celeba"), []
        rng = np.random.default_rng(1)
        for _ in range(0, self.items, 64):
            rows.append(_levels(model.raster(model.latents(64, rng), chosen.domain.size)))
        items = np.concatenate(rows)
        kept = len(items) // 4
        return items[:-kept], items[-kept:]

    def show(self, rows: Journal) -> Iterator[Block]:
        """Samples, curves, and the two generators side by side."""
        names = [run.name for run in self.runs]
        found = [row for row in rows.rows("training") if row["method"] in names]
        failed = {row["error"] for row in found if "error" in row}
        found = [row for row in found if "error" not in row and row["step"] in self.steps]
        found.sort(key=lambda row: (names.index(row["method"]), row["step"]))
        yield Heading("Figures 9 and 13: samples and their quality over training")
        if not found:
            yield Text(" ".join(["Not run.", *sorted(failed)]))
            return
        data = (
            PROSE.paragraph("own-faces") if found[0]["data"] == "own" else f"`{found[0]['data']}`"
        )
        runs = " and ".join(f"{run.name} (`--config {run.config}`, changed)" for run in self.runs)
        floor = f"{found[0]['floor']:.1f}"
        holes = {"runs": runs, "items": found[0]["trained_on"], "data": data, "floor": floor}
        yield Text(PROSE.paragraph("training", **holes))
        folder = rows.path.parent / PICTURES
        shown = PROSE.paragraph("training-samples")
        yield Picture("training", shown, lambda path: self._draw(found, folder, path))
        lines = {
            name: {row["step"]: row["distance"] for row in found if row["method"] == name}
            for name in dict.fromkeys(row["method"] for row in found)
        }
        axes = {"x": "steps of training", "y": "sliced Wasserstein distance"}
        curve = PROSE.paragraph("training-curve")
        yield Picture("training-quality", curve, lambda path: charts.curves(lines, path, **axes))
        yield Heading("Figure 12: functions against a grid GAN")
        yield Text(PROSE.paragraph("grid"))
        last = {name: max(r["step"] for r in found if r["method"] == name) for name in lines}
        if len(last) < 2:
            yield Text("The grid GAN was not run.")
        ends = [row for row in found if row["step"] == last[row["method"]]]
        ships = [row for row in rows.rows("shipped") if "error" not in row]
        ships = [row for row in ships if row["data"] == found[0]["data"]]
        if ships:
            yield Text(PROSE.paragraph("shipped", name=_SHIPS))
        yield Table(
            ("generator", "parameters", "steps", "distance to items kept out", "least on the way"),
            tuple(
                Line(
                    (
                        row["method"],
                        f"{row['parameters']:,}",
                        str(row.get("step", "")),
                        f"{row['distance']:.1f}",
                        _least(lines.get(row["method"], {})),
                    )
                )
                for row in [*ends, *ships]
            ),
        )
        kept = {"method": "kept out", "picture": _KEPT}
        last_of = PROSE.paragraph("covers")
        yield Picture(
            "covers", last_of, lambda path: self._draw([*ends, *ships, kept], folder, path)
        )

    def _draw(self, found: list[Row], folder: Path, path: Path) -> None:
        from PIL import Image

        kept = [row for row in found if picture_of(row, folder).is_file()]
        charts.sheet(
            {
                f"{row['method']}\n{row['step']} steps" if "step" in row else row["method"]: _tiles(
                    np.asarray(Image.open(picture_of(row, folder)))
                )
                for row in kept
            },
            path,
            size=1.0,
        )


def _least(distances: dict[int, float]) -> str:
    """Adversarial training can get worse again: the least distance and where it was."""
    if not distances:
        return ""
    step = min(distances, key=distances.__getitem__)
    return f"{distances[step]:.1f} after {step} steps"


@lru_cache(maxsize=2)
def _loaded(data: Path, chosen: Any) -> tuple[ndarray, ndarray]:
    from stegafield.training.data import load

    return load(data, chosen), load(data, chosen, held_out=True)


def _strip(items: ndarray, path: Path) -> None:
    from PIL import Image

    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.concatenate(list(items), 1)).save(path)


def _tiles(strip: ndarray) -> list[tuple[str, ndarray]]:
    return [("", tile) for tile in np.split(strip, _LATENTS, 1)]


def _levels(features: ndarray) -> ndarray:
    return np.rint(127.5 * (features.clip(-1, 1) + 1)).astype(np.uint8)


def _distance(one: ndarray, other: ndarray) -> float:
    count = min(len(one), len(other))
    rng = np.random.default_rng(0)
    found = distribution.sliced_wasserstein(one[:count], other[:count], rng)
    return float(np.mean(found))

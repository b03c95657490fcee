"""Who is caught: detectors trained on some of the sources and tested on the others.

sources -> covers and stegos -> features, scores
        -> splits by source: train on one part, test on the other, repeat
        -> rows: P_E, AUC, false alarms, intervals over sources
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from stegafield.core.detector import Detector, TrainedDetector
from stegafield.errors import ConfigError
from stegafield.figures.stego import check_figure
from stegafield.metrics import detection as metrics

from .evidence import Case, Evidence, Setting, Source, collect

COLUMNS = (
    *("detector", "against", "rate", "unit", "payload", "pairs", "p_e", "p_e_interval"),
    *("auc", "auc_interval", "false_alarms", "missed", "own_false_alarms", "own_hits"),
)
GRID = np.linspace(0, 1, 51)
"""False-alarm rates at which rows give the ROC curve."""
FEWEST = 8
"""The fewest sources that a measurement accepts."""


@dataclass(frozen=True)
class Outcome:
    """What one split tested: scores of covers and of their stegos, and their sources.

    `threshold` is the one that training fixed.
    """

    covers: Float[ndarray, " item"]
    stegos: Float[ndarray, " item"]
    sources: Int[ndarray, " item"]
    threshold: float

    def drawn(self, counts: Int[ndarray, " source"]) -> "Outcome":
        """The items of sources, each as often as `counts` says."""
        index = np.repeat(np.arange(self.sources.size), counts[self.sources])
        return Outcome(self.covers[index], self.stegos[index], self.sources[index], self.threshold)


def measure(
    setting: Setting,
    sources: list[Source],
    *,
    splits: int = 5,
    training: int | None = None,
    seed: int = 0,
    models: Path | None = None,
    pairs: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """One row per detector, method and rate, and one per source that failed.

    `training`: how many sources train the detectors; half of them if not given. `models`: the
    folder that keeps trained detectors. `pairs`: the folder that keeps covers and stegos for
    another run.
    """
    if len(sources) < FEWEST:
        raise ConfigError("images", f"{len(sources)} sources are too few; {FEWEST} are needed.")
    if training is not None and len(sources) - training < FEWEST // 2:
        problem = f"{training} of {len(sources)} sources leave too few to test with."
        raise ConfigError("training", problem, f"Leave {FEWEST // 2} or more.")
    evidence, failed = collect(setting, sources, seed, pairs)
    yield from failed
    known = {detector.name: detector for detector in setting.detectors}
    for case, found in evidence.items():
        name, against, rate = case
        detector, count = known[name], np.unique(found.sources).size
        row = {"detector": name, "against": against, "rate": rate, "unit": setting.unit}
        if count < FEWEST:
            yield row | {"error": f"{count} sources are too few"}
            continue
        taught = min(training or count // 2, count - 1)
        outcomes = [_split(detector, found, taught, seed + k) for k in range(splits)]
        numbers = {
            "payload": float(np.mean(found.payloads)),
            "pairs": len(found.sources),
            "sources": count,
            "training": taught,
            "splits": splits,
        } | found.facts
        yield row | numbers | _statistics(outcomes, len(sources), detector.threshold, seed)
        if models is not None and isinstance(detector, TrainedDetector):
            _save(detector, case, found, seed, models)


def _split(detector: Detector, found: Evidence, taught: int, seed: int) -> Outcome:
    """Train on the items of `taught` sources, score those of the others."""
    sources = np.array(found.sources)
    covers, stegos = np.stack(found.covers), np.stack(found.stegos)
    order = np.random.default_rng(seed).permutation(np.unique(sources))
    training = np.isin(sources, order[:taught])
    testing = ~training
    if not isinstance(detector, TrainedDetector):
        threshold = metrics.least_error(covers[training], stegos[training])[1]
        return Outcome(covers[testing], stegos[testing], sources[testing], threshold)
    detector.train(covers[training], stegos[training], seed)
    before, after = (detector.judge(part[testing]) for part in (covers, stegos))
    return Outcome(before, after, sources[testing], detector.threshold or 0.5)


def _save(detector: TrainedDetector, case: Case, found: Evidence, seed: int, folder: Path) -> None:
    """A detector of this kind, trained on all items, as a file."""
    detector.train(np.stack(found.covers), np.stack(found.stegos), seed)
    folder.mkdir(parents=True, exist_ok=True)
    detector.save(folder / f"{case[0]}-{case[1]}-{case[2]:g}.npz")


def _statistics(
    outcomes: list[Outcome], sources: int, own: float | None, seed: int
) -> dict[str, Any]:
    """Means over splits, with 95 % intervals over sources."""

    def numbers(counts: Int[ndarray, " source"]) -> dict[str, float]:
        return _mean([_numbers(one.drawn(counts), own) for one in outcomes])

    found = numbers(np.ones(sources, np.int64))
    intervals = metrics.intervals(numbers, sources, seed=seed)
    row: dict[str, Any] = {name: _short(value) for name, value in found.items()}
    for name, ends in intervals.items():
        row[f"{name}_interval"] = [_short(end) for end in ends]
    row["p_e_least"] = _short(
        float(np.mean([metrics.least_error(one.covers, one.stegos)[0] for one in outcomes]))
    )
    curves = [np.interp(GRID, *metrics.roc(one.covers, one.stegos)) for one in outcomes]
    row["roc"] = [_short(value) for value in np.mean(curves, axis=0)]
    return row


def _numbers(one: Outcome, own: float | None) -> dict[str, float]:
    """What one split says; nothing where a resampled half is empty."""
    if not one.covers.size:
        return {}
    alarms = float((one.covers > one.threshold).mean())
    missed = float((one.stegos <= one.threshold).mean())
    found = {"p_e": (alarms + missed) / 2, "auc": metrics.auc(one.covers, one.stegos)}
    found |= {"false_alarms": alarms, "missed": missed}
    if own is not None:
        found["own_false_alarms"] = float((one.covers > own).mean())
        found["own_hits"] = float((one.stegos > own).mean())
    return found


def _mean(splits: list[dict[str, float]]) -> dict[str, float]:
    splits = [one for one in splits if one]
    names = splits[0] if splits else ()
    return {name: sum(one[name] for one in splits) / len(splits) for name in names}


def _short(number: float) -> float:
    return float(f"{number:.4g}")


def draw(rows: Iterable[Mapping[str, Any]], path: str | os.PathLike[str]) -> None:
    """Save the ROC curves: a panel for each detector and rate, a line for each method."""
    check_figure(path)
    from matplotlib.figure import Figure

    rows = [row for row in rows if "roc" in row]
    shown = list(dict.fromkeys((row["rate"], row["detector"]) for row in rows))
    detectors = list(dict.fromkeys(detector for _, detector in shown))
    # A line of panels for each rate; one rate alone takes lines of four.
    width = 4 if len(shown) == len(detectors) > 4 else max(1, len(detectors))
    height = max(1, -(-len(shown) // width))
    figure = Figure(figsize=(3 * width + 0.5, 3 * height), layout="constrained")
    panels = figure.subplots(height, width, squeeze=False, sharex=True, sharey=True)
    for row in rows:
        panel = panels.flat[shown.index((row["rate"], row["detector"]))]
        panel.plot(GRID, row["roc"], label=row["against"], linewidth=1.2)
        panel.set_title(f"{row['detector']}, {row['rate']:g} {row['unit']}", fontsize=9)
    for panel in panels.flat[len(shown) :]:
        panel.set_axis_off()
    for panel in panels.flat[: len(shown)]:
        panel.plot([0, 1], [0, 1], "k:", linewidth=0.8)
    for panel in panels[-1]:
        panel.set_xlabel("false alarms")
    for panel in panels[:, 0]:
        panel.set_ylabel("stegos found")
    if rows:
        panels[0, 0].legend(fontsize=8)
    figure.savefig(path, dpi=90)

"""How the generator of weather compares with real fields that it was not trained on.

held-out weekly means    <->  weekly means that the law draws for the same weeks
held-out single hours    <->  single hours that the law draws for the same times
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from time import process_time
from typing import Any
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stegafield.errors import ConfigError
from stegafield.figures.maps import draw_maps
from stegafield.generators import weather

from ..prose import Prose
from .comparison import Comparison
from .weather_statistics import GRID, ROWS, Held, area, numbers, rows, spectrum

HELD_OUT = 8
"""Every eighth field of the collection was kept out of training."""
ABOUT = Prose("stegafield_research.generators", "weather.md")
KINDS = {"week": "Weekly means", "hour": "Single hours"}
_RANGE = 320.93 - 202.66
"""Kelvin: the full scale of temperature in the literature (GASP)."""


def held_out(path: str | os.PathLike[str]) -> dict[str, tuple[list[datetime], ndarray]]:
    """Times and fields (46x90, kelvin) of the two kinds in a collection.

    The collection is as the model card describes it.
    """
    try:
        data = np.load(BytesIO(Path(path).read_bytes()))
        fields, names = data["t2m"], [str(s) for s in data["source"]]
    except (OSError, EOFError, BadZipFile, ValueError, KeyError, IndexError) as error:
        raise ConfigError(
            "data",
            f"is no collection of fields ({error}).",
            "An npz with t2m (n, 46, 90) in kelvin and source (n); "
            "real fields are not part of the package.",
        ) from None
    chosen: dict[str, tuple[list[datetime], list[ndarray]]] = {"week": ([], []), "hour": ([], [])}
    for number in range(0, len(names), HELD_OUT):
        source, _, stamp = names[number].rpartition("_")
        kind = {"era5_weekly": "week", "era5_inst": "hour"}.get(source)
        if kind:
            middle = timedelta(
                days=3.5 if kind == "week" else 0
            )  # a week is named by its first day
            chosen[kind][0].append(datetime.fromisoformat(stamp) + middle)
            chosen[kind][1].append(fields[number].astype(np.float64))
    found = {kind: (times, np.array(real)) for kind, (times, real) in chosen.items() if times}
    if not found:
        raise ConfigError("data", "has no ERA5 field at a number that is a multiple of 8.")
    return found


def draw_like(
    kind: str, time: datetime, rng: np.random.Generator, week: weather.Anomaly | None = None
) -> Float[ndarray, "46 90"]:
    """One field, seen as the real ones of its kind were.

    Weekly means are at 32x64 points, interpolated; hours at whole degrees, in means of 4x4. `week`
    fixes the week; without it the field has one of its own.
    """
    if kind == "week":
        latitude, longitude = 87.1875 - 5.625 * np.arange(32), np.arange(64) * 5.625
        return _linear(weather.draw(time, rng, "week", week)(latitude, longitude))
    field = weather.draw(time, rng, week=week)(np.linspace(90, -90, 181), np.arange(360.0))
    padded = np.roll(np.concatenate([field[:1], field, field[-1:], field[-1:]]), 2, axis=1)
    return padded.reshape(46, 4, 90, 4).mean((1, 3))


def _linear(field: Float[ndarray, "32 64"]) -> Float[ndarray, "46 90"]:
    """The bilinear interpolation that brought the weekly means to their grid."""
    row, column = ((87.1875 - GRID[0]) / 5.625).clip(0, 31), GRID[1] / 5.625
    up, left = np.minimum(row.astype(int), 30), column.astype(int)
    down, right = (row - up)[:, None], column - left
    tall = field[up] * (1 - down) + field[up + 1] * down
    return tall[:, left] * (1 - right) + tall[:, (left + 1) % 64] * right


def measure(
    path: str | os.PathLike[str],
    count: int,
    seed: int,
    track: Callable[[Sequence[Any]], Iterable[Any]] = iter,
) -> Comparison:
    """Draw `count` fields for the time of each held-out one, and compare.

    `track` shows the progress.
    """
    found = held_out(path)
    rng = np.random.default_rng(seed)
    weeks = [weather.anomaly(rng) for _ in range(count)]
    plan = [
        (kind, time, week if kind == "hour" else None)  # the real hours are of one week
        for kind, (times, _) in found.items()
        for time in times
        for week in weeks
    ]
    drawn = {kind: [] for kind in found}
    for kind, time, week in track(plan):
        drawn[kind].append(draw_like(kind, time, rng, week))
    held = [
        Held(kind, real, np.array(drawn[kind]).reshape(len(times), count, 46, 90), times)
        for kind, (times, real) in found.items()
    ]
    counts = {f"{kind}s": len(found.get(kind, ((),))[0]) for kind in KINDS}
    tables = {KINDS[h.kind]: list(rows(h)) for h in held}
    published = {name: [_published(row) for row in table] for name, table in tables.items()}
    return Comparison(
        "The generator of weather against held-out fields",
        ABOUT.passage("about", count=count, **counts),
        published | {"Evaluation": list(_evaluation(seed))},
        partial(_figure, held),
        partial(_sheet, seed),
        notes={name: _note(table) for name, table in tables.items()},
    )


def _evaluation(seed: int) -> Iterator[dict[str, Any]]:
    """The same functions at 46x90 and at 721x1440, and the time of the latter.

    The large ones are compared in means over 4 degrees.
    """
    rng, match, spent = np.random.default_rng(seed), [], []
    finest = np.linspace(90, -90, 721), np.arange(1440) / 4
    for month in (1, 4, 7, 10):
        start = process_time()
        drawn = weather.draw(datetime(2015, month, 15, 12), rng)
        large = drawn(*finest)
        spent.append(process_time() - start)
        bands = np.stack([large[max(0, r - 8) : r + 9].mean(0) for r in range(0, 721, 16)])
        wide = np.concatenate([bands[:, -8:], bands, bands[:, :9]], axis=1)
        down = np.stack([wide[:, c : c + 17].mean(1) for c in range(0, 1440, 16)], axis=1)
        square = np.average(((down - drawn(*GRID))[ROWS]) ** 2, weights=area())
        match.append(10 * np.log10(_RANGE**2 / square))
    none = np.array([np.nan])
    for what, unit, test, found, good in (
        ("46x90 against 721x1440", "dB", "at least 30 dB", match, min(match) >= 30),
        ("processor time of one 721x1440 field", "s", "under 2 s", spent, np.median(spent) < 2),
    ):
        row = numbers(what, unit, none, np.array(found))
        yield row | {"test": test, "passed": bool(good), "exact": None}


def _published(row: dict[str, Any]) -> dict[str, Any]:
    """A row, with the share of stand-ins that pass instead of their verdicts."""
    rest = {name: value for name, value in row.items() if name != "standing"}
    return rest | {"exact": round(100 * float(np.mean(row["standing"])), 1)}


def _note(table: Sequence[dict[str, Any]]) -> str:
    """How many of a table's tests pass, and how many would for draws of the law.

    Such draws stand in for the real fields.
    """
    passed = sum(row["passed"] for row in table)
    standing = np.sum([row["standing"] for row in table], axis=0)
    low, middle, high = (round(float(n)) for n in np.quantile(standing, [0.05, 0.5, 0.95]))
    below = 100 * np.mean(standing <= passed)
    return (
        f"{passed} of {len(table)} tests pass. Of draws in the place of the real fields {middle} "
        f"do (median of {standing.size} sets; {low} to {high} in 90 % of them); "
        f"{below:.0f} % of the sets pass no more than the real fields."
    )


def _figure(held: Sequence[Held], path: Path) -> None:
    """Draw spectra, zonal means and their spread.

    A figure shows the range of real fields and the central 80 % of drawn ones.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 3.6 * len(held)), layout="constrained")
    grid = figure.subplots(len(held), 3, squeeze=False)
    latitude = GRID[0][ROWS]
    for (powers, means, extremes), h in zip(grid, held, strict=True):
        waves = np.arange(1, 46)
        _band(powers, waves, spectrum(h.real)[:, 1:], spectrum(h.drawn)[..., 1:])
        powers.set(
            xscale="log", yscale="log", xlabel="zonal wavenumber", ylabel="K^2", title=KINDS[h.kind]
        )
        _band(means, latitude, h.real[:, ROWS].mean(-1), h.drawn[..., ROWS, :].mean(-1))
        means.set(xlabel="degrees north", ylabel="K", title="zonal mean")
        shares = np.linspace(0, 1, 101)
        values = [
            np.moveaxis(np.quantile(f[..., ROWS, :], shares, axis=(-2, -1)), 0, -1)
            for f in (h.real, h.drawn)
        ]
        middle = np.median(values[0], axis=0)
        _band(extremes, 100 * shares, *(v - middle for v in values))
        extremes.set(
            xlabel="% of grid points that are colder",
            ylabel="K",
            title="quantiles, less the real median",
        )
        powers.legend()
    figure.savefig(path, dpi=80)


def _band(panel: Any, x: ndarray, real: ndarray, drawn: ndarray) -> None:
    """Draw each (..., x), real beside drawn.

    The real ones are lines from least to greatest, the drawn ones a band of the central 80 %.
    """
    flat = drawn.reshape(-1, x.size)
    low, high = np.quantile(flat, [0.1, 0.9], axis=0)
    panel.fill_between(x, low, high, alpha=0.4, label="drawn, 10 to 90 %")
    panel.plot(x, real.min(0), "k", linewidth=0.8, label="real, least and greatest")
    panel.plot(x, real.max(0), "k", linewidth=0.8)


def _sheet(seed: int, path: Path) -> None:
    """Nine hours of nine months, at one degree."""
    rng = np.random.default_rng(seed)
    times = [datetime(2015, 1, 15, 12) + timedelta(days=41 * n, hours=8 * n) for n in range(9)]
    grid = np.linspace(90, -90, 181), np.arange(360.0)
    fields = np.array([weather.draw(time, rng)(*grid) for time in times])
    draw_maps(fields, [f"{time:%d %B, %H} UTC" for time in times], path)

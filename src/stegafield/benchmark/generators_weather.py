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
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..errors import ConfigError
from ..generators import weather
from .generators import COLUMNS, Comparison
from .maps import draw_maps

HELD_OUT = 8
"""Every eighth field of the collection was kept out of training."""
ABOUT = """\
The generator behind the carrier `era5` ([model card](models/era5.md)) against real ERA5 fields that were kept out
of its training. For the time of each real field {count} fields are drawn, and seen as the real ones were: weekly
means at 32x64 points and then interpolated to 46x90, hours at one degree and then averaged to 46x90.

Of weekly means there are {weeks}, over three years. A statistic of theirs passes ("drawn") if the central 80 % of
its values over all drawn fields lies between the least and the greatest value of the real fields, and its standard
deviation is at least half of theirs. Of single hours there are {hours}, in one week, and their spread says little.
There a statistic passes ("real") if every real value lies within the central 98 % of what is drawn for these times;
so does the seasonal range, of which there is one. The last row of each table asks whether real values at grid points
lie between drawn quantiles as often as they should, within 5 points.

So few fields fail some of so many tests whatever the law is. How many, the draws say: each stands in for the real
fields once, against all other draws. "If exact" is how often a test passes then. The hours that stand in are of one
week, as the real ones are.

Evaluation: four fields at 721x1440, in means over 4 degrees, against themselves at 46x90, as PSNR with a full scale of
118 K.

Not compared: the other held-out fields of the collection, which are long-term means and winter means of other
products (NCEP, ERA-Interim, ITU-R P.1510)."""
KINDS = {"week": "Weekly means", "hour": "Single hours"}
_GRID = np.linspace(90, -90, 46), np.arange(90) * 4.0
_RANGE = 320.93 - 202.66
"""Kelvin: the full scale of temperature in the literature (GASP)."""
_ROWS = slice(1, -1)  # without the poles: they have no area
_BANDS = {
    "60-90N": (60, 90),
    "30-60N": (30, 60),
    "0-30N": (0, 30),
    "0-30S": (-30, 0),
    "30-60S": (-60, -30),
    "60-90S": (-90, -60),
}
_WAVES = {"1-2": (1, 3), "3-5": (3, 6), "6-10": (6, 11), "11-20": (11, 21), "21-40": (21, 41)}


class Held(NamedTuple):
    """Real fields of one kind, and what the law draws for the same times."""

    kind: str
    real: Float[ndarray, "time 46 90"]
    drawn: Float[ndarray, "time draw 46 90"]
    times: Sequence[datetime]


def held_out(path: str | os.PathLike[str]) -> dict[str, tuple[list[datetime], ndarray]]:
    """Times and fields (46x90, kelvin) of the two kinds in a collection as the model card describes it."""
    try:
        data = np.load(BytesIO(Path(path).read_bytes()))
        fields, names = data["t2m"], [str(s) for s in data["source"]]
    except (OSError, EOFError, BadZipFile, ValueError, KeyError, IndexError) as error:
        raise ConfigError(
            "data",
            f"is no collection of fields ({error}).",
            "An npz with t2m (n, 46, 90) in kelvin and source (n); real fields are not part of the package.",
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
    """One field, seen as the real ones of its kind were: weekly means at 32x64 points, interpolated; hours at whole
    degrees, in means of 4x4. Of a given week, or of one of its own.
    """
    if kind == "week":
        latitude, longitude = 87.1875 - 5.625 * np.arange(32), np.arange(64) * 5.625
        return _linear(weather.draw(time, rng, "week", week)(latitude, longitude))
    field = weather.draw(time, rng, week=week)(np.linspace(90, -90, 181), np.arange(360.0))
    padded = np.roll(np.concatenate([field[:1], field, field[-1:], field[-1:]]), 2, axis=1)
    return padded.reshape(46, 4, 90, 4).mean((1, 3))


def _linear(field: Float[ndarray, "32 64"]) -> Float[ndarray, "46 90"]:
    """The bilinear interpolation that brought the weekly means to their grid."""
    row, column = ((87.1875 - _GRID[0]) / 5.625).clip(0, 31), _GRID[1] / 5.625
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
    """Draw `count` fields for the time of each held-out one, and compare. `track` shows how far it is."""
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
    numbers = {f"{kind}s": len(found.get(kind, ((),))[0]) for kind in KINDS}
    tables = {KINDS[h.kind]: list(rows(h)) for h in held}
    published = {name: [_published(row) for row in table] for name, table in tables.items()}
    return Comparison(
        "The generator of weather against held-out fields",
        ABOUT.format(count=count, **numbers),
        published | {"Evaluation": list(_evaluation(seed))},
        partial(_figure, held),
        partial(_sheet, seed),
        notes={name: _note(table) for name, table in tables.items()},
    )


def _evaluation(seed: int) -> Iterator[dict[str, Any]]:
    """The same functions at 46x90 and at 721x1440, in means over 4 degrees; and what the latter take."""
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
        square = np.average(((down - drawn(*_GRID))[_ROWS]) ** 2, weights=_area())
        match.append(10 * np.log10(_RANGE**2 / square))
    none = np.array([np.nan])
    for what, unit, test, found, good in (
        ("46x90 against 721x1440", "dB", "at least 30 dB", match, min(match) >= 30),
        ("processor time of one 721x1440 field", "s", "under 2 s", spent, np.median(spent) < 2),
    ):
        row = _numbers(what, unit, none, np.array(found))
        yield row | {"test": test, "passed": bool(good), "exact": None}


def _published(row: dict[str, Any]) -> dict[str, Any]:
    """With the share of stand-ins that pass in the place of their verdicts."""
    rest = {name: value for name, value in row.items() if name != "standing"}
    return rest | {"exact": round(100 * float(np.mean(row["standing"])), 1)}


def _note(table: Sequence[dict[str, Any]]) -> str:
    """How many of a table's tests pass, and how many would if the real fields were draws of the law."""
    passed = sum(row["passed"] for row in table)
    standing = np.sum([row["standing"] for row in table], axis=0)
    low, middle, high = (round(float(n)) for n in np.quantile(standing, [0.05, 0.5, 0.95]))
    below = 100 * np.mean(standing <= passed)
    return (
        f"{passed} of {len(table)} tests pass. Of draws in the place of the real fields {middle} do (median of "
        f"{standing.size} sets; {low} to {high} in 90 % of them); {below:.0f} % of the sets pass no more than the "
        "real fields."
    )


def rows(held: Held) -> Iterator[dict[str, Any]]:
    """Each statistic of real and drawn fields, and whether they agree.

    `ABOUT` says what "drawn" and "real" ask. The few real hours are of one week, so their own spread says little.
    """
    reverse = held.kind == "hour"
    for what, unit, statistic in _statistics():
        test = "real" if reverse else "drawn"
        yield _row(what, unit, statistic(held.real), statistic(held.drawn), test)
    if not reverse:
        for name, sign in (("north", 1), ("south", -1)):
            real, drawn = (_seasonal(f, held.times, sign) for f in (held.real, held.drawn))
            what = f"seasonal range, land {name} of 20"
            yield _row(what, "K", real, drawn.reshape(1, -1), "real")
    yield _coverage(held)


def _covers(real: ndarray, drawn: ndarray) -> bool:
    """The test "drawn": real (time,) spread at least as far as the central 80 % of drawn (time, draw)."""
    low, high = np.quantile(drawn, [0.1, 0.9])
    return bool(real.min() <= low and high <= real.max() and drawn.std() >= real.std() / 2)


def _within(real: ndarray, drawn: ndarray) -> bool:
    """The test "real": all real values in the central 98 % of drawn ones."""
    low, high = np.quantile(drawn, [0.01, 0.99])
    return bool(low <= real.min() and real.max() <= high)


_TESTS = {"drawn": _covers, "real": _within}


def _coverage(held: Held) -> dict[str, Any]:
    """How often a real value lies between two drawn ones that should hold some 90 % of all."""
    count = held.drawn.shape[1]
    below = (held.drawn < held.real[:, None]).sum(1)[None]
    ranks = held.drawn.argsort(1).argsort(1)
    share, wanted = _share_between(below, count)[0], _wanted(count)
    others = _share_between(np.moveaxis(ranks, 1, 0), count - 1)
    standing = np.abs(others - _wanted(count - 1)) <= 5
    row = _numbers("grid values between drawn quantiles", "%", np.array(share), np.array(wanted))
    return row | _verdict("within 5", abs(share - wanted) <= 5, standing)


def _share_between(below: ndarray, count: int) -> ndarray:
    """In %, of the area and all times: how many have at least `_cut` of `count` draws on either side."""
    cut = _cut(count)
    inside = (below >= cut) & (below <= count - cut)
    return 100 * np.average(inside.mean(1)[:, _ROWS], weights=_area(), axis=(1, 2))


def _cut(count: int) -> int:
    return max(1, round(0.05 * (count + 1)))


def _wanted(count: int) -> float:
    return 100 * (1 - 2 * _cut(count) / (count + 1))


def _row(what: str, unit: str, real: ndarray, drawn: ndarray, name: str) -> dict[str, Any]:
    """Real (time,), drawn (time, draw). Each draw stands in for the real ones once, against all others."""
    test = _TESTS[name]
    standing = [test(drawn[:, k], np.delete(drawn, k, axis=1)) for k in range(drawn.shape[1])]
    return _numbers(what, unit, real, drawn) | _verdict(name, test(real, drawn), standing)


def _numbers(what: str, unit: str, real: ndarray, drawn: ndarray) -> dict[str, Any]:
    low, middle, high = np.quantile(drawn, [0.1, 0.5, 0.9])
    numbers = (real.min(), np.median(real), real.max(), low, middle, high)
    return dict(zip(COLUMNS, (what, unit, *(round(float(n), 2) for n in numbers)), strict=False))


def _verdict(test: str, passed: bool | np.bool, standing: Any) -> dict[str, Any]:
    return {"test": test, "passed": bool(passed), "standing": [bool(one) for one in standing]}


def _area() -> Float[ndarray, "44 90"]:
    return np.repeat(np.cos(np.radians(_GRID[0][_ROWS]))[:, None], 90, axis=1)


def _mean(chosen: ndarray) -> Callable[[ndarray], ndarray]:
    weight = _area() * chosen
    return lambda f: (f[..., _ROWS, :] * weight).sum((-2, -1)) / weight.sum()


def _statistics() -> Iterator[tuple[str, str, Callable[[ndarray], ndarray]]]:
    """Name, unit and function (..., 46, 90) -> (...) of every statistic."""
    latitude = _GRID[0][_ROWS, None] + np.zeros(90)
    land = weather.land(*_GRID)[_ROWS]
    yield "global mean", "K", _mean(np.ones_like(land))
    bands = {name: (latitude > low) & (latitude < high) for name, (low, high) in _BANDS.items()}
    for name, band in bands.items():
        yield f"zonal mean, {name}", "K", _mean(band)
    for name, band in bands.items():
        mean = _mean(band)
        yield (
            f"spread along the parallels, {name}",
            "K",
            lambda f, mean=mean: np.sqrt(mean((f - f.mean(-1, keepdims=True)) ** 2)),
        )
    for name, band in (
        ("20-70N", (latitude > 20) & (latitude < 70)),
        ("10-40S", (latitude > -40) & (latitude < -10)),
    ):
        shore, sea = _mean(band * (land > 0.5)), _mean(band * (land <= 0.5))
        yield f"land minus sea, {name}", "K", lambda f, shore=shore, sea=sea: shore(f) - sea(f)
    for name, (first, last) in _WAVES.items():
        yield (
            f"power at zonal wavenumbers {name}",
            "dB",
            lambda f, a=first, b=last: 10 * np.log10(spectrum(f)[..., a:b].sum(-1)),
        )
    for name, share in (("least", 0.0), ("1 %", 0.01), ("99 %", 0.99), ("greatest", 1.0)):
        yield (
            f"{name} value",
            "K",
            lambda f, share=share: np.quantile(f[..., _ROWS, :], share, axis=(-2, -1)),
        )


def spectrum(fields: Float[ndarray, "*any 46 90"]) -> Float[ndarray, "*any 46"]:
    """Variance along parallels by zonal wavenumber, averaged over the area between 70 south and 70 north, in K^2."""
    rows = np.abs(_GRID[0]) < 70
    power = 2 * np.abs(np.fft.rfft(fields[..., rows, :]) / 90) ** 2
    weight = np.cos(np.radians(_GRID[0][rows]))[:, None]
    return (power * weight).sum(-2) / weight.sum()


def _seasonal(fields: ndarray, times: Sequence[datetime], sign: int) -> ndarray:
    """Range of the yearly wave through the mean over land of a hemisphere: (time, ...) -> (...)."""
    mean = _mean((sign * _GRID[0][_ROWS, None] > 20) * (weather.land(*_GRID)[_ROWS] > 0.5))(fields)
    phase = np.array([2 * np.pi * t.timetuple().tm_yday / weather.YEAR for t in times])
    design = np.stack([np.ones_like(phase), np.cos(phase), np.sin(phase)], axis=1)
    fit = np.linalg.lstsq(design, mean.reshape(len(times), -1), rcond=None)[0]
    return 2 * np.hypot(fit[1], fit[2])


def _figure(held: Sequence[Held], path: Path) -> None:
    """Spectra, zonal means and their spread: the range of real fields, and the central 80 % of drawn ones."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 3.6 * len(held)), layout="constrained")
    grid = figure.subplots(len(held), 3, squeeze=False)
    latitude = _GRID[0][_ROWS]
    for (powers, means, extremes), h in zip(grid, held, strict=True):
        waves = np.arange(1, 46)
        _band(powers, waves, spectrum(h.real)[:, 1:], spectrum(h.drawn)[..., 1:])
        powers.set(
            xscale="log", yscale="log", xlabel="zonal wavenumber", ylabel="K^2", title=KINDS[h.kind]
        )
        _band(means, latitude, h.real[:, _ROWS].mean(-1), h.drawn[..., _ROWS, :].mean(-1))
        means.set(xlabel="degrees north", ylabel="K", title="zonal mean")
        shares = np.linspace(0, 1, 101)
        values = [
            np.moveaxis(np.quantile(f[..., _ROWS, :], shares, axis=(-2, -1)), 0, -1)
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
    """Each (..., x): least to greatest of the real as lines, the central 80 % of the drawn as a band."""
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

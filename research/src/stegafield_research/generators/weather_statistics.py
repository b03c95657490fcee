"""Statistics of weather, of real fields and of drawn ones, and whether they agree."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from stegafield.generators import weather

from .comparison import COLUMNS

GRID = np.linspace(90, -90, 46), np.arange(90) * 4.0
"""Latitudes and longitudes of all fields."""
ROWS = slice(1, -1)
"""Of a field, without the poles: they have no area."""
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


def rows(held: Held) -> Iterator[dict[str, Any]]:
    """Each statistic of real and drawn fields, and whether they agree.

    `weather.md` says what "drawn" and "real" ask. The few real hours are of one week, so their own
    spread says little.
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
    """The test "drawn": whether real values (time,) spread far enough.

    They must spread at least as far as the central 80 % of drawn ones (time, draw).
    """
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
    row = numbers("grid values between drawn quantiles", "%", np.array(share), np.array(wanted))
    return row | _verdict("within 5", abs(share - wanted) <= 5, standing)


def _share_between(below: ndarray, count: int) -> ndarray:
    """In %, of the area and all times: how many have enough draws on either side.

    Enough are `_cut` of `count` draws.
    """
    cut = _cut(count)
    inside = (below >= cut) & (below <= count - cut)
    return 100 * np.average(inside.mean(1)[:, ROWS], weights=area(), axis=(1, 2))


def _cut(count: int) -> int:
    return max(1, round(0.05 * (count + 1)))


def _wanted(count: int) -> float:
    return 100 * (1 - 2 * _cut(count) / (count + 1))


def _row(what: str, unit: str, real: ndarray, drawn: ndarray, name: str) -> dict[str, Any]:
    """Real (time,) and drawn (time, draw), exchanged.

    Each draw stands in for the real ones once and is compared with all others.
    """
    test = _TESTS[name]
    standing = [test(drawn[:, k], np.delete(drawn, k, axis=1)) for k in range(drawn.shape[1])]
    return numbers(what, unit, real, drawn) | _verdict(name, test(real, drawn), standing)


def numbers(what: str, unit: str, real: ndarray, drawn: ndarray) -> dict[str, Any]:
    """The start of a row: what, its unit, and the spread of real and of drawn values."""
    low, middle, high = np.quantile(drawn, [0.1, 0.5, 0.9])
    spread = (real.min(), np.median(real), real.max(), low, middle, high)
    return dict(zip(COLUMNS, (what, unit, *(round(float(n), 2) for n in spread)), strict=False))


def _verdict(test: str, passed: bool | np.bool, standing: Any) -> dict[str, Any]:
    return {"test": test, "passed": bool(passed), "standing": [bool(one) for one in standing]}


def area() -> Float[ndarray, "44 90"]:
    """The share of each grid point but the poles in the surface, up to a factor."""
    return np.repeat(np.cos(np.radians(GRID[0][ROWS]))[:, None], 90, axis=1)


def _mean(chosen: ndarray) -> Callable[[ndarray], ndarray]:
    weight = area() * chosen
    return lambda f: (f[..., ROWS, :] * weight).sum((-2, -1)) / weight.sum()


def _statistics() -> Iterator[tuple[str, str, Callable[[ndarray], ndarray]]]:
    """Name, unit and function (..., 46, 90) -> (...) of every statistic."""
    latitude = GRID[0][ROWS, None] + np.zeros(90)
    land = weather.land(*GRID)[ROWS]
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
            lambda f, share=share: np.quantile(f[..., ROWS, :], share, axis=(-2, -1)),
        )


def spectrum(fields: Float[ndarray, "*any 46 90"]) -> Float[ndarray, "*any 46"]:
    """Variance along parallels by zonal wavenumber, in K^2.

    Averaged over the area between 70 south and 70 north.
    """
    rows = np.abs(GRID[0]) < 70
    power = 2 * np.abs(np.fft.rfft(fields[..., rows, :]) / 90) ** 2
    weight = np.cos(np.radians(GRID[0][rows]))[:, None]
    return (power * weight).sum(-2) / weight.sum()


def _seasonal(fields: ndarray, times: Sequence[datetime], sign: int) -> ndarray:
    """Range of the yearly wave through the mean over land of a hemisphere: (time, ...) -> (...)."""
    mean = _mean((sign * GRID[0][ROWS, None] > 20) * (weather.land(*GRID)[ROWS] > 0.5))(fields)
    phase = np.array([2 * np.pi * t.timetuple().tm_yday / weather.YEAR for t in times])
    design = np.stack([np.ones_like(phase), np.cos(phase), np.sin(phase)], axis=1)
    fit = np.linalg.lstsq(design, mean.reshape(len(times), -1), rcond=None)[0]
    return 2 * np.hypot(fit[1], fit[2])

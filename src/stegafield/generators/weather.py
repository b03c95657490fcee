"""Global 2 m temperature as a learned distribution of functions on the sphere, trained on ERA5.

    T(place, time) = cycle of the year + warming                  1 degree; finer along coasts
                   + spread(place, season)                        what a weekly mean has
                     * (modes with drawn scores + a random field)
                   + cycle of the day(place, local hour, sun)
                   + gust(place, season) * a random field         what an hour adds, to degree 359

Everything is learned from data by research/scripts/fit_weather.py; docs/models/era5.md has data,
choices, and how good it is. A drawn field is one function: any two grids agree where they meet. It
contains modified Copernicus Climate Change Service information.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Complex, Float
from numpy import ndarray
from numpy.random import Generator

from .sphere import interpolate, synthesis

YEAR = 365.2425
_BASE = 1981.5
"""The middle of the three years that the cycle was learned from."""
_LEAST, _COLD, _HOT, _MOST = 183.0, 200.0, 318.0, 331.0
"""Limits in kelvin: no station has measured less or more than the outer two.

Values beyond the inner two are squeezed between inner and outer.
"""


class Law(NamedTuple):
    """What was learned.

    Lattices run from the north pole to the south pole and eastward from longitude 0.
    """

    cycle: Float[ndarray, "5 181 360"]
    """Mean, cosine and sine of the year, cosine and sine of the half year, in kelvin."""
    contrast: Float[ndarray, "5 46 90"]
    """Land minus sea, in the same five parts."""
    land: Float[ndarray, "721 1440"]
    """Share of land."""
    trend: Float[ndarray, "46 90"]
    """Kelvin a year."""
    spread: Float[ndarray, "3 181 360"]
    """Logarithm of the standard deviation of weekly means, in kelvin: mean, cosine and sine of
    the year."""
    modes: Float[ndarray, "mode 46 90"]
    """Shapes with their standard deviations, in units of `spread`."""
    slow: Float[ndarray, " degree"]
    """Standard deviation of a harmonic of what the modes leave, by degree."""
    daily: Float[ndarray, "4 181 360"]
    """Cosine and sine of local solar time and of twice that, in kelvin for a unit of
    `insolation`."""
    gust: Float[ndarray, "181 360"]
    """Logarithm of the standard deviation within a week, without its season, in kelvin."""
    fast: Float[ndarray, "order degree"]
    """Standard deviation of a harmonic of the weather within a week.

    By order and degree: along a parallel and across it they differ.
    """


@cache
def learned() -> Law:
    """The law that ships with the package."""
    with (files("stegafield.generators") / "weather.npz").open("rb") as file:
        data = np.load(file)
        law = Law(*(data[name].astype(np.float64) for name in Law._fields))
    return law._replace(land=law.land / 255)


@cache
def _coast() -> Float[ndarray, "721 1440"]:
    return coast(learned().land)


def coast(land: Float[ndarray, "721 1440"]) -> Float[ndarray, "721 1440"]:
    """The share of land beyond its values at whole degrees, where the cycle knows the coasts."""
    finest = (np.linspace(90, -90, 721), np.arange(1440) / 4)
    return land - interpolate(land[::4, ::4], *finest)


@dataclass(frozen=True, slots=True)
class Weather:
    """One drawn function: temperature in kelvin at any latitude and longitude."""

    smooth: Float[ndarray, "181 360"]
    """Everything except coasts and the weather within a week."""
    contrast: Float[ndarray, "46 90"]
    """Land minus sea on this day."""
    gust: Float[ndarray, "181 360"]
    """Standard deviation of the weather within a week."""
    fast: Complex[ndarray, "order degree"]
    """The weather within a week in units of `gust`: a series of spherical harmonics."""

    def __call__(
        self, latitude: Float[ndarray, " y"], longitude: Float[ndarray, " x"]
    ) -> Float[ndarray, "y x"]:
        """Values in kelvin on a regular grid, in degrees north and east."""
        at = latitude, longitude
        field = interpolate(self.smooth, *at)
        field += interpolate(_coast(), *at) * interpolate(self.contrast, *at)
        if self.fast.size:
            field += interpolate(self.gust, *at) * synthesis(self.fast, *at)
        return _physical(field)


class Anomaly(NamedTuple):
    """How one week differs from the same week of other years."""

    scores: Float[ndarray, " mode"]
    slow: Complex[ndarray, "order degree"]


def anomaly(rng: Generator) -> Anomaly:
    """The anomaly of a week, drawn from the law."""
    law = learned()
    return Anomaly(rng.standard_normal(len(law.modes)), gaussian_series(law.slow, rng))


def draw(
    time: datetime,
    rng: Generator,
    kind: Literal["hour", "week"] = "hour",
    week: Anomaly | None = None,
) -> Weather:
    """One function: a single hour (UTC), or the mean of the week around it.

    The mean of a week has no cycle of the day. Hours that are given the same `week` belong to one
    week; without one, each hour belongs to a week of its own.
    """
    law, week = learned(), week or anomaly(rng)
    day = (time - datetime(time.year, 1, 1)).total_seconds() / 86400
    waves = _year(day)
    years = time.year + day / YEAR - _BASE
    grid = (np.linspace(90, -90, 181), np.arange(360.0))
    spread = np.tensordot(waves[:3], law.spread, 1)
    slow = interpolate(np.tensordot(week.scores, law.modes, 1), *grid)
    slow += synthesis(week.slow, *grid)
    smooth = (
        np.tensordot(waves, law.cycle, 1)
        + years * interpolate(law.trend, *grid)
        + np.exp(spread) * slow
    )
    fast = np.zeros((0, 0), complex)
    if kind == "hour":
        fast = gaussian_series(law.fast, rng)
        hour = 2 * np.pi * (day % 1) + np.radians(grid[1])
        clock = (f(n * hour) for n in (1, 2) for f in (np.cos, np.sin))
        daily = sum(d * c for d, c in zip(law.daily, clock, strict=True))
        smooth += insolation(grid[0], day)[:, None] * daily
    smooth[[0, -1]] = smooth[[0, -1]].mean(1, keepdims=True)
    gust = np.exp(law.gust + spread - law.spread[0])
    return Weather(smooth, np.tensordot(waves, law.contrast, 1), gust, fast)


def gaussian_series(
    spread: Float[ndarray, " degree"] | Float[ndarray, "order degree"], rng: Generator
) -> Complex[ndarray, "order degree"]:
    """Coefficients of a Gaussian random field with these standard deviations.

    They are given by degree, or by order and degree.
    """
    degrees = spread.shape[-1]
    noise = rng.standard_normal((2, degrees, degrees))
    noise[1, 0] = 0
    return np.triu((noise[0] - 1j * noise[1]) * spread)


def insolation(latitude: Float[ndarray, " y"], day: float) -> Float[ndarray, " y"]:
    """The first harmonic, in the time of day, of the positive part of the sun's height.

    It says how strongly the sun has the period of a day.
    """
    north = np.radians(latitude)
    tilt = np.radians(-23.44) * np.cos(2 * np.pi * (day + 10) / YEAR)
    level, swing = np.sin(north) * np.sin(tilt), np.cos(north) * np.cos(tilt)
    noon = np.arccos(np.clip(-level / np.maximum(swing, 1e-9), -1, 1))
    return (2 * level * np.sin(noon) + swing * (noon + np.sin(noon) * np.cos(noon))) / np.pi


def _year(day: float) -> Float[ndarray, "5"]:
    phase = 2 * np.pi * day / YEAR
    return np.array([1, np.cos(phase), np.sin(phase), np.cos(2 * phase), np.sin(2 * phase)])


def _physical(kelvin: Float[ndarray, "y x"]) -> Float[ndarray, "y x"]:
    """The same values, with those too cold or too hot squeezed towards the limits, smoothly."""
    hot, cold = _MOST - _HOT, _COLD - _LEAST
    over, under = np.maximum(kelvin - _HOT, 0), np.maximum(_COLD - kelvin, 0)
    return kelvin.clip(_COLD, _HOT) + hot * np.tanh(over / hot) - cold * np.tanh(under / cold)


def land(latitude: Float[ndarray, " y"], longitude: Float[ndarray, " x"]) -> Float[ndarray, "y x"]:
    """Share of land, 0 to 1, on a regular grid in degrees."""
    return interpolate(learned().land, latitude, longitude).clip(0, 1)

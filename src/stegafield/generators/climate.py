"""Global 2 m temperature as a closed-form random function on the sphere, fitted to ERA5.

    T(latitude, longitude, day) = mean + annual cycle + envelope(latitude) * weather

`mean` and the cosine and sine of the annual cycle are spherical harmonic series fitted to ERA5; `weather` is a sum of
spherical harmonics with independent normal coefficients whose variance by degree, and whose envelope by latitude, are
those of ERA5's own deviations. 37 kB of coefficients (era5_t2m.npz, made by scripts/fit_era5_law.py). It contains
modified Copernicus Climate Change Service information.

It is a statistical law, not a learned one: coasts and mountains are smooth below 3 degrees, fronts are Gaussian.
"""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float
from numpy import ndarray
from numpy.random import Generator

YEAR = 365.2425


class Climate(NamedTuple):
    """Coefficients (index m, l: order by degree) of the series, and the law of the weather."""

    mean: Complex[ndarray, "order degree"]
    annual: Complex[ndarray, "2 order degree"]
    """Cosine and sine of the phase of the year."""
    spread: Float[ndarray, " degree"]
    """Standard deviation of each weather coefficient, by degree."""
    envelope: Float[ndarray, " power"]
    """Polynomial in sin(latitude), lowest power first: local standard deviation of the weather, in kelvin."""


@cache
def fitted() -> Climate:
    """The law that ships with the package."""
    with (files("stegafield.generators") / "era5_t2m.npz").open("rb") as file:
        data = np.load(file)
        return Climate(*(data[name].astype(_wide(data[name])) for name in Climate._fields))


def sample(
    latitude: Float[ndarray, " y"], longitude: Float[ndarray, " x"], day: float, rng: Generator
) -> Float[ndarray, "y x"]:
    """One field in kelvin on a regular grid (degrees), on a day of the year, with weather drawn by `rng`."""
    law = fitted()
    phase = 2 * np.pi * day / YEAR
    series = law.mean.copy()
    cycle = np.cos(phase) * law.annual[0] + np.sin(phase) * law.annual[1]
    series[: cycle.shape[0], : cycle.shape[1]] += cycle
    orders, degrees = law.mean.shape[0], law.spread.size
    noise = rng.standard_normal((2, orders, degrees))
    weather = (noise[0] + 1j * noise[1]) * law.spread
    weather[0] = noise[0, 0] * law.spread
    weather[np.arange(degrees) < np.arange(orders)[:, None]] = 0
    envelope = np.polynomial.polynomial.polyval(np.sin(np.radians(latitude)), law.envelope)
    return synthesis(series, latitude, longitude) + envelope[:, None] * synthesis(
        weather, latitude, longitude
    )


def synthesis(
    series: Complex[ndarray, "order degree"],
    latitude: Float[ndarray, " y"],
    longitude: Float[ndarray, " x"],
) -> Float[ndarray, "y x"]:
    """The real field of a series: sum over orders m >= 0 of Re(f_m(latitude) exp(i m longitude))."""
    basis = legendre(np.sin(np.radians(latitude)), *series.shape)
    by_order = np.einsum("mly,ml->ym", basis, series)
    waves = np.exp(1j * np.outer(np.arange(series.shape[0]), np.radians(longitude)))
    return (by_order @ waves).real


def legendre(
    sine: Float[ndarray, " y"], orders: int, degrees: int
) -> Float[ndarray, "order degree y"]:
    """Associated Legendre functions of sin(latitude), fully normalised (mean square over the sphere 1)."""
    cosine = np.sqrt(np.maximum(0.0, 1 - sine**2))
    basis = np.zeros((orders, degrees, sine.size))
    diagonal = np.ones_like(sine)
    for m in range(min(orders, degrees)):
        if m:
            diagonal = diagonal * cosine * np.sqrt((2 * m + 1) / (2 * m) * (2 if m == 1 else 1))
        basis[m, m] = diagonal
        for degree in range(m + 1, degrees):
            scale = (4 * degree**2 - 1) / (degree**2 - m**2)
            basis[m, degree] = np.sqrt(scale) * sine * basis[m, degree - 1]
            if degree > m + 1:
                back = ((degree - 1) ** 2 - m**2) / (4 * (degree - 1) ** 2 - 1)
                basis[m, degree] -= np.sqrt(scale * back) * basis[m, degree - 2]
    return basis


def _wide(array: ndarray) -> type:
    return np.complex128 if np.iscomplexobj(array) else np.float64

"""The law of weather draws functions on the sphere: one value at a pole, no seam, any grid."""

from datetime import datetime

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield.carriers.era5 import Era5Carrier
from stegafield.core import options
from stegafield.errors import ConfigError
from stegafield.generators import weather
from stegafield.generators.sphere import interpolate, legendre, synthesis

GRID = np.linspace(90, -90, 46), np.arange(90) * 4.0
JULY = datetime(2010, 7, 15, 12)


@pytest.fixture(scope="module")
def drawn():
    return weather.draw(JULY, np.random.default_rng(1))


def test_harmonics_are_the_known_ones():
    latitude, longitude = np.array([90.0, 30.0, -10.0]), np.array([0.0, 75.0, 200.0])
    sine, cosine = np.sin(np.radians(latitude))[:, None], np.cos(np.radians(latitude))[:, None]
    east = np.radians(longitude)
    known = {
        (0, 0): 1 + 0 * sine * east,
        (0, 1): np.sqrt(3) * sine + 0 * east,
        (0, 2): np.sqrt(5) * (3 * sine**2 - 1) / 2 + 0 * east,
        (1, 1): np.sqrt(3) * cosine * np.cos(east),
        (2, 3): np.sqrt(105) / 2 * cosine**2 * sine * np.cos(2 * east),
    }
    for (order, degree), expected in known.items():
        series = np.zeros((4, 4), complex)
        series[order, degree] = 1
        assert np.allclose(synthesis(series, latitude, longitude), expected)


def test_harmonics_of_high_degree_stay_orthonormal():
    """Integrals over sin(latitude) by Gauss's rule are exact: underflow would show."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    for functions in legendre(np.degrees(np.arcsin(nodes)), 180, 190):
        squares = (functions**2) @ weights / 2
        assert np.allclose(squares[0], 1) and np.allclose(squares[1:], 2)


def test_a_lattice_is_met_at_its_nodes_and_smooth_between():
    lattice = np.random.default_rng(0).standard_normal((19, 36))
    lattice[[0, -1]] = lattice[[0, -1], :1]
    nodes = np.linspace(90, -90, 19), np.arange(36) * 10.0
    assert np.allclose(interpolate(lattice, *nodes), lattice)
    straight = np.repeat(np.linspace(9, -9, 19)[:, None], 36, axis=1)
    between = np.array([63.0, 3.3, -41.0])
    assert np.allclose(
        interpolate(straight, between, np.array([1.0, 359.0])), between[:, None] / 10
    )
    close = np.array([-1e-7, 0.0, 1e-7])
    assert np.ptp(interpolate(lattice, between, close % 360), axis=1).max() < 1e-6


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-90, 90), min_size=1, max_size=4), st.floats(0, 360))
def test_a_value_depends_on_the_place_alone(drawn, latitudes, longitude):
    """Whatever else is requested, and whichever turn around the globe its longitude is from."""
    latitude = np.array(latitudes)
    alone = np.concatenate(
        [drawn(latitude[i : i + 1], np.array([longitude])) for i in range(len(latitude))]
    )
    more = drawn(latitude, np.array([longitude, longitude - 360, 12.0]))
    assert np.allclose(more[:, :1], alone, atol=1e-7) and np.allclose(
        more[:, 1], more[:, 0], atol=1e-7
    )


def test_grids_agree(drawn):
    coarse = drawn(*GRID)
    fine = drawn(np.linspace(90, -90, 91), np.arange(180) * 2.0)
    assert np.abs(fine[::2, ::2] - coarse).max() < 1e-9


def test_poles_and_seam(drawn):
    longitude = np.arange(0, 360, 7.0)
    for pole in (90.0, -90.0):
        there = drawn(np.array([pole]), longitude)
        assert np.ptp(there) < 1e-9
        near = drawn(np.array([pole * (1 - 1e-6)]), longitude)
        assert np.abs(near - there).max() < 0.01
    seam = drawn(np.linspace(-80, 80, 41), np.array([360 - 1e-5, 0.0, 1e-5]))
    assert np.ptp(seam, axis=1).max() < 0.01


@pytest.mark.parametrize("month", range(1, 13))
def test_every_month_is_physical(month):
    rng = np.random.default_rng(month)
    for day in (1, 11, 21):
        field = weather.draw(datetime(2020, month, day, int(rng.integers(24))), rng)(*GRID)
        assert 183 < field.min() < 245 and 300 < field.max() < 331
        area = np.cos(np.radians(GRID[0]))
        assert 283 < np.average(field.mean(1), weights=area) < 292
        tropics = field[np.abs(GRID[0]) < 10]
        assert 294 < tropics.mean() < 302


def test_what_is_too_hot_or_too_cold_is_squeezed_in_order():
    kelvin = np.linspace(100, 400, 301)[None]
    found = weather._physical(kelvin)
    assert (np.diff(found) >= 0).all() and found.min() >= 183 and found.max() <= 331
    usual = (kelvin >= 200) & (kelvin <= 318)
    assert (found[usual] == kelvin[usual]).all()


def test_seasons_days_and_warming():
    rng = np.random.default_rng(3)

    def mean(latitude, longitude, *when, kind="hour", count=12):
        spots = np.array([latitude]), np.array([longitude])
        return np.mean([weather.draw(datetime(*when), rng, kind)(*spots) for _ in range(count)])

    siberia = [mean(62.0, 125.0, 2000, month, 15, 3) for month in (1, 7)]
    assert siberia[1] - siberia[0] > 35
    assert mean(-70.0, 0.0, 2000, 1, 15, 12) - mean(-70.0, 0.0, 2000, 7, 15, 12) > 10
    sahara = [mean(22.0, 15.0, 2000, 5, 15, hour) for hour in (3, 13)]
    assert sahara[1] - sahara[0] > 6
    ocean = [mean(20.0, -150.0, 2000, 5, 15, hour) for hour in (0, 12)]
    assert abs(ocean[1] - ocean[0]) < 3

    def world(year):
        area = np.cos(np.radians(GRID[0]))
        fields = [weather.draw(datetime(year, 7, 1), rng, "week")(*GRID) for _ in range(8)]
        return np.average(np.mean(fields, (0, 2)), weights=area)

    assert 0.4 < world(2020) - world(1980) < 1.6


def test_spectra_are_of_unit_variance():
    squares = np.triu(weather.learned().fast ** 2)
    assert squares[0].sum() + 2 * squares[1:].sum() == pytest.approx(1, abs=1e-4)


def test_seeds_repeat():
    def field(seed):
        return weather.draw(JULY, np.random.default_rng(seed))(*GRID)

    assert (field(5) == field(5)).all() and np.abs(field(5) - field(6)).mean() > 1


def test_the_carrier_is_one_function_at_every_size():
    """And it is the hour that was requested."""
    fields = {}
    for size in ((46, 90), (91, 180)):
        asked = {"size": list(size), "time": "2010-07-15T14:30:00+02:00"}
        carrier = Era5Carrier(options.parse(Era5Carrier.Options, asked, "carrier"))
        cover = carrier.covers(1, np.random.default_rng(4))[0]
        with xarray.open_dataset(carrier.channel().write(cover, cover.codes)) as data:
            assert data["time"].values[0] == np.datetime64("2010-07-15T12:00")
            assert data["t2m"].attrs["units"] == "K"
            fields[size] = data["t2m"].values[0]
    change = fields[91, 180][::2, ::2] - fields[46, 90]
    assert np.abs(change).max() < 0.05  # the noise of both


@pytest.mark.parametrize("time", ["1850-01-01", "noon", 2010])
def test_times_that_are_refused(time):
    with pytest.raises(ConfigError, match="carrier.time"):
        options.parse(Era5Carrier.Options, {"time": time}, "carrier")

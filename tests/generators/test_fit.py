"""Functions fitted to pictures, sound and fields."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield.errors import ConfigError
from stegafield.generators import grid, spline, wavelet
from stegafield.generators.fit import fit
from stegafield.generators.fitted import MOST, Samples
from stegafield.progress import watched

PLANE = ("mirror", "mirror")


def planes(picture):
    return Samples(picture.transpose(2, 0, 1).astype(float), PLANE)


def psnr(found, real, peak):
    return 10 * np.log10(peak**2 / np.mean((found - real) ** 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.integers(0, 99))
def test_wavelets_come_back_and_keep_the_norm(shape, seed):
    values = np.random.default_rng(seed).normal(size=shape)
    found = wavelet.analysis(values)
    np.testing.assert_allclose(wavelet.synthesis(found), values, atol=1e-12)
    assert 0.5 < np.linalg.norm(found) / np.linalg.norm(values) < 2


@pytest.mark.parametrize("ends", ["mirror", "edge", "wrap"])
def test_splines_go_through_their_samples(ends, rng):
    values = rng.normal(size=(9, 12))
    found = spline.coefficients(values, (ends, ends))
    take = spline.means if ends == "mirror" else spline.points
    places = [np.arange(n + 1) - 0.5 if ends == "mirror" else np.arange(n) * 1.0 for n in (9, 12)]
    np.testing.assert_allclose(take(take(found, 0, places[0]), 1, places[1]), values, atol=1e-12)


def test_a_spline_repeats_a_polynomial():
    x = np.linspace(3, 12, 40)
    found = spline.coefficients((np.arange(64.0) / 64) ** 3, ("edge",))
    np.testing.assert_allclose(spline.points(found, 0, x + 20), ((x + 20) / 64) ** 3, atol=1e-10)


def test_a_photograph_has_a_function_of_a_quarter_as_many_parameters(photographs):
    for name, picture in photographs.items():
        samples = planes(picture)
        function = fit(samples)
        assert function.parameters <= samples.values.size / 4, name
        assert function.parameters > 0.98 * samples.values.size / 4, name
        assert function.psnr(samples, 255) > 38, name
        again = fit(samples)
        np.testing.assert_array_equal(function.values, again.values)  # deterministic
        np.testing.assert_array_equal(function.kept, again.kept)


def test_one_function_at_all_sizes(photographs):
    samples = planes(photographs["astronaut"][:60, :48])
    function = fit(samples)
    assert np.allclose(function.raster((60, 48)), function.nodes, atol=1e-9)
    for factor, size in ((2, (60, 48)), (3, (60, 48)), (5, (12, 16)), (4, (30, 7))):
        fine = function.raster((factor * size[0], factor * size[1]))
        means = fine.reshape(3, size[0], factor, size[1], factor).mean((2, 4))
        np.testing.assert_allclose(means, function.raster(size), atol=1e-8)


def test_points_are_the_limit_of_ever_smaller_cells(photographs):
    function = fit(planes(photographs["coffee"][:32, :32]))
    fine = function.raster((32 * 16, 32 * 16)).transpose(1, 2, 0)
    at = function(grid.plane(32 * 16, 32 * 16))
    assert psnr(fine, at, 255) > 55


def test_tiles_are_not_seen(photographs, monkeypatch):
    function = fit(planes(photographs["rocket"][:32, :40]))
    whole = function.raster((70, 90))
    monkeypatch.setattr("stegafield.generators.fitted._TILE", 500)
    np.testing.assert_allclose(function.raster((70, 90)), whole, atol=1e-9)


@pytest.mark.parametrize(("rows", "ends"), [(19, "pole"), (18, "beside")])
def test_a_globe_has_no_seam_and_one_value_at_a_pole(rows, ends, rng):
    latitude = np.linspace(90, -90, 19) if ends == "pole" else 85 - 10 * np.arange(18.0)
    x, y, z = np.moveaxis(grid.sphere(latitude, np.arange(36) * 10.0).astype(float), -1, 0)
    values = 250 + 30 * z**2 + 5 * x * z + 3 * np.sin(4 * y) + x
    function = fit(Samples(values[None], (ends, "wrap")), share=1)
    assert psnr(function.nodes, values[None], np.ptp(values)) > 60
    around = rng.normal(size=(500, 3))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    x, y, z = around.T
    real = 250 + 30 * z**2 + 5 * x * z + 3 * np.sin(4 * y) + x
    assert psnr(function(around)[:, 0], real, np.ptp(real)) > 40  # between the nodes, too
    turn = np.linspace(-np.pi, np.pi, 50)
    for height in (1.0, -1.0):  # a small circle around a pole, and the pole itself
        ring = np.stack([1e-6 * np.cos(turn), 1e-6 * np.sin(turn), np.full(50, height)], 1)
        assert np.ptp(function(ring)) < 1e-3
    seam = np.array([[-1, -1e-9, 0.3], [-1, 1e-9, 0.3], [1, -1e-9, 0.3], [1, 1e-9, 0.3]])
    west = function(seam)[:, 0]
    assert abs(west[0] - west[1]) < 1e-5 and abs(west[2] - west[3]) < 1e-5
    if ends == "pole":
        fine = function.raster((37, 72))
        assert (np.ptp(fine[:, [0, -1]], axis=2) == 0).all()
        np.testing.assert_allclose(fine[:, ::2, ::2], function.nodes, atol=1e-9)


def test_what_is_held_out_is_not_used(photographs, rng):
    picture = planes(photographs["astronaut"])
    held = np.broadcast_to(rng.random(picture.values.shape[1:]) < 0.05, picture.values.shape)
    other = np.where(held, 255 - picture.values, picture.values)
    nan = np.where(held, np.nan, picture.values)
    first = fit(replace(picture, known=~held))
    for values in (other, nan):
        again = fit(Samples(values, PLANE, ~held))
        np.testing.assert_array_equal(first.nodes, again.nodes)
    np.testing.assert_array_equal(fit(Samples(nan, PLANE)).nodes, first.nodes)
    guess = np.broadcast_to(picture.values[~held].mean(), held.shape)[held]
    assert psnr(first.nodes[held], picture.values[held], 255) > 10 + psnr(
        guess, picture.values[held], 255
    )
    assert first.parameters <= 0.25 * (~held).sum()


def test_a_plane_with_gaps_is_a_plane(rng):
    y, x = np.mgrid[:30, :40]
    for ends in (PLANE, ("edge", "edge")):
        known = rng.random((1, 30, 40)) < 0.7
        found = fit(Samples((2.0 * x + y)[None], ends, known), share=1).nodes[0]
        assert np.abs(found - (2 * x + y))[3:-3, 3:-3].max() < 0.7


def test_hostile_samples():
    one = fit(Samples(np.full((3, 1, 1), 7.0), PLANE))
    assert one.parameters == 3 and np.allclose(one.raster((2, 5)), 7)
    flat = fit(Samples(np.full((1, 40, 50), 9.0), PLANE))
    assert flat.values.size == 0 and np.allclose(flat.raster((3, 3)), 9)
    assert np.allclose(fit(Samples(np.full((1, 4), 2.0), ("mirror",))).raster((9,)), 2)
    lone = np.full((1, 20, 30), np.nan)
    lone[0, 3, 4] = 5
    assert np.allclose(fit(Samples(lone, PLANE)).nodes, 5)
    for bad in (np.full((1, 4, 4), np.nan), np.full((1, 4, 4), np.inf), np.zeros((1, 0, 4))):
        with pytest.raises(ConfigError, match="without any value"):
            fit(Samples(bad, PLANE))
    with pytest.raises(ConfigError, match="more than"):
        flat.raster((1 << 20, MOST >> 19))
    for size in ((0, 4), (4,), (2, 2, 2)):
        with pytest.raises(ConfigError):
            flat.raster(size)
    huge = np.lib.stride_tricks.as_strided(np.zeros(1), (1, MOST, 2), (0, 0, 0))
    with pytest.raises(ConfigError, match="at most"):
        fit(Samples(huge, PLANE))


def test_progress_is_told(photographs):
    seen = []
    with watched(lambda stage, done, of: seen.append(done)):
        fit(planes(photographs["coffee"]))
    fit(planes(photographs["coffee"]))
    assert seen[0] == 0 and seen[-1] == 1 and seen == sorted(seen) and len(seen) < 20

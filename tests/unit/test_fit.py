"""Functions fitted to pictures, sound and fields, and covers that are noisy samples of them."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stegafield.carriers.audio import AudioCarrier
from stegafield.carriers.dataset import DatasetCarrier
from stegafield.carriers.image import ImageCarrier
from stegafield.coding import bound
from stegafield.core.law import drawn, fitted
from stegafield.errors import ConfigError
from stegafield.generators import grid, spline, wavelet
from stegafield.generators.fit import fit
from stegafield.generators.fitted import MOST, Samples
from stegafield.progress import watched
from stegafield.testing import check_carrier
from tests.datasets import packed
from tests.sounds import samples as sounds

PLANE = ("mirror", "mirror")


def planes(picture):
    return Samples(picture.transpose(2, 0, 1).astype(float), PLANE)


def globe(rows=19, columns=36):
    """A smooth field on the sphere, and its grid: latitudes from the north pole, and longitudes."""
    latitude, longitude = grid.globe(rows, columns)
    x, y, z = np.moveaxis(grid.sphere(latitude, longitude).astype(float), -1, 0)
    return 250 + 30 * z**2 + 5 * x * z + 3 * np.sin(4 * y) + x, latitude, longitude


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


def test_a_law_keeps_its_headroom():
    share = np.array([-1.0, 0.0, 0.5, 1.0, 2.0])
    np.testing.assert_allclose(fitted(share, 0, 255, 2.0), [10, 10, 127.5, 245, 245])


@pytest.mark.parametrize("form", ["png", "webp", "tiff", "bmp"])
def test_a_message_in_a_function_of_a_picture(engine, key, photographs, form):
    for picture in (photographs["chelsea"], photographs["chelsea"][..., 0]):
        given = {"carrier": "image", "cover": picture, "size": (96, 80), "format": form}
        stego = engine.hide(b"m", as_function=True, key=key, **given)
        assert stego.report.method == "sample" and stego.report.kl_bound_nats <= 1e-5
        assert engine.reveal(stego.data, key=key) == b"m"
        assert stego.value.shape[:2] == (96, 80)
        law = stego.cover.law
        bound.check_law(stego.cover)
        small = np.asarray(Image.fromarray(picture).resize((80, 96), Image.Resampling.BICUBIC))
        real = fitted(np.atleast_3d(small).transpose(2, 0, 1) / 255, 0, 255, law.sigma)
        assert psnr(law.value, real, 255) > 28
        noise = stego.codes - law.value
        assert abs(noise.std() / np.hypot(law.sigma, 12**-0.5) - 1) < 0.05
        assert abs(noise.mean()) < 0.1


def test_every_offered_rate_holds_its_bound(engine, key, photographs):
    given = {"carrier": "image", "cover": photographs["astronaut"], "as_function": True}
    cover = ImageCarrier(ImageCarrier.Options(as_function=True)).open(photographs["astronaut"])
    rates = [3 * rung.rate for rung in bound.rungs(cover)]
    assert max(rates) == 4
    for rate in rates:
        if rate >= 0.5:  # below, 64x64 is too small for a message
            stego = engine.hide(b"", key=key, bpp=rate, **given)
            assert stego.report.kl_bound_nats <= bound.BUDGET
            assert engine.reveal(stego.data, key=key) == b""
    with pytest.raises(ConfigError, match="bpp"):
        engine.hide(b"", key=key, bpp=6, **given)
    small = engine.capacity(size=(32, 32), **given)
    assert 0 < small < engine.capacity(size=(64, 64), **given)


def test_alpha_is_kept_aside(engine, key, photographs):
    alpha = np.full((64, 64), 255, np.uint8)
    alpha[:, :20] = 0
    picture = np.dstack([photographs["rocket"], alpha])
    picture[:, :20, :3] = 0  # what cannot be seen is not fitted
    stego = engine.hide(b"m", carrier="image", cover=picture, as_function=True, key=key)
    np.testing.assert_array_equal(stego.value[..., 3], alpha)
    assert not stego.cover.free[:, :, :20].any()
    assert engine.reveal(stego.data, key=key) == b"m"


def test_nothing_of_the_file_goes_along_but_its_colours(engine, key, photographs):
    from PIL import ImageCms
    from PIL.PngImagePlugin import PngInfo

    out, text, exif = BytesIO(), PngInfo(), Image.Exif()
    text.add_text("Comment", "secret place")
    exif[0x010F], exif[0x0112] = "a camera", 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.fromarray(photographs["coffee"][:40])
    picture.save(out, "PNG", pnginfo=text, exif=exif, icc_profile=profile, dpi=(72, 72))
    given = {"carrier": "image", "cover": out.getvalue(), "as_function": True}
    stego = engine.hide(b"m", key=key, **given)
    found = Image.open(BytesIO(stego.data))
    assert found.size == (40, 64)  # upright: 64 high before, turned by its EXIF data
    assert set(found.info) == {"icc_profile"} and found.info["icc_profile"] == profile
    assert b"secret" not in stego.data and b"camera" not in stego.data
    plain = list(engine.sample(2, **given))
    assert [c.law.sigma for c, _ in plain] == [2.25, 2.25]
    np.testing.assert_array_equal(plain[0][0].law.value, stego.cover.law.value)
    assert (plain[0][0].codes != plain[1][0].codes).mean() > 0.5
    chunks = [Image.open(BytesIO(data)).info.keys() for _, data in plain]
    assert chunks == [found.info.keys()] * 2


def test_sixteen_bits(engine, key, photographs):
    deep = photographs["coffee"][..., 0].astype(np.uint16) * 257
    stego = engine.hide(b"m", carrier="image", cover=deep, as_function=True, key=key)
    assert stego.value.dtype == np.uint16 and engine.reveal(stego.data, key=key) == b"m"
    assert psnr(stego.value / 257, deep / 257, 255) > 35


@pytest.mark.parametrize("kind", ["f4", "i2", "u1"])
def test_a_message_in_a_function_of_a_sound(engine, key, kind):
    frames = sounds(3000)
    whole = {
        "f4": frames.astype("f4"),
        "i2": np.rint(frames * 32767).astype("i2"),
        "u1": np.rint(frames * 127 + 128).astype("u1"),
    }[kind]
    given = {"carrier": "audio", "as_function": True, "key": key}
    stego = engine.hide(b"m", cover=(whole, 8000), set={"carrier.to_rate": 12000}, **given)
    value, rate = stego.value
    assert rate == 12000 and len(value) == 4500 and value.dtype == whole.dtype
    assert engine.reveal(stego.data, key=key) == b"m"
    assert stego.cover.peak == 32768 and stego.report.kl_bound_nats <= 1e-5
    bound.check_law(stego.cover)
    same = engine.hide(b"m", cover=(whole, 8000), **given)
    law = same.cover.law.value.T / 32768
    assert psnr(law, frames, 1) > 35  # the tone has noise of -40 dB, which no function keeps


def gridded(latitude, longitude, values, name="t2m"):
    dims = {"time": np.arange(len(values)), "latitude": latitude, "longitude": longitude}
    made = xarray.DataArray(values.astype(np.float32), dims=tuple(dims), coords=dims, name=name)
    made.latitude.attrs["units"], made.longitude.attrs["units"] = "degrees_north", "degrees_east"
    made.attrs |= {"units": "K", "long_name": "temperature", "history": "made by a secret tool"}
    return made


def test_a_message_in_a_function_of_a_field(engine, key):
    values, latitude, longitude = globe()
    source = gridded(latitude, longitude, np.stack([values, values + 1]))
    given = {"carrier": "dataset", "cover": source, "as_function": True, "size": (37, 72)}
    stego = engine.hide(b"m", key=key, **given)
    assert stego.report.method == "sample" and stego.report.kl_bound_nats <= 1e-5
    assert engine.reveal(stego.data, key=key) == b"m"
    bound.check_law(stego.cover)
    found = stego.value
    assert found.attrs == {"units": "K", "long_name": "temperature"} and b"secret" not in stego.data
    np.testing.assert_array_equal(found.time, source.time)
    np.testing.assert_allclose(found.latitude, np.linspace(90, -90, 37))
    np.testing.assert_allclose(found.longitude, np.arange(72) * 5.0)
    assert (np.ptp(found.values[:, [0, -1]], axis=2) == 0).all()  # a pole is one point, noise too
    assert np.abs(found.values[:, ::2, ::2] - source.values).max() < 1
    again = [cover.codes[:, [0, -1]] for cover, _ in engine.sample(4, **given)]
    assert all((rows == rows[..., :1]).all() for rows in again)
    assert len({tuple(rows[..., 0].ravel()) for rows in again}) > 1  # and fresh


def test_gaps_stay_gaps(engine, key):
    values, latitude, longitude = globe()
    values[5:9, 10:20] = np.nan
    values[12, 3] = np.inf
    source = gridded(latitude, longitude, values[None])
    given = {"carrier": "dataset", "cover": source, "as_function": True, "key": key}
    found = engine.hide(b"m", size=(37, 72), **given).value.values[0]
    assert np.isnan(found[10:17, 20:39]).all() and np.isnan(found[24, 6])
    assert np.isfinite(found[:9]).all() and np.isfinite(found[26:]).all()
    source[:] = np.nan
    with pytest.raises(ConfigError):
        engine.hide(b"m", **given)


def test_regions_bands_and_winds(engine, key):
    values, latitude, longitude = globe(37, 72)
    for rows, columns in ((slice(4, 33), slice(5, 60)), (slice(0, 19), slice(None))):
        part = gridded(latitude[rows], longitude[columns], values[None, rows, columns])
        given = {"carrier": "dataset", "cover": part, "as_function": True, "key": key}
        found = engine.hide(b"m", size=(50, 80), **given).value
        assert found.latitude[0] == latitude[rows][0] and found.latitude[-1] == latitude[rows][-1]
        assert found.longitude[0] == longitude[columns][0]
        wide = found.interp(latitude=part.latitude[1:-1], longitude=part.longitude[1:-1])
        assert np.abs(wide.values - part.values[:, 1:-1, 1:-1]).max() < 1.5
    wind = values + 9 * np.cos(np.radians(longitude))  # not one value at a pole
    source = gridded(latitude, longitude, wind[None], "u10")
    found = engine.hide(b"m", **(given | {"cover": source})).value
    assert np.ptp(found.values[:, 0]) > 10
    with pytest.raises(ConfigError, match="equal steps"):
        uneven = gridded(latitude, np.sort(np.append(longitude[1:], 3.3)), values[None])
        engine.hide(b"m", **(given | {"cover": uneven}))
    with pytest.raises(ConfigError, match="latitudes and longitudes"):
        engine.hide(b"m", **(given | {"cover": packed(grid=False)}))


def test_what_makes_no_sense_is_refused(engine, key, photographs):
    picture = photographs["coffee"]
    with pytest.raises(ConfigError, match="fits no function"):
        engine.hide(b"m", carrier="era5", as_function=True)
    for carrier in ("dataset", "audio"):
        with pytest.raises(ConfigError, match="as_function"):
            options = {"carrier.size": (9, 9)} if carrier == "dataset" else {"carrier.to_rate": 9}
            engine.hide(b"m", carrier=carrier, cover=packed(), set=options)
    with pytest.raises(ConfigError, match="more than"):
        size = (10_000, 10_000)
        engine.hide(b"m", carrier="image", cover=picture, as_function=True, size=size)
    with pytest.raises(ConfigError, match="only as a function"):
        next(engine.sample(1, carrier="image", cover=picture))
    with pytest.raises(ConfigError, match="--as-function"):
        next(engine.sample(1, carrier="image"))
    with pytest.raises(ConfigError, match="seed"):
        next(engine.sample(1, carrier="image", cover=picture, as_function=True, seed=1))
    assert engine.hide_many([b"m"], carrier="era5", size=(19, 36), as_function=False, key=key)
    one = np.zeros((1, 1, 3), np.uint8)
    big = engine.hide(b"m", carrier="image", cover=one, as_function=True, size=(64, 64), key=key)
    assert engine.reveal(big.data, key=key) == b"m"


def test_the_contract_holds_for_functions(photographs):
    picture = photographs["coffee"]
    check_carrier(
        ImageCarrier(ImageCarrier.Options(as_function=True)), [picture, Image.fromarray(picture)]
    )
    check_carrier(AudioCarrier(AudioCarrier.Options(as_function=True)), [sounds(2000)])
    check_carrier(DatasetCarrier(DatasetCarrier.Options(as_function=True)), [packed()])


def test_drawn_codes_follow_the_law_where_they_are_free(photographs):
    cover = ImageCarrier().open(photographs["coffee"])
    free = cover.free & (np.arange(64) > 3)
    plain = drawn(cover.with_free(free), np.full(cover.codes.shape, 100.0), 2.0)
    np.testing.assert_array_equal(plain.codes[~free], cover.codes[~free])
    noise = plain.codes[free] - 100
    assert abs(noise.mean()) < 0.1 and abs(noise.std() - np.hypot(2, 12**-0.5)) < 0.1

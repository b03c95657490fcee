"""Covers that are noisy samples of functions fitted to pictures, sound and fields."""

from io import BytesIO

import numpy as np
import pytest
import xarray
from PIL import Image

from stegafield.carriers.audio import AudioCarrier
from stegafield.carriers.dataset import DatasetCarrier
from stegafield.carriers.image import ImageCarrier
from stegafield.coding import bound
from stegafield.core.law import drawn, fitted
from stegafield.errors import ConfigError
from stegafield.generators import grid
from stegafield.testing import check_carrier
from tests.datasets import packed
from tests.generators.test_fit import psnr
from tests.sounds import samples as sounds


def globe(rows=19, columns=36):
    """A smooth field on the sphere, and its grid: latitudes from the north pole, and longitudes."""
    latitude, longitude = grid.globe(rows, columns)
    x, y, z = np.moveaxis(grid.sphere(latitude, longitude).astype(float), -1, 0)
    return 250 + 30 * z**2 + 5 * x * z + 3 * np.sin(4 * y) + x, latitude, longitude


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
    with pytest.raises(ConfigError, match="cannot resample a cover as a function"):
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
    with pytest.raises(ConfigError, match="as_function=True and cover"):
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

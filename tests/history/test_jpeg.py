"""Pixels that were decoded from a JPEG: found, and found to be contradicted by a change (B11)."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stegafield import engine
from stegafield.core.cover import Cover, GridSpec
from stegafield.detectors.jpeg_compatibility import JpegCompatibility
from stegafield.errors import ConfigError
from stegafield.history import jpeg, pictures

PHOTOGRAPHS = {"chelsea": 75, "camera": 75, "coffee": 90}


def saved(name, quality, mode="L", **how):
    out = BytesIO()
    Image.fromarray(getattr(data, name)()).convert(mode).save(out, "JPEG", quality=quality, **how)
    return out.getvalue()


def pixels(image):
    return np.atleast_3d(np.asarray(image)).transpose(2, 0, 1).astype(np.int32)


def noise(shape, seed=0, share=0.7):
    """What a sensor that no JPEG encoder has seen gives: smooth light and independent noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    light = 128 + 70 * np.sin(x / rng.uniform(9, 40)) * np.cos(y / rng.uniform(9, 40))
    grain = rng.normal(0, rng.uniform(0.5, 4), (3, *shape))
    return np.clip(np.rint(light * rng.uniform(0.6, 1, (3, 1, 1)) + grain), 0, 255).astype(np.int32)


@pytest.mark.parametrize("quality", [50, 75, 90, 95])
def test_decodings_are_what_pillow_decodes(quality):
    """To the bit: the integer decoder of libjpeg, and the table that the file has."""
    image = Image.open(BytesIO(saved("camera", quality)))
    plane = pixels(image)[0]
    past = jpeg.decoded(plane)
    assert past is not None and (past.row, past.column) == (0, 0)
    assert past.table.tolist() == image.quantization[0] == jpeg.standard(quality).tolist()
    wrong = jpeg.contradictions(plane, past)
    assert wrong.mean() < (0.06 if quality == 95 else 1e-3)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_twenty_bytes_leave_blocks_that_no_jpeg_decodes_to(name):
    """B11: 0 of 2,072 blocks of chelsea go to about 59, and so on; a file is not needed."""
    file = saved(name, PHOTOGRAPHS[name])
    cover = pixels(Image.open(BytesIO(file)))
    stego = engine.hide(b"x" * 20, carrier="image", cover=file)
    past = jpeg.decoded(cover[0])
    assert jpeg.contradictions(cover[0], past).sum() == 0
    wrong = jpeg.contradictions(stego.codes[0], past)
    changed = jpeg.by_block(stego.codes[0] != cover[0], 0, 0)
    assert 30 < wrong.sum() <= changed.sum() and wrong.sum() > 0.95 * changed.sum()
    judge = JpegCompatibility()
    assert judge.score(cover) == 0 < judge.threshold < judge.score(stego.codes)


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("quality", [75, 95])
def test_a_change_of_one_channel_shows_in_colour(quality, subsampling):
    """B11: whatever became of the chrominances, and where steps are as fine as rounding."""
    cover = pixels(Image.open(BytesIO(saved("astronaut", quality, "RGB", subsampling=subsampling))))
    assert JpegCompatibility().score(cover) == 0
    rng, stego = np.random.default_rng(0), cover.copy()
    for _ in range(100):
        at = tuple(rng.integers(0, side) for side in cover.shape)
        stego[at] += 1 if stego[at] < 255 else -1
    assert 60 / 4096 < JpegCompatibility().score(stego) < 101 / 4096


@pytest.mark.parametrize("corner", [(0, 0), (3, 5), (7, 1)])
def test_the_grid_of_a_crop_is_found(corner):
    """B11: screenshots and crops keep the blocks, elsewhere."""
    plane = pixels(Image.open(BytesIO(saved("coffee", 85))))[0][corner[0] :, corner[1] :]
    past = jpeg.decoded(plane)
    assert ((past.row + corner[0]) % 8, (past.column + corner[1]) % 8) == (0, 0)


@pytest.mark.parametrize("custom", [0, 1])
def test_tables_of_cameras_are_found_in_the_pixels(custom):
    """B11: no standard quality; each step from the histogram of its frequency."""
    rng = np.random.default_rng(custom)
    table = [int(one) for one in rng.integers(4, 24, 64)]
    out = BytesIO()
    Image.fromarray(data.camera()).save(out, "JPEG", qtables=[table])
    image = Image.open(BytesIO(out.getvalue()))
    past = jpeg.decoded(pixels(image)[0])
    found = past.table > 0
    assert found.sum() > 50
    assert np.mean(past.table[found] == np.array(image.quantization[0])[found]) > 0.95


def test_pixels_of_no_jpeg_are_not_taken_for_any():
    """The detector says nothing of them, and hiding makes no alarm."""
    judge, planes = JpegCompatibility(), [noise((96, 120), seed) for seed in range(6)]
    planes += [pixels(data.camera()), pixels(data.brick()), pixels(data.astronaut())]
    for one in planes:
        changed = one + np.random.default_rng(1).integers(-1, 2, one.shape)
        assert judge.score(one) == judge.score(np.clip(changed, 0, 255)) == 0
        cover = Cover(one, 0, 255, np.ones(one.shape, bool), GridSpec(("y", "x"), (False, False)))
        kinds = {past.kind for past in pictures.of_pixels(cover)}
        assert "jpeg" not in kinds


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 7, 9), (3, 8, 9), (40, 8, 8), (1, 0, 9)])
def test_small_pictures_are_judged_without_a_word(shape):
    codes = np.random.default_rng(0).integers(0, 256, shape).astype(np.int32)
    assert JpegCompatibility().score(codes) == 0


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_lossy_cover_has_no_promise_and_the_way_out_is_said(form, mode):
    """B11: report, capacities and --max-risk say so; half the size leaves nothing of it."""
    out = BytesIO()
    Image.fromarray(data.astronaut()[:256, :256]).convert(mode).save(out, form, quality=80)
    given = {"carrier": "image", "cover": out.getvalue()}
    report = engine.hide(b"m", **given).report
    assert (
        report.history and report.risk.startswith("unknown: ") and "single changes" in report.risk
    )
    assert report.expected[0].basis == "unknown" and report.expected[0].p_e is None
    assert {room.p_e for room in engine.capacities(**given)} == {None}
    with pytest.raises(ConfigError, match="reduce it to half"):
        engine.hide(b"m", max_risk=0.1, **given)
    halved = engine.hide(b"m", size=(128, 128), max_risk=0.1, **given)
    assert {past.kind for past in halved.report.history} <= {"resampled"}


def test_the_past_of_a_png_is_found_and_a_wish_for_a_risk_refused():
    """B11: decoded by another program, saved as a PNG, opened here."""
    image, out = Image.open(BytesIO(saved("chelsea", 75, "RGB"))), BytesIO()
    image.save(out, "PNG")
    given = {"carrier": "image", "cover": out.getvalue()}
    assert [past.kind for past in engine.hide(b"m", **given).report.history] == ["jpeg"]
    with pytest.raises(ConfigError, match="cannot be promised: in pixels decoded from a JPEG"):
        engine.hide(b"m", max_risk=0.1, **given)

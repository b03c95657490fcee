"""Values that a cover never takes are never entered, in any medium (B12)."""

from io import BytesIO

import numpy as np
import pytest
import soundfile
import xarray
from skimage import data

from stegafield import engine
from stegafield.core.cover import Cover, GridSpec
from stegafield.errors import CapacityError, ConfigError
from stegafield.history import levels

PHOTOGRAPHS = [data.camera(), data.astronaut()[..., 1], data.coffee()[..., 0], data.chelsea()]


def empty_bins_entered(cover, stego):
    """Elements at values inside of the range of a channel that its cover never takes."""
    found = 0
    for before, after in zip(cover, stego, strict=True):
        inside = (after >= before.min()) & (after <= before.max())
        found += int((~np.isin(after, before) & inside).sum())
    return found


def picture(seed, side=64):
    """A piece of a photograph."""
    rng = np.random.default_rng(seed)
    whole = PHOTOGRAPHS[seed % len(PHOTOGRAPHS)]
    y, x = (int(rng.integers(0, size - side)) for size in whole.shape[:2])
    return whole[y : y + side, x : x + side].astype(float), rng


def stretched(seed):
    """Levels: from the darkest and brightest hundredth to the ends."""
    piece, rng = picture(seed)
    low, high = np.quantile(piece, [0.01, 0.99])
    return np.clip(np.rint((piece - low) * 255 / max(1.0, high - low)), 0, 255).astype(
        np.uint8
    ), rng


def brightened(seed):
    """A change of gamma, which leaves gaps in the dark."""
    piece, rng = picture(seed)
    return np.rint(255 * (piece / 255) ** rng.uniform(0.5, 0.8)).astype(np.uint8), rng


def planes(codes):
    return np.atleast_3d(codes).transpose(2, 0, 1).astype(np.int64)


@pytest.mark.slow
@pytest.mark.parametrize("made", [stretched, brightened])
def test_no_picture_gets_a_value_that_it_never_takes(made, key):
    """B12: 200 covers a kind, of which those that can carry anything do so without a new value."""
    carried = 0
    for seed in range(200):
        cover, rng = made(seed)
        try:
            stego = engine.hide(rng.bytes(2), carrier="image", cover=cover, key=key)
        except CapacityError as error:
            assert "never takes" in str(error) or "flat" in str(error)
            continue
        assert empty_bins_entered(planes(cover), planes(stego.value)) == 0, seed
        carried += 1
    assert carried > 100


def test_whatever_the_rate_and_the_colour(key):
    """B12: at rates that follow costs and at those that do not."""
    cover, rng = (
        np.concatenate([np.concatenate([stretched(s)[0] for s in (3, 7)], axis=1)] * 2),
        stretched(3)[1],
    )
    assert cover.ndim == 3
    for wish in ({"bpp": 0.2}, {"bpp": 1}, {"bpp": 2}, {"bpp": 6}):
        try:
            stego = engine.hide(rng.bytes(9), carrier="image", cover=cover, key=key, **wish)
        except CapacityError:
            continue
        assert empty_bins_entered(planes(cover), planes(stego.value)) == 0, wish
    with pytest.raises(ConfigError, match="never taken"):
        engine.hide(b"m", carrier="image", cover=cover, max_risk=0.1)
    flat = engine.hide(b"m", carrier="image", cover=cover, set={"effort.flat": True}, bpp=2)
    assert empty_bins_entered(planes(cover), planes(flat.value)) > 0  # on request


def test_sound_that_was_made_louder_keeps_its_values(key):
    """B12: 8 bits, made louder by half."""
    rng = np.random.default_rng(0)
    quiet = np.clip(np.rint(20 * rng.normal(size=20_000).cumsum() / 60), -80, 80)
    loud, out = np.rint(1.5 * quiet).astype(int) + 128, BytesIO()
    soundfile.write(out, (loud - 128) / 128, 8000, format="WAV", subtype="PCM_U8")
    stego = engine.hide(b"louder", carrier="audio", cover=out.getvalue(), key=key)
    assert "gaps" in {past.kind for past in stego.report.history}
    assert stego.report.risk.startswith("unknown: ")
    assert empty_bins_entered(stego.cover.codes, stego.codes) == 0


def test_a_field_that_was_packed_anew_keeps_its_values(key):
    """B12: values of steps of 0.05 K, packed in steps of 0.04 K."""
    rng = np.random.default_rng(1)
    smooth = rng.normal(size=(120, 180)).cumsum(axis=0).cumsum(axis=1)
    values = np.round((280 + 10 * smooth / np.abs(smooth).max()) / 0.05) * 0.05
    axes = {"latitude": np.linspace(60, 30, 120), "longitude": np.linspace(0, 60, 180)}
    field = xarray.Dataset({"t": (("latitude", "longitude"), values)}, axes)
    packing = {"dtype": "int16", "scale_factor": 0.04, "add_offset": 280.0, "_FillValue": -32767}
    data_ = field.to_netcdf(encoding={"t": packing})
    assert empty_bins_entered_by(bytes(data_), key) == 0


def empty_bins_entered_by(file, key):
    stego = engine.hide(
        b"anew", carrier="dataset", cover=file, key=key, set={"carrier.variable": "t"}
    )
    assert {past.kind for past in stego.report.history} == {"gaps"}
    return empty_bins_entered(stego.cover.codes, stego.codes)


def cover_of(codes, high):
    spec = GridSpec(("sample",), (False,), "line")
    return Cover(codes[None], 0, high, np.ones((1, codes.size), bool), spec)


def test_wide_ranges_take_no_memory_and_chance_is_no_past():
    """B12: bounded; noise of any width has no gaps but by chance."""
    rng = np.random.default_rng(2)
    for width in (3, 40, 3000, 1 << 22, 1 << 50):
        codes = (1 << 52) + np.rint(rng.normal(0, width, 8000)).astype(np.int64)
        cover = cover_of(codes, 1 << 60)
        assert levels.past(cover) == () and (width < 100 or levels.kept(cover) is cover)
    spike = np.where(rng.random(8000) < 0.3, 200, np.rint(rng.normal(90, 6, 8000))).astype(np.int64)
    assert levels.past(cover_of(spike, 255)) == ()


def test_salts_that_cannot_be_written_are_no_attempts(key):
    """B12: where few values may be entered, half of the salts do not fit; the next one is taken."""
    cover, rng = brightened(109)
    for _ in range(12):
        stego = engine.hide(
            rng.bytes(2), carrier="image", cover=cover, key=key, set={"effort.attempts": 1}
        )
        assert empty_bins_entered(planes(cover), planes(stego.value)) == 0

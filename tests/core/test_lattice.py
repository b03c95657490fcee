"""Covers whose content takes every n-th code only: steps along that lattice, and no others."""

import math
from io import BytesIO

import numpy as np
import pytest
import soundfile
from PIL import Image

from stegafield.channels.netcdf import NetcdfChannel
from stegafield.core import lattice
from stegafield.core.channel import written
from stegafield.core.cover import Cover, GridSpec
from stegafield.pipeline import plan
from tests.datasets import packed
from tests.sounds import samples, sound

RNG = np.random.default_rng(4)
GREY = RNG.integers(30, 90, (60, 80)).astype(np.uint8)
DEEP = RNG.integers(300, 3000, (60, 80)).astype(np.uint16)  # 12 bits
RGB = RNG.integers(30, 90, (40, 60, 3)).astype(np.uint8)
T2M = {"carrier.variable": "t2m"}
TONE = np.rint(samples(channels=1, frames=6000) * 2000).astype(np.int16)


def cover(codes, low=0, high=255, free=None):
    codes = np.asarray(codes)[None]
    known = np.ones(codes.shape, bool) if free is None else np.asarray(free)[None]
    spec = GridSpec(("x",), (False,), "line")
    return Cover(codes=codes, low=low, high=high, free=known, spec=spec, peak=float(high))


def every(step):
    def change(codes):
        return codes // step * step + 1

    return change


def field_of(data):
    return next(c for c in NetcdfChannel().read(data) if c.container.variable == "t2m")


def picture(pixels, form="PNG"):
    out = BytesIO()
    Image.fromarray(pixels).save(out, form, **({"lossless": True} if form == "WEBP" else {}))
    return out.getvalue()


def pixels(data):
    return np.asarray(Image.open(BytesIO(data))).astype(np.int64)


PICTURES = {
    "12 bits in 16": (picture(DEEP * 16), 16, "png"),
    "10 bits in 16": (picture((DEEP // 4) * 64), 64, "png"),
    "8 bits in 16": (picture(GREY * np.uint16(257)), 257, "png"),
    "even levels": (picture(GREY * 2), 2, "png"),
    "odd levels": (picture(GREY * 2 + 1), 2, "png"),
    "every third": (picture(RGB // 3 * 3 + 1), 3, "png"),
    "4 bits in 8": (picture(GREY % 16 * 17), 17, "png"),
    "even TIFF": (picture(RGB * 2, "TIFF"), 2, "tiff"),
    "12 in 16 TIFF": (picture(DEEP * 16, "TIFF"), 16, "tiff"),
    "even BMP": (picture(RGB * 2, "BMP"), 2, "bmp"),
    "even WebP": (picture(RGB * 2, "WEBP"), 2, "webp"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_keep_their_levels(engine, key, name):
    """B7: a stego takes no level that its cover leaves out, and no note says that it does."""
    data, step, form = PICTURES[name]
    stego = engine.hide(b"on the lattice", carrier="image", cover=data, key=key, format=form)
    before, after = pixels(data), pixels(stego.data)
    assert (before != after).any() and np.unique((after - before) % step).tolist() == [0]
    assert not any("levels" in note for note in stego.report.notes)
    assert engine.reveal(stego.data, key=key) == b"on the lattice"


def files():
    loud = np.clip(TONE.astype(np.int32) * 40, -32768, 32767)
    yield "12 in 16", sound("WAV", values=TONE * 16), 4, "wav"
    yield "12 in 16 FLAC", sound("FLAC", values=TONE * 16), 4, "flac"
    yield "16 in 24", sound("WAV", "PCM_24", values=TONE.astype(np.int32) << 16), 8, "wav"
    yield "16 in 24 FLAC", sound("FLAC", "PCM_24", values=TONE.astype(np.int32) << 16), 8, "flac"
    clipped = np.where(loud == 32767, 0x7FFFFF, loud << 8).astype(np.int32) << 8
    yield "clipped", sound("WAV", "PCM_24", values=clipped), 8, "wav"


FILES = {name: rest for name, *rest in files()}


@pytest.mark.parametrize("name", FILES)
def test_sounds_keep_their_empty_bits(engine, key, name):
    """B7: samples that use the upper bits alone go on doing so; clipped ones stay as they are."""
    data, bits, _ = FILES[name]
    stego = engine.hide(b"on the lattice", carrier="audio", cover=data, key=key)
    before, after = (soundfile.read(BytesIO(d), dtype="int32")[0] for d in (data, stego.data))
    full = before == before.max() if name == "clipped" else np.zeros(before.shape, bool)
    width = 16 if soundfile.info(BytesIO(data)).subtype == "PCM_16" else 24
    assert (before != after).any() and not (after[~full] >> (32 - width) & ((1 << bits) - 1)).any()
    assert np.array_equal(before[full], after[full])
    assert stego.report.notes == []
    assert engine.reveal(stego.data, key=key) == b"on the lattice"


def test_packed_fields_keep_their_lattice(engine, key):
    """B7: integers that take every fifth code, with fill values between."""
    data = packed(rows=37, columns=60, change=every(5))
    stego = engine.hide(b"on the lattice", carrier="dataset", cover=data, key=key, set=T2M)
    old, new = map(field_of, (data, stego.data))
    moved = (new.codes.astype(int) - old.codes)[old.free]
    assert moved.any() and not (moved % 5).any()
    assert not (new.codes.astype(int) - old.codes)[~old.free].any()
    assert engine.reveal(stego.data, key=key) == b"on the lattice"


def test_a_report_counts_in_the_units_of_the_file(engine, key):
    data, step, _ = PICTURES["12 bits in 16"]
    stego = engine.hide(b"units", carrier="image", cover=data, key=key, bpp=1)
    change = pixels(stego.data) - pixels(data)
    assert stego.report.rms_change_physical == pytest.approx(np.sqrt((change**2).mean()))
    assert stego.report.rms_change * step == pytest.approx(stego.report.rms_change_physical)
    assert stego.report.psnr == pytest.approx(
        20 * np.log10(65535 / stego.report.rms_change_physical), abs=1e-3
    )


def test_few_levels_are_left_with_a_note(engine, key):
    """B7: a picture on every second level may not be drawn on; one of eight levels is told."""
    data = picture((GREY % 8 * 30).astype(np.uint8))
    stego = engine.hide(b"few", carrier="image", cover=data, key=key, set={"effort.flat": True})
    assert any("only 8 of its levels in use, 30 apart" in note for note in stego.report.notes)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], None),
        ([7] * 300, None),
        ([0, 255, 0, 255], None),  # ends alone say nothing
        ([3, 5, 9, 4], None),
        ([3, 5, 9, 255, 0], (2, 1)),
        ([-32000, -31984, 32000], (16, 0)),
        ([-7, -2, 3], (5, 3)),
    ],
)
def test_the_lattice_of_codes(codes, expected):
    made = cover(np.array(codes, np.int32), -(1 << 15) if min(codes, default=0) < 0 else 0)
    assert lattice.found(made) == expected


def test_the_lattice_of_elements_that_are_free():
    made = cover(np.array([4, 8, 5, 100]), free=[True, True, False, True])
    assert lattice.found(made) == (4, 0)


def test_64_bit_codes_far_apart_have_their_lattice():
    """Differences of these overflow 64 bits."""
    codes = [5 - 6 * (1 << 60), 5 + 6 * (1 << 60) + 12, 5]
    step = math.gcd(codes[1] - codes[0], codes[2] - codes[0])
    made = cover(np.array(codes), -(1 << 63), (1 << 63) - 1)
    assert lattice.found(made) == (step, 5 % step)


@pytest.mark.parametrize("seed", range(8))
def test_codes_of_a_lattice_are_stored_and_found_again(seed):
    """Whatever steps are taken within the range, for bounds of every element and for one."""
    rng = np.random.default_rng(seed)
    step, offset = int(rng.integers(2, 40)), int(rng.integers(-100, 100))
    steps = rng.integers(-50, 50, 400)
    low, high = -3000 - int(rng.integers(0, 50)), 3000
    free = rng.random(400) < 0.8
    values = np.where(free, offset + step * steps, rng.integers(low, high, 400))
    values[:5] = high
    values[5:9] = low
    made = cover(values.astype(np.int32), low, high, free)
    if seed % 2:
        bounds = (np.full(made.codes.shape, end) for end in (low, high))
        made = Cover(
            **{f: getattr(made, f) for f in ("codes", "free", "spec")},
            **dict(zip(("low", "high"), bounds, strict=True)),
        )
    found = lattice.found(made)
    assert found == (step, offset % step)
    coarse = lattice.on(made, *found)
    assert np.array_equal(lattice.stored(coarse, coarse.codes), made.codes)
    inside = (coarse.codes >= coarse.low) & (coarse.codes <= coarse.high)
    assert inside[coarse.free].all()
    for wanted in (coarse.low, coarse.high, coarse.codes + rng.integers(-1, 2, coarse.codes.shape)):
        moved = np.where(coarse.free, np.clip(wanted, coarse.low, coarse.high), coarse.codes)
        stored = lattice.stored(coarse, moved)
        assert (stored >= low).all() and (stored <= high).all()
        assert np.array_equal(stored[~coarse.free], made.codes[~coarse.free])
    again = lattice.on(made.with_codes(stored), *lattice.found(made.with_codes(stored)))
    assert np.array_equal(again.free, coarse.free) and np.array_equal(again.codes, moved)


def test_a_file_of_an_earlier_version_still_reads(engine, key, monkeypatch):
    """Its steps were those of the file: the plain form is a candidate, too."""
    data = picture(GREY * 2)
    monkeypatch.setattr(plan.lattice, "used", lambda one: one)
    stego = engine.hide(b"old", carrier="image", cover=data, key=key, set={"effort.flat": True})
    assert engine.reveal(stego.data, key=key) == b"old"
    forms = list(lattice.forms(cover(np.array([2, 4, 8, 250]))))
    assert [form.lattice is None for form in forms] == [False, True]


def test_channels_write_what_they_read():
    data = packed(rows=20, columns=30, change=every(7))
    plain = field_of(data)
    coarse = lattice.used(plain)
    assert coarse.lattice.step == 7 and lattice.used(coarse) is coarse
    assert written(NetcdfChannel(), coarse, coarse.codes) == data

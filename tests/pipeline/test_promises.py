"""`capacity` is what `hide` can do: 0, 1, half and all of it read back, one byte more is refused.

Covers of every medium, kind and size, at every rate, with and without costs.
"""

import numpy as np
import pytest
import skimage.data
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stegafield import Key, engine
from stegafield.errors import CapacityError, ConfigError, EmbeddingFailed
from tests.datasets import packed
from tests.sounds import sound

RATES = [None, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3333, 0.4, 0.5, 0.6666, 1, 1.3333, 2, 3, 4]
PHOTOS = ("camera", "astronaut", "coffee", "chelsea", "page", "moon", "text")


class Wish(dict):
    """Arguments of `hide`, told in one line."""

    def __repr__(self):
        told = {**self, "cover": f"{len(self['cover'])} of it"} if "cover" in self else self
        return f"Wish({dict(told)})"


def promised(rng, **wish):
    """Holds a capacity to what it says, in at most four attempts a message."""
    try:
        room = engine.capacity(**wish)
    except CapacityError as refused:
        with pytest.raises(CapacityError) as caught:
            engine.hide(b"", **wish)
        assert caught.value.available == refused.available < 0 and caught.value.needed == 0
        return
    key = Key.generate()
    for size in sorted({0, min(1, room), room // 2, room}):
        message = rng.bytes(size)
        stego = engine.hide(message, key=key, **wish)
        assert engine.reveal(stego.data, key=key) == message
        assert stego.report.capacity_bytes <= stego.report.most_bytes
    with pytest.raises(CapacityError) as caught:
        engine.hide(rng.bytes(room + 1), key=key, **wish)
    told = caught.value
    assert (told.needed, told.available) == (room + 1, room) and told.most >= room
    if wish.get("bps") is not None:
        assert told.most == engine.capacity(**{**wish, "bps": None})


def picture(kind, rng, height, width):
    """A colour picture of 8 bits."""
    shape = (height, width, 3)
    if kind in PHOTOS:
        photo = getattr(skimage.data, kind)()
        photo = np.stack([photo] * 3, axis=-1) if photo.ndim == 2 else photo
        short = [(0, max(0, b - a)) for a, b in zip(photo.shape[:2], (height, width), strict=True)]
        photo = np.pad(photo, (*short, (0, 0)), mode="symmetric")
        y, x = (
            rng.integers(0, a - b + 1)
            for a, b in zip(photo.shape[:2], (height, width), strict=True)
        )
        return photo[y : y + height, x : x + width]
    if kind == "flat":
        return np.full(shape, rng.integers(0, 256), np.uint8)
    if kind == "white":
        return np.full(shape, 255, np.uint8)
    if kind == "black and white":
        return 255 * rng.integers(0, 2, shape, dtype=np.uint8)
    if kind == "clipped":
        return rng.normal(rng.choice([0, 128, 255]), 60, shape).clip(0, 255).astype(np.uint8)
    found = rng.integers(0, 256, shape, dtype=np.uint8)
    if kind == "partly flat":
        found[: rng.integers(0, height)] = rng.choice([0, 128, 255])
    return found


@st.composite
def pictures(draw, most):
    """Pictures: grey, RGB, RGBA, 16 bits; photographs, flat, clipped, saturated, noise."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    kinds = [*PHOTOS, "flat", "white", "black and white", "clipped", "partly flat", "noise"]
    height, width = (draw(st.sampled_from([n for n in SIDES if n <= most])) for _ in range(2))
    values = picture(draw(st.sampled_from(kinds)), rng, height, width)
    form = draw(st.sampled_from(["grey", "RGB", "RGBA", "grey 16", "RGB 16"]))
    if form.startswith("grey"):
        values = values[..., 0]
    if form == "RGBA":
        alpha = rng.choice([0, 128, 255], (height, width)).astype(np.uint8)
        values = np.dstack([values, alpha])
    return {"carrier": "image", "cover": values.astype(np.uint16) * 257 if "16" in form else values}


SIDES = [12, 15, 16, 20, 23, 33, 40, 64, 124, 200, 300]


@st.composite
def sounds(draw, most):
    """Sounds of 8, 16, 24 bits: noise, silence, tones, clipped."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    frames = draw(st.sampled_from([n for n in (200, 260, 400, 1000, 5000, 40_000) if n <= most**2]))
    shape = frames, draw(st.sampled_from([1, 2]))
    tone = 0.9 * np.sin(np.arange(frames) / 3)[:, None] * np.ones(shape)
    noise = rng.normal(0, draw(st.sampled_from([0.1, 2])), shape).clip(-1, 1)
    half = noise * (np.arange(frames) < frames // 2)[:, None]
    values = draw(st.sampled_from([noise, np.zeros(shape), tone, half]))
    forms = [("WAV", "PCM_U8"), *((f, f"PCM_{b}") for f in ("WAV", "FLAC") for b in (16, 24))]
    return {"carrier": "audio", "cover": sound(*draw(st.sampled_from(forms)), values=values)}


def whole(kind, rng, rows, columns, *, smooth, fill=None):
    """A field packed over the whole of an integer type, with poles."""
    ends = np.iinfo(kind)

    def change(codes):
        share = rng.random(codes.shape)
        if smooth:
            share = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, codes.shape[-2]))[:, None]
            share = np.broadcast_to(share, codes.shape)
        codes = np.rint(ends.min + share * (float(ends.max) - ends.min))
        if fill is not None:
            codes[rng.random(codes.shape) < 0.1] = fill
        return codes.astype(kind)

    return packed(dtype=kind, rows=rows, columns=columns, fill=fill, change=change)


def floats(kind, rng, rows, columns, *, scale, offset, missing):
    """A field of floats, with poles."""
    values = scale * rng.normal(size=(1, rows, columns)) + offset
    if missing:
        values[rng.random(values.shape) < 0.1] = np.nan
    import xarray

    axes = {
        "time": [0],
        "latitude": np.linspace(90, -90, rows),
        "longitude": np.linspace(0, 360, columns, endpoint=False),
    }
    array = xarray.DataArray(values.astype(kind), axes, ("time", "latitude", "longitude"), "v")
    array.latitude.attrs["units"], array.longitude.attrs["units"] = "degrees_north", "degrees_east"
    return array.to_dataset()


@st.composite
def fields(draw, most):
    """Fields: packed over their whole type, floats of several scales, with fill values or not."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    rows, columns = (draw(st.sampled_from([n for n in SIDES if n <= most])) for _ in range(2))
    kind = draw(st.sampled_from(["i1", "u1", "i2", "f4", "f8"]))
    missing = draw(st.booleans())
    if kind[0] == "f":
        scale, offset = draw(st.sampled_from([(10, 0), (1, 270), (1e-3, 0), (1e5, 0)]))
        given = {"scale": scale, "offset": offset, "missing": missing}
        return {"carrier": "dataset", "cover": floats(kind, rng, rows, columns, **given)}
    fill = draw(st.sampled_from([np.iinfo(kind).min, 7])) if missing else None
    data = whole(kind, rng, rows, columns, smooth=draw(st.booleans()), fill=fill)
    return {"carrier": "dataset", "cover": data}


@st.composite
def drawn(draw, most):
    """Generated covers."""
    carrier = draw(st.sampled_from(["era5", "celeba"]))
    least = 12 if carrier == "era5" else 32
    sides = tuple(draw(st.integers(least, max(least, most))) for _ in range(2))
    method = draw(st.sampled_from([None, "project"]))
    return {"carrier": carrier, "size": sides} | ({"method": method} if method else {})


@st.composite
def wishes(draw, most):
    """Arguments of `hide`, without message and key."""
    kinds = st.sampled_from([pictures, sounds, fields, drawn])
    wish = Wish(draw(draw(kinds)(most)))
    if (rate := draw(st.sampled_from(RATES))) is not None:
        wish["bps"] = rate
    settings = {"effort.costs": [True, True, False], "effort.flat": [False, False, True]}
    wish["set"] = {name: draw(st.sampled_from(values)) for name, values in settings.items()}
    if draw(st.integers(0, 9)) == 0:
        wish["max_risk"] = 0.3
    return wish


def hold(wish):
    """One example: a rate above the top of a cover's ladder is another test's."""
    try:
        promised(np.random.default_rng(0), **wish)
    except ConfigError as error:
        assert any(word in str(error) for word in ("top of the ladder", "max_risk", "size"))


PROFILE = {
    "deadline": None,
    "suppress_health_check": (HealthCheck.too_slow, HealthCheck.data_too_large),
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),  # to make one smaller takes minutes
}


@given(wishes(23))
@settings(max_examples=10, **PROFILE)
def test_capacity_is_what_hide_can_do(wish):
    hold(wish)


@pytest.mark.slow
@given(wishes(300))
@settings(max_examples=80, **PROFILE)
def test_capacity_is_what_hide_can_do_at_any_size(wish):
    hold(wish)


@pytest.mark.parametrize("rate", [None, 4])
@pytest.mark.parametrize(("kind", "fill"), [("i1", None), ("u1", 254), ("i2", None)])
def test_b3_a_field_packed_over_its_whole_type(kind, fill, rate, rng):
    """B3: codes alone between a fill value and an end of the type cannot move."""
    data = whole(kind, rng, 69, 43, smooth=True, fill=fill)
    promised(rng, carrier="dataset", cover=data, bps=rate, set={"effort.flat": True})


@pytest.mark.parametrize("rate", [2, 3, 4])
def test_b3_few_narrow_ranges_among_wide_ones(rate, rng):
    """B3: three elements that move far hid one beside them that does not."""
    values = rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)
    values[np.isin(values, (11, 14, 40, 44, 47))] = 200  # ranges of two or three values
    promised(rng, carrier="image", cover=values, bps=rate)


def test_b4_a_field_of_floats_with_poles(rng):
    """B4: at the poles the weight is near zero, and a price passed the coder's infinity."""
    field = floats("f8", rng, 23, 30, scale=10, offset=0, missing=False)
    promised(rng, carrier="dataset", cover=field)
    for size in (4, 9, 18):
        engine.hide(rng.bytes(size), carrier="dataset", cover=field)


def _photo(name, side, channels):
    photo = getattr(skimage.data, name)()
    return photo[100 : 100 + side, 200 : 200 + side, :channels].squeeze()


NETWORKS = {
    "phase-conv, grey": (_photo("astronaut", 24, 1), {"extractor": "phase-conv"}),
    "phase-conv, colour": (_photo("astronaut", 20, 3), {"extractor": "phase-conv"}),
    "phase-conv, white": (np.full((20, 20, 3), 255, np.uint8), {"extractor": "phase-conv"}),
    "phase-conv, a strip": (_photo("astronaut", 124, 1)[:23], {"extractor": "phase-conv"}),
    "cnn, colour": (
        _photo("coffee", 24, 3),
        {"extractor": "cnn", "set": {"extractor.norm": "batch"}},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_b5_what_optimizers_promise_reads_back(name, rng):
    """B5: messages within the capacity raised `EmbeddingFailed`, after minutes."""
    pytest.importorskip("torch")
    cover, wish = NETWORKS[name]
    promised(rng, carrier="image", cover=cover, **wish)


@pytest.mark.parametrize(
    ("cover", "wish"),
    [
        (np.full((40, 40), 255, np.uint8), {"extractor": "phase-conv"}),
        (_photo("astronaut", 32, 3), {"extractor": "phase-conv", "bpp": 4}),
        (_photo("astronaut", 32, 3), {"extractor": "cnn"}),
        (_photo("astronaut", 32, 1), {"extractor": "cnn", "bpp": 4}),
    ],
)
def test_b5_what_mostly_fails_is_not_promised(cover, wish, rng):
    """B5: a white picture, more bits than elements can bear, a network that is not normalised."""
    pytest.importorskip("torch")
    wish = {"carrier": "image", "cover": cover, **wish}
    try:
        room = engine.capacity(**wish)
    except CapacityError as refused:
        assert "effort.doubtful" in str(refused)
    else:
        with pytest.raises(CapacityError, match="effort.doubtful") as caught:
            engine.hide(rng.bytes(room + 1), **wish)
        assert caught.value.available == room
    assert engine.capacity(**wish, set={"effort.doubtful": True}) > 0


def test_b5_a_header_in_other_channels_leaves_no_less_room(rng):
    """B5: with half of all salts there were fewer whole positions than promised."""
    pytest.importorskip("torch")
    cover = _photo("astronaut", 20, 3)
    wish = {"carrier": "image", "cover": cover, "extractor": "phase-conv", "bpp": 1}
    room = engine.capacity(**wish)
    for _ in range(3):
        report = engine.hide(rng.bytes(room), **wish).report
        assert report.attempts == 1 and report.capacity_bytes == room


@pytest.mark.slow
def test_b9_a_change_that_anyone_sees_is_an_error(rng):
    """B9: 15 dB were taken in silence."""
    pytest.importorskip("torch")
    noise = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    wish = {"carrier": "image", "cover": noise, "extractor": "cnn", "bpp": 1}
    options = {"extractor.norm": "batch", "effort.attempts": 1}
    with pytest.raises(CapacityError, match="effort.doubtful"):
        engine.hide(b"", **wish, set=options)
    with pytest.raises(EmbeddingFailed, match=r"dB is too little.*effort.least_psnr"):
        engine.hide(b"", **wish, set={**options, "effort.doubtful": True, "effort.least_psnr": 40})
    stego = engine.hide(b"", **wish, set={**options, "effort.doubtful": True})
    assert any("plain to see" in note for note in stego.report.notes)

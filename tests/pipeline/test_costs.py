"""Adaptive embedding in the engine: costs of one's own, flat places, covers that are too flat."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from stegafield.carriers.image import ImageCarrier
from stegafield.channels.picture.png import PngChannel
from stegafield.coding import feasible
from stegafield.core.cover import Costs
from stegafield.core.registry import Registry
from stegafield.costs import rough
from stegafield.errors import BrokenPlugin, CapacityError, ConfigError
from stegafield.extractors.phase import Phase
from stegafield.pipeline.engine import Engine
from stegafield.regions import bootstrap
from tests.priced import textured


class Half(ImageCarrier):
    """Pictures whose left half must not change."""

    name: ClassVar[str] = "half"

    def costs(self, cover):
        price = np.ones(cover.codes.shape)
        price[:, :, : price.shape[2] // 2] = np.inf
        return Costs.alike(price)


class Wrong(ImageCarrier):
    """A carrier whose costs are none."""

    name: ClassVar[str] = "wrong"

    def costs(self, cover):
        return Costs.alike(-np.ones(cover.codes.shape))


class Simple(Phase):
    """An extractor that knows nothing of costs."""

    name: ClassVar[str] = "simple"

    @classmethod
    def adapts(cls, rung):
        return False

    @classmethod
    def offers(cls, cover):
        return Phase.offers(replace(cover, costs=None))

    def project(self, cover, bits, rng):
        return super().project(replace(cover, costs=None), bits, rng)


@pytest.fixture(scope="module")
def third_parties():
    registry = Registry()
    for carrier in (Half, Wrong, ImageCarrier):
        registry.add("carrier", carrier, "test")
    for extractor in (Phase, Simple):
        registry.add("extractor", extractor, "test")
    registry.add("channel", PngChannel, "test")
    return Engine(registry, device="cpu")


PICTURE = textured((1, 96, 96))[0].astype(np.uint8)


def test_a_carrier_of_ones_own_has_costs_of_its_own(third_parties, key):
    stego = third_parties.hide(b"m", carrier="half", cover=PICTURE, key=key, bpp=0.2)
    assert third_parties.reveal(stego.data, key=key) == b"m"
    moved = stego.codes != stego.cover.codes
    assert stego.report.costs is True and moved[:, :, 48:].any()
    payload = bootstrap.opened(stego.cover.with_codes(stego.codes), key).at.payload
    elsewhere = ~stego.cover.free | payload
    assert not moved[:, :, :48][elsewhere[:, :, :48]].any()
    with pytest.raises(BrokenPlugin, match="negative"):
        third_parties.hide(b"m", carrier="wrong", cover=PICTURE, key=key)


def test_an_extractor_without_costs_is_left_alone(third_parties, key):
    stego = third_parties.hide(b"m", carrier="image", cover=PICTURE, key=key, extractor="simple")
    assert third_parties.reveal(stego.data, key=key) == b"m" and stego.report.costs is False


def test_the_receiver_needs_to_know_nothing(engine, key):
    """With and without costs a salt gives the same positions, and one `reveal` reads both."""
    for settings_ in ({}, {"effort.costs": False}):
        stego = engine.hide(b"m", carrier="image", cover=PICTURE, key=key, bpp=0.2, set=settings_)
        assert engine.reveal(stego.data, key=key) == b"m"
        assert stego.report.costs is not settings_.get("effort.costs", False) or settings_
    assert stego.report.costs is False


def test_rough_places_change_and_flat_ones_do_not(engine, key):
    picture = PICTURE.copy()
    picture[:48] = 200
    stego = engine.hide(b"m", carrier="image", cover=picture, key=key, bpp=0.1)
    moved = (stego.codes != stego.cover.codes)[0]
    assert changed_in_flat(stego, key) == 0, "of the payload"
    barred = np.isinf(rough.picture(stego.cover.codes, 0, 255))[0]
    flat = int((moved & barred).sum())  # of salt and header
    told = f"changes in flat or clipped places, where they show: {flat}"
    assert stego.report.notes == ([told] if flat else [])
    assert moved[48:].sum() > 50 and moved[:38].sum() <= 24


def quarter():
    """A picture of which a quarter is rough."""
    picture = PICTURE.copy()
    picture[:72] = 200
    return picture


def changed_in_flat(stego, key):
    """Changes where all around is flat, beside those of salt and header, whose places are fixed."""
    cover = stego.cover
    payload = bootstrap.opened(cover.with_codes(stego.codes), key).at.payload
    barred = np.isinf(rough.picture(cover.codes, 0, 255))
    return int(((stego.codes != cover.codes) & payload & barred).sum())


@pytest.mark.slow
def test_a_rate_that_is_too_much_for_the_rough_places_is_lowered_and_said(engine, key):
    picture = quarter()
    for rate in (0.5, 4):
        given = {"carrier": "image", "cover": picture, "bpp": rate}
        stego = engine.hide(b"m", key=key, **given)
        assert 0.05 < stego.report.bits_per_element < 0.3 and changed_in_flat(stego, key) == 0
        note = stego.report.notes[0]
        assert f"not the requested {rate:g}" in note and "effort.flat" in note
        full = engine.capacity(**given)
        assert full == stego.report.capacity_bytes
        every = np.random.default_rng(0).bytes(full)
        stego = engine.hide(every, key=key, **given)
        assert engine.reveal(stego.data, key=key) == every and changed_in_flat(stego, key) == 0
        with pytest.raises(CapacityError, match="effort.flat") as caught:
            engine.hide(np.random.default_rng(0).bytes(full + 20), key=key, **given)
        assert caught.value.available == full


def test_flat_places_change_where_that_is_requested_and_no_more_than_they_must(engine, key):
    given = {"carrier": "image", "cover": quarter(), "bpp": 0.5}
    counts = {}
    for name in ("flat", "costs"):
        asked = {**given, "set": {f"effort.{name}": name == "flat"}}
        full = np.random.default_rng(0).bytes(engine.capacity(**asked))
        stego = engine.hide(full, key=key, **asked)
        assert engine.reveal(stego.data, key=key) == full and stego.report.bits_per_element > 0.4
        counts[name], notes = changed_in_flat(stego, key), stego.report.notes
        assert any("in flat or clipped places" in note for note in notes) is (name == "flat")
        assert bool(stego.report.expected) is (name == "costs")
    with pytest.raises(ConfigError, match="nothing was measured"):
        engine.hide(b"m", key=key, max_risk=0.1, **{**given, "set": {"effort.flat": True}})
    assert 0 < counts["flat"] < 0.8 * counts["costs"]


BLACK_AND_WHITE = np.where(np.add.outer(np.arange(64), np.arange(64)) // 9 % 2, 255, 0)


@pytest.mark.parametrize("picture", [np.full((64, 64), 128), BLACK_AND_WHITE])
def test_a_cover_without_rough_places_is_refused_and_told_what_to_do(engine, key, picture):
    given = {"carrier": "image", "cover": picture.astype(np.uint8)}
    for limit in (None, 0.3):
        with pytest.raises(
            (ConfigError, CapacityError), match="flat|nothing was measured|resampled"
        ):
            engine.hide(b"m", key=key, max_risk=limit, **given)
    with pytest.raises(CapacityError, match="effort.flat"):
        engine.capacity(**given)
    for way in ({"effort.flat": True}, {"effort.costs": False}):
        stego = engine.hide(b"m", key=key, set=way, **given)
        assert engine.reveal(stego.data, key=key) == b"m"
        assert stego.report.capacity_bytes <= engine.capacity(**given, set=way)


def test_a_flat_tile_is_not_made_up_for_by_rough_ones(engine, key):
    """Bits of a tile stand in that tile: 300 rows of 256 are more than one of them."""
    picture = textured((1, 600, 256))[0].astype(np.uint8)
    assert engine.capacity(carrier="image", cover=picture) > 10_000
    picture[:300] = 200
    with pytest.raises(CapacityError, match="effort.flat"):
        engine.hide(b"m", key=key, carrier="image", cover=picture)


@pytest.mark.slow
def test_a_rung_that_finds_no_way_twice_is_given_up_for_a_lower_one(engine, key, monkeypatch):
    """Where it is foreseen wrongly."""
    picture = quarter()
    monkeypatch.setattr(feasible, "bears", lambda rung, ways: True)
    stego = engine.hide(
        b"m", carrier="image", cover=picture, key=key, bps=0.5, set={"effort.attempts": 20}
    )
    report = stego.report
    assert engine.reveal(stego.data, key=key) == b"m" and len(report.failures) >= 2
    assert any("not the requested 0.5" in note for note in report.notes)


def test_a_drawn_cover_is_taken_as_an_opened_one(engine, key):
    opened = engine.plan(carrier="image").carrier.open(PICTURE)
    given = {"carrier": "image", "bpp": 0.2}
    assert engine.capacity(cover=opened, **given) == engine.capacity(cover=PICTURE, **given)
    stego = engine.hide(b"m", cover=opened, key=key, **given)
    assert stego.report.costs is True and engine.reveal(stego.data, key=key) == b"m"
    again = {**given, "set": {"effort.costs": False}}
    plain = engine.hide(b"m", cover=stego.cover, key=key, **again)
    assert plain.report.costs is False  # those of the cover were another plan's
    with pytest.raises(ConfigError, match="another medium"):
        engine.capacity(carrier="audio", cover=opened)

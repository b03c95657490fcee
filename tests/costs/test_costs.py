"""Adaptive embedding: cost maps, the cheapest changes, what the bootstrap does, and covers that are too flat."""

import itertools
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield import Key, costs
from stegafield.carriers.dataset import DatasetCarrier
from stegafield.carriers.image import ImageCarrier
from stegafield.channels.picture.png import PngChannel
from stegafield.coding import block_priced, feasible, gibbs, trellis
from stegafield.coding import prices as adaptive
from stegafield.coding.block import read_symbols
from stegafield.coding.ladder import LADDER
from stegafield.coding.offer import ADAPTIVE_MOST, follows_costs, with_costs
from stegafield.core.cover import Costs, Cover, GridSpec
from stegafield.core.registry import Registry
from stegafield.core.rung import Rung
from stegafield.costs import masked, rough
from stegafield.errors import BrokenPlugin, CapacityError, ConfigError
from stegafield.extractors.phase import Phase
from stegafield.message.correction import CORRECTIONS
from stegafield.pipeline.engine import Engine
from stegafield.regions import bootstrap, positions
from stegafield.regions.header import Header, Profile
from tests.datasets import packed

TRELLIS = [rung for rung in LADDER if rung.span]
NEAR = {0.05: 1.28, 0.1: 1.25, 0.25: 1.22, 0.4: 1.22, 0.5: 1.21}
"""Cost of the trellis form over the least that coding theory allows, at most, by rate."""


def textured(shape=(1, 256, 256), seed=0):
    """A picture that is smooth at the top and rough at the bottom."""
    rng = np.random.default_rng(seed)
    spread = np.linspace(0.3, 12, shape[1])[:, None]
    return np.clip(np.rint(128 + spread * rng.normal(size=shape)), 0, 255).astype(np.int32)


def as_cover(codes, price=None):
    cover = Cover(codes, 0, 255, np.ones(codes.shape, bool), GridSpec(("y", "x"), (False, False)))
    price = rough.picture(codes, 0, 255) if price is None else price
    return replace(cover, costs=adaptive.settled(Costs.alike(price), cover))


def spent(cover, codes):
    """What changes cost: the fourth power of the step times the price of its direction."""
    step = (codes - cover.codes).astype(float)
    price = np.where(step < 0, *cover.costs)
    return float(np.where(step == 0, 0, step**4 * np.where(step == 0, 0, price)).sum())


def least(cover, bits):
    """The least expected cost at which changes of one step carry so many bits."""
    m = gibbs.multiplier(cover.costs, bits / cover.codes.size)
    shares = gibbs.shares(cover.costs, m)
    return sum(
        float((share * np.where(share > 0, side, 0)).sum())
        for share, side in zip(shares, cover.costs, strict=True)
    )


# ---- maps


def test_pictures_cost_hill_and_never_where_flat_or_clipped():
    codes = textured()
    codes[0, :40, :40] = 77
    codes[0, 200, 100:102] = 255
    codes[0, 220, 100] = 255
    price = rough.picture(codes, 0, 255)
    assert np.isinf(price[0, 10:30, 10:30]).all()  # all of 15x15 and of its neighbours is flat
    assert np.isinf(price[0, 200, 100:102]).all() and np.isfinite(price[0, 220, 100])
    assert np.isfinite(price[0, 60:190]).all()
    same = rough.hill(codes[0].astype(float))
    inside = np.isfinite(price[0])
    assert np.allclose(price[0][inside], same[inside], rtol=1e-3)
    assert np.median(price[0, 200:]) < np.median(price[0, 60:100]) / 2


def test_channels_are_priced_by_themselves():
    codes = np.concatenate([textured(), textured(seed=1)[:, ::-1]])
    both = rough.picture(codes, 0, 255)
    alone = [rough.picture(plane[None], 0, 255)[0] for plane in codes]
    assert np.array_equal(both, np.stack(alone))


def test_sound_is_cheap_where_noise_is_loud():
    rng, time = np.random.default_rng(0), np.arange(4096)
    parts = {
        "silence": np.zeros(4096),
        "tone": 8000 * np.sin(0.37 * time),
        "quiet": rng.normal(0, 3, 4096),
        "loud": rng.normal(0, 800, 4096),
        "clipped": np.full(4096, 40000),
    }
    codes = np.rint(np.concatenate(list(parts.values()))).clip(-32768, 32767).astype(np.int16)
    price = masked.sound(codes[None], -32768, 32767)[0].reshape(5, 4096)[:, 1200:2900]
    price = dict(zip(parts, price, strict=True))
    assert np.isinf(price["silence"]).all() and np.isinf(price["clipped"]).all()
    middle = {name: np.median(price[name]) for name in parts}
    assert middle["loud"] * 50 < middle["quiet"] < np.inf
    assert middle["loud"] * 50 < middle["tone"] < np.inf  # as loud, and foretold


def test_fields_wrap_and_do_not_see_what_is_masked():
    codes = textured((2, 60, 90)).astype(np.int64) + (1 << 40)
    valid = np.ones(codes.shape, bool)
    valid[:, [0, -1]] = False
    valid[0, 30:40, 20:40] = False
    price = rough.field(codes, valid, (False, True))
    turned = [np.roll(array, 17, axis=2) for array in (codes, valid)]
    assert np.allclose(rough.field(*turned, (False, True)), np.roll(price, 17, axis=2), rtol=1e-5)
    other = np.where(valid, codes, 0)
    assert np.array_equal(rough.field(other, valid, (False, True)), price)
    assert np.isinf(price[0, 33, 30]) or price[0, 33, 30] > 10 * price[0, 33, 60]


@pytest.mark.parametrize("wraps", [(False, False), (False, True), (True, True)])
def test_bands_make_up_the_whole(monkeypatch, wraps):
    codes = textured((1, 150, 90)).astype(np.int64)
    valid = np.random.default_rng(1).random(codes.shape) < 0.999
    whole = rough.field(codes, valid, wraps)
    monkeypatch.setattr(costs, "_BAND", 1)  # bands of as few rows as there may be
    assert np.array_equal(rough.field(codes, valid, wraps), whole)
    assert np.isinf(rough.picture(codes.clip(120, 255), 120, 255)).any()


def test_parts_of_a_sound_make_up_the_whole(monkeypatch):
    rng = np.random.default_rng(2)
    codes = (np.cumsum(rng.normal(0, 90, (2, 7000)), axis=1) % 9000).astype(np.int16)
    codes[0, 3000:3200] = 5
    whole = masked.sound(codes, -32768, 32767)
    monkeypatch.setattr(masked, "_PART", 2 * masked._HOP)
    assert np.allclose(masked.sound(codes, -32768, 32767), whole, rtol=1e-4)


@pytest.mark.parametrize("size", [1, 3, 5, 15, 31])
def test_means_are_of_so_many_neighbours(size):
    values = np.random.default_rng(3).random((40, 7)).astype(np.float32)
    windows = np.take(values, np.arange(40)[:, None] + np.arange(size) - size // 2, 0, mode="wrap")
    assert np.allclose(costs.mean(values, size, [0], [True]), windows.mean(axis=1), rtol=1e-5)


def test_data_sets_have_costs_of_their_shape():
    carrier = DatasetCarrier()
    cover = carrier.open(packed(rows=46, columns=90, times=2))
    costs = carrier.costs(cover)
    assert costs.up.shape == cover.codes.shape
    adaptive.settled(costs, cover)


# ---- the cheapest changes


def _brutally(codes, low, high, costs, wanted, read, modulus, reach, early=None):
    """The least cost of any change that reads `wanted`; with `early`, after the first so
    many samples two steps are taken only where one is dearer, one way."""
    flat, down, up = codes.ravel(), costs.down.ravel(), costs.up.ravel()
    moves = []
    for i, code in enumerate(flat):
        steps = [s for s in range(-reach, reach + 1) if low <= code + s <= high]
        paid = {s: s**4 * float(down[i] if s < 0 else up[i]) if s else 0.0 for s in steps}
        if early is not None:
            odd = [min((p for s, p in paid.items() if s % 4 == r), default=np.inf) for r in (1, 3)]
            paid = {s: p for s, p in paid.items() if abs(s) != 2 or p < max(odd) or i < early}
        moves.append({s: p for s, p in paid.items() if np.isfinite(p)})
    columns = np.stack([read(unit) for unit in np.eye(flat.size, dtype=np.int64)])
    steps = np.array(list(itertools.product(*moves)))
    paid = np.array(list(itertools.product(*[one.values() for one in moves]))).sum(axis=1)
    good = ((steps @ columns + read(flat) - wanted) % modulus == 0).all(axis=1)
    return paid[good].min(initial=np.inf)


def _prices(data, shape):
    one = st.one_of(st.floats(0.01, 50), st.just(float("inf")))
    size = int(np.prod(shape))
    sides = [data.draw(st.lists(one, min_size=size, max_size=size)) for _ in range(2)]
    return Costs(*(np.array(side, np.float32).reshape(shape) for side in sides))


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_the_trellis_finds_the_cheapest_changes(data):
    rung = Rung(2, 2, tuple(data.draw(st.integers(0, 15)) | 1 for _ in range(2)), 2)
    draw = st.lists(st.integers(0, 4), min_size=6, max_size=6)
    codes = np.array(data.draw(draw), np.int32).reshape(3, 2)
    symbols = np.array(data.draw(st.lists(st.integers(0, 3), min_size=3, max_size=3)))
    costs = _prices(data, codes.shape)

    def read(flat):
        return trellis.read_symbols(flat.reshape(3, 2), rung)

    found = trellis.project(codes, 0, 4, symbols, rung, np.random.default_rng(0), costs)
    best = _brutally(codes, 0, 4, costs, symbols, read, 4, 3, early=4)
    step = found - codes
    paid = sum(
        abs(int(s)) ** 4 * float(side)
        for s, side in zip(step.ravel(), np.where(step < 0, *costs).ravel(), strict=True)
        if s
    )
    if np.isfinite(best):
        assert (read(found.ravel()) == symbols).all()
        assert paid <= best * 1.002 + 1e-6  # ties are broken by a thousandth
    else:
        assert np.array_equal(found, codes)


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_windows_find_the_cheapest_changes(data):
    taps = tuple(data.draw(st.integers(1, 7)) for _ in range(5))
    rung = Rung(3, 5, taps)
    codes = np.array(data.draw(st.lists(st.integers(0, 5), min_size=5, max_size=5)), np.int32)
    symbol = np.array([data.draw(st.integers(0, 7))])
    costs = _prices(data, (1, 5))

    def read(flat):
        return read_symbols(flat[None], rung)

    found = block_priced.project(codes[None], 0, 5, symbol, rung, np.random.default_rng(0), costs)
    best = _brutally(codes, 0, 5, costs, symbol, read, 8, 2)
    if np.isfinite(best):
        cover = as_cover(codes[None, None], np.ones((1, 1, 5)))
        cover = replace(cover, costs=Costs(*(side[None] for side in costs)))
        assert read(found[0]) == symbol and spent(cover, found[None]) <= best * 1.002 + 1e-6
    else:
        assert np.array_equal(found[0], codes)


@pytest.mark.parametrize("place", [7, 8, 9, 11])
def test_pairs_first_is_as_cheap_as_the_programme_alone(place, monkeypatch):
    """Whether a window has three cheap samples, or one, or hardly any that may move."""
    rung, rng = LADDER[place], np.random.default_rng(place)
    codes = rng.integers(0, 6, (200, rung.elements)).astype(np.int32)
    both = rng.exponential(1, (2, *codes.shape)).astype(np.float32) ** 3 + 1e-4
    both[:, 50:100] = np.where(rng.random(both[:, 50:100].shape) < 0.8, np.inf, both[:, 50:100])
    prices, symbols = Costs(*both), rng.integers(0, rung.phases, 200)

    def paid(found):
        step = found - codes
        used = np.select([step < 0, step > 0], prices)
        return np.sum(used * np.abs(step) ** 4.0, axis=1)

    found = [block_priced.project(codes, 0, 5, symbols, rung, np.random.default_rng(0), prices)]
    monkeypatch.setattr(
        block_priced, "_least_otherwise", lambda once: np.full(len(once[1]), -np.inf)
    )
    found.append(block_priced.project(codes, 0, 5, symbols, rung, np.random.default_rng(0), prices))
    assert np.allclose(paid(found[0]), paid(found[1]), rtol=3e-3)
    assert np.array_equal(*(read_symbols(one, rung) == symbols for one in found))


def test_long_windows_take_the_cheapest_pair():
    rung, rng = Rung(9, 256), np.random.default_rng(0)
    codes = rng.integers(0, 3, (40, 256)).astype(np.int32)
    costs = Costs(*(rng.exponential(1, (2, 40, 256)).astype(np.float32) + 0.01))
    symbols = rng.integers(0, 512, 40)
    found = block_priced.project(codes, 0, 2, symbols, rung, rng, costs)
    assert np.array_equal(read_symbols(found, rung), symbols)
    assert found.min() >= 0 and found.max() <= 2 and np.abs(found - codes).max() <= 1
    moves = np.count_nonzero(found - codes, axis=1)
    assert moves.max() == 2
    single = {}
    for row in (0, 7):  # one step or every pair, by hand
        wanted = int((symbols[row] - read_symbols(codes[row : row + 1], rung)[0]) % 512)
        single = {0: 0.0}
        for i in range(256):
            for step, side in ((1, costs.up), (-1, costs.down)):
                if 0 <= codes[row, i] + step <= 2:
                    r = step * (i + 1) % 512
                    single[r] = min(single.get(r, np.inf), float(side[row, i]))
        best = min(
            single[r] + single[(wanted - r) % 512]
            for r in single
            if (wanted - r) % 512 in single and r != (wanted - r) % 512
        )
        step = found[row] - codes[row]
        paid = costs.up[row][step > 0].sum() + costs.down[row][step < 0].sum()
        assert paid <= best * 1.002


@pytest.mark.parametrize("rate", NEAR)
def test_the_trellis_is_near_the_least_cost(rate):
    cover = as_cover(textured((1, 128, 128)))
    rung = next(r for r in TRELLIS if r.rate == rate)
    extractor = Phase(Phase.Options(), seed=bytes(32), rung=rung)
    bits = np.random.default_rng(0).integers(0, 2, extractor.count(cover), dtype=np.uint8)
    codes = extractor.project(cover, bits, np.random.default_rng(1))
    assert np.array_equal(extractor.read(codes, cover.free, cover.spec), bits)
    plain = extractor.project(replace(cover, costs=None), bits, np.random.default_rng(1))
    bound = least(cover, bits.size)
    assert bound < spent(cover, codes) < NEAR[rate] * bound
    assert spent(cover, codes) < 0.75 * spent(cover, plain)  # and looks where it changes
    step = (codes - cover.codes)[codes != cover.codes]
    assert np.abs(step).max() == 1 and abs(step.mean()) < 4 / step.size**0.5


def test_single_precision_loses_nothing_in_long_runs():
    """Prices over nine decades, two runs of 16,384 samples: float32 finds what float64 finds."""
    rung, rng = TRELLIS[7], np.random.default_rng(0)
    blocks = 2 * trellis.RUN // rung.elements
    price = 10.0 ** rng.uniform(-4, 5, (2, blocks // 2 * rung.elements))
    prices = np.zeros((2, price.shape[1], 4))
    prices[..., 1], prices[..., 3], prices[..., 2] = price, price, 16 * price
    wanted = rng.integers(0, 4, (2, blocks // 2))
    paid = []
    for kind in (np.float32, np.float64):
        found = trellis._viterbi(wanted, prices.astype(kind), rung, True)
        paid.append(np.take_along_axis(prices, found[..., None].astype(int), 2).sum())
    assert paid[1] <= paid[0] <= paid[1] * (1 + 1e-5)


def test_rungs_with_costs():
    for free in (12288, ADAPTIVE_MOST + 1):
        rates = [rung.rate for rung in with_costs(free)]
        assert rates == sorted(set(rates)) and rates[0] < 0.001 and rates[-1] == 4
    small, large = (with_costs(free) for free in (12288, ADAPTIVE_MOST + 1))
    assert all(follows_costs(rung) for rung in small if rung.rate < 0.7)
    assert not any(rung.span for rung in large)
    assert all(follows_costs(rung) for rung in large if rung.rate < 0.34)


# ---- salt and header


def _bootstrap(cover, rate, count, law):
    """How often the samples of the salt change, over `count` files, and how often their law says."""
    rng = np.random.default_rng(5)
    at = positions.public(cover.free).salt.ravel()
    rung = next(r for r in with_costs(cover.codes.size) if r.rate >= rate)
    moved = np.zeros(at.size)
    if not law:
        cover = replace(cover, costs=Costs.alike(np.ones(cover.codes.shape, np.float32)))
    for _ in range(count):
        key = Key(rng.bytes(32)).file_key(rng.bytes(16))
        header = Header(Profile(rung, CORRECTIONS[0]), rng.bytes(4))
        keyed = positions.public(cover.free).keyed(key)
        found = bootstrap.write_bootstrap(cover, rng.bytes(16), header, keyed, key, rng, None, rate)
        moved += (found.codes != cover.codes).ravel()[at]
    return at, moved / count


@pytest.mark.parametrize("law", [True, False])
def test_the_salt_is_no_reference(law):
    """At equal cost, its public samples change as often as the payload's law says; without costs they do not."""
    cover = as_cover(textured())
    at, moved = _bootstrap(cover, 0.4, 25, law)
    m = gibbs.multiplier(cover.costs, 0.4)
    expected = sum(gibbs.shares(cover.costs, m)).ravel()[at]
    order = np.argsort(expected)
    parts = np.array_split(order, 5)
    deviations = [
        (moved[part].mean() - expected[part].mean())
        / max(0.004, (expected[part].mean() / (25 * part.size)) ** 0.5)
        for part in parts
    ]
    assert bool(max(map(abs, deviations)) < 5) is law, deviations


def test_the_payload_follows_the_same_law():
    cover = as_cover(textured())
    rung = next(r for r in TRELLIS if r.rate == 0.4)
    extractor = Phase(Phase.Options(), seed=bytes(32), rung=rung)
    bits = np.random.default_rng(0).integers(0, 2, extractor.count(cover), dtype=np.uint8)
    moved = extractor.project(cover, bits, np.random.default_rng(1)) != cover.codes
    m = gibbs.multiplier(cover.costs, rung.rate * (1 + gibbs.CODING_LOSS))
    expected = sum(gibbs.shares(cover.costs, m))
    for part in np.array_split(np.argsort(expected.ravel()), 5):
        share, wanted = moved.ravel()[part].mean(), expected.ravel()[part].mean()
        assert abs(share - wanted) < 0.1 * wanted + 0.004


# ---- the engine


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
def strangers():
    registry = Registry()
    for carrier in (Half, Wrong, ImageCarrier):
        registry.add("carrier", carrier, "test")
    for extractor in (Phase, Simple):
        registry.add("extractor", extractor, "test")
    registry.add("channel", PngChannel, "test")
    return Engine(registry, device="cpu")


PICTURE = textured((1, 96, 96))[0].astype(np.uint8)


def test_a_carrier_of_ones_own_has_costs_of_its_own(strangers, key):
    stego = strangers.hide(b"m", carrier="half", cover=PICTURE, key=key, bpp=0.2)
    assert strangers.reveal(stego.data, key=key) == b"m"
    moved = stego.codes != stego.cover.codes
    assert stego.report.costs is True and moved[:, :, 48:].any()
    payload = bootstrap.opened(stego.cover.with_codes(stego.codes), key).at.payload
    elsewhere = ~stego.cover.free | payload
    assert not moved[:, :, :48][elsewhere[:, :, :48]].any()
    with pytest.raises(BrokenPlugin, match="negative"):
        strangers.hide(b"m", carrier="wrong", cover=PICTURE, key=key)


def test_an_extractor_without_costs_is_left_alone(strangers, key):
    stego = strangers.hide(b"m", carrier="image", cover=PICTURE, key=key, extractor="simple")
    assert strangers.reveal(stego.data, key=key) == b"m" and stego.report.costs is False


def test_the_receiver_needs_to_know_nothing(engine, key):
    """With and without costs the same salt gives the same positions, and one `reveal` reads both."""
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


def test_a_rate_that_is_too_much_for_the_rough_places_is_lowered_and_said(engine, key):
    picture = quarter()
    for rate in (0.5, 4):
        given = {"carrier": "image", "cover": picture, "bpp": rate}
        stego = engine.hide(b"m", key=key, **given)
        assert 0.05 < stego.report.bits_per_element < 0.3 and changed_in_flat(stego, key) == 0
        note = stego.report.notes[0]
        assert f"not the {rate:g} requested" in note and "effort.flat" in note
        full = engine.capacity(**given)
        assert full == stego.report.capacity_bytes
        every = np.random.default_rng(0).bytes(full)
        stego = engine.hide(every, key=key, **given)
        assert engine.reveal(stego.data, key=key) == every and changed_in_flat(stego, key) == 0
        with pytest.raises(CapacityError, match="effort.flat=true") as caught:
            engine.hide(np.random.default_rng(0).bytes(full + 20), key=key, **given)
        assert caught.value.available == full


def test_flat_places_change_where_that_is_asked_for_and_no_more_than_they_must(engine, key):
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
        with pytest.raises((ConfigError, CapacityError), match="flat|nothing was measured"):
            engine.hide(b"m", key=key, max_risk=limit, **given)
    with pytest.raises(CapacityError, match="effort.flat=true"):
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
    with pytest.raises(CapacityError, match="effort.flat=true"):
        engine.hide(b"m", key=key, carrier="image", cover=picture)


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_windows_without_a_way_are_foreseen(share):
    """`bears` counts them before they are met: it may foresee more, not many fewer."""
    rng = np.random.default_rng(3)
    for rung in (rung for rung in LADDER[4:12] if follows_costs(rung)):
        size = max(100, 50_000 // rung.elements)
        windows = rng.integers(50, 200, (size, rung.elements))
        symbols = rng.integers(0, rung.phases, size)
        price = np.where(rng.random(windows.shape) < share, 1, np.inf).astype(np.float32)
        found = block_priced.project(windows, 0, 255, symbols, rung, rng, Costs.alike(price))
        wrong = np.mean(read_symbols(found, rung) != symbols)
        both = int(share * 1_000_000)
        foreseen = feasible.bears(rung, [feasible.Ways(1_000_000, 0, both)])
        assert not (foreseen and wrong)
        missed = feasible._missed(rung, int(1000 * share))
        assert wrong < 1.25 * missed + 0.01


def test_a_rung_that_finds_no_way_twice_is_given_up_for_a_lower_one(engine, key, monkeypatch):
    """Where it is foreseen wrongly."""
    picture = quarter()
    monkeypatch.setattr(feasible, "bears", lambda rung, ways: True)
    stego = engine.hide(
        b"m", carrier="image", cover=picture, key=key, bps=0.5, set={"effort.attempts": 20}
    )
    report = stego.report
    assert engine.reveal(stego.data, key=key) == b"m" and len(report.failures) >= 2
    assert any("not the 0.5" in note for note in report.notes)


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

"""Cost maps: dear where all around is flat, clipped or foretold."""

import numpy as np
import pytest

from stegafield import costs
from stegafield.carriers.dataset import DatasetCarrier
from stegafield.coding import prices
from stegafield.costs import masked, rough
from tests.datasets import packed
from tests.priced import textured


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
    prices.settled(costs, cover)

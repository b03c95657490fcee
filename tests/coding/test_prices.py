"""The cheapest changes: exact, near the least cost, and foreseen where there is no way."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield.coding import block_priced, feasible, prices, trellis
from stegafield.coding.block import read_symbols
from stegafield.coding.ladder import LADDER
from stegafield.coding.offer import ADAPTIVE_MOST, follows_costs, with_costs
from stegafield.core.cover import Costs
from stegafield.core.rung import Rung
from stegafield.extractors.phase import Phase
from tests.priced import TRELLIS, as_cover, least, spent, textured

NEAR = {0.05: 1.28, 0.1: 1.25, 0.25: 1.22, 0.4: 1.22, 0.5: 1.21}
"""Cost of the trellis form over the least that coding theory allows, at most, by rate."""


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


@pytest.mark.slow
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


@pytest.mark.slow
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


WILD = {
    "huge": lambda rng, shape: np.full(shape, 1e300),
    "subnormal": lambda rng, shape: np.full(shape, 1e-310),
    "subnormal in float32": lambda rng, shape: np.full(shape, 1e-42, np.float32),
    "of every size": lambda rng, shape: 10.0 ** rng.uniform(-310, 300, shape),
    "half dear": lambda rng, shape: np.where(rng.random(shape) < 0.5, 1e33, 1.0),
    "half free": lambda rng, shape: np.where(rng.random(shape) < 0.5, 0.0, 1e300),
}


@pytest.mark.parametrize("kind", WILD)
def test_b4_no_finite_cost_becomes_the_infinity_of_a_coder(kind, rng):
    """B4: a third party's costs of any size settle to prices that a coder can add up."""
    cover = as_cover(rng.integers(20, 230, (1, 40, 50)))
    given = Costs.alike(WILD[kind](rng, cover.codes.shape))
    costs = prices.settled(given, cover)
    assert all(np.isfinite(side).all() and (side > 0).all() for side in costs)
    order = np.argsort(np.asarray(given.down).ravel(), kind="stable")
    assert (np.diff(costs.down.ravel()[order]) >= 0).all()
    for index in (LADDER.index(TRELLIS[-1]), 11):
        coder = Phase(Phase.Options(), seed=bytes(32), rung=LADDER[index])
        bits = rng.integers(0, 2, coder.count(cover), dtype=np.uint8)
        codes = coder.project(replace(cover, costs=costs), bits, rng)
        assert (coder.read(codes, cover.free, cover.spec) == bits).all()

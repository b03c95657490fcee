"""The least-energy programme: exact, minimal, unbiased, within the range."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield.coding.block import project, read_symbols
from stegafield.coding.ladder import LADDER, LADDER_BY_RATE, PROJECTED, bootstrap_rung
from stegafield.coding.offer import at_least
from stegafield.core.rung import Rung
from stegafield.errors import ConfigError

NAMES = [f"{rung.bits}/{rung.elements}" for rung in PROJECTED]


def _brute(rung, wanted, down, up):
    """Least energy by trying every change."""
    best = None
    for change in itertools.product(*(range(-d, u + 1) for d, u in zip(down, up, strict=True))):
        if (np.dot(change, rung.taps) - wanted) % rung.phases == 0:
            energy = int(np.dot(change, change))
            best = energy if best is None else min(best, energy)
    return best


@pytest.mark.parametrize("rung", PROJECTED, ids=NAMES)
@pytest.mark.parametrize("scene", ["middle", "black", "white", "mixed"])
def test_every_rung_reaches_every_symbol(rung, scene):
    rng = np.random.default_rng(3)
    count = max(6, 3000 // rung.elements)
    shape = (count, rung.elements)
    codes = {
        "middle": rng.integers(30, 225, shape),
        "black": np.zeros(shape, int),
        "white": np.full(shape, 255),
        "mixed": rng.choice([0, 1, 254, 255], shape),
    }[scene].astype(np.int32)
    symbols = rng.integers(0, rung.phases, count)
    found = project(codes, 0, 255, symbols, rung, rng)
    assert found.min() >= 0 and found.max() <= 255
    assert np.array_equal(read_symbols(found, rung), symbols)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_changes_have_the_least_energy(data):
    bits, samples = data.draw(st.sampled_from([(3, 2), (4, 3), (5, 4), (3, 4)]))
    taps = (*(data.draw(st.integers(1, 2 ** (bits - 1))) for _ in range(samples - 1)), 1)
    rung = Rung(bits, samples, taps)
    codes = np.array([[data.draw(st.integers(0, 6)) for _ in range(samples)]], np.int32)
    symbol = data.draw(st.integers(0, rung.phases - 1))
    found = project(codes, 0, 6, np.array([symbol]), rung, np.random.default_rng(0))
    wanted = (symbol - int(codes[0] @ rung.taps)) % rung.phases
    best = _brute(rung, wanted, codes[0], 6 - codes[0])
    change = (found - codes)[0]
    if int(read_symbols(found, rung)[0]) == symbol:
        assert best is not None and int(change @ change) == best
    else:
        assert best is None and not change.any()


def test_bounds_may_differ_by_sample():
    rung, rng = LADDER_BY_RATE[11], np.random.default_rng(0)
    codes = rng.integers(-50, 50, (400, rung.elements)).astype(np.int32)
    low = codes - rng.integers(0, 2, codes.shape, dtype=np.int32)
    high = np.where(low == codes, codes + 1, codes).astype(
        np.int32
    )  # each sample can move one way only
    symbols = rng.integers(0, rung.phases, 400)
    found = project(codes, low, high, symbols, rung, rng)
    assert (found >= low).all() and (found <= high).all()
    assert (read_symbols(found, rung) == symbols).mean() > 0.9
    stuck = read_symbols(found, rung) != symbols
    assert np.array_equal(found[stuck], codes[stuck])


@pytest.mark.parametrize(
    "rung", [r for r in PROJECTED if r.elements <= 64], ids=lambda r: f"{r.bits}/{r.elements}"
)
def test_changes_shift_no_mean(rung):
    rng = np.random.default_rng(5)
    codes = rng.integers(1000, 2000, (200_000 // rung.elements, rung.elements)).astype(np.int32)
    found = project(codes, 0, 4095, rng.integers(0, rung.phases, len(codes)), rung, rng)
    change = (found - codes).astype(float)
    assert abs(change.mean()) < 5 * change.std() / change.size**0.5
    each = np.abs(change).mean(axis=0)  # no sample of the window carries the burden alone
    assert each.max() < 4 * np.median(each) + 0.02


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_reading_wraps_without_harm(dtype):
    rung = LADDER_BY_RATE[14]
    codes = np.random.default_rng(0).integers(
        np.iinfo(np.int32).min, np.iinfo(np.int32).max, (50, rung.elements)
    )
    exact = [
        sum(int(w) * int(u) for w, u in zip(rung.taps, row, strict=True)) % rung.phases
        for row in codes
    ]
    assert read_symbols(codes.astype(dtype), rung).tolist() == exact


def test_ladder_is_ordered_and_closed():
    rates = [rung.rate for rung in LADDER_BY_RATE]
    assert rates == sorted(set(rates)) and rates[0] < 1 / 1000 and rates[-1] == 4
    assert len(LADDER) <= 64
    for bpp in (1, 2, 3, 4):
        assert at_least(bpp / 3, "bpp").rate == pytest.approx(bpp / 3)
    with pytest.raises(ConfigError, match="top of the ladder"):
        at_least(4.01, "bps")
    for rate in (0, -1, float("nan")):
        with pytest.raises(ConfigError, match="not positive"):
            at_least(rate, "bps")


@pytest.mark.parametrize("free", [192, 3072, 12288, 20000, 49152, 10**7])
def test_bootstrap_windows(free):
    rung = bootstrap_rung(free)
    assert rung.bits == 8 and rung.elements == min(max(free // 384, 8), 128)
    assert rung.listed == bootstrap_rung(10**9).listed[: rung.elements]

"""The sampler is exact: probabilities, conditional draws, and the bound."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stegafield.carriers.era5 import SIGMA
from stegafield.coding import bound, sampler
from stegafield.coding.ladder import DRAWN, LADDER, LADDER_BY_RATE, bootstrap_rung
from stegafield.core import law, noise
from stegafield.core.rung import Rung
from tests.noisy import direct, line

RUNGS = {(rung.bits, rung.elements): rung for rung in DRAWN}
TINY = [
    Rung(1, 1, (1,)),
    Rung(1, 2, (1, 1)),
    Rung(2, 2, (1, 2)),
    Rung(3, 2, (3, 1)),
    Rung(3, 2, (2, 5)),
]


def chance(code, value, sigma):
    """The probability of a code by the C library's erfc, always on the side of the smaller tail."""
    one, two = ((code + side - value) / (sigma * math.sqrt(2)) for side in (-0.5, 0.5))
    if one > 0:
        return (math.erfc(one) - math.erfc(two)) / 2
    if two < 0:
        return (math.erfc(-two) - math.erfc(-one)) / 2
    return (math.erf(two) + math.erf(-one)) / 2


def same_chances(values, sigma):
    """Whether every probability, down to 1e-15 and less, agrees with erfc to 13 digits."""
    found = sampler.cells(values, -(10**6), 10**6, sigma)
    reach = len(found) // 2
    wanted = [
        [chance(c + d, v, sigma) for v, c in zip(values, np.rint(values), strict=True)]
        for d in range(-reach, reach + 1)
    ]
    return bool((np.abs(found / np.array(wanted) - 1) < 2e-13).all())


@pytest.mark.parametrize("sigma", [0.5, 0.75, 1.5, 2.25, 8.0])
def test_probabilities_of_codes(sigma):
    values = np.array([0.0, 0.5, -0.4999, 0.123, 1000.25, 65000.75])
    assert same_chances(values, sigma)
    found = sampler.cells(values, -(10**6), 10**6, sigma)
    assert len(found) == 2 * (math.ceil(8 * sigma) + 1) + 1
    assert np.abs(found.sum(axis=0) - 1).max() < 1e-14


def test_codes_at_the_ends_take_what_is_beyond():
    found = sampler.cells(np.array([0.3, 9.8, 5.0]), 0, 10, 1.5)
    codes = np.rint([0.3, 9.8, 5.0]) + np.arange(-13, 14)[:, None]
    assert not found[(codes < 0) | (codes > 10)].any()
    assert np.abs(found.sum(axis=0) - 1).max() < 1e-14
    tail = sum(chance(c, 0.3, 1.5) for c in range(-20, 1))
    assert found[13, 0] == pytest.approx(tail, rel=1e-12)


def _enumerated(rung, values, sigma):
    """{codes: probability}, and the law of the residue, by trying every window of codes."""
    reach = math.ceil(8 * sigma) + 1
    axes = [
        [
            (int(np.rint(v)) + d, chance(int(np.rint(v)) + d, v, sigma))
            for d in range(-reach, reach + 1)
        ]
        for v in values
    ]
    joint, residue = {}, np.zeros(rung.phases)
    for window in itertools.product(*axes):
        codes = tuple(code for code, _ in window)
        joint[codes] = math.prod(p for _, p in window)
        residue[int(np.dot(codes, rung.taps)) % rung.phases] += joint[codes]
    return joint, residue


@pytest.mark.parametrize("rung", TINY, ids=lambda r: f"{r.phases}/{r.elements}")
@pytest.mark.parametrize("sigma", [0.6, 1.1])
def test_conditional_law_equals_enumeration(rung, sigma):
    """Forward and backward pass against brute force: each conditional probability is exact."""
    values = np.array([3.3, -7.45])[: rung.elements]
    joint, residue = _enumerated(rung, values, sigma)
    reach = math.ceil(8 * sigma) + 1
    steps, centre = np.arange(-reach, reach + 1), np.rint(values).astype(int)
    share = [sampler.cells(values[[i]], -(10**6), 10**6, sigma) for i in range(rung.elements)]
    states = sampler._forward(share, steps, rung)
    turned = np.roll(states[-1][:, 0], int(centre @ rung.taps) % rung.phases)
    assert np.abs(turned / residue - 1).max() < 1e-13
    # The walls of the unit square between outcomes are the conditional probabilities:
    # probe just beside each one.
    for symbol in range(rung.phases):
        given = {
            c: p / residue[symbol]
            for c, p in joint.items()
            if np.dot(c, rung.taps) % rung.phases == symbol
        }
        last = sorted({c[-1] for c in given})
        wall = 0.0
        for code in last:
            mass = sum(p for c, p in given.items() if c[-1] == code)
            inner = 0.0
            for c in sorted(c for c in given if c[-1] == code):
                width = given[c] / mass
                if mass > 1e-6 and width > 1e-6:
                    for x, y in itertools.product((1e-9, 1 - 1e-9), repeat=2):
                        luck = [inner + width * x, wall + mass * y][-rung.elements :]
                        assert _drawn(share, states, steps, rung, centre, symbol, luck) == c
                inner += width
            wall += mass
        assert wall == pytest.approx(1, abs=1e-12)


def _drawn(share, states, steps, rung, centre, symbol, luck):
    left = np.array([(symbol - int(centre @ rung.taps)) % rung.phases])
    luck = np.clip(np.array(luck), 0, 1 - 2**-53)[:, None]
    change = sampler._backward(share, states, steps, left, rung, luck)
    return tuple((centre + change[:, 0]).tolist())


@pytest.mark.parametrize("rung", TINY, ids=lambda r: f"{r.phases}/{r.elements}")
def test_bound_equals_enumeration(rung):
    values, sigma = np.array([3.3, -7.45])[: rung.elements], 0.6
    _, residue = _enumerated(rung, values, sigma)
    wanted = -np.log(rung.phases * residue).mean()
    cover, windows = line(values, sigma), np.arange(rung.elements)[None]
    found = sampler.draw(cover, windows, np.array([0]), rung, noise.os.urandom)
    assert found.nats == pytest.approx(wanted, rel=1e-11, abs=3 * rung.elements * sampler.ROUNDING)
    assert bound.window_nats(rung, sigma) >= wanted


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_drawn_reads_back(data):
    rung = data.draw(st.sampled_from(DRAWN))
    sigma = data.draw(st.floats(0.5, 9))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    count = data.draw(st.integers(1, 70))
    low, high = -300, data.draw(st.integers(-250, 400))
    values = rng.uniform(low, high, count * rung.elements)
    cover = line(values, sigma, low, high)
    windows = rng.permutation(values.size).reshape(count, -1)
    symbols = rng.integers(0, rung.phases, count)
    found = sampler.draw(cover, windows, symbols, rung, rng.bytes)
    narrow = 2 * (np.ceil(8 * sigma) + 1) + 1 < rung.phases  # fewer codes than residues of one
    assume(np.isfinite(found.nats) or not narrow)
    assert np.array_equal(found.codes @ rung.taps % rung.phases, symbols)
    assert found.codes.min() >= low and found.codes.max() <= high
    assert np.abs(found.codes - values[windows]).max() < 8 * sigma + 2.5
    assert found.nats >= 0


def test_draws_are_repeated_by_the_same_bytes_only():
    cover = line(np.linspace(0, 50, 4096), 1.5)
    windows, rung = np.arange(4096).reshape(-1, 4), RUNGS[4, 4]
    symbols = np.arange(1024) % 16
    one, two, three = (
        sampler.draw(cover, windows, symbols, rung, np.random.default_rng(seed).bytes).codes
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, two) and not np.array_equal(one, three)


def has_53_bits(numbers):
    """Whether each of 53 bits of 4,096 numbers in [0, 1) is set about half of the time."""
    words = (numbers * 2**53).astype(np.int64)
    ones = [int(((words >> bit) & 1).sum()) for bit in range(53)]
    return 0 <= words.min() and words.max() < 2**53 and all(abs(n - 2048) < 7 * 32 for n in ones)


def test_uniforms_have_53_bits_and_normals_are_normal():
    assert has_53_bits(noise.uniforms((4096,)))
    assert noise.uniforms((1,), lambda n: b"\xff" * n)[0] == 1 - 2**-53
    assert np.isfinite(noise.normals((1000,), lambda n: b"\xff" * n)).all()
    found = noise.normals((3, 100_001))
    assert found.shape == (3, 100_001) and abs(found.mean()) < 7 / 300_000**0.5
    assert abs(found.var() - 1) < 7 * (2 / 300_000) ** 0.5
    assert abs((found**4).mean() - 3) < 7 * (96 / 300_000) ** 0.5


def test_rungs_are_by_the_dual_criterion():
    for rung in DRAWN:
        assert rung.phases <= 256 and not rung.span and rung in LADDER
        turn = np.arange(1, rung.phases)[:, None] * rung.taps / rung.phases
        assert not set(DRAWN[:3]) & set(LADDER_BY_RATE)
        dual = ((turn - np.rint(turn)) ** 2).sum(axis=1).min()
        random = np.random.default_rng(0).integers(1, rung.phases // 2 + 1, (50, rung.elements))
        other = np.arange(1, rung.phases)[:, None, None] * random / rung.phases
        assert dual >= ((other - np.rint(other)) ** 2).sum(axis=2).min(axis=0).max()


@pytest.mark.parametrize(
    ("rung", "small", "large"),
    [((5, 15), 0.63, 0.75), ((8, 12), 0.89, 1.06), ((1, 1), 1.45, 1.72), ((4, 4), 1.34, 1.60),
     ((8, 8), 1.21, 1.44), ((4, 3), 1.87, 2.235), ((8, 6), 1.62, 1.93)],
)  # fmt: skip
def test_smallest_sigma_is_that_of_the_design_or_less(rung, small, large):
    """64x64 and 4096x4096 RGB, 1e-5 nats a file: upper ends, as the bound is the worst over f.

    The design leaves out what the ends of the range cut off: large files need a little more noise.
    """
    for free, wanted, cut in ((12288, small, 0.003), (3 * 4096**2, large, 0.02)):
        found = bound.smallest_sigma(RUNGS[rung], free)
        assert wanted - 0.12 < found <= wanted + cut
        assert bound.file_nats(RUNGS[rung], found, free) <= bound.BUDGET
        assert bound.file_nats(RUNGS[rung], found - 0.002, free) > bound.BUDGET


@pytest.mark.parametrize(
    "rung", [r for r in DRAWN if r.bits < 7], ids=lambda r: f"{r.bits}/{r.elements}"
)
def test_the_bound_before_is_never_below_that_of_the_file(rung):
    """It is the worst over f: whole numbers reach it, others stay below."""
    rng = np.random.default_rng(3)
    sigma = max(0.5, bound.smallest_sigma(rung, 12288) * 0.85)
    count = max(1, 3000 // rung.elements)
    windows = np.arange(count * rung.elements).reshape(count, -1)
    symbols = rng.integers(0, rung.phases, count)
    most = count * bound.window_nats(rung, sigma) + 2 * windows.size * sampler.ROUNDING
    values = rng.uniform(0, 100, windows.size)
    worst, usual = (
        sampler.draw(line(v, sigma), windows, symbols, rung, rng.bytes).nats
        for v in (np.rint(values), values)
    )
    assert usual <= most and worst <= most
    if count * bound.window_nats(rung, sigma) > bound.BUDGET:
        assert worst > 0.9 * most


@pytest.mark.parametrize(
    ("rung", "sigma"), [((1, 1), 2.25), ((1, 1), 1.6), ((4, 3), 2.25), ((8, 6), 2)]
)
@pytest.mark.parametrize("ends", ["low", "both", "whole"])
def test_what_the_ends_cut_off_is_in_the_bound(rung, sigma, ends):
    """f where headroom ends: no file costs more than its rung's offer, so no draw is refused."""
    rung, room = RUNGS[rung], law.HEADROOM * sigma
    value = np.ceil(room) if ends == "whole" else room - 1e-6
    high = math.ceil(12 * sigma) if ends == "both" else 10**6
    count = 2000 // rung.elements
    windows = np.arange(count * rung.elements).reshape(count, -1)
    cover = line(np.full(windows.size, value), sigma, 0, high)
    found = sampler.draw(cover, windows, np.zeros(count, int), rung, noise.os.urandom)
    rounding = 2 * windows.size * sampler.ROUNDING
    assert found.nats <= count * bound.window_nats(rung, sigma) + rounding


def test_bootstrap_windows_are_harmless_at_the_noise_of_era5():
    for free in (192, 3500, 4608, 12288, 10**6):
        assert 24 * bound.window_nats(bootstrap_rung(free), SIGMA) < 1e-9


def test_direct_sampler_is_the_law():
    """The reference of the law tests has the probabilities that erfc gives."""
    rng, count = np.random.default_rng(0), 200_000
    codes = direct(np.full(count, 3.3), 1.1, rng)
    for code in range(0, 7):
        p = chance(code, 3.3, 1.1)
        assert abs((codes == code).mean() - p) < 6 * (p / count) ** 0.5

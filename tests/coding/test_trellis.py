"""The trellis form: exact, minimal, unbiased, within the range, and near the bound."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield.coding.ladder import LADDER
from stegafield.coding.offer import TRELLIS_MOST, with_trellis
from stegafield.coding.trellis import RUN, project, read_symbols, runs
from stegafield.core.rung import Rung
from stegafield.metrics.fidelity import bound

TRELLIS = [rung for rung in LADDER if rung.span]


def _slowly(codes, rung):
    """The symbols of one run by the formula of the module, without any array."""
    blocks = codes.tolist()
    return [
        sum(
            int(rung.kernel[p, delay]) * blocks[b - delay][p]
            for delay in range(min(b + 1, rung.span))
            for p in range(rung.elements)
        )
        % 4
        for b in range(len(blocks))
    ]


def _scene(name, shape, rng):
    return {
        "middle": lambda: rng.integers(30, 225, shape),
        "black": lambda: np.zeros(shape, int),
        "white": lambda: np.full(shape, 255),
        "mixed": lambda: rng.choice([0, 1, 254, 255], shape),
    }[name]().astype(np.int32)


@pytest.mark.slow
@pytest.mark.parametrize("rung", TRELLIS, ids=lambda rung: f"{rung.elements}")
@pytest.mark.parametrize("scene", ["middle", "black", "white", "mixed"])
def test_every_rung_reaches_every_symbol(rung, scene):
    rng = np.random.default_rng(3)
    codes = _scene(scene, (1500 // rung.elements, rung.elements), rng)
    symbols = rng.integers(0, 4, len(codes))
    found = project(codes, 0, 255, symbols, rung, rng)
    assert found.dtype == codes.dtype and found.min() >= 0 and found.max() <= 255
    assert read_symbols(found, rung).tolist() == symbols.tolist() == _slowly(found, rung)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=40, deadline=None)
def test_changes_have_the_least_energy(data):
    taps = tuple(data.draw(st.integers(0, 15)) | 1 for _ in range(2))
    rung = Rung(2, 2, taps, 2)
    codes = np.array(
        data.draw(st.lists(st.integers(0, 3), min_size=6, max_size=6)), np.int32
    ).reshape(3, 2)
    symbols = np.array(data.draw(st.lists(st.integers(0, 3), min_size=3, max_size=3)))
    found = project(codes, 0, 3, symbols, rung, np.random.default_rng(0))
    best = min(
        (
            sum((a - b) ** 2 for a, b in zip(trial, codes.ravel().tolist(), strict=True))
            for trial in itertools.product(range(4), repeat=6)
            if _slowly(np.array(trial).reshape(3, 2), rung) == symbols.tolist()
        ),
        default=None,
    )
    if best is None:
        assert np.array_equal(found, codes)
    else:
        assert _slowly(found, rung) == symbols.tolist()
        assert int(((found - codes) ** 2).sum()) == best


def test_bounds_may_differ_by_sample():
    rung, rng = TRELLIS[3], np.random.default_rng(0)
    codes = rng.integers(-50, 50, (300, rung.elements)).astype(np.int32)
    low = codes - rng.integers(0, 2, codes.shape, dtype=np.int32)
    high = np.where(low == codes, codes + 3, codes).astype(
        np.int32
    )  # each sample can move one way only
    symbols = rng.integers(0, 4, 300)
    found = project(codes, low, high, symbols, rung, rng)
    assert (found >= low).all() and (found <= high).all()
    assert np.array_equal(read_symbols(found, rung), symbols)


def test_a_run_without_a_way_keeps_its_codes():
    rung, rng = TRELLIS[3], np.random.default_rng(0)
    codes = rng.integers(0, 200, (100, rung.elements)).astype(np.int32)
    symbols = (read_symbols(codes, rung) + 1) & 3
    assert np.array_equal(project(codes, codes, codes, symbols, rung, rng), codes)


def test_changes_shift_no_mean():
    rung, rng = TRELLIS[-1], np.random.default_rng(5)
    codes = rng.integers(1000, 2000, (30_000 // rung.elements, rung.elements)).astype(np.int32)
    change = project(codes, 0, 4095, rng.integers(0, 4, len(codes)), rung, rng) - codes
    assert abs(change.mean()) < 5 * change.std() / change.size**0.5


@given(st.integers(0, 40_000), st.integers(1, 60))
def test_runs_cover_every_block_once(blocks, width):
    found = [b for run in runs(blocks, width) for b in range(run.start, run.stop)]
    assert found == list(range(blocks))
    lengths = [run.stop - run.start for run in runs(blocks, width)]
    assert len(lengths) == 1 or min(lengths) * width > RUN - width


@pytest.mark.slow
@pytest.mark.parametrize("rung", TRELLIS, ids=lambda rung: f"{rung.elements}")
def test_distortion_is_near_the_bound(rung):
    """On the samples of a 64x64 colour picture, within 1.3 dB of the bound; better than windows."""
    rng = np.random.default_rng(1)
    for scene, gap in (("middle", 1.3), ("black", 1.6)):
        codes = _scene(scene, (12288 // rung.elements, rung.elements), rng)
        found = project(codes, 0, 255, rng.integers(0, 4, len(codes)), rung, rng)
        psnr = 10 * math.log10(255**2 / np.mean((found - codes) ** 2.0))
        limit = bound(codes, 0, 255, 2 * len(codes), 255.0)
        assert limit - gap < psnr < limit, (scene, rung.elements, psnr, limit)


def test_the_form_suits_the_cover():
    """Far slower, the trellis is for low rates, and for a third where windows lose 2 dB."""
    assert with_trellis(12288, 0.3) == with_trellis(12288, 0.0)
    assert not any(rung.span for rung in with_trellis(12288, 1.0) if rung.rate > 0.35)
    small, crowded, large = (
        with_trellis(12288, 0.0),
        with_trellis(12288, 0.5),
        with_trellis(TRELLIS_MOST + 1, 0.5),
    )
    for rungs in (small, crowded, large):
        rates = [rung.rate for rung in rungs]
        assert rates == sorted(set(rates))
    third = {
        name: next(r for r in rungs if r.rate == 1 / 3)
        for name, rungs in {"small": small, "crowded": crowded, "large": large}.items()
    }
    assert [third[name].span for name in ("small", "crowded", "large")] == [0, 5, 0]
    assert not any(rung.span for rung in large) and any(rung.span for rung in small)

"""Stego covers have the law of plain ones, by statistical tests that can fail.

They are compared with a direct sampler.

`STEGAFIELD_LAW_SAMPLES=10000000 pytest research/tests/test_sampled_law.py` runs the long version;
the default takes seconds. A true sampler fails one comparison in 10^9 (`ALPHA`); each planted fault
has to fall below that by far.
"""

import os

import numpy as np
import pytest

from stegafield.coding import sampler
from stegafield.regions import positions
from stegafield_research.measure.law import (
    RUNGS,
    comparisons,
    direct,
    drawn_and_direct,
    two_sample,
)
from tests.noisy import line, noisy_engine

SAMPLES = int(os.environ.get("STEGAFIELD_LAW_SAMPLES", 120_000))
ALPHA = 1e-9


@pytest.mark.slow
@pytest.mark.parametrize(("rung", "sigma"), RUNGS, ids=lambda v: getattr(v, "listed", v))
def test_drawn_windows_have_the_law(rung, sigma):
    found = drawn_and_direct(rung, sigma, SAMPLES)
    assert min(found.values()) > ALPHA, found


@pytest.mark.parametrize("bpp", [1, 3, 4])
def test_whole_files_have_the_law(bpp):
    """Real files against direct draws for the same f.

    Payload, salt, header and left-over elements.
    """
    engine, rng, tables = noisy_engine(), np.random.default_rng(), ([], [])
    files = max(4, SAMPLES // 12288 // 8)
    for _ in range(files):
        stego = engine.hide(b"meet at dawn", carrier="noisy", bpp=bpp)
        value = stego.cover.law.value
        plain = direct(value, 2.25, rng)
        for codes, table in zip((stego.codes, plain), tables, strict=True):
            off = (codes - np.rint(value)).astype(int).clip(-15, 15) + 15
            salt = positions.public(stego.cover.free).salt
            first = codes.ravel()[salt]
            order = [
                off.ravel(),
                31 + off[..., 1:].ravel() // 2 + 16 * (off[..., :-1].ravel() // 2),
            ]
            table.append([np.bincount(o, minlength=31 + 256) for o in order])
            table[-1].append(np.bincount(first.sum(axis=1) % 2, minlength=287))
            table[-1].append(np.bincount(off.ravel()[salt.ravel()], minlength=287))
    for one, other in zip(*(np.sum(t, axis=0) for t in tables), strict=True):
        assert two_sample(one, other) > ALPHA


def test_plain_draws_have_the_law():
    values = np.random.default_rng().uniform(-40, 40, SAMPLES)
    cover = line(values, 1.5)
    plain = sampler.plain(cover, np.arange(SAMPLES), os.urandom)
    other = direct(values, 1.5, np.random.default_rng())
    ones = np.ones(1, int)
    found = comparisons(plain[:, None], other[:, None], values[:, None], ones, 2)
    assert min(found.values()) > ALPHA, found


@pytest.mark.slow
@pytest.mark.parametrize(("rung", "sigma"), RUNGS, ids=lambda v: getattr(v, "listed", v))
@pytest.mark.parametrize("wrong", [0.95, 1.05])
def test_a_sigma_five_per_cent_off_is_seen(rung, sigma, wrong):
    found = drawn_and_direct(rung, sigma * wrong, 150_000, true_sigma=sigma)
    assert min(found.values()) < ALPHA**2


def _uniform_backward(share, states, steps, left, rung, luck):
    """The fault: any codes with the wanted residue, not those that the law prefers."""
    flat = [np.where(s > 1e-3, 1.0, 0.0) for s in share]
    return BACKWARD(flat, sampler._forward(flat, steps, rung), steps, left, rung, luck)


BACKWARD = sampler._backward


@pytest.mark.parametrize(("rung", "sigma"), RUNGS, ids=lambda v: getattr(v, "listed", v))
def test_a_uniform_choice_within_the_residue_is_seen(monkeypatch, rung, sigma):
    monkeypatch.setattr(sampler, "_backward", _uniform_backward)
    found = drawn_and_direct(rung, sigma, 40_000)
    assert min(found.values()) < ALPHA**2

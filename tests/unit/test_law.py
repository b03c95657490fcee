"""Stego covers have the law of plain ones: statistical tests against a direct sampler, and proof that they can fail.

`STEGAFIELD_LAW_SAMPLES=10000000 pytest tests/unit/test_law.py` runs the long version; the default takes seconds.
A true sampler fails one comparison in 10^9 (`ALPHA`); each planted fault has to fall below that by far.
"""

import math
import os

import numpy as np
import pytest

from stegafield import Key
from stegafield.coding import bound, sampler
from stegafield.coding.ladder import DRAWN, LADDER
from stegafield.core import noise
from stegafield.errors import ConfigError
from stegafield.message import correction, frame, place
from stegafield.regions import payload, positions
from stegafield.regions.header import Header, Profile
from tests.noisy import Noisy, direct, line, noisy_engine
from tests.unit.test_sampler import has_53_bits, same_chances

SAMPLES = int(os.environ.get("STEGAFIELD_LAW_SAMPLES", 120_000))
ALPHA = 1e-9
SIGMAS = {(1, 1): 1.5, (2, 3): 1.5, (4, 4): 1.5, (4, 3): 2.25, (8, 8): 1.3}
RUNGS = [
    (rung, SIGMAS[rung.bits, rung.samples]) for rung in DRAWN if (rung.bits, rung.samples) in SIGMAS
]


def two_sample(one, other):
    """p-value of Pearson's two-sample chi-square test on two tables of counts; rare cells are joined."""
    both = one + other
    order = np.argsort(both)
    group = np.cumsum(both[order]) // 40  # about 20 from each in every joined cell
    _, group = np.unique(group, return_inverse=True)
    one, other = (np.bincount(group, weights=t[order]) for t in (one, other))
    keep = one + other > 0
    one, other = one[keep], other[keep]
    r = math.sqrt(other.sum() / one.sum())
    statistic = float(((r * one - other / r) ** 2 / (one + other)).sum())
    degrees = one.size - 1
    if degrees < 1:
        return 1.0
    spread = 2 / (9 * degrees)  # Wilson and Hilferty 1931
    z = ((statistic / degrees) ** (1 / 3) - 1 + spread) / math.sqrt(spread)
    return math.erfc(z / math.sqrt(2)) / 2


def comparisons(stego, plain, values, taps, phases):
    """p-values of what a warden with f, positions and taps can compare: single samples, pairs and residues."""
    centre = np.rint(values)
    part = (
        np.floor(4 * (values - centre + 0.5)).clip(0, 3).astype(int)
    )  # where f stands within a code
    found = {}
    tables = []
    for codes in (stego, plain):
        off = (codes - centre).astype(int).clip(-15, 15) + 15
        ways = {"samples": np.bincount((part * 31 + off).ravel(), minlength=124)}
        ways["residues"] = np.bincount(codes.astype(int) @ taps % phases, minlength=phases)
        if off.shape[1] > 1:
            pair = off[:, :-1].clip(9, 21) * 31 + off[:, 1:].clip(9, 21)
            ways["pairs"] = np.bincount(pair.ravel(), minlength=961)
            total = off.sum(axis=1)
            ways["sums"] = np.bincount(total, minlength=31 * off.shape[1])
        tables.append(ways)
    for name in tables[0]:
        found[name] = two_sample(tables[0][name], tables[1][name])
    return found


def drawn_and_direct(rung, sigma, samples=SAMPLES, true_sigma=None):
    """Stego windows with uniform symbols, and windows of the direct sampler, for the same f."""
    rng = np.random.default_rng()
    count = samples // rung.samples
    values = rng.uniform(-40, 40, (count, rung.samples))
    windows = np.arange(values.size).reshape(count, -1)
    symbols = rng.integers(0, rung.phases, count)
    drawn = sampler.draw(line(values, sigma), windows, symbols, rung, os.urandom)
    plain = direct(values, true_sigma or sigma, rng)
    return comparisons(drawn.codes, plain, values, rung.taps, rung.phases)


@pytest.mark.parametrize(("rung", "sigma"), RUNGS, ids=lambda v: getattr(v, "listed", v))
def test_drawn_windows_have_the_law(rung, sigma):
    found = drawn_and_direct(rung, sigma)
    assert min(found.values()) > ALPHA, found


@pytest.mark.parametrize("bpp", [1, 3, 4])
def test_whole_files_have_the_law(bpp):
    """Payload, salt, header and left-over samples of real files against direct draws for the same f."""
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


# Planted faults: each must be seen by the tests above or in test_sampler.py.


@pytest.mark.parametrize(("rung", "sigma"), RUNGS, ids=lambda v: getattr(v, "listed", v))
@pytest.mark.parametrize("wrong", [0.95, 1.05])
def test_a_sigma_five_per_cent_off_is_seen(rung, sigma, wrong):
    found = drawn_and_direct(rung, sigma * wrong, 150_000, true_sigma=sigma)
    assert min(found.values()) < ALPHA**2


def _uniform_backward(share, states, steps, left, rung, luck):
    """The fault: any codes with the wanted residue, not those that the law prefers."""
    flat = [np.where(s > 1e-3, 1.0, 0.0) for s in share]
    return BACKWARD(flat, sampler._forward(flat, steps, rung), steps, left, rung, luck)


BACKWARD, CELLS = sampler._backward, sampler.cells


@pytest.mark.parametrize(("rung", "sigma"), RUNGS, ids=lambda v: getattr(v, "listed", v))
def test_a_uniform_choice_within_the_residue_is_seen(monkeypatch, rung, sigma):
    monkeypatch.setattr(sampler, "_backward", _uniform_backward)
    found = drawn_and_direct(rung, sigma, 40_000)
    assert min(found.values()) < ALPHA**2


def test_too_little_precision_is_seen(monkeypatch):
    """float32 is below what samples can show, so the probabilities and the bound are held to their digits."""
    values, rung = np.linspace(-3, 3, 12), next(r for r in DRAWN if (r.bits, r.samples) == (4, 4))
    cover, windows = line(np.rint(np.linspace(0, 99, 4096)), 2.25), np.arange(4096).reshape(-1, 4)
    draw = lambda: sampler.draw(cover, windows, np.zeros(1024, int), rung, os.urandom).nats  # noqa: E731
    most = bound.window_nats(rung, 2.25) * 1024 + 2 * 4096 * sampler.ROUNDING
    assert same_chances(values, 1.5) and draw() <= most
    monkeypatch.setattr(sampler, "cells", lambda *a: CELLS(*a).astype(np.float32).astype(float))
    assert not same_chances(values, 1.5)
    assert draw() > 10 * most


def test_uniforms_of_24_bits_are_seen():
    assert not has_53_bits(
        noise.uniforms((4096,)).astype(np.float32).clip(0, 1 - 2**-24).astype(float)
    )


def test_missing_headroom_is_seen():
    """f up to the ends: codes pile up there, and the file's own bound passes the budget at 4 bits per pixel."""
    cover = Noisy(Noisy.Options(headroom=0)).covers(1, np.random.default_rng(0))[0]
    with pytest.raises(ConfigError, match="headroom"):
        bound.check_law(cover)
    rung = next(r for r in DRAWN if (r.bits, r.samples) == (4, 3))
    windows = np.random.default_rng(0).permutation(cover.codes.size).reshape(-1, 3)
    symbols = np.zeros(len(windows), int)
    found = sampler.draw(cover, windows, symbols, rung, os.urandom)
    assert found.nats > 100 * bound.BUDGET
    kept = Noisy().covers(1, np.random.default_rng(0))[0]
    assert sampler.draw(kept, windows, symbols, rung, os.urandom).nats < bound.BUDGET / 100


def _rank(rows):
    """Rank over GF(2) of rows of bits."""
    rows, rank = [int.from_bytes(np.packbits(row).tobytes()) for row in rows], 0
    while rows:
        pivot = rows.pop()
        if pivot:
            rank, low = rank + 1, pivot & -pivot
            rows = [row ^ pivot if row & low else row for row in rows]
    return rank


def _payload_rank(files=700, bits=640):
    """Rank of the differences of the payload bits of many files of one key and message, with Reed-Solomon."""
    key, header = Key(bytes(32)), Header(Profile(LADDER[11], correction.CORRECTIONS[1]), b"abcd")
    body = frame.pack(frame.Frame(b"m"))
    rows = [payload.to_bits(body, header, key.file_key(os.urandom(16)), bits) for _ in range(files)]
    return _rank(np.array(rows[1:]) ^ rows[0])


def test_an_unmasked_reed_solomon_code_is_seen(monkeypatch):
    """640 bits are 80 coded bytes, 32 of them parity: unmasked, 256 of 640 dimensions are missing."""
    assert _payload_rank() == 640
    monkeypatch.setattr(place, "masked", lambda packed, key: np.frombuffer(bytes(packed), np.uint8))
    assert _payload_rank() <= 640 - 256

"""Stego covers have the law of plain ones: tests against a direct sampler, and their power.

`STEGAFIELD_LAW_SAMPLES=10000000 pytest tests/coding/test_law.py` runs the long version; the
default takes seconds.
A true sampler fails one comparison in 10^9 (`ALPHA`); each planted fault has to fall far below.
"""

import os

import numpy as np
import pytest

from stegafield import Key
from stegafield.coding import bound, sampler
from stegafield.coding.ladder import DRAWN, LADDER
from stegafield.core import noise
from stegafield.errors import ConfigError
from stegafield.message import correction, frame, place
from stegafield.regions import payload
from stegafield.regions.header import Header, Profile
from tests.coding.test_sampler import has_53_bits, same_chances
from tests.noisy import Noisy, line

# Planted faults: each must be seen by the tests above or in test_sampler.py.


CELLS = sampler.cells


def test_too_little_precision_is_seen(monkeypatch):
    """Samples cannot show float32, so the probabilities and the bound are held to their digits."""
    values, rung = np.linspace(-3, 3, 12), next(r for r in DRAWN if (r.bits, r.elements) == (4, 4))
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
    """f up to the ends: codes pile up, and the file's bound passes the budget at 4 bits a pixel."""
    cover = Noisy(Noisy.Options(headroom=0)).covers(1, np.random.default_rng(0))[0]
    with pytest.raises(ConfigError, match="headroom"):
        bound.check_law(cover)
    rung = next(r for r in DRAWN if (r.bits, r.elements) == (4, 3))
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
    """Rank of the payload bits' differences over Reed-Solomon files of one key and message."""
    key, header = Key(bytes(32)), Header(Profile(LADDER[11], correction.CORRECTIONS[1]), b"abcd")
    body = frame.pack(frame.Frame(b"m"))
    rows = [payload.to_bits(body, header, key.file_key(os.urandom(16)), bits) for _ in range(files)]
    return _rank(np.array(rows[1:]) ^ rows[0])


def test_an_unmasked_reed_solomon_code_is_seen(monkeypatch):
    """640 bits are 80 coded bytes, 32 of them parity: unmasked, 256 dimensions are missing."""
    assert _payload_rank() == 640
    monkeypatch.setattr(place, "masked", lambda packed, key: np.frombuffer(bytes(packed), np.uint8))
    assert _payload_rank() <= 640 - 256

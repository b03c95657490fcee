"""Large covers go in pieces: every sample once, whatever lies between and however they lie."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield.coding import ladder
from stegafield.core import tiles
from stegafield.core.channel import MOST_SAMPLES, most_samples
from stegafield.core.cover import Cover, GridSpec
from stegafield.extractors.phase import Phase
from stegafield.message import place
from stegafield.metrics import fidelity

LINE = GridSpec(("time",), (False,), "line")


@settings(max_examples=60, deadline=None)
@given(
    channels=st.integers(1, 5),
    size=st.integers(1, 90_000),
    share=st.sampled_from([0, 0.001, 0.3, 0.97, 1]),
    seed=st.integers(0, 2**32),
)
def test_stretches_hold_the_free_samples_of_their_tiles(channels, size, share, seed):
    free = np.random.default_rng(seed).random((channels, size)) < share
    found = tiles.stretches(free)
    assert [found[0].start, found[-1].stop] == [0, free.size]
    assert all(a.stop == b.start for a, b in pairwise(found))
    at = np.flatnonzero(free)
    expected = [at[where] for _, where in place.tiles(at.size)]
    assert len(found) == len(expected)
    for stretch, wanted in zip(found, expected, strict=True):
        here = stretch.start + np.flatnonzero(tiles.piece(free, stretch))
        assert np.array_equal(here, wanted)
    assert np.array_equal(tiles.first(free, 1000), at[:1000])


@pytest.mark.parametrize("interleaved", [False, True])
def test_pieces_are_read_and_written_in_storage_order(interleaved):
    given = np.arange(3 * 100_000, dtype=np.int32).reshape(3, -1)
    array = np.asfortranarray(given) if interleaved else given
    copy = tiles.like(array)
    assert copy.strides == array.strides
    for block in tiles.blocks(array.size):
        assert np.array_equal(tiles.piece(array, block), given.ravel()[block])
        tiles.place(copy, block, -tiles.piece(array, block))
    assert np.array_equal(copy, -given)


@settings(max_examples=20, deadline=None)
@given(number=st.integers(0, len(ladder.LADDER_BY_RATE) - 1), seed=st.integers(0, 2**32))
def test_sixteen_bits_read_and_change_like_more(number, seed):
    """Codes that fill their type, where a sum of two leaves it."""
    rng, rung = np.random.default_rng(seed), ladder.LADDER_BY_RATE[number]
    codes = rng.choice([-32768, -32767, -1, 0, 32766, 32767], (2, 4000)).astype(np.int16)
    covers = [
        Cover(c, -32768, 32767, np.ones(codes.shape, bool), LINE)
        for c in (np.asfortranarray(codes), codes.astype(np.int32))
    ]
    reader = Phase(None, seed=bytes(32), rung=rung)
    bits = rng.integers(0, 2, reader.count(covers[0]), np.uint8)
    small, large = (reader.project(c, bits, np.random.default_rng(7)) for c in covers)
    assert small.dtype == np.int16 and np.array_equal(small, large)
    for codes in (small, large):
        assert np.array_equal(reader.read(codes, covers[0].free, LINE), bits)
    assert fidelity.change(covers[0].codes, small) == fidelity.change(covers[1].codes, large)


def test_a_file_may_declare_what_its_size_can_hold():
    assert most_samples(0) == most_samples(1 << 20) == 1 << 26
    assert most_samples(1 << 21) == 1 << 27 and most_samples(1 << 40) == MOST_SAMPLES

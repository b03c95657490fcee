"""Simulated embedding: last bits and costs against their definitions, and before detectors."""

import numpy as np
import pytest
from scipy import stats

from stegafield.detectors.lsb.primary_sets import PrimarySets
from stegafield.detectors.lsb.rs import Rs
from stegafield.detectors.lsb.sample_pairs import SamplePairs
from stegafield.errors import ConfigError
from stegafield_research.baselines.adaptive import hill, s_uniward
from stegafield_research.baselines.lsb import matching, replacement


@pytest.fixture(scope="module")
def pictures():
    """256x256 corners of the colour photographs that scikit-image ships."""
    from skimage import data

    names = ("astronaut", "chelsea", "coffee", "rocket")
    return {
        name: getattr(data, name)()[:256, :256, :3].transpose(2, 0, 1).astype(np.int32)
        for name in names
    }


def test_lsb_matching_is_invisible_to_estimators_of_replacement(pictures):
    rng = np.random.default_rng(1)
    stego = matching.simulate(pictures["chelsea"], 0, 255, 1, rng)
    for detector in (Rs, SamplePairs, PrimarySets):
        assert abs(detector().score(stego)) < 0.1


def test_lsb_replacement_keeps_pairs_of_values(rng):
    codes = rng.integers(0, 256, (3, 50, 50), np.int32)
    stego = replacement.simulate(codes, 0, 255, 0.4, rng)
    assert np.array_equal(stego >> 1, codes >> 1)
    assert np.count_nonzero(stego != codes) == pytest.approx(0.2 * codes.size, rel=0.1)
    odd = replacement.simulate(np.array([[255, 5, 5, 5]]), 5, 255, 1, rng)
    assert odd.min() >= 5 and odd.max() <= 255
    with pytest.raises(ConfigError, match="0 to 1"):
        replacement.simulate(codes, 0, 255, 1.1, rng)


def test_s_uniward_costs_are_its_definition(rng, photographs):
    codes = photographs["coffee"][:40, :40, 1].astype(np.int32)[None]
    high = s_uniward._HIGH
    low = np.where(np.arange(16) % 2, -1, 1) * high[::-1]
    assert (
        high @ high == pytest.approx(1)
        and high @ low == pytest.approx(0)
        and low.sum() == pytest.approx(2**0.5)
    )

    def wavelets(plane):
        padded = np.pad(plane.astype(float), 16, mode="symmetric")
        blocks = np.lib.stride_tricks.sliding_window_view(padded, (16, 16))[..., ::-1, ::-1]
        return [
            np.einsum("yxij,i,j->yx", blocks, a, b)
            for a, b in ((low, high), (high, low), (high, high))
        ]

    y, x = 20, 17
    moved = codes[0].copy()
    moved[y, x] += 1
    before, after = wavelets(codes[0]), wavelets(moved)
    wanted = sum(
        (np.abs(b - a) / (np.abs(a) + 1)).sum() for a, b in zip(before, after, strict=True)
    )
    assert s_uniward.costs(codes)[0, y, x] == pytest.approx(wanted, rel=1e-9)
    change = s_uniward.simulate(codes, 0, 255, 0.2, rng) - codes
    assert 0.01 < np.count_nonzero(change) / codes.size < 0.1
    assert np.median(s_uniward.costs(codes)[change != 0]) < np.median(s_uniward.costs(codes))


def test_both_costs_call_the_same_places_dear(photographs):
    codes = photographs["chelsea"].transpose(2, 0, 1)[:1].astype(np.int32)
    ranks = stats.spearmanr(hill.costs(codes).ravel(), s_uniward.costs(codes).ravel())
    assert ranks.statistic > 0.3

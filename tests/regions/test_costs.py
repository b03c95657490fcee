"""At equal cost, the samples of the salt and of the payload change as often as one law says."""

from dataclasses import replace

import numpy as np
import pytest

from stegafield import Key
from stegafield.coding import gibbs
from stegafield.coding.offer import with_costs
from stegafield.core.cover import Costs
from stegafield.extractors.phase import Phase
from stegafield.message.correction import CORRECTIONS
from stegafield.regions import bootstrap, positions
from stegafield.regions.header import Header, Profile
from tests.priced import TRELLIS, as_cover, textured


def _bootstrap(cover, rate, count, law):
    """How often the samples of the salt change, over `count` files, and where they are."""
    rng = np.random.default_rng(5)
    at = positions.public(cover.free).salt.ravel()
    rung = next(r for r in with_costs(cover.codes.size) if r.rate >= rate)
    moved = np.zeros(at.size)
    if not law:
        cover = replace(cover, costs=Costs.alike(np.ones(cover.codes.shape, np.float32)))
    for _ in range(count):
        key = Key(rng.bytes(32)).file_key(rng.bytes(16))
        header = Header(Profile(rung, CORRECTIONS[0]), rng.bytes(4))
        keyed = positions.public(cover.free).keyed(key)
        found = bootstrap.write_bootstrap(cover, rng.bytes(16), header, keyed, key, rng, None, rate)
        moved += (found.codes != cover.codes).ravel()[at]
    return at, moved / count


@pytest.mark.slow
@pytest.mark.parametrize("law", [True, False])
def test_the_salt_is_no_reference(law):
    """At equal cost, public samples change as often as the payload's law says; else they do not."""
    cover = as_cover(textured())
    at, moved = _bootstrap(cover, 0.4, 25, law)
    m = gibbs.multiplier(cover.costs, 0.4)
    expected = sum(gibbs.shares(cover.costs, m)).ravel()[at]
    order = np.argsort(expected)
    parts = np.array_split(order, 5)
    deviations = [
        (moved[part].mean() - expected[part].mean())
        / max(0.004, (expected[part].mean() / (25 * part.size)) ** 0.5)
        for part in parts
    ]
    assert bool(max(map(abs, deviations)) < 5) is law, deviations


@pytest.mark.slow
def test_the_payload_follows_the_same_law():
    cover = as_cover(textured())
    rung = next(r for r in TRELLIS if r.rate == 0.4)
    extractor = Phase(Phase.Options(), seed=bytes(32), rung=rung)
    bits = np.random.default_rng(0).integers(0, 2, extractor.count(cover), dtype=np.uint8)
    moved = extractor.project(cover, bits, np.random.default_rng(1)) != cover.codes
    m = gibbs.multiplier(cover.costs, rung.rate * (1 + gibbs.CODING_LOSS))
    expected = sum(gibbs.shares(cover.costs, m))
    for part in np.array_split(np.argsort(expected.ravel()), 5):
        share, wanted = moved.ravel()[part].mean(), expected.ravel()[part].mean()
        assert abs(share - wanted) < 0.1 * wanted + 0.004

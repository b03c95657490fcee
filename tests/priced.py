"""Covers with costs, what changes of them cost, and the least that they could."""

from dataclasses import replace

import numpy as np

from stegafield.coding import gibbs, prices
from stegafield.coding.ladder import LADDER
from stegafield.core.cover import Costs, Cover, GridSpec
from stegafield.costs import rough

TRELLIS = [rung for rung in LADDER if rung.span]


def textured(shape=(1, 256, 256), seed=0):
    """A picture that is smooth at the top and rough at the bottom."""
    rng = np.random.default_rng(seed)
    spread = np.linspace(0.3, 12, shape[1])[:, None]
    return np.clip(np.rint(128 + spread * rng.normal(size=shape)), 0, 255).astype(np.int32)


def as_cover(codes, price=None):
    cover = Cover(codes, 0, 255, np.ones(codes.shape, bool), GridSpec(("y", "x"), (False, False)))
    price = rough.picture(codes, 0, 255) if price is None else price
    return replace(cover, costs=prices.settled(Costs.alike(price), cover))


def spent(cover, codes):
    """What changes cost: the fourth power of the step times the price of its direction."""
    step = (codes - cover.codes).astype(float)
    price = np.where(step < 0, *cover.costs)
    return float(np.where(step == 0, 0, step**4 * np.where(step == 0, 0, price)).sum())


def least(cover, bits):
    """The least expected cost at which changes of one step carry so many bits."""
    m = gibbs.multiplier(cover.costs, bits / cover.codes.size)
    shares = gibbs.shares(cover.costs, m)
    return sum(
        float((share * np.where(share > 0, side, 0)).sum())
        for share, side in zip(shares, cover.costs, strict=True)
    )

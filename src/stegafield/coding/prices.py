"""Prices of adaptive embedding: what changes of a cover cost, settled for the extractor.

A carrier knows its medium, so it gives the costs; the extractor spends as little of them as carries
the bits. The receiver needs none of this: where bits are depends only on the key and the free
elements.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ..core import tiles
from ..core.cover import Costs, Cover
from ..errors import BrokenPlugin

USUAL_MOST = 1e3
"""Prices count up to this many times the usual one; beyond, only their order, so that float32
can add them up."""
LEAST = 1e-4
"""The least price, relative to the usual one."""
_FLOOD = np.float32(1e6)
_DEAREST = np.float32(5e5)
"""The greatest finite price, relative to the usual one: still less than a flooded place."""
_TINY, _HUGE = 1e-30, 1e30
"""Costs between them can be inverted and added up in float32."""


def energy(steps: ndarray | int) -> ndarray | int:
    """The cost of a number of steps, relative to one: so steep that more than one is rare."""
    return steps**4


def settled(costs: Costs, cover: Cover) -> Costs:
    """A carrier's costs as float32, with a usual price of one.

    Infinite where a step would leave the range. The usual price is the harmonic mean: that of the
    cheap ones, of which few may be enough.

    Raises:
        BrokenPlugin: The costs are not valid: of another shape, negative or not numbers.
    """
    if not isinstance(costs, Costs):
        raise BrokenPlugin(
            f"the carrier gives a {type(costs).__name__} for costs; expected Costs(down, up)."
        )
    given = [(np.shape(one), np.asarray(one).dtype.kind) for one in costs]
    if any(shape != cover.codes.shape or kind not in "fiub" for shape, kind in given):
        told = " and ".join(f"{np.asarray(one).dtype} {np.shape(one)}" for one in costs)
        raise BrokenPlugin(f"the carrier gives costs of {told}, not numbers {cover.codes.shape}.")
    blocks, costs = tiles.blocks(cover.codes.size), _ordinary(costs, cover)
    down, up = (np.empty(cover.codes.shape, np.float32) for _ in range(2))

    def opened(block: slice) -> tuple[bool, int, float]:
        """What may move, in float32.

        Returns whether these are prices, how many there are, and the sum of their reciprocals.
        """
        low, high = tiles.ends(cover.low, cover.high, block)
        codes, free = tiles.piece(cover.codes, block), tiles.piece(cover.free, block)
        here = []
        for side, given, inside in ((down, costs.down, codes > low), (up, costs.up, codes < high)):
            price = np.where(free & inside, tiles.piece(given, block), np.inf).astype("f4")
            tiles.place(side, block, price)
            here.append(price)
        cheaper = np.minimum(*here)
        number = np.count_nonzero((cheaper > 0) & (cheaper < np.inf))
        with np.errstate(divide="ignore", invalid="ignore"):
            reciprocals = np.where(cheaper > 0, 1 / cheaper, 0)
        right = all(bool(price.min() >= 0) for price in here)
        return right, int(number), float(reciprocals.sum(dtype=np.float64))

    right, number, reciprocals = zip(*tiles.each(opened, blocks), strict=True)
    if not all(right):
        raise BrokenPlugin("the carrier gives costs that are negative or not numbers.")
    usual = np.float32(sum(number) / sum(reciprocals) if any(number) else 1)

    def scaled(block: slice) -> None:
        for side in (down, up):
            price = np.maximum(tiles.piece(side, block) / usual, np.float32(LEAST))
            far = np.flatnonzero((price > USUAL_MOST) & (price < np.inf))
            dear = USUAL_MOST * np.sqrt(np.sqrt(price[far] / USUAL_MOST))
            price[far] = np.minimum(dear, _DEAREST)
            tiles.place(side, block, price)

    tiles.each(scaled, blocks)
    return Costs(down, up)


def _ordinary(costs: Costs, cover: Cover) -> Costs:
    """The same costs, in a unit in which float32 can hold them, the least first.

    What is `_HUGE` times the least that counts costs no more than that: it stays finite.
    """

    def extremes(block: slice) -> tuple[Any, Any]:
        """The least and the greatest cost that is neither zero nor infinite."""
        least, most, free = np.inf, 0.0, tiles.piece(cover.free, block)
        for side in costs:
            given = tiles.piece(side, block)
            given = given[free & (given > 0) & (given < np.inf)]
            if given.size:
                least, most = min(least, given.min()), max(most, given.max())
        return least, most

    least, most = zip(*tiles.each(extremes, tiles.blocks(cover.codes.size)), strict=True)
    if min(least) >= _TINY and max(most) <= _HUGE:
        return costs
    unit = np.longdouble(min(least))

    def scaled(side: ndarray) -> ndarray:
        wide = np.asarray(side, np.longdouble)
        with np.errstate(over="ignore", invalid="ignore"):
            inner = np.minimum(wide / unit, np.longdouble(_HUGE))
            return np.where(wide < np.inf, inner, wide).astype(np.float32)

    return Costs(*map(scaled, costs))


def flooded(cover: Cover) -> Cover:
    """The cover with a high price instead of infinity within the range.

    For senders who want the message in at any cost: flat and clipped places change as little as
    possible, but do change.
    """
    assert cover.costs is not None
    inside = cover.free & (cover.codes > cover.low), cover.free & (cover.codes < cover.high)
    costs = Costs(
        *(
            np.where(open_ & ~np.isfinite(side), _FLOOD, side)
            for open_, side in zip(inside, cover.costs, strict=True)
        )
    )
    return replace(cover, costs=costs)


def forced(cover: Cover, codes: Int[ndarray, "channel *space"]) -> int:
    """How many elements changed where a step is barred, or was until the cover was flooded."""
    costs = cover.costs
    assert costs is not None

    def within(block: slice) -> int:
        here, new = tiles.piece(cover.codes, block), tiles.piece(codes, block)
        down, up = (tiles.piece(side, block) >= _FLOOD for side in costs)
        return int(np.count_nonzero(((new < here) & down) | ((new > here) & up)))

    return sum(tiles.each(within, tiles.blocks(codes.size)))


def drowned(cover: Cover) -> bool:
    """Whether a cover is flooded anywhere."""
    return cover.costs is not None and any(bool((side == _FLOOD).any()) for side in cover.costs)

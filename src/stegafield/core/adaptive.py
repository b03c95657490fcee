"""Adaptive embedding: what changes of a cover cost, and the law of the changes that carry most at a given cost.

A carrier knows its medium, so it gives the costs; the extractor spends as little of them as carries the bits. The
receiver needs none of this: where bits stand depends on key and free samples alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..errors import BrokenPlugin
from . import tiles
from .cover import Costs, Cover
from .ladder import Rung
from .window import LONGEST_TABLED

USUAL_MOST = 1e3
"""Beyond this many times the usual price only the order of prices counts, so that float32 can add them up."""
LEAST = 1e-4
"""Of a price, relative to the usual one."""
CODING_LOSS = 0.1
"""The trellis form changes as much as the best code does for a payload larger by this share (0.07 to 0.14,
`scripts/coding_loss.py`)."""
_FLOOD = np.float32(1e6)
_MARGIN = 0.35
"""Share of the ternary capacity of what may move that the trellis form mostly fills; at .75 it never does."""
_OPEN = 0.9
"""Where this share of the samples may move, the trellis form has a way at every rate (at .8, in 9 of 9 runs at 2/3)."""
_STUCK = 0.05
"""Windows of a file without a way that are tolerated, in the mean: another salt is tried for them."""
_ROUNDS = 60
_CLOSE = 1e-5


def energy(steps: ndarray | int) -> ndarray | int:
    """What some steps cost, relative to one: so steep that more than one is rare."""
    return steps**4


def settled(costs: Costs, cover: Cover) -> Costs:
    """A carrier's costs as float32 with a usual price of one, and infinity where a step would leave the range.

    The usual price is the harmonic mean: that of the cheap ones, of which few may be enough.

    Raises:
        BrokenPlugin: where they are no costs: of another shape, negative or not a number.
    """
    if not isinstance(costs, Costs):
        raise BrokenPlugin(
            f"the carrier gives a {type(costs).__name__} for costs, and no Costs(down, up)."
        )
    given = [(np.shape(one), np.asarray(one).dtype.kind) for one in costs]
    if any(shape != cover.codes.shape or kind not in "fiub" for shape, kind in given):
        told = " and ".join(f"{np.asarray(one).dtype} {np.shape(one)}" for one in costs)
        raise BrokenPlugin(f"the carrier gives costs of {told}, not numbers {cover.codes.shape}.")
    blocks = tiles.blocks(cover.codes.size)
    down, up = (np.empty(cover.codes.shape, np.float32) for _ in range(2))

    def opened(block: slice) -> tuple[bool, int, float]:
        """What may move, in float32: whether these are prices, and how many there are, with the sum of reciprocals."""
        low, high = tiles.ends(cover.low, cover.high, block)
        codes, free = tiles.piece(cover.codes, block), tiles.piece(cover.free, block)
        here = []
        for side, given, inside in ((down, costs.down, codes > low), (up, costs.up, codes < high)):
            with np.errstate(over="ignore"):  # what is beyond float32 is as good as barred
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
        raise BrokenPlugin("the carrier gives costs that are negative or no numbers.")
    usual = np.float32(sum(number) / sum(reciprocals) if any(number) else 1)

    def scaled(block: slice) -> None:
        for side in (down, up):
            price = np.maximum(tiles.piece(side, block) / usual, np.float32(LEAST))
            far = np.flatnonzero((price > USUAL_MOST) & (price < np.inf))
            price[far] = USUAL_MOST * np.sqrt(np.sqrt(price[far] / USUAL_MOST))
            tiles.place(side, block, price)

    tiles.each(scaled, blocks)
    return Costs(down, up)


def flooded(cover: Cover) -> Cover:
    """The cover with a high price instead of infinity within the range.

    For senders who want the message in, come what may: flat and clipped places change as little as possible, but do.
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
    """How many samples changed where a step is barred, or was until the cover was flooded."""
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


class Ways(NamedTuple):
    """Of one tile: its free samples, and how many of them may move one way only, and both ways, at a finite cost."""

    free: int
    one: int
    both: int


def ways(cover: Cover) -> list[Ways]:
    """What may move in each tile: no tile can carry the bits of another."""
    assert cover.costs is not None
    found = []
    for stretch in tiles.stretches(cover.free):
        free = tiles.piece(cover.free, stretch)
        down, up = (np.isfinite(tiles.piece(side, stretch)[free]) for side in cover.costs)
        both = int(np.count_nonzero(down & up))
        found.append(
            Ways(int(np.count_nonzero(free)), int(np.count_nonzero(down | up)) - both, both)
        )
    return found


def bears(rung: Rung, every: Sequence[Ways]) -> bool:
    """Whether a rung's changes mostly find their way in all tiles at a finite cost."""
    if rung.span:
        return all(_room(tile) >= rung.rate * tile.free for tile in every)
    return sum(_stuck(rung, tile) for tile in every) < _STUCK


def _room(tile: Ways) -> float:
    """Bits that single steps carry in the trellis form, with a margin for the code; no limit where few are barred."""
    if tile.one + tile.both >= _OPEN * tile.free:
        return np.inf
    return _MARGIN * (tile.one + tile.both * float(np.log2(3)))


def _stuck(rung: Rung, tile: Ways) -> float:
    """How many windows of the block form are expected to have no way; one way is half of both."""
    share = (tile.one / 2 + tile.both) / max(1, tile.free)
    return tile.free // rung.samples * _missed(rung, int(1000 * share))


@lru_cache(maxsize=4096)
def _missed(rung: Rung, thousandths: int) -> float:
    """How often a window has no way where so many thousandths of the samples may move.

    The number in a window is binomial. Their changes fall on the residues as if by chance, so the wanted one is missed
    with a probability of exp(-changes / residues).
    """
    share, count = thousandths / 1000, np.arange(rung.samples + 1)
    if rung.samples > LONGEST_TABLED:  # one step, or steps of two samples
        changes = 2.0 * count**2
    else:
        changes = 3 ** np.minimum(count, 30.0)  # of one step: those of two often fall together
    if thousandths in (0, 1000):
        chance = (count == share * rung.samples).astype(float)
    else:
        logs = np.cumsum([0.0, *np.log(count[1:])])  # of factorials
        chance = np.exp(
            logs[-1] - logs - logs[::-1] + count * np.log(share) + count[::-1] * np.log(1 - share)
        )
    return float(chance @ np.exp(-changes / rung.phases))


def multiplier(costs: Costs, rate: float) -> float:
    """m of the law p(step) ~ exp(-m cost(step)), of single steps, whose entropy is `rate` bits per sample.

    T. Filler, J. Fridrich, "Gibbs construction in steganography", IEEE Transactions on Information Forensics and
    Security 5(4), 2010. The least there is where even equally likely steps carry less.
    """
    down, up = (side.ravel().astype(np.float64) for side in costs)
    least, most = 1e-12, 1e12
    if _entropy(down, up, least) < rate:
        return least
    for _ in range(_ROUNDS):
        middle = float(np.sqrt(least * most))
        entropy = _entropy(down, up, middle)
        least, most = (middle, most) if entropy > rate else (least, middle)
        if 0 <= rate - entropy < _CLOSE * rate:
            break
    return most


def shares(costs: Costs, m: float) -> tuple[Float[ndarray, "..."], Float[ndarray, "..."]]:
    """The probabilities of one step down and one step up."""
    down, up = np.exp(-m * costs.down), np.exp(-m * costs.up)
    total = 1 + down + up
    return down / total, up / total


def _entropy(down: Float[ndarray, " sample"], up: Float[ndarray, " sample"], m: float) -> float:
    """Bits per sample of the law of single steps."""
    low, high = shares(Costs(down, up), m)
    rest = 1 - low - high
    parts = (-p * np.log2(np.maximum(p, 1e-300)) for p in (low, high, rest))
    return float(sum(part.mean() for part in parts))

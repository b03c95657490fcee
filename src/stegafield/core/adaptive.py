"""Adaptive embedding: what changes of a cover cost, and the law of the changes that carry most at a given cost.

A carrier knows its medium, so it gives the costs; the extractor spends as little of them as carries the bits. The
receiver needs none of this: where bits stand depends on key and free samples alone.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..errors import BrokenPlugin
from .cover import Costs, Cover

USUAL_MOST = 1e3
"""Beyond this many times the usual price only the order of prices counts, so that float32 can add them up."""
LEAST = 1e-4
"""Of a price, relative to the usual one."""
CODING_LOSS = 0.1
"""The trellis form changes as much as the best code does for a payload larger by this share (0.09 to 0.13 measured)."""
_FLOOD = np.float32(1e6)
_FLAT = "the cover is too flat for this much: changes are in smooth or clipped places, too, and they show there"
_MARGIN = 0.35
"""Share of the ternary capacity of what may move that the trellis form mostly fills; at .75 it never does."""
_OPEN = 0.9
"""Where this share of the samples may move, the trellis form has a way at every rate (at .8, in 9 of 9 runs at 2/3)."""
_ROUNDS = 60
_CLOSE = 1e-5


def energy(steps: ndarray) -> ndarray:
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
    with np.errstate(over="ignore"):  # what is beyond float32 is as good as barred
        down = np.where(cover.free & (cover.codes > cover.low), costs.down, np.inf).astype("f4")
        up = np.where(cover.free & (cover.codes < cover.high), costs.up, np.inf).astype("f4")
    if not (down.min() >= 0 and up.min() >= 0):
        raise BrokenPlugin("the carrier gives costs that are negative or no numbers.")
    cheaper = np.minimum(down, up)
    priced = cheaper[(cheaper > 0) & np.isfinite(cheaper)]
    usual = priced.size / float(np.sum(1 / priced, dtype=np.float64)) if priced.size else 1.0
    for one in (down, up):
        one /= np.float32(usual)
        np.maximum(one, LEAST, out=one)
        far = np.isfinite(one) & (one > USUAL_MOST)
        one[far] = USUAL_MOST * (one[far] / USUAL_MOST) ** 0.25
    return Costs(down, up)


def flooded(cover: Cover) -> Cover:
    """The cover with a high price instead of infinity within the range, and a note that says so.

    For a message that the rest cannot carry: flat and clipped places change as little as possible, but they do.
    """
    assert cover.costs is not None
    if _FLAT in cover.notes:
        return cover
    inside = cover.free & (cover.codes > cover.low), cover.free & (cover.codes < cover.high)
    costs = Costs(
        *(
            np.where(open_ & ~np.isfinite(side), _FLOOD, side)
            for open_, side in zip(inside, cover.costs, strict=True)
        )
    )
    return replace(cover, costs=costs, notes=(*cover.notes, _FLAT))


def ways(cover: Cover) -> tuple[int, int]:
    """How many samples may move one way only, and how many both ways, at a finite cost."""
    assert cover.costs is not None
    one, other = (np.isfinite(side) for side in cover.costs)
    both = int(np.count_nonzero(one & other))
    return int(np.count_nonzero(one | other)) - both, both


def room(cover: Cover) -> float:
    """Bits that single steps at a finite cost carry, with a margin for the code; no limit where few are barred."""
    one, both = ways(cover)
    if one + both >= _OPEN * np.count_nonzero(cover.free):
        return np.inf
    return _MARGIN * (one + both * float(np.log2(3)))


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

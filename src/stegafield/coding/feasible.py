"""Which rungs a cover can carry at a finite cost: what may move in each tile, and its capacity."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..core import tiles
from ..core.cover import Cover
from ..core.rung import Rung
from .block import LONGEST_TABLED

_MARGIN = 0.35
"""Share of the ternary capacity of what may move that the trellis form mostly fills; at .75 it
never does."""


_OPEN = 0.9
"""Where this share of the elements may move, the trellis form has a way at every rate (at .8, in
9 of 9 runs at 2/3)."""


_STUCK = 0.05
"""The mean number of windows without a way that a file may have: another salt is tried for them."""


class Ways(NamedTuple):
    """The elements of one tile: the free ones, and those that may move at a finite cost.

    `one` may move one way only, `both` may move both ways.
    """

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
    """The bits that single steps carry in the trellis form, with a margin for its coding loss.

    No limit where few elements are barred.
    """
    if tile.one + tile.both >= _OPEN * tile.free:
        return np.inf
    return _MARGIN * (tile.one + tile.both * float(np.log2(3)))


def _stuck(rung: Rung, tile: Ways) -> float:
    """The expected number of windows of the block form without a way; one way is half of both."""
    share = (tile.one / 2 + tile.both) / max(1, tile.free)
    return tile.free // rung.elements * _missed(rung, int(1000 * share))


@lru_cache(maxsize=4096)
def _missed(rung: Rung, thousandths: int) -> float:
    """The probability that a window has no way if so many thousandths of the elements may move.

    The number in a window is binomial. Their changes fall on the residues as if by chance, so the
    wanted one is missed with a probability of exp(-changes / residues).
    """
    share, count = thousandths / 1000, np.arange(rung.elements + 1)
    if rung.elements > LONGEST_TABLED:  # one step, or steps of two elements
        changes = 2.0 * count**2
    else:
        changes = 3 ** np.minimum(count, 30.0)  # of one step: those of two often fall together
    if thousandths in (0, 1000):
        chance = (count == share * rung.elements).astype(float)
    else:
        logs = np.cumsum([0.0, *np.log(count[1:])])  # of factorials
        chance = np.exp(
            logs[-1] - logs - logs[::-1] + count * np.log(share) + count[::-1] * np.log(1 - share)
        )
    return float(chance @ np.exp(-changes / rung.phases))

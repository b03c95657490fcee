"""Which rungs a cover can carry: what may move in each tile, at a finite cost or at all."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..core import tiles
from ..core.cover import Cover
from ..core.rung import Rung
from .block import LONGEST_TABLED, reach

_MARGIN = 0.35
"""Share of the ternary capacity of what may move that the trellis form mostly fills; at .75 it
never does."""


_OPEN = 0.9
"""Where this share of the elements may move, the trellis form has a way at every rate (at .8, in
9 of 9 runs at 2/3)."""


_STUCK = 0.05
"""The mean number of windows without a way that a file may have: another salt is tried for them."""


FURTHEST = 16
"""Steps of one element at any rung, at most."""


_FEW = 4
"""Windows of so few elements are no case for a mean."""


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


class Range(NamedTuple):
    """The free elements of one tile by how far their range lets them move."""

    counts: Int[ndarray, "down up"]
    """How many may move so far down and up; `FURTHEST` steps are as good as more."""

    @property
    def free(self) -> int:
        """How many elements there are."""
        return int(self.counts.sum())

    def within(self, reach: int) -> tuple[int, int, float, bool]:
        """What moves by up to `reach` steps.

        Returns how many elements there are, how many of them move, the geometric mean of their
        changes (none is one, too), and whether each moves the whole reach at least one way.
        """
        down, up = np.minimum(np.indices(self.counts.shape), reach)
        changes, moves = 1 + down + up, (down > 0) | (up > 0)
        moving = self.counts * moves
        number = int(moving.sum())
        mean = float((moving * np.log(changes)).sum() / number) if number else 0.0
        whole = not moving[np.maximum(down, up) < reach].any()
        return self.free, number, float(np.exp(mean)), whole

    def changes(self, reach: int) -> Float[ndarray, "whole change"]:
        """The share of the elements that have so many changes by up to `reach` steps.

        The second row has those that move the whole reach at least one way, the first the others.
        """
        down, up = np.minimum(np.indices(self.counts.shape), reach)
        found = np.zeros((2, 2 + 2 * reach))
        np.add.at(found, (1 * (np.maximum(down, up) >= reach), 1 + down + up), self.counts)
        return found / max(1, self.free)


def ranges(cover: Cover) -> list[Range]:
    """What may move in each tile, whatever it costs; empty where nothing has a narrow range."""
    if _steps(cover.low, cover.high).min(initial=2 * FURTHEST) >= 2 * FURTHEST:
        return []
    found, size = [], FURTHEST + 1
    for stretch in tiles.stretches(cover.free):
        free, codes = tiles.piece(cover.free, stretch), tiles.piece(cover.codes, stretch)
        low, high = tiles.ends(cover.low, cover.high, stretch)
        down, up = (
            np.minimum(room[free], FURTHEST).astype(np.intp)
            for room in (_steps(low, codes), _steps(codes, high))
        )
        counts = np.bincount(size * down + up, minlength=size * size)
        found.append(Range(counts.reshape(size, size)))
    return found


def _steps(low: int | Int[ndarray, "*shape"], high: int | Int[ndarray, "*shape"]) -> ndarray:
    """How many steps one is above the other; unsigned, since those of floats are beyond int64."""
    below, above = (np.asarray(end, np.int64) for end in (low, high))
    room = above.view(np.uint64) - below.view(np.uint64)
    return np.where(above >= below, room, np.uint64(0))


def reaches(rung: Rung, every: Sequence[Range], windows: int | None = None) -> bool:
    """Whether a rung's changes mostly find their way in all tiles within the range of the codes.

    `windows` are those of the first tile, where they are not all that there are.
    """
    if rung.span:
        return all(_fits(rung, tile) for tile in every)
    return sum(_barred(rung, tile, windows) for tile in every) < _STUCK


def _fits(rung: Rung, tile: Range) -> bool:
    """Whether the trellis form has a way: residues are those modulo 4, by up to three steps."""
    free, moving, changes, _ = tile.within(3)
    return bool(_MARGIN * moving * np.log2(min(changes, 4)) >= rung.rate * free)


def _barred(rung: Rung, tile: Range, windows: int | None) -> float:
    """The expected number of windows of the block form without a way within the range."""
    if rung.elements <= _FEW:
        return (tile.free // rung.elements if windows is None else windows) * _short(rung, tile)
    free, moving, changes, whole = tile.within(reach(rung))
    missed = _missed(rung, int(1000 * moving / max(1, free)), round(changes, 2))
    if moving == free and whole:
        missed = 0.0  # one way is enough for every rung
    return (free // rung.elements if windows is None else windows) * missed


def _short(rung: Rung, tile: Range) -> float:
    """The probability that a window of a few elements has no way within the range.

    The mean of all says nothing of so few: three that move far hide none that does not.
    """
    parts, every = tile.changes(reach(rung)), np.arange(2 + 2 * reach(rung))
    if not parts[0].any():
        return 0.0  # one way is enough for every rung
    if rung.elements == 1:
        return float(parts[0] @ (1 - np.minimum(every, rung.phases) / rung.phases))
    missed = []
    for share in (parts.sum(axis=0), parts[1]):
        here = np.flatnonzero(share)
        ways, chance = np.ones(1), np.ones(1)
        for _ in range(rung.elements):
            ways = np.multiply.outer(ways, every[here]).ravel()
            chance = np.multiply.outer(chance, share[here]).ravel()
        missed.append(float(chance @ np.exp(-ways / rung.phases)))
    return missed[0] - missed[1]


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
def _missed(rung: Rung, thousandths: int, moves: float = 3.0) -> float:
    """The probability that a window has no way if so many thousandths of the elements may move.

    The number in a window is binomial. Their changes (each has `moves`, none included) fall on the
    residues as if by chance, so the wanted one is missed with a probability of exp(-changes /
    residues).
    """
    share, count = thousandths / 1000, np.arange(rung.elements + 1)
    if rung.elements > LONGEST_TABLED:  # one step, or steps of two elements
        changes = (moves - 1) ** 2 / 2 * count**2
    else:
        changes = np.minimum(moves ** np.minimum(count, 64.0), 1e9)
    if thousandths in (0, 1000):
        chance = (count == share * rung.elements).astype(float)
    else:
        logs = np.cumsum([0.0, *np.log(count[1:])])  # of factorials
        chance = np.exp(
            logs[-1] - logs - logs[::-1] + count * np.log(share) + count[::-1] * np.log(1 - share)
        )
    return float(chance @ np.exp(-changes / rung.phases))

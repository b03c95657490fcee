"""Values that a cover never takes, though it takes those around them.

Stretched contrast, a change of gamma, packing anew with another scale: each leaves empty bins in
the histogram. A step into one is seen by anyone who counts, so no element may take it.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..core import tiles
from ..core.cover import Cover
from ..core.history import Past

_NEAR = 8
"""How many values on each side tell how often one is to be expected: as often as on the side where
they are rarer."""
_EXPECTED = 4.0
"""Values that are expected less often than this may be missing by chance."""
_CHANCE = 3.0
"""More than this many times the number that chance leaves out is no chance."""
_APART = 4
"""Values are far apart where so many times fewer are used than there are between the ends."""
_CHEAP, _BYTE = 1 << 20, 256
"""Elements up to which a range for each costs little; values of a byte."""
_ENOUGH = 1024
"""Of fewer elements nobody knows which values they never take."""
_WIDEST = 1 << 24
"""The widest range of which a histogram is made: all 24-bit sounds."""
_TOGETHER = 4
"""More channels than these are times or levels of one variable, and have one histogram."""
_PINNED = 0.1
"""Share of the elements that values which are missing by chance may hold in place."""
_SHARE = 0.02
"""Share of missing values that is told as a past, and not only left alone."""


class _Histogram(NamedTuple):
    """Of free elements: from the least to the greatest value."""

    part: slice
    """The channels."""
    least: int
    counts: Int[ndarray, " value"]
    near: Float[ndarray, " value"]
    """How often values on the rarer side of each are taken in the mean."""

    @property
    def crowded(self) -> bool:
        """Whether values are few and often taken, and few elements stand beside one that is not."""
        beside = np.pad(self.counts == 0, 1)
        pinned = int(self.counts[beside[:-2] | beside[2:]].sum())
        if pinned > _PINNED * self.counts.sum():
            return False
        used = int(np.count_nonzero(self.counts))
        return int(self.counts.sum()) >= _APART**2 * max(_BYTE // 4, used)

    @property
    def missing(self) -> float:
        """The share of values that are never taken where chance would take them; 0: no more than
        chance leaves out."""
        used, number = int(np.count_nonzero(self.counts)), int(self.counts.sum())
        enough = number >= max(_APART**2 * used, _ENOUGH)
        if used * _APART < self.counts.size and enough:
            return 1 - used / self.counts.size  # so few and so far apart that none is near another
        usual = self.near >= _EXPECTED
        empty = int(np.count_nonzero((self.counts == 0) & usual))
        chance = float(np.exp(-self.near[usual]).sum())
        return empty / int(np.count_nonzero(usual)) if empty > _CHANCE * chance + 0.5 else 0.0


def kept(cover: Cover) -> Cover:
    """The cover with the range of each element narrowed to what it can step to without entering a
    value that the cover never takes; the same cover where there is no such value.

    Where there is none but by chance, large covers stay as they are, too.
    """
    few = cover.codes.size <= _CHEAP
    gapped = [one for one in _histograms(cover) if one.missing or (few and one.crowded)]
    gapped = [one for one in gapped if not one.counts.all()]
    if not gapped:
        return cover
    shape, kind = cover.codes.shape, cover.codes.dtype
    low, high = (np.broadcast_to(end, shape).astype(kind) for end in (cover.low, cover.high))
    for one in gapped:
        taken = one.counts > 0
        at, last = np.arange(taken.size), taken.size - 1
        first = np.maximum.accumulate(np.where(taken, 0, at + 1)) + one.least
        final = np.minimum.accumulate(np.where(taken, last, at - 1)[::-1])[::-1] + one.least
        # Beyond its ends a cover may go, unless values pile up there: then something cut them off.
        reach = np.iinfo(np.int64)
        if one.counts[0] < one.counts[1 : 1 + _NEAR].mean():
            first[first == one.least] = reach.min
        if one.counts[-1] < one.counts[-1 - _NEAR : -1].mean():
            final[final == one.least + last] = reach.max
        for channel in range(*one.part.indices(shape[0])):
            codes, free = (array[channel].reshape(-1) for array in (cover.codes, cover.free))
            below, above = low[channel].reshape(-1), high[channel].reshape(-1)
            for part in tiles.blocks(codes.size):
                here = part.start + np.flatnonzero(free[part])
                value = codes[here].astype(np.int64) - one.least
                below[here] = np.maximum(below[here], first[value])
                above[here] = np.minimum(above[here], final[value])
    return replace(cover, low=low, high=high)


def past(cover: Cover) -> tuple[Past, ...]:
    """That a cover never takes some values between others that it takes often."""
    share = max((one.missing for one in _histograms(cover)), default=0.0)
    if share < _SHARE:
        return ()
    told = (
        f"{100 * share:.0f} % of the values between others are never taken, as after stretching, "
        "a change of gamma or packing anew"
    )
    return (Past("gaps", told, "hide in the file as it was before that"),)


def _histograms(cover: Cover) -> list[_Histogram]:
    """One for each channel, or one for all; none where the range is too wide for one."""
    channels = len(cover.codes)
    together = channels > _TOGETHER
    parts = [slice(0, channels)] if together else [slice(k, k + 1) for k in range(channels)]
    return [one for part in parts if (one := _histogram(cover, part)) is not None]


def _histogram(cover: Cover, part: slice) -> _Histogram | None:
    codes, free = cover.codes[part], cover.free[part]
    if not free.size or not tiles.count(free):
        return None
    stretches = tiles.blocks(codes.size)

    def ends(stretch: slice) -> tuple[int, int] | None:
        here = tiles.piece(codes, stretch)[tiles.piece(free, stretch)]
        return (int(here.min()), int(here.max())) if here.size else None

    found = [one for one in tiles.each(ends, stretches) if one is not None]
    least, most = min(low for low, _ in found), max(high for _, high in found)
    span = most - least + 1
    if span > min(_WIDEST, codes.size):  # wider: each value is rare, and may be missing by chance
        return None
    counts = np.zeros(span, np.int64)
    for stretch in stretches:
        here = tiles.piece(codes, stretch)[tiles.piece(free, stretch)]
        some = np.bincount(here.astype(np.int64) - int(here.min(initial=most)))
        at = int(here.min(initial=most)) - least
        counts[at : at + some.size] += some
    total = np.concatenate([np.zeros(1), np.cumsum(np.pad(counts, _NEAR))])
    sums = total[_NEAR:] - total[:-_NEAR]  # of so many values, from each on
    near = np.minimum(sums[:span], sums[_NEAR + 1 : _NEAR + 1 + span]) / _NEAR
    return _Histogram(part, least, counts, near)

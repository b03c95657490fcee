"""Sound: a change is cheap where the noise is loud.

Noise is what linear prediction leaves. Quiet passages have little of it, and so have pure tones,
however loud. Prediction as in J. Makhoul, "Linear prediction: a tutorial review", Proceedings of
the IEEE 63(4), 1975 (autocorrelation method); then as in HILL, in one dimension: the mean size of
the residual, and the mean of its reciprocal.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.lib.stride_tricks import sliding_window_view

from ..core.tiles import each
from . import mean

LEAST = 1e-10
"""Least residual: digital silence costs 1 / LEAST."""
_ORDER, _HOP = 12, 512
_WINDOW = np.hanning(2 * _HOP + 2)[1:-1]
_SMOOTH, _SPREAD = 3, 31
_WHITE = 1e-9
"""Share of white noise that keeps the equations solvable for pure tones."""
_PART = 128 * _HOP
"""Samples that are processed together, with one hop more at both ends, beyond which none of them
matters."""


def sound(
    codes: Int[ndarray, "channel sample"], low: int, high: int
) -> Float[ndarray, "channel sample"]:
    """The cost of one step, channel by channel; infinite in silence and where sound is clipped."""
    found, size = np.empty(codes.shape, np.float32), codes.shape[1]

    def one(task: tuple[int, int]) -> None:
        number, start = task
        stop, near = start + _PART, slice(max(0, start - _HOP), min(start + _PART + _HOP, size))
        left = _residual(codes[number], near, low, high).astype(np.float32)
        rough = mean(np.abs(left), _SMOOTH, (0,), (False,))
        here = codes[number, near]
        rough[_constant(here)] = 0
        price = mean(1 / np.maximum(rough, LEAST), _SPREAD, (0,), (False,))
        clipped = _beside(here == low) | _beside(here == high)
        price[clipped | (price > 0.99 / LEAST)] = np.inf
        found[number, start:stop] = price[start - near.start :][:_PART]

    each(one, [(number, start) for number in range(len(codes)) for start in range(0, size, _PART)])
    return found


def _residual(
    codes: Int[ndarray, " sample"], near: slice, low: int, high: int
) -> Float[ndarray, " near"]:
    """The residual of some stretches of 512 samples, each predicted from the samples around it."""
    size, hops = near.stop - near.start, -(-(near.stop - near.start) // _HOP)
    first, last = near.start - _HOP // 2 - _ORDER, near.start + hops * _HOP + _HOP // 2
    ends = max(0, -first), max(0, last - codes.size)
    values = codes[max(0, first) : last].astype(np.float64) - (low + high + 1) // 2
    padded = np.pad(values, ends, mode="symmetric" if values.size > max(ends) else "edge")
    frames = sliding_window_view(padded[_ORDER:], 2 * _HOP)[::_HOP] * _WINDOW
    lags = np.empty((hops, _ORDER + 1))
    for k in range(_ORDER + 1):
        lags[:, k] = (frames[:, None, k:] @ frames[:, : 2 * _HOP - k, None])[:, 0, 0]
    lags[:, 0] = lags[:, 0] * (1 + _WHITE) + _WHITE
    index = np.abs(np.arange(_ORDER)[:, None] - np.arange(_ORDER))
    taps = np.linalg.solve(lags[:, index], lags[:, 1:, None])
    before = sliding_window_view(padded[_HOP // 2 :], _HOP + _ORDER - 1)[::_HOP][:hops]
    past = sliding_window_view(before, _HOP, axis=1)  # hop, delay (the longest first), sample
    foretold = np.ascontiguousarray(taps[:, ::-1, 0])[:, None] @ past
    start = _ORDER + _HOP // 2
    return (padded[start : start + hops * _HOP] - foretold.ravel())[:size]


def _constant(codes: Int[ndarray, " sample"]) -> ndarray:
    """Which samples equal both neighbours: silence, or a held level."""
    same = np.zeros(codes.size + 1, bool)
    same[1:-1] = codes[1:] == codes[:-1]
    same[0], same[-1] = same[1], same[-2]
    return same[1:] & same[:-1]


def _beside(ends: ndarray) -> ndarray:
    """Which samples of a set stand next to another one of it."""
    beside = np.zeros_like(ends)
    beside[1:] |= ends[:-1]
    beside[:-1] |= ends[1:]
    return ends & beside

"""Sound: a change is cheap where the noise is loud, which is what no linear prediction foretells.

Quiet passages have little of it, and so have pure tones, however loud. Prediction as in J. Makhoul, "Linear
prediction: a tutorial review", Proceedings of the IEEE 63(4), 1975 (autocorrelation method); then as HILL does it, in
one dimension: the mean size of the residual, and the mean of its reciprocal.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from . import correlated

LEAST = 1e-10
"""Of the residual: digital silence costs 1 / LEAST."""
_ORDER, _HOP = 12, 512
_SMOOTH, _SPREAD = 3, 31
_WHITE = 1e-9
"""Share of white noise that keeps the equations solvable for pure tones."""
_PART = 2048  # hops at once


def sound(
    codes: Int[ndarray, "channel sample"], low: int, high: int
) -> Float[ndarray, "channel sample"]:
    """The cost of one step, channel by channel; never in digital silence, nor where samples are clipped."""
    middle = (low + high + 1) // 2
    found = np.empty(codes.shape, np.float32)
    for number, one in enumerate(codes):
        values = one.astype(np.float32) - np.float32(middle)
        rough = correlated(np.abs(_residual(values)), [1 / _SMOOTH] * _SMOOTH, 0)
        rough[_constant(one)] = 0
        price = correlated(1 / np.maximum(rough, LEAST), [1 / _SPREAD] * _SPREAD, 0)
        clipped = _beside(one == low) | _beside(one == high)
        found[number] = np.where(clipped | (price > 0.99 / LEAST), np.inf, price)
    return found


def _residual(values: Float[ndarray, " sample"]) -> Float[ndarray, " sample"]:
    """What the linear prediction of each stretch of 512 samples, from around it, leaves of them."""
    hops = -(-values.size // _HOP)
    ends = (_HOP // 2 + _ORDER, hops * _HOP - values.size + _HOP // 2)
    padded = np.pad(values, ends, mode="symmetric" if values.size > max(ends) else "edge")
    window = np.hanning(2 * _HOP + 2)[1:-1].astype(np.float32)
    found = np.empty((hops, _HOP), np.float32)
    for start in range(0, hops, _PART):
        rows = np.arange(start, min(start + _PART, hops))[:, None] * _HOP
        frames = padded[rows + np.arange(_ORDER, 2 * _HOP + _ORDER)] * window
        power = np.abs(np.fft.rfft(frames, 4 * _HOP)) ** 2
        lags = np.fft.irfft(power)[:, : _ORDER + 1]
        lags[:, 0] = lags[:, 0] * (1 + _WHITE) + _WHITE
        index = np.abs(np.arange(_ORDER)[:, None] - np.arange(_ORDER))
        taps = np.linalg.solve(lags[:, index], lags[:, 1:, None])[..., 0]
        inner = rows + _ORDER + _HOP // 2 + np.arange(_HOP)
        left = padded[inner].astype(np.float64)
        for k in range(_ORDER):
            left -= taps[:, k, None] * padded[inner - k - 1]
        found[start : start + _PART] = left
    return found.ravel()[: values.size]


def _constant(codes: Int[ndarray, " sample"]) -> ndarray:
    """Samples that equal both neighbours: silence, or a held level."""
    same = np.zeros(codes.size + 1, bool)
    same[1:-1] = codes[1:] == codes[:-1]
    same[0], same[-1] = same[1], same[-2]
    return same[1:] & same[:-1]


def _beside(ends: ndarray) -> ndarray:
    """Samples of a set that stand next to another one of it."""
    beside = np.zeros_like(ends)
    beside[1:] |= ends[:-1]
    beside[:-1] |= ends[1:]
    return ends & beside

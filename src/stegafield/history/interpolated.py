"""Pixels that were put in between others: by a camera's colour filter array, or by resampling.

What lies between others is foretold by them better than these are themselves, in a pattern that
repeats: every second pixel in a camera (A. Gallagher, T. Chen, "Image authentication by detecting
traces of demosaicing", CVPR Workshops 2008), every few pixels after enlarging (A. Gallagher,
"Detection of linear and cubic interpolation in JPEG compressed images", CRV 2005).
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

_MOST = 1 << 20
"""Pixels that are looked at: whole rows from the middle."""
_SMALLEST = 32
_ALIKE = 0.9
"""Share of a camera's missing greens that are the mean of their neighbours, if it did just that."""
_FORETOLD = 0.8
"""The residual of every second pixel over that of the others, where a camera put the former in."""
_PEAK = 9.0
"""A period's height over the usual one in the spectrum of roughness along an axis."""
_SLOW = 0.06
"""Slower waves than this, in periods a pixel, are the picture's own."""


def demosaiced(green: Int[ndarray, "y x"]) -> bool:
    """Whether every second pixel, as on a chequerboard, was put in between the others."""
    plane = _middle(green)
    if min(plane.shape) < _SMALLEST:
        return False
    around = plane[:-2, 1:-1] + plane[2:, 1:-1] + plane[1:-1, :-2] + plane[1:-1, 2:]
    left = np.abs(plane[1:-1, 1:-1] - around / 4)
    board = np.indices(left.shape).sum(axis=0) & 1 == 1
    rough = around / 4 != plane[1:-1, 1:-1]
    if np.count_nonzero(rough) < _SMALLEST**2 / 4:
        return False
    size = [np.minimum(left[side], 16).mean() for side in (board, ~board)]
    exact = [(left[side] < 0.76).mean() for side in (board, ~board)]
    rare, usual = min(size), max(size)
    return bool(rare < _FORETOLD * usual or (max(exact) > _ALIKE and min(exact) < _ALIKE - 0.2))


def period(plane: Int[ndarray, "y x"], ignored: int = 0) -> float | None:
    """How many pixels one period of resampling has, along rows or columns; None where there is
    none.

    Periods that divide `ignored` are not looked at: those of the blocks of a JPEG.
    """
    plane, found = _middle(plane), []
    for way in (plane, plane.T):
        height, where = _spectrum(way)
        good = where > _SLOW
        if ignored:
            good &= np.abs(where * ignored - np.rint(where * ignored)) > 2 * ignored / way.shape[1]
        if not good.any():
            continue
        usual = np.median(height[good])
        best = int(np.argmax(np.where(good, height, -1)))
        found.append((float(height[best] / usual) if usual else 0.0, 1 / float(where[best])))
    strength, pixels = max(found, default=(0.0, 0.0))
    return pixels if strength > _PEAK else None


def _middle(plane: Int[ndarray, "y x"]) -> Int[ndarray, "y x"]:
    rows = max(_SMALLEST, _MOST // max(1, plane.shape[1]))
    start = max(0, (plane.shape[0] - rows) // 2)
    return plane[start : start + rows].astype(np.int32)


def _spectrum(
    plane: Int[ndarray, "y x"],
) -> tuple[Float[ndarray, " frequency"], Float[ndarray, " frequency"]]:
    """The spectrum of how rough columns are, each beside those around it; and its frequencies."""
    if plane.shape[0] < _SMALLEST or plane.shape[1] < 2 * _SMALLEST:
        return np.zeros(1), np.zeros(1)
    bend = np.abs(2 * plane[:, 1:-1] - plane[:, :-2] - plane[:, 2:])
    rough = np.log(np.minimum(bend, 32).mean(axis=0) + 0.1)
    near = np.ones(9) / 9
    level = rough - np.convolve(np.pad(rough, 4, mode="edge"), near, "valid")
    level = np.clip(level, *np.quantile(level, [0.005, 0.995])) * np.hanning(level.size)
    return np.abs(np.fft.rfft(level)), np.fft.rfftfreq(level.size)

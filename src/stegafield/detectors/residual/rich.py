"""A subset of the spatial rich model: eight of its submodels, 1,664 features.

J. Fridrich, J. Kodovsky, "Rich models for steganalysis of digital images", IEEE Transactions on
Information Forensics and Security 7(3), 2012: residuals of first and third order, square 3x3 and
5x5, and the least and greatest of four directions; q = 1, T = 2, four neighbours, symmetrised.
Colour pictures: the mean over channels.
"""

from functools import cache

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from .chains import Offset, along, chains, planes
from .voting import VotingDetector

_REACH, _LENGTH = 2, 4
_RIGHT, _DOWN = (0, 1), (1, 0)
_ORDERS = ((1, (-1, 1)), (3, (1, -3, 3, -1)))
"""(c, taps): the quantisation step is q c, with q = 1."""
_SQUARES = (
    (4, ((-1, 2, -1), (2, -4, 2), (-1, 2, -1))),
    (
        12,
        (
            (-1, 2, -2, 2, -1),
            (2, -6, 8, -6, 2),
            (-2, 8, -12, 8, -2),
            (2, -6, 8, -6, 2),
            (-1, 2, -2, 2, -1),
        ),
    ),
)


class Rich(VotingDetector):
    """A subset of the spatial rich model and an ensemble of discriminants, for pictures."""

    name = "rich"
    kinds = ("plane",)
    depths = (8,)

    def features(self, codes: Int[ndarray, "channel *space"]) -> Float[ndarray, " feature"]:
        """1,664 shares of symmetrised co-occurrences."""
        return np.mean([_of_plane(plane) for plane in planes(codes, 2, ["pictures"])], axis=0)


def _of_plane(plane: Int[ndarray, "y x"]) -> Float[ndarray, " feature"]:
    found = []
    for step, taps in _ORDERS:
        across, down = (_line(plane, taps, offset) / step for offset in (_RIGHT, _DOWN))
        found.append(_spam(_pairs(across, _RIGHT) + _pairs(down, _DOWN)))
        found.append(_spam(_pairs(across, _DOWN) + _pairs(down, _RIGHT)))
    for step, kernel in _SQUARES:
        residual = _square(plane, kernel) / step
        found.append(_spam(_pairs(residual, _RIGHT) + _pairs(residual, _DOWN)))
    for step, taps in _ORDERS:
        least, greatest = _extremes(plane, taps)
        # The greatest of four residuals is the negative of the least of their negatives.
        counts = sum(
            _pairs(least / step, o) + np.flip(_pairs(greatest / step, o)) for o in (_RIGHT, _DOWN)
        )
        found.append(_share(np.asarray(counts), signed=False))
    return np.concatenate(found)


def _line(plane: Int[ndarray, "y x"], taps: tuple[int, ...], offset: Offset) -> ndarray:
    views = along(plane, offset, len(taps))
    return np.sum([tap * view for tap, view in zip(taps, views, strict=True)], axis=0)


def _square(plane: Int[ndarray, "y x"], kernel: tuple[tuple[int, ...], ...]) -> ndarray:
    rows = along(plane, _DOWN, len(kernel))
    parts = [_line(row, taps, _RIGHT) for row, taps in zip(rows, kernel, strict=True)]
    return np.sum(parts, axis=0)


def _extremes(plane: Int[ndarray, "y x"], taps: tuple[int, ...]) -> tuple[ndarray, ndarray]:
    """The least and greatest of the residuals to the right, left, down and up of inner elements.

    Taps end at the element's neighbour in the direction; the element itself is the one before the
    middle.
    """
    before, after = len(taps) // 2 - 1, len(taps) // 2
    margin = max(before, after)
    rows, columns = along(along(plane, _RIGHT, 2 * margin + 1)[0], _DOWN, 2 * margin + 1)[0].shape
    found = []
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        total = 0
        for k, tap in enumerate(taps, -before):
            y, x = margin + k * dy, margin + k * dx
            total = total + tap * plane[y : y + rows, x : x + columns]
        found.append(total)
    return np.min(found, axis=0), np.max(found, axis=0)


def _pairs(residual: ndarray, offset: Offset) -> Int[ndarray, "*chain"]:
    return chains(residual, _REACH, offset, _LENGTH)


def _spam(counts: Int[ndarray, "*chain"]) -> Float[ndarray, " feature"]:
    return _share(counts, signed=True)


def _share(counts: Int[ndarray, "*chain"], signed: bool) -> Float[ndarray, " feature"]:
    """Shares of the sequences, with those that are equal by symmetry added up."""
    merged = np.bincount(_orbits(signed), weights=counts.ravel())
    return merged / merged.sum()


@cache
def _orbits(signed: bool) -> Int[ndarray, " chain"]:
    """The class of each sequence: itself and backwards (325), if `signed` also negated (169)."""
    base = 2 * _REACH + 1
    index = np.arange(base**_LENGTH).reshape((base,) * _LENGTH)
    alike = [index, index.transpose()]
    alike += [np.flip(one) for one in alike] if signed else []
    return np.unique(np.min(alike, axis=0).ravel(), return_inverse=True)[1]

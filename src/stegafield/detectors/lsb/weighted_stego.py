"""Weighted stego-image analysis: how far elements lie towards their last bit from a prediction.

A. D. Ker, R. Boehme, "Revisiting weighted stego-image steganalysis", SPIE 6819, 2008: their filter,
weights by local variance, and their correction of the bias. The least and the greatest pair of
values are left out: where a picture is saturated, neighbours predict last bits. In smooth places
without noise they do so too, and such places count for up to twice their rate.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from .estimator import Estimator


class WeightedStego(Estimator):
    """Weighted stego-image analysis."""

    name = "weighted-stego"
    kinds = ("plane",)
    depths = (8, 16)

    def of_plane(self, plane: Int[ndarray, "y x"]) -> float | None:
        """Twice the weighted mean of residuals towards the last bit, without its bias."""
        if min(plane.shape) < 3:
            plane = plane if plane.shape[1] >= 3 else plane.T
        if plane.shape[1] < 3:
            return None
        halves = _centre(plane >> 1)  # which embedding does not change
        inside = (halves > halves.min()) & (halves < halves.max())
        if not inside.any():
            return None
        sign = 2 * (plane & 1) - 1  # the element minus its partner
        centre = _centre(sign)
        weight = inside / (5 + _near(plane).var(axis=0))
        weight /= weight.sum()
        found = 2 * (weight * centre * (_centre(plane) - _predict(plane))).sum()
        bias = found * (weight * centre * _predict(sign)).sum()
        return float(found + bias)


def _centre(plane: Int[ndarray, "y x"]) -> Int[ndarray, "v u"]:
    """The elements that have neighbours on all sides."""
    return plane[1:-1, 1:-1] if plane.shape[0] >= 3 else plane[:, 1:-1]


def _near(plane: Int[ndarray, "y x"]) -> Int[ndarray, "near v u"]:
    """The nearest neighbours of those elements: four, or two in a series."""
    if plane.shape[0] < 3:
        return np.stack([plane[:, :-2], plane[:, 2:]])
    return np.stack([plane[:-2, 1:-1], plane[2:, 1:-1], plane[1:-1, :-2], plane[1:-1, 2:]])


def _predict(plane: Int[ndarray, "y x"]) -> Float[ndarray, "v u"]:
    """The prediction of the inner elements from their neighbours.

    Half of the four nearest minus a quarter of the diagonal ones; of a series, the mean of the two.
    """
    if plane.shape[0] < 3:
        return _near(plane).mean(axis=0)
    corners = plane[:-2, :-2] + plane[:-2, 2:] + plane[2:, :-2] + plane[2:, 2:]
    return _near(plane).sum(axis=0) / 2 - corners / 4

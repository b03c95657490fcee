"""Fields on the globe: transitions between second differences, 2,058 features.

The analogue of SPAM on the sphere. Differences are taken along longitude, which wraps around, and
along latitude. Both directions are kept apart, because a degree differs in length between them.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from .chains import backwards, chains, planes, transitions
from .voting import VotingDetector

_REACH, _LENGTH = 3, 3
_STEPS = (1, 4, 16)
_WRAP = 2 + _LENGTH - 1
"""Columns from the other side that a chain which begins in the last column needs."""


class Sphere(VotingDetector):
    """Second differences on the sphere and an ensemble of discriminants, for weather."""

    name = "sphere"
    kinds = ("sphere",)

    def features(self, codes: Int[ndarray, "channel *space"]) -> Float[ndarray, " feature"]:
        """343 probabilities for each step of quantisation and direction, both ways.

        The mean over levels and times.
        """
        found = []
        for plane in planes(codes, 2, ["fields of latitude and longitude"]):
            round_ = np.pad(plane, ((0, 0), (0, min(_WRAP, plane.shape[1]))), mode="wrap")
            east = round_[:, :-2] - 2 * round_[:, 1:-1] + round_[:, 2:]
            south = plane[:-2] - 2 * plane[1:-1] + plane[2:]
            both = ((east, (0, 1)), (south, (1, 0)))
            counts = [
                chains(bend / step, _REACH, offset, _LENGTH)
                for step in _STEPS
                for bend, offset in both
            ]
            found.append([transitions(one + backwards(one)).ravel() for one in counts])
        return np.mean(found, axis=0).ravel()

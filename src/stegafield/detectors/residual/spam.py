"""SPAM: transitions between differences of neighbouring elements, 686 features.

T. Pevny, P. Bas, J. Fridrich, "Steganalysis by subtractive pixel adjacency matrix", IEEE
Transactions on Information Forensics and Security 5(2), 2010: second order, T = 3. Colour pictures:
the mean over channels.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from .chains import Offset, along, backwards, chains, planes, transitions
from .voting import VotingDetector

_REACH = 3
_STRAIGHT: tuple[Offset, ...] = ((0, 1), (1, 0))
_DIAGONAL: tuple[Offset, ...] = ((1, 1), (1, -1))


class Spam(VotingDetector):
    """SPAM-686 and an ensemble of discriminants, for pictures."""

    name = "spam"
    kinds = ("plane",)
    depths = (8,)

    def features(self, codes: Int[ndarray, "channel *space"]) -> Float[ndarray, " feature"]:
        """686 probabilities: the mean of four straight and of four diagonal directions."""
        return np.mean([_of_plane(plane) for plane in planes(codes, 2, ["pictures"])], axis=0)


def _of_plane(plane: Int[ndarray, "y x"]) -> Float[ndarray, " feature"]:
    found = []
    for directions in (_STRAIGHT, _DIAGONAL):
        both = []
        for offset in directions:
            first, second = along(plane, offset, 2)
            counts = chains(first - second, _REACH, offset, 3)
            # The opposite direction has the same differences, negated and read backwards.
            both += [transitions(counts), transitions(np.flip(backwards(counts)))]
        found.append(np.mean(both, axis=0).ravel())
    return np.concatenate(found)

"""Sound: transitions between second differences, at several steps of quantisation, 1,372 features.

The one-dimensional analogue of SPAM. Second differences as in Q. Liu, A. Sung, M. Qiao, "Temporal
derivative-based spectrum and mel-cepstrum audio steganalysis", IEEE Transactions on Information
Forensics and Security 4(3), 2009.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from .chains import backwards, chains, planes, transitions
from .voting import VotingDetector

_REACH = 3
_STEPS = (1, 4, 16, 64)
"""Steps of quantisation: loud sounds have second differences of hundreds of codes.

One step would clip them all.
"""


class Line(VotingDetector):
    """Second differences in time and an ensemble of discriminants, for sound."""

    name = "line"
    kinds = ("line",)

    def features(self, codes: Int[ndarray, "channel *space"]) -> Float[ndarray, " feature"]:
        """343 probabilities for each step of quantisation, forwards and backwards in time.

        The mean over channels.
        """
        found = []
        for plane in planes(codes, 1, ["sound"]):
            bend = plane[:, :-2] - 2 * plane[:, 1:-1] + plane[:, 2:]
            counts = [chains(bend / step, _REACH, (0, 1), 3) for step in _STEPS]
            found.append([transitions(one + backwards(one)).ravel() for one in counts])
        return np.mean(found, axis=0).ravel()

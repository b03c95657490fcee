"""StegExpose's standard fusion: the mean of four estimates, and an alarm above 0.2.

B. Boehm, "StegExpose - A tool for detecting LSB steganography", arXiv 1410.6656, 2014; written from
its description.
"""

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ...core.detector import Detector
from .chi_square import ChiSquare
from .primary_sets import PrimarySets
from .rs import Rs
from .sample_pairs import SamplePairs

_FUSED = (PrimarySets(), ChiSquare(), SamplePairs(), Rs())


class StegExpose(Detector):
    """The arithmetic mean of primary sets, chi-square, sample pairs and RS analysis."""

    name = "stegexpose"
    kinds = ("plane",)
    depths = (8,)
    threshold = 0.2

    def score(self, codes: Int[ndarray, "channel *space"]) -> float:
        """The mean of the estimates that there are; 0 without any."""
        found = [value for one in _FUSED if (value := one.estimate(codes)) is not None]
        return float(np.mean(found)) if found else 0.0

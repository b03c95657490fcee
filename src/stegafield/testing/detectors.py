"""The contract of detectors."""

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ..core.detector import Detector
from .law import require


def check_detector(detector: Detector, codes: Int[ndarray, "channel *space"]) -> None:
    """Check a detector on one item: a finite score, the same each time, and an unchanged input."""
    before = codes.copy()
    score = detector.score(codes)
    require(np.isfinite(score), f"score() gives {score}")
    require(detector.score(codes) == score, "score() is not repeatable")
    require(np.array_equal(before, codes), "score() changes its input")

"""The contract of detectors."""

from numbers import Real
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ..core.cover import GridSpec
from ..core.detector import Detector, TrainedDetector
from .law import judging, keeping, made, require

_GEOMETRIES = {
    "plane": GridSpec(("y", "x"), (False, False)),
    "sphere": GridSpec(("latitude", "longitude"), (False, True), "sphere"),
    "line": GridSpec(("time",), (False,), "line"),
}


@judging("check_detector()")
def check_detector(
    detector: Detector | type[Detector], codes: Int[ndarray, "channel *space"]
) -> None:
    """Check a detector on one item of a geometry that it judges.

    A finite score, the same each time, and an unchanged input; `judges` says yes or no of every
    geometry, and yes of those of `kinds`. A trained one has to be trained before.
    """
    detector = made("detector", detector)
    for kind, spec in _GEOMETRIES.items():
        with keeping("judges() fails"):
            judged: Any = type(detector).judges(spec)
        require(isinstance(judged, bool | np.bool_), f"judges() gives {judged!r}, not yes or no")
        require(judged or kind not in detector.kinds, f"judges() refuses {kind!r} of its kinds")
    given = detector.kinds and not set(detector.kinds) & set(_GEOMETRIES)
    require(not given, f"kinds {detector.kinds!r} are none of {', '.join(_GEOMETRIES)}")
    before = codes.copy()
    if isinstance(detector, TrainedDetector):
        with keeping("features() fails"):
            features: Any = detector.features(codes)
        require(isinstance(features, ndarray), f"features() gives {type(features).__name__}")
        require(bool(np.isfinite(features).all()), "features() gives numbers that are not finite")
        require(np.array_equal(features, detector.features(codes)), "features() is not repeatable")
    with keeping("score() fails"):
        score: Any = detector.score(codes)
    number = isinstance(score, Real) or (isinstance(score, ndarray) and score.ndim == 0)
    require(number and not isinstance(score, bool), f"score() gives {score!r}, not a number")
    require(bool(np.isfinite(float(score))), f"score() gives {score}")
    require(detector.score(codes) == score, "score() is not repeatable")
    require(np.array_equal(before, codes), "score() changes its input")

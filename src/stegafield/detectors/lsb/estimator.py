"""What estimators of LSB replacement share: planes of elements, and the mean over them."""

from abc import abstractmethod

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ...core.detector import Detector, summable

_SENSIBLE = (-1.0, 2.0)
"""The range of estimates that mean something.

Noise whose neighbours do not predict each other gives roots of any size.
"""


class Estimator(Detector):
    """Estimates the share of elements that carry a bit, plane by plane; its score is the mean."""

    @abstractmethod
    def of_plane(self, plane: Int[ndarray, "y x"]) -> float | None:
        """The estimate for one plane (0: clean, 1: every last bit overwritten).

        None where there is no evidence.
        """

    def estimate(self, codes: Int[ndarray, "channel *space"]) -> float | None:
        """The mean estimate of the planes that give one; None if none does.

        Each estimate is clipped to [-1, 2].
        """
        found = [value for plane in planes(codes) if (value := self.of_plane(plane)) is not None]
        return float(np.clip(found, *_SENSIBLE).mean()) if found else None

    def score(self, codes: Int[ndarray, "channel *space"]) -> float:
        """The estimate; 0 where there is no evidence."""
        found = self.estimate(codes)
        return 0.0 if found is None else found


def planes(codes: Int[ndarray, "channel *space"]) -> Int[ndarray, "plane y x"]:
    """Every picture in the codes: the last two axes; of a series, one row for each channel.

    So wide that no sum of neighbours overflows; none where codes are too large for that.
    """
    wide = summable(codes)
    if wide is None:
        return np.zeros((0, 1, 0), np.int32)
    if wide.ndim < 3:
        return wide.reshape(wide.shape[0], 1, -1)
    return wide.reshape(int(np.prod(wide.shape[:-2])), *wide.shape[-2:])


def neighbours(
    plane: Int[ndarray, "y x"],
) -> tuple[Int[ndarray, " pair"], Int[ndarray, " pair"]]:
    """All pairs of horizontal and vertical neighbours."""
    first = np.concatenate([plane[:, :-1].ravel(), plane[:-1].ravel()])
    second = np.concatenate([plane[:, 1:].ravel(), plane[1:].ravel()])
    return first, second


def smaller_root(square: float, linear: float, constant: float) -> float | None:
    """The root of least magnitude of a quadratic equation; None without any.

    Of complex roots, the real part.
    """
    if square == 0:
        return -constant / linear if linear else None
    centre = -linear / (2 * square)
    spread = centre**2 - constant / square
    if spread <= 0:
        return centre
    far = centre + np.copysign(np.sqrt(spread), centre)
    return float(constant / square / far)  # the product of both roots: no cancellation

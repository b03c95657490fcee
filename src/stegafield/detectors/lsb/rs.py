"""RS analysis: flipping last bits makes groups of neighbours rougher or smoother.

Both are less balanced in a stego. J. Fridrich, M. Goljan, R. Du, "Reliable detection of LSB
steganography in color and grayscale images", ACM Multimedia and Security 2001. Groups are all runs
of four elements in rows and columns, with the mask 0 1 1 0.
"""

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from .estimator import Estimator, smaller_root


class Rs(Estimator):
    """RS analysis."""

    name = "rs"
    kinds = ("plane",)
    depths = (8, 16)

    def of_plane(self, plane: Int[ndarray, "y x"]) -> float | None:
        """The estimate from regular and singular groups.

        They are counted as found, and with all last bits flipped.
        """
        directions = [p for p in (plane, plane.T) if p.shape[1] >= 4]
        if not directions:
            return None
        found, flipped = (
            np.mean([_excess(p ^ flip) for p in directions], axis=0) for flip in (0, 1)
        )
        (now, now_minus), (then, then_minus) = found, flipped
        root = smaller_root(
            2 * (then + now), now_minus - then_minus - then - 3 * now, now - now_minus
        )
        return None if root is None or root == 0.5 else float(root / (root - 0.5))


def _excess(plane: Int[ndarray, "y x"]) -> tuple[float, float]:
    """The share of regular minus the share of singular groups along rows.

    For the mask, and for its negative.
    """
    count = plane.shape[1] - 3
    first, second, third, fourth = (plane[:, k : k + count] for k in range(4))

    def rough(second: ndarray, third: ndarray) -> ndarray:
        return np.abs(first - second) + np.abs(second - third) + np.abs(third - fourth)

    before = rough(second, third)
    up = rough(second ^ 1, third ^ 1)
    down = rough(((second + 1) ^ 1) - 1, ((third + 1) ^ 1) - 1)
    return float(np.sign(up - before).mean()), float(np.sign(down - before).mean())

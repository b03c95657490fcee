"""Primary sets: overwriting last bits unbalances which pairs grow by them and which shrink.

In a clean picture there are as many of one kind as of the other. S. Dumitrescu, X. Wu, N. Memon,
"On steganalysis of random LSB embedding in continuous-tone images", ICIP 2002.
"""

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from .estimator import Estimator, neighbours, smaller_root


class PrimarySets(Estimator):
    """The quadratic equation of the primary sets X, Y, Z and W."""

    name = "primary-sets"
    kinds = ("plane",)
    depths = (8, 16)

    def of_plane(self, plane: Int[ndarray, "y x"]) -> float | None:
        """The root of their equation."""
        first, second = neighbours(plane)
        odd = second & 1 == 1
        outer = np.count_nonzero(np.where(odd, first > second, first < second))  # X
        inner = np.count_nonzero(np.where(odd, first < second, first > second))  # Y, with W in it
        twins = np.count_nonzero(first >> 1 == second >> 1)  # W and Z
        return smaller_root(0.5 * twins, 2.0 * outer - first.size, float(inner - outer))

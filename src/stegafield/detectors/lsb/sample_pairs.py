"""Sample pair analysis: overwriting last bits moves pairs of neighbours between classes.

It does so at known rates. S. Dumitrescu, X. Wu, Z. Wang, "Detection of LSB steganography via sample
pair analysis", IEEE Transactions on Signal Processing 51(7), 2003: equations (4) and (5), summed
over differences of up to 2 * 30 + 1.
"""

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from .estimator import Estimator, neighbours, smaller_root

_LARGEST = 30
"""m of the largest difference 2 m + 1: the authors' choice."""


class SamplePairs(Estimator):
    """Sample pair analysis."""

    name = "sample-pairs"
    kinds = ("plane",)
    depths = (8, 16)

    def of_plane(self, plane: Int[ndarray, "y x"]) -> float | None:
        """The root of the summed equation."""
        first, second = neighbours(plane)
        size = 2 * _LARGEST + 4
        apart = np.abs(first - second)
        halves = np.abs((first >> 1) - (second >> 1))
        near = apart < size
        apart, halves = apart[near], halves[near]
        differ = np.bincount(apart, minlength=size)  # |D_n|: pairs whose values differ by n
        classes = np.bincount(halves, minlength=size)  # |C_m|: that differ by m without last bits
        odd = apart & 1 == 1
        outer = np.bincount(apart[odd & (2 * halves > apart)], minlength=size)  # |X_n|
        inner = np.bincount(apart[odd & (2 * halves < apart)], minlength=size)  # |Y_n|
        m = np.arange(_LARGEST + 1)
        twice = np.where(m == 0, 2, 1)
        grown = (inner - outer)[2 * m + 1]
        square = (twice * classes[m] - classes[m + 1]).sum() / 4
        linear = -(twice * differ[2 * m] - differ[2 * m + 2] + 2 * grown).sum() / 2
        return smaller_root(float(square), float(linear), float(grown.sum()))

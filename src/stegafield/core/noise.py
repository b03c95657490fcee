"""Noise from the system's own generator, for covers that are round(f + noise).

A generator that can be predicted, or one with few bits, would make the noise of a cover a thing to
test. So no NumPy or torch generator is used here; tests inject a source of bytes of their own.
"""

import math
import os
from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray

Source = Callable[[int], bytes]
"""Gives so many random bytes: `os.urandom`, or something repeatable in a test."""


def uniforms(shape: tuple[int, ...], source: Source = os.urandom) -> Float[ndarray, "..."]:
    """Independent uniform numbers in [0, 1): multiples of 2**-53."""
    words = np.frombuffer(source(8 * math.prod(shape)), "<u8")
    return ((words >> 11) * 2.0**-53).reshape(shape)


def normals(shape: tuple[int, ...], source: Source = os.urandom) -> Float[ndarray, "..."]:
    """Independent standard normal numbers (Box and Muller 1958), up to 8.5 in size."""
    size = math.prod(shape)
    one, two = uniforms((2, -(-size // 2)), source)
    radius, angle = np.sqrt(-2 * np.log1p(-one)), 2 * np.pi * two
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:size].reshape(shape)

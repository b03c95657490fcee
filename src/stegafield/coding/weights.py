"""Weights of fixed networks: integers from SHAKE-256, and one exact conversion.

Never from a generator of torch or NumPy: their streams may change with a release, differ between
instruction sets, and torch's seeds have only 32 bits. Part of the format (docs/format.md, section
15).
"""

import hashlib

import numpy as np
from jaxtyping import Float32, UInt32
from numpy import ndarray


def words(seed: bytes, label: str, shape: tuple[int, ...]) -> UInt32[ndarray, "*shape"]:
    """Uniform 32-bit words for one array of a network.

    They depend on its 32-byte seed, its label and its shape.
    """
    name = f"stegafield/1/{label}/{'x'.join(map(str, shape))}".encode()
    count = int(np.prod(shape))
    stream = hashlib.shake_256(seed + name).digest(4 * count)
    return np.frombuffer(stream, "<u4").astype(np.uint32).reshape(shape)


def uniform(seed: bytes, label: str, shape: tuple[int, ...]) -> Float32[ndarray, "*shape"]:
    """Uniform numbers in [-1, 1), multiples of 2**-23: exact in float32."""
    integers = (words(seed, label, shape) >> 8).astype(np.int64) - (1 << 23)
    return integers.astype(np.float32) * np.float32(2.0**-23)


def balanced(seed: bytes, label: str, shape: tuple[int, ...]) -> Float32[ndarray, "*shape"]:
    """Uniform numbers in [-2, 2) in kernels with sum zero.

    A kernel is all axes except the first two. The numbers have 16 bits, so that the sum is exact.
    """
    integers = (words(seed, label, shape) >> 16).astype(np.int64) - (1 << 15)
    axes, size = tuple(range(2, len(shape))), int(np.prod(shape[2:]))
    whole = size * integers - integers.sum(axis=axes, keepdims=True)
    return whole.astype(np.float32) * np.float32(2.0**-15 / size)

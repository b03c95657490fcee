"""Chains of neighbouring residuals: how often each sequence occurs, in one direction or both."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int, Num
from numpy import ndarray

from ...core.detector import summable
from ...errors import ConfigError

Offset = tuple[int, int]
"""(rows, columns) from one element to the next."""


def along(plane: ndarray, offset: Offset, count: int) -> list[ndarray]:
    """`count` views of a plane, each displaced by one offset more than the one before.

    They are cropped to where all of them are.
    """
    rows, columns = plane.shape
    down, right = (abs(step) * (count - 1) for step in offset)
    if rows <= down or columns <= right:
        raise ConfigError("detector", f"{rows}x{columns} elements are too few for its features.")
    top, left = (-step * (count - 1) if step < 0 else 0 for step in offset)
    views = []
    for k in range(count):
        y, x = top + k * offset[0], left + k * offset[1]
        views.append(plane[y : y + rows - down, x : x + columns - right])
    return views


def chains(
    residual: Num[ndarray, "y x"], reach: int, offset: Offset, length: int
) -> Int[ndarray, "*chain"]:
    """Counts of each sequence of `length` residuals: (2 reach + 1)^length numbers.

    Residuals are rounded and clipped to [-reach, reach].
    """
    base = 2 * reach + 1
    clipped = np.rint(np.clip(residual, -reach, reach)).astype(np.int16) + np.int16(reach)
    index: ndarray = np.zeros((), np.int16)
    for view in along(clipped, offset, length):
        index = index * np.int16(base) + view
    return np.bincount(index.ravel(), minlength=base**length).reshape((base,) * length)


def transitions(counts: Num[ndarray, "first second third"]) -> Float[ndarray, "first second third"]:
    """P(third | first, second); 0 after pairs that never occur."""
    total = counts.sum(axis=-1, keepdims=True)
    return counts / np.maximum(total, 1)


def backwards(counts: Int[ndarray, "*chain"]) -> Int[ndarray, "*chain"]:
    """Counts of the same sequences, read backwards."""
    return counts.transpose()


def planes(
    codes: Int[ndarray, "channel *space"], axes: int, kinds: Sequence[str]
) -> Iterator[Int[ndarray, "y x"]]:
    """The planes of codes with at least `axes` space axes.

    `ConfigError`, which names what the detector is for, where there are fewer.
    """
    if codes.ndim <= axes or codes.size == 0:
        raise ConfigError("detector", f"it is for {' and '.join(kinds)}, not for {codes.shape}.")
    wide = summable(codes)
    if wide is None:
        raise ConfigError("detector", "the codes are too far apart to be added up.")
    yield from wide.reshape(-1, *((1,) if axes == 1 else ()), *codes.shape[-axes:])

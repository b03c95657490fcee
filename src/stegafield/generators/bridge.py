"""Missing samples of a grid, from the surface of least curvature through the known ones."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from .spline import Ends

_STEPS = 60


def bridged(
    values: Float[ndarray, "*space"], known: Bool[ndarray, "*space"], ends: Sequence[Ends]
) -> Float[ndarray, "*space"]:
    """The samples with the missing ones on the surface of least curvature through the known ones.

    Solved by conjugate gradients. Gaps wider than about twenty samples are filled smoothly, but not
    exactly so.
    """
    if known.all():
        return np.array(values, np.float64)
    found = _rough(np.where(known, values, 0).astype(np.float64), known)
    free = ~known

    def bent(surface: ndarray) -> ndarray:
        return np.where(free, _laplacian(_laplacian(surface, ends), ends), 0)

    rest = -bent(found)
    step, left = rest, float(np.vdot(rest, rest))
    enough = 1e-8 * left
    for _ in range(_STEPS):
        if left <= enough:
            break
        ahead = bent(step)
        length = left / float(np.vdot(step, ahead))
        found += length * step
        rest = rest - length * ahead
        before, left = left, float(np.vdot(rest, rest))
        step = rest + (left / before) * step
    return found


def _rough(values: Float[ndarray, "*space"], known: Bool[ndarray, "*space"]) -> ndarray:
    """The samples with each missing one taken from its surroundings.

    It is the mean of the known samples in the smallest block of 2, 4, 8, ... around it that has
    any.
    """
    if known.all():
        return values
    odd = [(0, size % 2) for size in values.shape]
    blocks = [n for size in values.shape for n in (-(-size // 2), 2)]
    inner = tuple(range(1, len(blocks), 2))
    count = np.pad(known, odd).reshape(blocks).sum(axis=inner)
    total = np.pad(np.where(known, values, 0), odd).reshape(blocks).sum(axis=inner)
    coarse = _rough(total / np.maximum(count, 1), count > 0)
    for axis in range(values.ndim):
        coarse = coarse.repeat(2, axis)
    return np.where(known, values, coarse[tuple(map(slice, values.shape))])


def _laplacian(surface: Float[ndarray, "*space"], ends: Sequence[Ends]) -> ndarray:
    """The sum of the second differences along all axes."""
    out = np.zeros_like(surface)
    for axis, end in enumerate(ends):
        one, total = np.moveaxis(surface, axis, 0), np.moveaxis(out, axis, 0)
        first, last = (one[-1], one[0]) if end == "wrap" else (one[0], one[-1])
        slope = np.diff(one, axis=0, prepend=first[None], append=last[None])
        total += np.diff(slope, axis=0)
    return out

"""The points that a convolution on a cloud of points looks at.

They are found once, because all items share their coordinates.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

_ROWS = 512
"""Output points whose distances are held together."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """Points, and the regular grid that they form, if they do."""

    points: Float[ndarray, "point dim"]
    grid: tuple[int, int] | None = None
    """(rows, columns) in storage order; None for points that are no grid, and for the sphere."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For each output point, the input points around it, nearest first."""

    index: Int[ndarray, "out neighbour"]
    offsets: Float[ndarray, "out neighbour dim"]
    """The neighbour minus the output point."""
    stencil: "Stencil | None" = None
    """Set if the output is a regular part of a regular grid."""


@dataclass(frozen=True, slots=True)
class Stencil:
    """The neighbourhood of all output points except those at the border: 3x3 pixels of a grid."""

    grid: tuple[int, int]
    """(rows, columns) of the input."""
    stride: int
    order: Int[ndarray, " 9"]
    """Position of each of the 3x3 pixels, row by row, among the neighbours of `centre`."""
    centre: int
    """An output point that has all nine."""
    border: Int[ndarray, " border"]
    """Output points whose neighbours are not the 3x3 pixels around them."""


def farthest(cloud: Cloud, count: int) -> Cloud:
    """`count` points: the first one, then always the one farthest from those chosen.

    As published.
    """
    points = cloud.points.astype(float)
    if count == len(points):
        return cloud
    chosen, distance = np.zeros(count, int), np.full(len(points), np.inf)
    for k in range(1, count):
        distance = np.minimum(distance, ((points - points[chosen[k - 1]]) ** 2).sum(1).round(12))
        chosen[k] = distance.argmax()
    return Cloud(cloud.points[chosen])


def subgrid(cloud: Cloud, count: int) -> Cloud:
    """Every second (fourth, ...) row and column of a grid, so that `count` points remain."""
    if cloud.grid is None:
        raise ValueError("only a grid has a subgrid")
    rows, columns = cloud.grid
    stride = round((rows * columns / count) ** 0.5)
    kept = cloud.points.reshape(rows, columns, -1)[::stride, ::stride]
    if kept.shape[0] * kept.shape[1] != count:
        raise ValueError(f"a grid of {rows}x{columns} has no regular part of {count} points")
    return Cloud(kept.reshape(count, -1), kept.shape[:2])


def neighbours(cloud: Cloud, centres: Cloud, count: int) -> Neighbours:
    """The `count` points of the cloud that are nearest to each centre.

    Of equally near ones, the first in storage order.
    """
    points, middles = cloud.points.astype(float), centres.points.astype(float)
    rows = []
    for start in range(0, len(middles), _ROWS):
        part = middles[start : start + _ROWS]
        distance = ((part[:, None] - points[None]) ** 2).sum(-1).round(12)
        distance += 1e-16 * np.arange(len(points))  # the first in storage is a little nearer
        near = np.argpartition(distance, min(count, len(points)) - 1, axis=1)[:, :count]
        order = np.take_along_axis(distance, near, 1).argsort(1, kind="stable")
        rows.append(np.take_along_axis(near, order, 1))
    index = np.concatenate(rows)
    offsets = (points[index] - middles[:, None]).astype(np.float32)
    return Neighbours(index, offsets, _stencil(cloud, centres, index))


def _stencil(cloud: Cloud, centres: Cloud, index: Int[ndarray, "out neighbour"]) -> Stencil | None:
    """The stencil, where most centres have exactly the 3x3 pixels around them as neighbours."""
    if cloud.grid is None or centres.grid is None or index.shape[1] != 9:
        return None
    (rows, columns), stride = cloud.grid, cloud.grid[0] // centres.grid[0]
    y, x = (stride * part.reshape(-1, 1) for part in np.indices(centres.grid))
    down, right = (part.reshape(1, 9) - 1 for part in np.indices((3, 3)))
    block = (y + down) * columns + x + right
    inside = ((y + down) // rows == 0) & ((x + right) // columns == 0)
    regular: Bool[ndarray, " out"] = inside.all(1) & (np.sort(index) == block).all(1)
    if regular.mean() < 0.5:
        return None
    centre = int(regular.argmax())
    order = np.argsort(index[centre])
    return Stencil(cloud.grid, stride, order, centre, np.flatnonzero(~regular))

"""Where the samples of a grid are: one convention for every resolution.

A picture is the square [-1, 1] x [-1, 1] whatever its size, and a sample is at the centre of its
pixel. So the mean of k x k pixels of a fine grid is where one pixel of the coarse grid is. A place
on the globe is a point of the unit sphere.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def plane(height: int, width: int) -> Float[ndarray, "{height} {width} 2"]:
    """(y, x) of every pixel centre, y downwards; float32."""
    points = np.empty((height, width, 2), np.float32)  # large grids: no other array of that size
    points[..., 0], points[..., 1] = _centres(height)[:, None], _centres(width)
    return points


def globe(
    rows: int, columns: int
) -> tuple[Float[ndarray, " {rows}"], Float[ndarray, " {columns}"]]:
    """Latitudes from 90 to -90 and longitudes from 0 to the last before 360, in degrees.

    The poles are included; float64.
    """
    return np.linspace(90.0, -90.0, rows), np.arange(columns) * (360.0 / columns)


def sphere(
    latitude: Float[ndarray, " y"], longitude: Float[ndarray, " x"]
) -> Float[ndarray, "y x 3"]:
    """The points of a regular grid in degrees on the unit sphere; float32.

    A row at a pole is one point, exactly.
    """
    north, east = np.radians(latitude)[:, None], np.radians(longitude)[None]
    radius = np.where(np.abs(latitude)[:, None] < 90, np.cos(north), 0.0)
    height = np.broadcast_to(np.sin(north), (latitude.size, longitude.size))
    return np.stack([radius * np.cos(east), radius * np.sin(east), height], -1).astype(np.float32)


def _centres(count: int) -> Float[ndarray, " {count}"]:
    return (2 * np.arange(count) + 1.0) / count - 1

"""Functions on the sphere: smooth lattices and series of spherical harmonics.

Both are evaluated on any regular grid.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy import ndarray


def interpolate(
    lattice: Float[ndarray, "row column"],
    latitude: Float[ndarray, " y"],
    longitude: Float[ndarray, " x"],
) -> Float[ndarray, "y x"]:
    """The cubic interpolation (Catmull-Rom) of a lattice, in degrees north and east.

    The lattice is regular: its rows go from the north pole to the south pole, both included and
    constant, and its columns, an even number, from longitude 0 eastward. So the function is smooth
    across the seam, and across a pole, where the opposite meridian continues it.
    """
    rows, columns = lattice.shape
    half = columns // 2
    beyond = np.roll(lattice, half, axis=1)
    padded = np.concatenate([beyond[2:0:-1], lattice, beyond[-2:-4:-1]])
    index, weight = _taps((90 - latitude) * (rows - 1) / 180 + 2)
    out = np.zeros((latitude.size, columns))
    for i, w in zip(index, weight, strict=True):
        out += w[:, None] * padded[i.clip(0, rows + 3)]
    index, weight = _taps(longitude * columns / 360)
    field = np.zeros((latitude.size, longitude.size))
    for i, w in zip(index, weight, strict=True):
        field += w * out[:, i % columns]
    return field


def _taps(position: Float[ndarray, " n"]) -> tuple[Int[ndarray, "4 n"], Float[ndarray, "4 n"]]:
    """The four neighbours that a cubic interpolation reads, and their weights."""
    below = np.floor(position)
    t = position - below
    weight = np.stack(
        [
            t * (t * (2 - t) - 1),
            t * t * (3 * t - 5) + 2,
            t * (t * (4 - 3 * t) + 1),
            t * t * (t - 1),
        ]
    )
    return below.astype(np.int64) + np.arange(-1, 3)[:, None], weight / 2


def synthesis(
    series: Complex[ndarray, "order degree"],
    latitude: Float[ndarray, " y"],
    longitude: Float[ndarray, " x"],
) -> Float[ndarray, "y x"]:
    """The real field of a series of spherical harmonics, on a regular grid.

    It is the sum over orders m and degrees l of Re(series[m, l] P_lm exp(i m longitude)). P_lm are
    associated Legendre functions of sin(latitude), normalised so that each real harmonic has the
    mean square 1 over the sphere. Degrees stay below 800: beyond, high orders underflow.
    """
    # Opposite latitudes share their functions up to a sign: each is computed once.
    north, where = np.unique(np.abs(latitude).round(9), return_inverse=True)
    orders, degrees = series.shape
    parts = np.zeros((2, 2, orders, north.size))  # parity of the degree, real and imaginary
    product = np.empty((orders, north.size))
    halves = np.real(series), np.imag(series)
    for degree, basis in enumerate(legendre(north, orders, degrees)):
        count = len(basis)
        for part, numbers in zip(parts[degree % 2], halves, strict=True):
            np.multiply(basis, numbers[:count, degree, None], out=product[:count])
            part[:count] += product[:count]
    even, odd = parts
    sign = (-1.0) ** np.arange(orders)[:, None]
    south = (latitude < 0)[None, :]
    real, imaginary = (
        np.where(south, sign * (e - o)[:, where], (e + o)[:, where])
        for e, o in zip(even, odd, strict=True)
    )
    waves = np.outer(np.arange(orders), np.radians(longitude))
    return real.T @ np.cos(waves) - imaginary.T @ np.sin(waves)


def legendre(
    latitude: Float[ndarray, " y"], orders: int, degrees: int
) -> Iterator[Float[ndarray, "order y"]]:
    """P_lm(latitude) for l = 0, 1, ..., one array (m, y) after the other.

    m goes up to l and stays below `orders`. The recursion in l is for all orders at once; each
    array is overwritten three steps later.
    """
    sine, cosine = np.sin(np.radians(latitude)), np.cos(np.radians(latitude))
    ring = np.zeros((3, orders, sine.size))
    m = np.arange(orders)[:, None]
    for degree in range(degrees):
        now, last, before = (ring[(degree - back) % 3] for back in range(3))
        inner = min(degree, orders)
        if inner:
            square = m[:inner] ** 2
            scale = (4 * degree**2 - 1) / (degree**2 - square)
            back = np.maximum(0, (degree - 1) ** 2 - square) / max(1, 4 * (degree - 1) ** 2 - 1)
            np.multiply(last[:inner], sine, out=now[:inner])
            now[:inner] *= np.sqrt(scale)
            before[:inner] *= np.sqrt(scale * back)
            now[:inner] -= before[:inner]
        if degree < orders:
            first = 2 if degree == 1 else 1
            step = np.sqrt((2 * degree + 1) / (2 * degree) * first) if degree else 1.0
            now[degree] = last[degree - 1] * cosine * step if degree else 1.0
        yield now[: degree + 1]

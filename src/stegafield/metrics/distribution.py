"""How far a set of generated pictures is from a set of real ones.

The numbers describe whole sets, not pairs of pictures.
"""

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray
from numpy.random import Generator

Pictures = UInt8[ndarray, "item y x channel"]


def power_spectrum(pictures: Pictures) -> Float[ndarray, " frequency"]:
    """The mean power of the grey pictures by spatial frequency, 1 to Nyquist cycles per picture.

    Pictures are squares of one size. Each is multiplied with a Hann window, so that its edges do
    not count as detail.
    """
    grey = pictures.mean(-1)
    size = grey.shape[1]
    window = np.hanning(size + 2)[1:-1]
    grey = (grey - grey.mean((1, 2), keepdims=True)) * np.outer(window, window)
    power = (np.abs(np.fft.fft2(grey)) ** 2).mean(0)
    at = np.fft.fftfreq(size, 1 / size)
    radius = np.rint(np.hypot(at[:, None], at)).astype(int).ravel()
    total = np.bincount(radius, power.ravel())
    return (total / np.maximum(1, np.bincount(radius)))[1 : size // 2 + 1]


def pairwise(pictures: Pictures, rng: Generator, pairs: int = 4000) -> Float[ndarray, " pair"]:
    """Root mean square differences, in codes, of random pairs of pictures."""
    first = rng.integers(len(pictures), size=pairs)
    second = (first + rng.integers(1, len(pictures), size=pairs)) % len(pictures)
    flat = pictures.reshape(len(pictures), -1).astype(np.float32)
    return np.sqrt(((flat[first] - flat[second]) ** 2).mean(1))


def sliced_wasserstein(
    one: Pictures, other: Pictures, rng: Generator, directions: int = 256
) -> list[float]:
    """The sliced Wasserstein distance of 7x7 patches at each level of a Laplacian pyramid.

    Times 1000, the finest level first. Patches are normalised by channel, and both sets must be
    equally large (Karras et al. 2018, Progressive Growing of GANs).
    """
    count = min(len(one), len(other))
    levels = zip(_pyramid(one[:count]), _pyramid(other[:count]), strict=True)
    return [_sliced(_patches(a, rng), _patches(b, rng), rng, directions) for a, b in levels]


def frechet(one: Float[ndarray, "item feature"], other: Float[ndarray, "item feature"]) -> float:
    """The Frechet distance of two sets of feature vectors, each taken as normal.

    Heusel et al. 2017.
    """
    difference = one.mean(0) - other.mean(0)
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()
    return float(difference @ difference + np.trace(first) + np.trace(second) - 2 * cross)


def nearest(
    pictures: Pictures, among: UInt8[ndarray, "other y x channel"]
) -> tuple[Int[ndarray, " item"], Float[ndarray, " item"]]:
    """The nearest of the other pictures for each picture: its index, and the distance.

    The distance is the root mean square difference in codes.
    """
    flat, others = (p.reshape(len(p), -1).astype(np.float32) for p in (pictures, among))
    squares = (flat**2).sum(1)[:, None] + (others**2).sum(1) - 2 * flat @ others.T
    index = squares.argmin(1)
    return index, np.sqrt(squares.min(1).clip(0) / flat.shape[1])


def _pyramid(pictures: Pictures, least: int = 16) -> list[ndarray]:
    """Band-pass pictures from the finest to the coarsest; the last is what is left."""
    levels, at = [], pictures.astype(np.float32)
    while at.shape[1] > least:
        small = _blur(at)[:, ::2, ::2]
        levels.append(at - _blur(small.repeat(2, 1).repeat(2, 2)))
        at = small
    return [*levels, at]


def _blur(pictures: ndarray) -> ndarray:
    for axis in (1, 2):
        pad = [(0, 0)] * 4
        pad[axis] = (2, 2)
        wide, size = np.pad(pictures, pad, mode="reflect"), pictures.shape[axis]
        pictures = np.zeros_like(pictures)
        for i, weight in enumerate((1, 4, 6, 4, 1)):
            pictures += np.float32(weight / 16) * np.take(wide, np.arange(i, i + size), axis)
    return pictures


def _patches(pictures: ndarray, rng: Generator, each: int = 32, size: int = 7) -> ndarray:
    views = np.lib.stride_tricks.sliding_window_view(pictures, (size, size), (1, 2))
    item = np.arange(len(pictures)).repeat(each)
    y, x = (rng.integers(views.shape[axis], size=item.size) for axis in (1, 2))
    found = views[item, y, x]  # (patch, channel, size, size)
    found = found - found.mean((0, 2, 3), keepdims=True)
    found = found / found.std((0, 2, 3), keepdims=True)
    return found.reshape(len(found), -1)


def _sliced(one: ndarray, other: ndarray, rng: Generator, directions: int) -> float:
    axes = rng.standard_normal((one.shape[1], directions), dtype=np.float32)
    axes /= np.linalg.norm(axes, axis=0)
    return 1000 * float(np.abs(np.sort(one @ axes, 0) - np.sort(other @ axes, 0)).mean())

"""A function fitted to the user's own picture, field or sound: the result has no resolution.

    samples -> missing ones bridged -> principal axes of the channels
            -> wavelets, the largest kept                                      the parameters
    coordinates -> spline through what these add up to -> values               the function

There is no network and no gradient descent: docs/generators-fit.md compares with those.
"""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from ..errors import ConfigError
from ..progress import report as progress
from . import wavelet
from .bridge import bridged
from .fitted import MOST, Fit, Samples, known_of, words

SHARE = 0.25
"""Parameters for each known sample, at most."""
LARGEST = 1e30
"""The largest value: coefficients are sums of values, in 32 bits."""
_ROTATED = 64
"""Channels that are turned into principal axes, at most: the axes are parameters too."""


def fit(samples: Samples, share: float = SHARE) -> Fit:
    """The function through these samples, with at most `share` parameters for each known one.

    The mean of each channel is always kept, however few samples there are. The same samples give
    the same function, to the last bit on one machine. Takes a third of a microsecond and 40 bytes
    per sample.

    Raises:
        ConfigError: There is no known sample, there are more than `MOST`, or values are beyond
            `LARGEST`.
    """
    values, known = samples.values, known_of(samples)
    _check(known, values)
    progress("fitting: bridging", 0, 1)
    whole = np.stack([bridged(*one, samples.ends) for one in zip(values, known, strict=True)])
    progress("fitting: turning", 0.4, 1)
    mean = whole.mean(axis=tuple(range(1, whole.ndim)))
    whole -= mean.reshape(-1, *[1] * (whole.ndim - 1))
    budget = int(share * np.count_nonzero(known)) - mean.size
    axes = _axes(whole, budget)
    if axes is not None:
        whole = np.tensordot(axes, whole, 1)
        budget -= axes.size
    for number, one in enumerate(whole):
        progress("fitting: wavelets", 0.4 + 0.4 * number / len(whole), 1)
        one[...] = wavelet.analysis(one)
    progress("fitting: choosing", 0.8, 1)
    kept = _largest(whole, budget)
    progress("fitting: choosing", 1, 1)
    return Fit(tuple(samples.ends), mean, axes, kept, whole[kept].astype(np.float32))


def _check(
    known: Bool[ndarray, "channel *space"], values: Float[ndarray, "channel *space"]
) -> None:
    if values.size > MOST:
        problem = f"has {values.size:,} samples, and at most {MOST:,} are fitted."
        raise ConfigError("cover", problem, "Give a smaller one.")
    full = known.reshape(len(known), -1).any(axis=1)
    if not (known.size and full.all()):
        raise ConfigError("cover", "has a channel without any value.", "Give one that has some.")
    if max(values.max(where=known, initial=0), -values.min(where=known, initial=0)) > LARGEST:
        raise ConfigError("cover", f"has values beyond {LARGEST:g}.", "Give it in larger units.")


def _axes(centred: Float[ndarray, "channel *space"], budget: int) -> ndarray | None:
    """The principal axes of the channels, strongest first; None if not worth their parameters."""
    count = len(centred)
    if not (1 < count <= _ROTATED and 8 * count * count <= budget):
        return None
    flat = centred.reshape(count, -1)
    _, vectors = np.linalg.eigh(flat @ flat.T)
    found = vectors[:, ::-1].T
    lead = np.abs(found).argmax(axis=1)  # a sign that does not depend on the library
    return found * np.sign(found[np.arange(count), lead])[:, None]


def _largest(coefficients: Float[ndarray, "axis *space"], budget: int) -> Bool[ndarray, "..."]:
    """The largest coefficients that the budget pays for.

    The budget also pays for the words that say which they are.
    """
    size = np.abs(coefficients)

    def largest(count: int) -> Bool[ndarray, "..."]:
        if count >= size.size:
            return size > 0
        last = size.size - count - 1
        return (
            size > np.partition(size, last, None)[last] if count > 0 else np.zeros_like(size, bool)
        )

    def cost(kept: Bool[ndarray, "..."]) -> int:
        return int(kept.sum()) + words(kept)

    kept = largest(budget - -(-size.size // 32))
    for _ in range(3):  # the positions compress, and what that saves pays for more
        more = largest(int(kept.sum()) + int(0.9 * (budget - cost(kept))))
        if cost(more) > budget:
            break
        kept = more
    return kept

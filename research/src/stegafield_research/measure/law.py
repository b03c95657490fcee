"""The sampler's law: what it costs, and how what it draws compares with an independent sampler.

`table` has the KL bound of every rung at a noise and a size, and the least noise that the rung
needs. `drawn_and_direct` compares windows of the sampler with those of `direct`, which uses nothing
of stegafield.
"""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.random import Generator

from stegafield.coding import bound, sampler
from stegafield.coding.ladder import DRAWN
from stegafield.core.cover import Cover, GridSpec, Law
from stegafield.core.rung import Rung
from stegafield.errors import ConfigError

COLUMNS = ("samples", "bps", "bpp", "k", "n", "taps", "smallest_sigma", "sigma", "nats", "offered")
_SIGMAS = {(1, 1): 1.5, (2, 3): 1.5, (4, 4): 1.5, (4, 3): 2.25, (8, 8): 1.3}
RUNGS = [
    (rung, _SIGMAS[rung.bits, rung.elements])
    for rung in DRAWN
    if (rung.bits, rung.elements) in _SIGMAS
]
"""Rungs and the noise, in codes, that their windows are compared at."""


def table(samples: Iterable[int], sigmas: Sequence[float]) -> Iterator[dict[str, Any]]:
    """One row per size (free elements), rung and sigma (in codes).

    `nats` is the most for any f with headroom.
    """
    for free in samples:
        if free < 1:
            raise ConfigError("samples", f"{free} is not positive.")
        for rung in DRAWN:
            least = bound.smallest_sigma(rung, free)
            for sigma in sigmas:
                if not 0 < sigma < 1e6:
                    raise ConfigError("sigma", f"{sigma:g} is no standard deviation.")
                yield {
                    "samples": free,
                    "bps": rung.rate,
                    "bpp": 3 * rung.rate,
                    "k": rung.bits,
                    "n": rung.elements,
                    "taps": " ".join(map(str, rung.taps)),
                    "smallest_sigma": least,
                    "sigma": sigma,
                    "nats": bound.file_nats(rung, sigma, free),
                    "offered": rung in bound.offered(sigma, free),
                }


def two_sample(one: ndarray, other: ndarray) -> float:
    """p-value of Pearson's two-sample chi-square test on two tables of counts.

    Rare cells are joined.
    """
    both = one + other
    order = np.argsort(both)
    group = np.cumsum(both[order]) // 40  # about 20 from each in every joined cell
    _, group = np.unique(group, return_inverse=True)
    one, other = (np.bincount(group, weights=t[order]) for t in (one, other))
    keep = one + other > 0
    one, other = one[keep], other[keep]
    r = math.sqrt(other.sum() / one.sum())
    statistic = float(((r * one - other / r) ** 2 / (one + other)).sum())
    degrees = one.size - 1
    if degrees < 1:
        return 1.0
    spread = 2 / (9 * degrees)  # Wilson and Hilferty 1931
    z = ((statistic / degrees) ** (1 / 3) - 1 + spread) / math.sqrt(spread)
    return math.erfc(z / math.sqrt(2)) / 2


def comparisons(
    stego: ndarray, plain: ndarray, values: ndarray, taps: Any, phases: int
) -> dict[str, float]:
    """p-values of what a warden with f, positions and taps can compare.

    These are single elements, pairs and residues.
    """
    centre = np.rint(values)
    part = (
        np.floor(4 * (values - centre + 0.5)).clip(0, 3).astype(int)
    )  # where f stands within a code
    found = {}
    tables = []
    for codes in (stego, plain):
        off = (codes - centre).astype(int).clip(-15, 15) + 15
        ways = {"samples": np.bincount((part * 31 + off).ravel(), minlength=124)}
        ways["residues"] = np.bincount(codes.astype(int) @ taps % phases, minlength=phases)
        if off.shape[1] > 1:
            pair = off[:, :-1].clip(9, 21) * 31 + off[:, 1:].clip(9, 21)
            ways["pairs"] = np.bincount(pair.ravel(), minlength=961)
            total = off.sum(axis=1)
            ways["sums"] = np.bincount(total, minlength=31 * off.shape[1])
        tables.append(ways)
    for name in tables[0]:
        found[name] = two_sample(tables[0][name], tables[1][name])
    return found


def drawn_and_direct(
    rung: Rung, sigma: float, samples: int, true_sigma: float | None = None
) -> dict[str, float]:
    """p-values of stego windows against windows of the direct sampler, for the same f.

    The symbols are uniform. `true_sigma` is what the direct sampler draws with, where the sampler
    believes in another.
    """
    rng = np.random.default_rng()
    count = samples // rung.elements
    values = rng.uniform(-40, 40, (count, rung.elements))
    windows = np.arange(values.size).reshape(count, -1)
    symbols = rng.integers(0, rung.phases, count)
    drawn = sampler.draw(_line(values, sigma), windows, symbols, rung, os.urandom)
    plain = direct(values, true_sigma or sigma, rng)
    return comparisons(drawn.codes, plain, values, rung.taps, rung.phases)


def direct(values: ndarray, sigma: float, rng: Generator) -> ndarray:
    """round(f + noise), by NumPy's normal numbers and nothing of stegafield."""
    return np.floor(values + sigma * rng.standard_normal(values.shape) + 0.5).astype(np.int64)


def _line(values: ndarray, sigma: float) -> Cover:
    """A cover of one line whose law has these values, far from the ends of its range."""
    codes, end = np.zeros((1, values.size), np.int32), 10**6
    law = Law(values.reshape(1, -1), sigma)
    spec = GridSpec(("x",), (False,), "line")
    return Cover(codes, -end, end, np.ones(codes.shape, bool), spec, law=law)

"""What a law hides: the KL bound of a rung before anything is drawn, and a cover's rungs.

For one window, let c_j (j = 1 ... 2**k - 1) be the Fourier coefficients of the law of its residue.
By Parseval

    KL(uniform || residue) <= sum |c_j|^2 / (2 (1 - sum |c_j|)),
    |c_j| <= product over the elements of
        e + sum over integers m of |sinc(t / 2 pi)| exp(-sigma^2 t^2 / 2),
    t = 2 pi (w_i j / 2**k + m)

whatever f is: the sum over m is the characteristic function of round(f + noise). It falls like
exp(-2 pi^2 sigma^2 S) with S = min over j of sum ||w_i j / 2**k||^2, the dual criterion that the
taps of these rungs were searched for. e is what clipping to the range can change: twice the
probability of leaving it, from where headroom ends. So a file never costs more than its rung was
offered for, and no draw is ever refused.

Nats compare with the normal law itself. The noise of a plain cover is made of numbers of 53 bits,
and rounded where it is added to f: that moves the probability of a code by less than 1e-11 (era5;
pictures less than 1e-13), of which nats are the square.
"""

import math
from functools import lru_cache

import numpy as np

from ..core import tiles
from ..core.cover import Cover
from ..core.law import HEADROOM
from ..core.rung import Rung
from ..errors import ConfigError
from .ladder import DRAWN, bootstrap_rung
from .sampler import ROUNDING

BUDGET = 1e-5
"""Nats per file that a rung may cost: total variation of 0.22 %, so no test errs less than 49.89
% of the time."""
LEAST_SIGMA = 0.5
"""In codes. Below it the support is a few codes wide, and no rung is within the budget anyway."""
_ALIASES = np.arange(-2, 3)  # the third adds less than 1e-14 at the least sigma
_BOOTSTRAP_WINDOWS = 24
_LEAST_RANGE = 12
"""The least range, in sigmas: a value is near one of its ends at most."""
_TOLERANCE = 1e-6
"""In codes: f is computed in floats, and may miss its headroom by this."""


@lru_cache(maxsize=1024)
def window_nats(rung: Rung, sigma: float) -> float:
    """The upper bound on KL(uniform || residue) of one window, in nats, for any f with headroom."""
    half = np.arange(1, rung.phases // 2 + 1)  # the other half are their conjugates
    harmonic = half[:, None] * rung.taps / rung.phases
    turn = (harmonic - np.rint(harmonic))[..., None] + _ALIASES  # harmonic, element, alias
    factor = np.abs(np.sinc(turn)) * np.exp(-2 * (np.pi * sigma * turn) ** 2)
    near, far = HEADROOM + (0.5 - _TOLERANCE) / sigma, _LEAST_RANGE - HEADROOM
    beyond = sum(math.erfc(end / math.sqrt(2)) / 2 for end in (near, far))
    coefficient = np.minimum(factor.sum(axis=-1) + 2 * beyond, 1).prod(axis=-1)
    times = np.where(half < rung.phases // 2, 2, 1)
    rest = 1 - times @ coefficient
    return float(times @ coefficient**2 / (2 * rest)) if rest > 0 else np.inf


def file_nats(rung: Rung, sigma: float, free: int) -> float:
    """The upper bound on KL(stego || plain) of a file with `free` free elements, in nats.

    Payload, salt and header together.
    """
    first = bootstrap_rung(free)
    windows = max(0, free - _BOOTSTRAP_WINDOWS * first.elements) // rung.elements
    bootstrap = _BOOTSTRAP_WINDOWS * window_nats(first, sigma)
    # twice: for what is rounded where the file is drawn, and for what its report allows for it
    return bootstrap + windows * window_nats(rung, sigma) + 2 * free * ROUNDING


def rungs(cover: Cover) -> list[Rung]:
    """The rungs that a cover with a law is offered."""
    assert cover.law is not None
    return offered(cover.law.sigma, tiles.count(cover.free))


def offered(sigma: float, free: int) -> list[Rung]:
    """The rungs within the budget, by rate.

    Of several with one rate, the one with the fewest phases, the cheapest.
    """
    found: dict[float, Rung] = {}
    for rung in DRAWN:
        if rung.rate not in found and file_nats(rung, sigma, free) <= BUDGET:
            found[rung.rate] = rung
    return list(found.values())


def smallest_sigma(rung: Rung, free: int) -> float:
    """The least sigma, in codes, at which a rung is within the budget, to four digits.

    Infinite where none up to 64 is. A large file may have none: with more noise, headroom ends
    nearer to the ends of the range by the measure of a code.
    """
    tried = np.geomspace(LEAST_SIGMA / 2, 64, 128)
    within = (k for k, sigma in enumerate(tried) if file_nats(rung, sigma, free) <= BUDGET)
    first = next(within, None)
    if first is None:
        return np.inf
    below, above = float(tried[max(0, first - 1)]), float(tried[first])
    while above - below > 1e-4:
        middle = (below + above) / 2
        below, above = (
            (below, middle) if file_nats(rung, middle, free) <= BUDGET else (middle, above)
        )
    return above


def check_law(cover: Cover) -> None:
    """Raise `ConfigError` where the bound does not hold for the law of a cover.

    That is a fault of its carrier.
    """
    law = cover.law
    assert law is not None
    if not (np.isfinite(law.sigma) and law.sigma >= LEAST_SIGMA):
        raise ConfigError("method", f"noise of {law.sigma:g} codes is too little to draw from.")
    if law.value.shape != cover.codes.shape or not np.isfinite(law.value[cover.free]).all():
        problem = "the law of this cover has another shape than its codes, or values not finite."
        raise ConfigError("method", problem)
    room = HEADROOM * law.sigma - _TOLERANCE
    if np.min(np.subtract(cover.high, cover.low)) < _LEAST_RANGE * law.sigma:
        raise ConfigError("method", f"the range of this cover is less than {_LEAST_RANGE} sigma.")
    low, high = cover.low + room, cover.high - room
    outside = cover.free & ((law.value < low) | (law.value > high))
    if outside.any():
        count = int(outside.sum())
        problem = f"{count} elements are within {HEADROOM} sigma of the ends of their range."
        hint = (
            'Their carrier must leave that headroom for the noise; method="project" works without.'
        )
        raise ConfigError("method", problem, hint)

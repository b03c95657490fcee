"""The law of drawn covers: codes are round(value + sigma noise), fresh, independent, normal.

The KL bound rests on it. Each free element becomes a number that is uniform if the law holds (the
probability of less than its code, and a random share of that of the code itself), and these are
looked at together:

    covers, some of them drawn with the same rng -> uniform numbers -> one at a time: shape, sigma
                                                                    -> in pairs at every distance

A carrier in order fails with less than 10**-6. What is off by three hundredths of sigma, and every
dependence of a tenth between elements at a distance, channels or covers, is found in 20,000
elements.
"""

import math
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..coding import bound
from ..core.cover import Cover
from ..errors import ConfigError
from .law import require

_ELEMENTS = 20_000
_FEWEST, _MOST = 4, 64
"""Covers that are drawn."""
_SHARE = 65_536
"""Elements that are looked at of one cover."""
_FAR = 6.5
"""Standard deviations of a sum: 10**-10 for one look."""
_FARTHEST = 7.3
"""The same where there are a million looks."""
_KOLMOGOROV = 3.1
"""Of the largest difference of distributions, times the root of the number: 10**-8 (Massart)."""
_PAIRS = 200
"""Sums of fewer pairs are not normal enough to look so far."""
_erf = np.frompyfunc(math.erf, 1, 1)


def check_law(draw: Callable[[int], Cover]) -> None:
    """Check the noise of covers; `draw` gives one for a seed, with the same value for the same."""
    first = draw(1)
    assert first.law is not None
    elements = max(1, min(_SHARE, int(np.count_nonzero(first.free))))
    number = min(_MOST, max(_FEWEST, -(-_ELEMENTS // elements)))
    covers = [first]
    for count in range(1, number):
        with _seeded():
            covers.append(draw(1 + count // 2))
    for cover in covers:
        _check_one(cover)
        require(cover.law is not None and cover.law.sigma == first.law.sigma, "sigma varies")
    require(
        np.array_equal(_law(covers[0]).value, _law(covers[1]).value),
        "the value of a law is not repeated by the same rng",
    )
    rng = np.random.default_rng()
    shares = [_uniform(cover, rng) for cover in covers]
    mask = np.concatenate([cover.free.ravel()[:_SHARE] for cover in covers])
    centred = np.concatenate([one.ravel()[:_SHARE] for one in shares])
    away = [(cover.codes - _law(cover).value)[cover.free] for cover in covers]
    _check_pairs(np.where(mask, centred - centred[mask].mean(), 0), mask, "the noise")
    sizes = centred**2
    _check_pairs(np.where(mask, sizes - sizes[mask].mean(), 0), mask, "the size of the noise")
    _check_shape(centred[mask], float(np.concatenate(away).std()), first.law.sigma)
    _check_value(covers, shares)
    _check_steps(covers)


def _law(cover: Cover) -> Any:
    return cover.law


def _check_one(cover: Cover) -> None:
    """What can be said of one cover: the bound needs headroom, and numbers."""
    law = cover.law
    assert law is not None
    require(np.shape(law.value) == cover.codes.shape, "law.value has another shape than codes")
    number = isinstance(law.sigma, int | float | np.floating)
    require(number and not isinstance(law.sigma, bool), f"law.sigma is {law.sigma!r}, not a number")
    try:
        bound.check_law(cover)
    except ConfigError as error:
        raise AssertionError(str(error)) from None


def _uniform(cover: Cover, rng: np.random.Generator) -> Float[ndarray, "*shape"]:
    """Numbers from -1 to 1, 0 where an element is not free: uniform if the law holds."""
    law = _law(cover)
    away = cover.codes - np.asarray(law.value, float)
    below, above = (_normal((away + half) / law.sigma) for half in (-0.5, 0.5))
    share = below + (above - below) * rng.random(away.shape)
    return np.where(cover.free, 2 * share - 1, 0.0)


def _normal(where: Float[ndarray, "*shape"]) -> Float[ndarray, "*shape"]:
    """The probability of less."""
    return (1 + np.asarray(_erf(where / math.sqrt(2)), float)) / 2


def _check_shape(centred: Float[ndarray, " element"], seen: float, sigma: float) -> None:
    """One element at a time: centre, sigma, tails, and the whole distribution."""
    root = math.sqrt(centred.size)
    centre = centred.mean() * math.sqrt(3) * root
    require(abs(centre) < _FAR, f"the noise is not centred on the law ({centre:+.1f} deviations)")
    spread = (np.mean(centred**2) - 1 / 3) / math.sqrt(4 / 45) * root
    expected = math.sqrt(sigma**2 + 1 / 12)
    told = f"noise of {seen:.3f} codes, the law says {expected:.3f}"
    if abs(seen / expected - 1) < 0.02:
        told = "the noise is not normal"
    require(abs(spread) < _FAR, f"{told} ({spread:+.1f} deviations)")
    for sigmas in (2.5, 3.0):
        share = math.erfc(sigmas / math.sqrt(2))
        expected = share * centred.size
        beyond = int(np.count_nonzero(np.abs(centred) > 1 - share))
        off = (beyond - expected) / math.sqrt(expected * (1 - share))
        told = f"{beyond} elements beyond {sigmas} sigma, {expected:.0f} are expected"
        require(-_FAR < off < _FAR + 2, f"the noise is not normal: {told}")
    ordered = np.sort((centred + 1) / 2)
    steps = np.arange(ordered.size + 1) / ordered.size
    apart = max(np.max(steps[1:] - ordered), np.max(ordered - steps[:-1]))
    require(
        apart * root < _KOLMOGOROV,
        f"the noise is not normal and rounded: distributions differ by {apart:.3f}",
    )


def _check_value(covers: list[Cover], shares: list[Float[ndarray, "*shape"]]) -> None:
    """The noise knows nothing of the value, nor of what rounding cuts off from it."""
    noise = np.concatenate([one[cover.free] for one, cover in zip(shares, covers, strict=True)])
    value = np.concatenate([_law(cover).value[cover.free] for cover in covers]).astype(float)
    for told, one in (("value", value), ("fraction of the value", value - np.rint(value))):
        spread = one.std()
        if spread > 1e-9:
            off = np.mean(noise * (one - one.mean())) / spread * math.sqrt(3 * noise.size)
            require(abs(off) < _FAR, f"the noise depends on the {told} of the law")


def _check_steps(covers: list[Cover]) -> None:
    """Codes are rounded to whole numbers, and to no coarser ones: by characteristic functions.

    That of a rounded number is that of the number before, at all aliases of the frequency, times
    the sinc of rounding.
    """
    codes = np.concatenate([cover.codes[cover.free] for cover in covers]).astype(float)
    value = np.concatenate([_law(cover).value[cover.free] for cover in covers]).astype(float)
    sigma = _law(covers[0]).sigma
    for turns in (1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 8):
        expected = np.zeros(len(value), complex)
        for alias in range(-3, 3):
            turn = turns + alias
            fade = np.sinc(turn) * math.exp(-2 * (math.pi * sigma * turn) ** 2)
            expected += fade * np.exp(2j * math.pi * turn * value)
        off = (np.exp(2j * math.pi * turns * codes) - expected).sum() / math.sqrt(len(codes))
        require(
            max(abs(off.real), abs(off.imag)) < _FAR,
            f"codes are not rounded to whole numbers: every {1 / turns:.0f} steps stand out",
        )


def _check_pairs(values: Float[ndarray, " element"], mask: ndarray, what: str) -> None:
    """Elements in pairs, at every distance forwards and backwards; covers lie one behind the other.

    Neighbours, rows, channels and covers are distances, too.
    """
    size = 1 << (2 * values.size - 1).bit_length()
    here, there = np.fft.rfft(values, size), np.fft.rfft(mask.astype(float), size)
    square = float(np.mean(values[mask] ** 2))
    for one, two, twice, skip, told in (
        (here * here.conj(), there * there.conj(), 1, 1, "at a distance of {} elements"),
        (here * here, there * there, 2, 0, "mirrored at element {}/2"),  # has each pair twice
    ):
        length = values.size if skip else 2 * values.size - 1
        sums, pairs = np.fft.irfft(one, size)[:length], np.fft.irfft(two, size)[:length]
        enough = pairs > _PAIRS
        enough[:skip] = False
        off = np.zeros(length)
        off[enough] = sums[enough] / (square * np.sqrt(twice * pairs[enough]))
        far = int(np.argmax(np.abs(off)))
        require(
            abs(off[far]) < _FARTHEST,
            f"{what} is not fresh and independent: elements {told.format(far)} agree "
            f"({off[far]:+.0f} deviations)",
        )


@contextmanager
def _seeded() -> Iterator[None]:
    """Generators that all share, each in the same state: noise must come from the system."""
    plain, numpy = random.getstate(), np.random.get_state()
    torch: Any = sys.modules.get("torch")
    kept = torch.get_rng_state() if torch else None
    try:
        random.seed(1)
        np.random.seed(1)
        if torch:
            torch.manual_seed(1)
        yield
    finally:
        random.setstate(plain)
        np.random.set_state(numpy)
        if torch:
            torch.set_rng_state(kept)

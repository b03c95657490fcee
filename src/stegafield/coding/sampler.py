"""Draws from the law of a generated cover, given the symbols that the windows must read.

A plain cover is round(f + noise) with normal noise of known sigma. For uniform symbols, a window
drawn from that law given its symbol differs from a plain one only by how far the residue sum(w * u)
mod 2**k is from uniform:

    KL(stego || plain) = KL(uniform || law of the residue)

summed over windows, which share no element. To draw, the law of the residue of the first i elements
is carried forward, i = 1 ... n (`_forward`); then the elements are drawn from the last to the
first, each given the residue that is left (`_backward`). Both are exact: float64, sums and products
of non-negative numbers only, no rejection.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..core import parallel
from ..core.cover import Cover
from ..core.extractor import Drawn
from ..core.noise import Source, normals, uniforms
from ..core.rung import Rung

ROUNDING = 2.0**-47
"""Nats per element that are added for what float64 rounds and for the two tails beyond the
support (1.2e-15)."""
_TAIL = 8  # the support reaches this many sigma and one code further
_CHUNK = 1 << 15  # numbers per row operation: a few of them stay in the cache


def plain(cover: Cover, at: Int[ndarray, " element"], source: Source) -> Int[ndarray, " element"]:
    """Codes at flat positions, drawn from the law alone: round(value + noise)."""
    assert cover.law is not None
    noisy = np.asarray(cover.law.value, np.float64).ravel()[at]
    noisy = noisy + cover.law.sigma * normals(at.shape, source)
    low, high = cover.take(cover.low, at), cover.take(cover.high, at)
    return np.rint(noisy).clip(low, high).astype(cover.codes.dtype)


def draw(
    cover: Cover,
    windows: Int[ndarray, "window element"],
    symbols: Int[ndarray, " window"],
    rung: Rung,
    source: Source,
) -> Drawn:
    """Codes of windows (of flat positions), drawn from the cover's law given `symbols`."""
    assert cover.law is not None
    values = np.asarray(cover.law.value, np.float64).ravel()[windows]
    low, high = cover.take(cover.low, windows), cover.take(cover.high, windows)
    luck, sigma = uniforms(values.shape, source), float(cover.law.sigma)
    size = max(32, _CHUNK // max(rung.phases, 2 * _reach(sigma) + 1))
    parts = [slice(start, start + size) for start in range(0, len(values), size)]

    def one(part: slice) -> Drawn:
        least, most = (b[part].T if isinstance(b, ndarray) else b for b in (low, high))
        given = symbols[part] & (rung.phases - 1)
        return _draw(values[part].T, least, most, sigma, given, rung, luck[part].T)

    drawn = parallel.each(one, parts)
    codes = np.empty(values.shape, cover.codes.dtype)
    for part, found in zip(parts, drawn, strict=True):
        codes[part] = found.codes.T
    nats = sum(found.nats for found in drawn)
    return Drawn(codes, nats + values.size * ROUNDING)


def _draw(
    values: Float[ndarray, "element window"],
    low: int | Int[ndarray, "element window"],
    high: int | Int[ndarray, "element window"],
    sigma: float,
    symbols: Int[ndarray, " window"],
    rung: Rung,
    luck: Float[ndarray, "element window"],
) -> Drawn:
    """One chunk of windows. `luck` is a uniform number for each element."""
    centre = np.rint(values).astype(np.int64)
    share = [
        cells(values[i], _at(low, i), _at(high, i), sigma) for i in range(rung.elements)
    ]  # of each code within the support, per element
    steps = np.arange(-_reach(sigma), _reach(sigma) + 1)
    states = _forward(share, steps, rung)
    nats = _divergence(states[-1])
    left = (symbols - rung.taps @ centre) & (rung.phases - 1)
    change = _backward(share, states, steps, left, rung, luck)
    return Drawn(centre + change, nats)


def given(
    share: list[Float[ndarray, "step window"]],
    steps: Int[ndarray, " step"],
    left: Int[ndarray, " window"],
    rung: Rung,
    luck: Float[ndarray, "element window"],
) -> Int[ndarray, "element window"]:
    """Steps drawn from independent laws, given that their residues add up to `left`.

    `share` are the laws, by any weights. A window without such steps takes none.
    """
    states = _forward(share, steps, rung)
    reached = states[-1][left, np.arange(left.size)] > 0
    change = _backward(share, states, steps, np.where(reached, left, 0), rung, luck)
    return np.where(reached, change, 0)


def _divergence(residue: Float[ndarray, "residue window"]) -> float:
    """KL(uniform || residue) of all windows, plus what the support cuts off, -log(total).

    The absolute value is taken: probabilities that do not add up to one must never make the bound
    smaller.
    """
    total = residue.sum(axis=0)
    with np.errstate(divide="ignore"):  # a residue that no code reaches: an infinite bound
        uneven = -np.log1p(len(residue) * (residue / total) - 1).mean(axis=0)
    return float((uneven + np.abs(np.log(total))).sum())


def cells(
    values: Float[ndarray, " window"],
    low: int | Int[ndarray, " window"],
    high: int | Int[ndarray, " window"],
    sigma: float,
) -> Float[ndarray, "code window"]:
    """The probability of each code around rint(value).

    For round(value + normal noise) clipped to [low, high]. The support is +-(ceil(8 sigma) + 1).
    The integral of the normal density over a code is a Gauss-Legendre sum, factored into a product
    of two small matrices. All terms are positive, so small probabilities are as exact as large
    ones: no two values of a distribution function are ever subtracted.
    """
    reach = _reach(sigma)
    centre = np.rint(values)
    offset, steps = values - centre, np.arange(-reach, reach + 1)[:, None]
    nodes, matrix = _quadrature(sigma)
    # einsum rather than @: the threads of a BLAS would get into each other's way here
    found = np.einsum("ct,tw->cw", matrix, np.exp(nodes[:, None] * (offset / sigma**2)))
    found *= np.exp((steps - offset) ** 2 / (-2 * sigma**2))
    least, most = low - centre, high - centre
    if np.max(least) > -reach or np.min(most) < reach:  # the codes at the ends take what is beyond
        for beyond, end in ((steps < least, least), (steps > most, most)):
            mass = np.where(beyond, found, 0).sum(axis=0)
            found[np.broadcast_to(beyond, found.shape)] = 0
            row = np.clip(np.broadcast_to(end, values.shape) + reach, 0, 2 * reach).astype(np.intp)
            found[row, np.arange(values.size)] += mass
    return found


@lru_cache(maxsize=16)
def _quadrature(sigma: float) -> tuple[Float[ndarray, " node"], Float[ndarray, "code node"]]:
    """Nodes t in one code, and the part of the integrand that does not depend on the value."""
    # Enough nodes for the last bit where sigma >= 0.5: the tests compare with 50 digits.
    nodes, weights = np.polynomial.legendre.leggauss(12 + int(np.ceil(6 / sigma)))
    nodes, weights = nodes / 2, weights / 2
    steps = np.arange(-_reach(sigma), _reach(sigma) + 1)[:, None]
    density = np.exp(-nodes * (nodes + 2 * steps) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))
    return nodes, weights * density


def _reach(sigma: float) -> int:
    """How many codes the support reaches to each side."""
    return int(np.ceil(_TAIL * sigma)) + 1


def _forward(
    share: list[Float[ndarray, "code window"]], steps: Int[ndarray, " code"], rung: Rung
) -> Float[ndarray, "state residue window"]:
    """The law of the residue of the first i elements, i = 0 ... n, relative to the centres'."""
    phases, windows = rung.phases, share[0].shape[1]
    states = np.zeros((rung.elements + 1, phases, windows))
    states[0, 0] = 1
    product = np.empty((phases, windows))
    for i, tap in enumerate(rung.taps):
        turns, by_turn = _by_turn(share[i], steps * tap & (phases - 1))
        before, after = states[i], states[i + 1]
        if i == 0:
            after[turns] = by_turn
            continue
        for turn, part in zip(turns.tolist(), by_turn, strict=True):
            np.multiply(before, part, out=product)
            after[turn:] += product[: phases - turn]
            after[:turn] += product[phases - turn :]
    return states


def _by_turn(
    share: Float[ndarray, "code window"], turns: Int[ndarray, " code"]
) -> tuple[Int[ndarray, " turn"], Float[ndarray, "turn window"]]:
    """The turns of the residue, and the probability of each: codes with one turn together."""
    order = np.argsort(turns, kind="stable")
    first = np.flatnonzero(np.diff(turns[order], prepend=-1))
    if first.size == turns.size:
        return turns, share
    return turns[order][first], np.add.reduceat(share[order], first, axis=0)


def _backward(
    share: list[Float[ndarray, "code window"]],
    states: Float[ndarray, "state residue window"],
    steps: Int[ndarray, " code"],
    left: Int[ndarray, " window"],
    rung: Rung,
    luck: Float[ndarray, "element window"],
) -> Int[ndarray, "element window"]:
    """Steps from the centres whose residues add up to `left`, drawn from the last element on."""
    change = np.empty(luck.shape, np.int64)
    column = np.arange(left.size)
    for i in reversed(range(rung.elements)):
        rest = (left - (steps * rung.taps[i])[:, None]) & (rung.phases - 1)
        ladder = share[i] * states[i, rest, column]
        for row in range(1, len(ladder)):  # faster than cumsum over the first axis
            ladder[row] += ladder[row - 1]
        total = ladder[-1]
        mark = np.minimum(luck[i] * total, np.nextafter(total, 0))
        # where no step leads on (an infinite bound, so nobody gets such a file) any will do
        chosen = np.minimum((ladder <= mark).sum(axis=0), len(steps) - 1)
        change[i] = steps[chosen]
        left = rest[chosen, column]
    return change


def _at(bound: int | ndarray, row: int) -> "int | ndarray":
    return bound[row] if isinstance(bound, ndarray) else bound

"""The trellis form of the phase extractor: overlapping kernels, embedded by the Viterbi algorithm.

A block is w elements and carries one symbol of two bits. Its elements also enter the symbols of the
next h - 1 blocks: the reading is a strided convolution, kernel h blocks, stride one block,

    symbol[b] = sum over i < h, p < w of taps[p, i] * u[b - i, p]   mod 4

so a change can be chosen for what it does to h symbols at once. The cheapest changes of a whole run
are found exactly, by dynamic programming over the 4**h partial sums of the h symbols under way.
This is nearer to the bound than windows of their own at a twentieth to a whole bit per element,
nearer still where elements are at the end of their range, and a hundred times slower.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from ..core.cover import Costs
from ..core.rung import Rung
from .prices import energy

RUN = 16_384
"""Elements of a run, at least: the convolution starts anew with each run, so that runs can be
solved side by side."""
SIDE_BY_SIDE = 16
"""Runs that are solved in the same steps, at most: 270 MB of choices at 1,024 states."""
_FAR = np.float32(1e30)
"""No way. A path of the dearest prices that `prices.settled` gives stays far below it."""


class Steps(NamedTuple):
    """Tables over the states of one rung.

    A state is h digits modulo 4; that of the block under way is the lowest.
    """

    before: Int[ndarray, "element change state"]
    """The state that a change (0 to 3, modulo 4) of an element led from."""
    both: bool
    """Whether changes of two steps are worth considering everywhere.

    Otherwise only at the start and where a step is dear.
    """


def runs(blocks: int, width: int) -> Iterator[slice]:
    """The blocks of each run of a tile.

    A run has as many as 16,384 elements hold, and the last run takes the rest.
    """
    size = max(1, RUN // width)
    number = max(1, blocks // size)
    for index in range(number):
        yield slice(index * size, blocks if index == number - 1 else (index + 1) * size)


def read_symbols(blocks: Int[ndarray, "block element"], rung: Rung) -> Int[ndarray, " block"]:
    """The symbol (0 to 3) of each block of a tile.

    Integer overflow wraps, which changes nothing modulo 4.
    """
    parts = (blocks & 3) @ rung.kernel.astype(blocks.dtype)  # block, delay
    symbols = np.zeros(len(blocks), np.int64)
    for run in runs(len(blocks), rung.elements):
        for delay in range(rung.span):
            symbols[run][delay:] += parts[run][: max(0, len(parts[run]) - delay), delay]
    return symbols & 3


class Part(NamedTuple):
    """Blocks that runs lie in, the symbols they must read, and their ranges."""

    blocks: Int[ndarray, "block element"]
    low: int | Int[ndarray, "block element"]
    high: int | Int[ndarray, "block element"]
    symbols: Int[ndarray, " block"]
    rng: Generator
    """Breaks ties."""
    costs: Costs | None = None


def project(
    blocks: Int[ndarray, "block element"],
    low: int | Int[ndarray, "block element"],
    high: int | Int[ndarray, "block element"],
    symbols: Int[ndarray, " block"],
    rung: Rung,
    rng: Generator,
    costs: Costs | None = None,
) -> Int[ndarray, "block element"]:
    """The nearest blocks (with costs: the cheapest) that read `symbols` within [low, high].

    Ties are broken with `rng`. A run that cannot reach its symbols (its range is too narrow, or too
    few costs are finite) keeps its codes.
    """
    return project_all([Part(blocks, low, high, symbols, rng, costs)], rung)[0]


def project_all(parts: Sequence[Part], rung: Rung) -> list[Int[ndarray, "block element"]]:
    """`project` of several tiles.

    Their runs go side by side: a step of many takes little longer than of one.
    """
    wanted = [(part.symbols - read_symbols(part.blocks, rung)) & 3 for part in parts]
    priced = [_prices(part.blocks, part.low, part.high, part.rng, part.costs) for part in parts]
    changes = [np.zeros(part.blocks.shape, np.int64) for part in parts]
    by_length: dict[tuple[int, bool], list[tuple[int, slice]]] = {}
    for number, part in enumerate(parts):
        for run in runs(len(part.blocks), rung.elements):
            kind = run.stop - run.start, part.costs is not None
            by_length.setdefault(kind, []).append((number, run))
    for (_, adaptive), alike in by_length.items():
        for first in range(0, len(alike), SIDE_BY_SIDE):
            some = alike[first : first + SIDE_BY_SIDE]
            found = _viterbi(
                np.stack([wanted[number][run] for number, run in some]),
                np.stack([priced[number][1][run] for number, run in some]).reshape(
                    len(some), -1, 4
                ),
                rung,
                adaptive,
            )
            for (number, run), residues in zip(some, found, strict=True):
                changes[number][run] = residues.reshape(-1, rung.elements)
    return [
        part.blocks + np.take_along_axis(steps, change[..., None], axis=2)[..., 0]
        for part, (steps, _), change in zip(parts, priced, changes, strict=True)
    ]


def _prices(
    blocks: Int[ndarray, "block element"],
    low: int | Int[ndarray, "block element"],
    high: int | Int[ndarray, "block element"],
    rng: Generator,
    costs: Costs | None,
) -> tuple[Int[ndarray, "block element 4"], Float[ndarray, "block element 4"]]:
    """The cheapest allowed change for each element and residue modulo 4, and its price.

    The price has a little noise for ties. It is the square of the change; with costs, its fourth
    power times that of one step.
    """
    wide = blocks.astype(np.int64)
    down, up = wide - low, high - wide
    rising = np.array([0, 1, 2, 3])
    falling = np.array([0, -3, -2, -1])
    noise = rng.random((2, *wide.shape, 4), np.float32) * np.float32(1e-3)
    noise[..., 0] = 0
    if costs is None:
        upward, downward = rising**2 + noise[0], falling**2 + noise[1]
    else:
        wet = (np.minimum(side[..., None], _FAR) for side in (costs.up, costs.down))
        upward, downward = (
            side * (energy(size) + part)
            for side, size, part in zip(wet, (rising, -falling), noise, strict=True)
        )
    upward = np.where(rising <= up[..., None], upward, _FAR).astype(np.float32)
    downward = np.where(-falling <= down[..., None], downward, _FAR).astype(np.float32)
    rise = upward <= downward
    steps = np.where(rise, rising, falling).astype(blocks.dtype)
    return steps, np.where(rise, upward, downward)


@lru_cache(maxsize=32)
def tables(rung: Rung) -> Steps:
    """The tables of a rung, built once per process."""
    states = np.arange(4**rung.span)
    place = 4 ** np.arange(rung.span)
    digits = states[:, None] // place % 4
    changes = np.arange(4)[:, None, None]
    before = [((digits - changes * column) % 4) @ place for column in rung.kernel]
    return Steps(np.array(before), rung.elements <= 4)


def _viterbi(
    wanted: Int[ndarray, "run block"],
    costs: Float[ndarray, "run element 4"],
    rung: Rung,
    adaptive: bool,
) -> UInt8[ndarray, "run element"]:
    """The residues modulo 4 of the cheapest changes whose convolution is `wanted`.

    Zeros for a run that has none.
    """
    before, both = tables(rung)
    number, blocks = wanted.shape
    states = before.shape[2]
    run, width = np.arange(number), rung.elements
    # An element at the end of its range, say, may take two steps.
    two = ((costs[..., 2] < costs[..., 1::2].max(axis=2)) & (costs[..., 2] < _FAR)).any(axis=0)
    two |= both and not adaptive
    if adaptive:
        two[: rung.span * width] = True  # the first blocks have few elements to choose from
    # Runs are the last axis: looking up a state copies a row, and every step is on long vectors.
    price = np.ascontiguousarray(costs.transpose(1, 2, 0))  # element, residue, run
    chosen = np.empty((blocks * width, states, number), np.uint8)
    best = np.full((states, number), _FAR, costs.dtype)
    best[0] = 0
    one, three, other = (np.empty_like(best) for _ in range(3))
    less = np.empty(best.shape, bool)
    at = 0
    for block in range(blocks):
        for p in range(width):
            _, back1, back2, back3 = before[p]
            best.take(back1, 0, one, "clip")
            best.take(back3, 0, three, "clip")
            one += price[at, 1]
            three += price[at, 3]
            take = chosen[at]
            np.less(three, one, out=less)
            np.left_shift(less.view(np.uint8), 1, out=take)
            take += 1
            np.minimum(one, three, out=one)
            if two[at]:
                best.take(back2, 0, other, "clip")
                other += price[at, 2]
                np.less(other, one, out=less)
                take[less] = 2
                np.minimum(one, other, out=one)
            np.less(one, best, out=less)
            take *= less.view(np.uint8)
            np.minimum(best, one, out=best)
            at += 1
        kept = best.reshape(-1, 4, number)[:, wanted[:, block], run]
        best.fill(_FAR)
        least = kept.min(axis=0)
        best[: states // 4] = np.where(kept < _FAR / 2, kept - least, _FAR)  # no way stays none
    state, stuck = best.argmin(axis=0), best.min(axis=0) >= _FAR / 2
    change = np.zeros((number, blocks * width), np.uint8)
    for block in reversed(range(blocks)):
        state = (4 * state + wanted[:, block]) % states  # a run without a way may stand anywhere
        for p in reversed(range(width)):
            at -= 1
            change[:, at] = residue = chosen[at, state, run]
            state = before[p, residue, state]
    change[stuck | (state != 0)] = 0
    return change

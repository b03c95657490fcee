"""The trellis form of the phase extractor: overlapping kernels with taps modulo 4, embedded by the Viterbi algorithm.

A block is w samples and carries one symbol of two bits. Its samples also enter the symbols of the next h - 1
blocks: the reading is a strided convolution, kernel h blocks, stride one block,

    symbol[b] = sum over i < h, p < w of taps[p, i] * u[b - i, p]   mod 4

so a change can be chosen for what it does to h symbols at once. The cheapest changes of a whole run are found
exactly, by dynamic programming over the 4**h partial sums of the h symbols under way. Nearer the bound than windows
of their own at a twentieth to a whole bit per sample, nearer still where samples stand at the end of their range, and
a hundred times slower.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from .adaptive import energy
from .cover import Costs
from .ladder import Rung

RUN = 16_384
"""Samples of a run, at least: the convolution starts anew with each run, so that runs can be solved side by side."""
_FAR = np.float32(1e9)


class Steps(NamedTuple):
    """Tables over the states of one rung; a state is h digits modulo 4, that of the block under way lowest."""

    before: Int[ndarray, "sample change state"]
    """The state that a change (0 to 3, modulo 4) of a sample led from."""
    both: bool
    """Whether changes of two steps are worth considering everywhere, not only at the start and where a step is dear."""


def runs(blocks: int, width: int) -> Iterator[slice]:
    """Blocks of each run of a tile: as many as 16,384 samples hold, and the last run takes the rest."""
    size = max(1, RUN // width)
    number = max(1, blocks // size)
    for index in range(number):
        yield slice(index * size, blocks if index == number - 1 else (index + 1) * size)


def read_symbols(blocks: Int[ndarray, "block sample"], rung: Rung) -> Int[ndarray, " block"]:
    """The symbol (0 to 3) of each block of a tile. Integer overflow wraps, which changes nothing modulo 4."""
    parts = (blocks & 3) @ rung.kernel.astype(blocks.dtype)  # block, delay
    symbols = np.zeros(len(blocks), np.int64)
    for run in runs(len(blocks), rung.samples):
        for delay in range(rung.span):
            symbols[run][delay:] += parts[run][: max(0, len(parts[run]) - delay), delay]
    return symbols & 3


def project(
    blocks: Int[ndarray, "block sample"],
    low: int | Int[ndarray, "block sample"],
    high: int | Int[ndarray, "block sample"],
    symbols: Int[ndarray, " block"],
    rung: Rung,
    rng: Generator,
    costs: Costs | None = None,
) -> Int[ndarray, "block sample"]:
    """The nearest blocks (with costs: the cheapest) that read `symbols` and stay within [low, high].

    Ties are broken with `rng`. A run that cannot reach its symbols (its range is too narrow, or finite costs are too
    few) keeps its codes.
    """
    wanted = (symbols - read_symbols(blocks, rung)) & 3
    steps, prices = _prices(blocks, low, high, rng, costs)
    change = np.zeros(blocks.shape, np.int64)
    by_length: dict[int, list[slice]] = {}
    for run in runs(len(blocks), rung.samples):
        by_length.setdefault(run.stop - run.start, []).append(run)
    for alike in by_length.values():
        found = _viterbi(
            np.stack([wanted[run] for run in alike]),
            np.stack([prices[run] for run in alike]).reshape(len(alike), -1, 4),
            rung,
            costs is not None,
        )
        for run, residues in zip(alike, found, strict=True):
            change[run] = residues.reshape(-1, rung.samples)
    return blocks + np.take_along_axis(steps, change[..., None], axis=2)[..., 0]


def _prices(
    blocks: Int[ndarray, "block sample"],
    low: int | Int[ndarray, "block sample"],
    high: int | Int[ndarray, "block sample"],
    rng: Generator,
    costs: Costs | None,
) -> tuple[Int[ndarray, "block sample 4"], Float[ndarray, "block sample 4"]]:
    """For each sample and residue modulo 4: the cheapest allowed change, and its price with a little noise for ties.

    The price is the square of the change; with costs, its fourth power times that of one step.
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
    return Steps(np.array(before), rung.samples <= 4)


def _viterbi(
    wanted: Int[ndarray, "run block"],
    costs: Float[ndarray, "run sample 4"],
    rung: Rung,
    adaptive: bool,
) -> UInt8[ndarray, "run sample"]:
    """The residues modulo 4 of the cheapest changes whose convolution is `wanted`; zeros for a run that has none."""
    before, both = tables(rung)
    number, blocks = wanted.shape
    states = before.shape[2]
    run, width = np.arange(number), rung.samples
    # At the end of its range, say, a sample may take two steps.
    two = ((costs[..., 2] < costs[..., 1::2].max(axis=2)) & (costs[..., 2] < _FAR)).any(axis=0)
    two |= both and not adaptive
    if adaptive:
        two[: rung.span * width] = True  # the first blocks have few samples to choose from
    price = np.ascontiguousarray(costs.transpose(1, 2, 0))[..., None]  # sample, residue, run, 1
    chosen = np.empty((blocks * width, number, states), np.uint8)
    best = np.full((number, states), _FAR, costs.dtype)
    best[:, 0] = 0
    one, three, other = (np.empty_like(best) for _ in range(3))
    less = np.empty(best.shape, bool)
    at = 0
    for block in range(blocks):
        for p in range(width):
            _, back1, back2, back3 = before[p]
            best.take(back1, 1, one, "clip")
            best.take(back3, 1, three, "clip")
            one += price[at, 1]
            three += price[at, 3]
            take = chosen[at]
            np.less(three, one, out=less)
            np.multiply(less, 2, out=take, casting="unsafe")
            take += 1
            np.minimum(one, three, out=one)
            if two[at]:
                best.take(back2, 1, other, "clip")
                other += price[at, 2]
                np.less(other, one, out=less)
                take[less] = 2
                np.minimum(one, other, out=one)
            np.less(one, best, out=less)
            take *= less
            np.minimum(best, one, out=best)
            at += 1
        kept = best.reshape(number, -1, 4)[run, :, wanted[:, block]]
        best.fill(_FAR)
        least = kept.min(axis=1, keepdims=True)
        best[:, : states // 4] = np.where(kept < _FAR / 2, kept - least, _FAR)  # no way stays none
    state, stuck = best.argmin(axis=1), best.min(axis=1) >= _FAR / 2
    change = np.zeros((number, blocks * width), np.uint8)
    for block in reversed(range(blocks)):
        state = (4 * state + wanted[:, block]) % states  # a run without a way may stand anywhere
        for p in reversed(range(width)):
            at -= 1
            change[:, at] = residue = chosen[at, run, state]
            state = before[p, residue, state]
    change[stuck | (state != 0)] = 0
    return change

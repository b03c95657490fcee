"""The block form where changes have costs: for each window the cheapest change that reads its symbol.

Long windows (taps 1 to n, 2n phases) take one step or two: every pair of steps that adds up is looked at. Shorter
ones take a dynamic programme over the residues of their samples, with steps of up to two.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator

from .adaptive import STEPS, energy
from .cover import Costs
from .ladder import Rung
from .window import LONGEST_TABLED, read_symbols

_STEPS = np.array(STEPS)
_CELLS = 1 << 24
"""Entries of the table of a programme, one byte each."""


def project(
    windows: Int[ndarray, "window sample"],
    low: int | Int[ndarray, "window sample"],
    high: int | Int[ndarray, "window sample"],
    symbols: Int[ndarray, " window"],
    rung: Rung,
    rng: Generator,
    costs: Costs,
) -> Int[ndarray, "window sample"]:
    """The cheapest windows that read `symbols` and stay within [low, high]; ties are broken with `rng`.

    A window that has no way at a finite cost keeps its codes.
    """
    wanted = (symbols - read_symbols(windows, rung)) & (rung.phases - 1)
    down, up = (
        np.where(
            open_, side * (1 + rng.random(windows.shape, np.float32) * np.float32(1e-3)), np.inf
        )
        for open_, side in ((windows > low, costs.down), (windows < high, costs.up))
    )
    if rung.samples > LONGEST_TABLED:
        return windows + _pairs(wanted, down, up)
    wide = windows.astype(np.int64)
    barred = np.stack([(wide + step < low) | (wide + step > high) for step in _STEPS])
    sizes = energy(np.abs(_STEPS))
    change, size = np.zeros(windows.shape, np.int64), max(1, _CELLS // (rung.samples * rung.phases))
    for start in range(0, len(windows), size):
        part = slice(start, start + size)
        prices = [
            np.where(barred[j, part], np.inf, sizes[j] * (up if _STEPS[j] > 0 else down)[part])
            for j in range(1, len(_STEPS))
        ]
        change[part] = _programme(wanted[part], np.stack(prices).astype(np.float32), rung)
    return windows + change


def _pairs(
    wanted: Int[ndarray, " window"],
    down: Float[ndarray, "window sample"],
    up: Float[ndarray, "window sample"],
) -> Int[ndarray, "window sample"]:
    """The cheapest step, or pair of steps of two samples, that moves the residue by `wanted`."""
    number, length = up.shape
    phases, rows = 2 * length, np.arange(number)
    single = np.zeros((number, phases), np.float32)  # what moving the residue by r costs
    single[:, 1 : length + 1] = up
    single[:, length] = np.minimum(up[:, -1], down[:, -1])  # half a turn, either way
    single[:, length + 1 :] = down[:, -2::-1]
    first = np.arange(phases)
    second = (wanted[:, None] - first) & (phases - 1)
    total = single + np.take_along_axis(single, second, axis=1)
    total[first == second] = np.inf  # two steps of one sample
    total[wanted == 0, 0] = 0
    one = total.argmin(axis=1)
    found = np.isfinite(total[rows, one])
    change = np.zeros(up.shape, np.int64)
    for move in (one, (wanted - one) & (phases - 1)):
        used = np.flatnonzero(found & (move > 0))
        residue = move[used]
        sample = np.minimum(residue, phases - residue) - 1
        rising = np.where(residue == length, up[used, -1] <= down[used, -1], residue < length)
        change[used, sample] += np.where(rising, 1, -1)
    return change


def _programme(
    wanted: Int[ndarray, " window"], prices: Float[ndarray, "move window sample"], rung: Rung
) -> Int[ndarray, "window sample"]:
    """The cheapest changes of windows; zeros where there are none."""
    number, phases = wanted.size, rung.phases
    best = np.full((phases, number), np.inf, np.float32)
    best[0] = 0
    chosen = np.zeros((rung.samples, phases, number), np.int8)
    for i, tap in enumerate(rung.taps):
        after, take = best.copy(), chosen[i]
        for j, step in enumerate(_STEPS[1:]):
            turn = int(step * tap) & (phases - 1)
            moved = np.roll(best, turn, axis=0)
            moved += prices[j, :, i]
            less = moved < after
            take[less] = j + 1
            np.minimum(after, moved, out=after)
        best = after
    change, residue, rows = np.zeros((number, rung.samples), np.int64), wanted, np.arange(number)
    found = np.isfinite(best[wanted, rows])
    for i in reversed(range(rung.samples)):
        step = _STEPS[chosen[i, residue, rows]]
        change[:, i] = step
        residue = (residue - step * rung.taps[i]) & (phases - 1)
    change[~found] = 0
    return change

"""The block form where changes have costs: the cheapest change of each window for its symbol.

Windows with the taps 1 to n look at every pair of steps that adds up. The few that may do better
with three steps, or with a step of two, and windows with other taps use a dynamic programme over
the residues of their elements.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.lib.stride_tricks import sliding_window_view
from numpy.random import Generator

from ..core.cover import Costs
from ..core.rung import Rung
from .block import LONGEST_TABLED, read_symbols
from .prices import energy

_CELLS = 1 << 17
"""Residues times windows that are processed together: what fits into a core's cache."""

Prices = dict[int, Float[ndarray, "window element"]]
"""The cost of each step."""


def project(
    windows: Int[ndarray, "window element"],
    low: int | Int[ndarray, "window element"],
    high: int | Int[ndarray, "window element"],
    symbols: Int[ndarray, " window"],
    rung: Rung,
    rng: Generator,
    costs: Costs,
) -> Int[ndarray, "window element"]:
    """The cheapest windows that read `symbols` and stay within [low, high].

    Ties are broken with `rng`. A window that has no way at a finite cost keeps its codes. Windows
    of more than 128 elements take two steps at most.
    """
    wanted = (symbols - read_symbols(windows, rung)) & (rung.phases - 1)
    low, high = (np.broadcast_to(end, windows.shape) for end in (low, high))
    once = {
        step: np.where(
            inside, side * (1 + rng.random(windows.shape, np.float32) * np.float32(1e-3)), np.inf
        )
        for step, inside, side in ((-1, windows > low, costs.down), (1, windows < high, costs.up))
    }
    change, open_ = np.zeros(windows.shape, np.int8), np.ones(len(windows), bool)
    if not rung.listed:
        for part in _parts(len(windows), rung):
            here = {step: price[part] for step, price in once.items()}
            change[part], paid = _pairs(wanted[part], here, rung)
            open_[part] = rung.elements <= LONGEST_TABLED and paid > _least_otherwise(here)
    rest = np.flatnonzero(open_)
    for part in _parts(rest.size, rung):
        at = rest[part]
        wide = windows[at].astype(np.int64)
        inside = {-2: wide - 2 >= low[at], 2: wide + 2 <= high[at]}
        here = {step: price[at] for step, price in once.items()}
        here |= {
            2 * step: np.where(inside[2 * step], price * np.float32(energy(2)), np.inf)
            for step, price in here.items()
        }
        change[at] = _programme(wanted[at], here, rung)
    return windows + change


def _parts(number: int, rung: Rung) -> Iterator[slice]:
    """So many windows, in slices that are processed together."""
    size = max(1, _CELLS // rung.phases)
    return (slice(start, start + size) for start in range(0, number, size))


def _pairs(
    wanted: Int[ndarray, " window"], once: Prices, rung: Rung
) -> tuple[Int[ndarray, "window element"], Float[ndarray, " window"]]:
    """The cheapest step, or pair of steps of two elements, for each window, and its cost.

    It moves the residue by `wanted`.
    """
    (number, length), phases, rows = once[1].shape, rung.phases, np.arange(wanted.size)
    moves = np.full((number, phases), np.inf, np.float32)  # the cost of moving the residue
    moves[:, 0] = 0
    moves[:, 1 : length + 1] = once[1]
    falling = moves[:, phases - length :]
    np.minimum(falling, once[-1][:, ::-1], out=falling)  # half a turn goes either way
    # The other move goes down where the first goes up: a stretch of the moves in reverse.
    reverse = np.empty((number, 2 * phases), np.float32)
    reverse[:, :phases] = moves[:, ::-1]
    reverse[:, phases:] = reverse[:, :phases]
    total = moves + sliding_window_view(reverse, phases, axis=1)[rows, phases - 1 - wanted]
    even = np.flatnonzero((wanted & 1 == 0) & (wanted > 0))
    for half in (wanted[even] // 2, (wanted[even] + phases) // 2):
        total[even, half] = np.inf  # two steps of one element
    first = total.argmin(axis=1)
    paid = total[rows, first]
    change = np.zeros((number, length), np.int8)
    for move in (first, (wanted - first) & (phases - 1)):
        used = np.flatnonzero(np.isfinite(paid) & (move > 0))
        turn = move[used]
        element = np.minimum(turn, phases - turn) - 1
        rising = once[1][used, element] == moves[used, turn]
        change[used, element] += np.where(rising & (2 * turn <= phases), 1, -1)
    return change, paid


def _least_otherwise(once: Prices) -> Float[ndarray, " window"]:
    """The least cost of any change that is not a pair of steps: three steps, or one of two."""
    cheapest = np.sort(np.minimum(once[-1], once[1]), axis=1)
    return np.minimum(cheapest[:, :3].sum(axis=1), energy(2) * cheapest[:, 0])


def _programme(
    wanted: Int[ndarray, " window"], prices: Prices, rung: Rung
) -> Int[ndarray, "window element"]:
    """The cheapest changes of windows by the steps that have prices; zeros where there are none."""
    number, phases = wanted.size, rung.phases
    # best[i, r]: the least price of moving the residue by r with the first i elements
    best = np.empty((rung.elements + 1, phases, number), np.float32)
    best[0], best[0, 0] = np.inf, 0
    moved = np.empty((phases, number), np.float32)
    columns = {step: price.T.copy() for step, price in prices.items()}
    for i, tap in enumerate(rung.taps):
        before, after = best[i], best[i + 1]
        least = before
        for step, price in columns.items():
            turn = int(step * tap) & (phases - 1)
            np.add(before[phases - turn :], price[i], out=moved[:turn])
            np.add(before[: phases - turn], price[i], out=moved[turn:])
            least = np.minimum(least, moved, out=after)
    # Back from the end: the step that led to a price is the one that leads to it again.
    rows, residue, steps = np.arange(number), wanted, np.array([0, *prices])
    change, found = np.zeros((number, rung.elements), np.int8), np.isfinite(best[-1, wanted, rows])
    for i in reversed(range(rung.elements)):
        reached = best[i, (residue - steps[:, None] * rung.taps[i]) & (phases - 1), rows]
        for reach, price in zip(reached[1:], columns.values(), strict=True):
            reach += price[i]
        step = steps[reached.argmin(axis=0)]
        change[:, i] = step
        residue = (residue - step * rung.taps[i]) & (phases - 1)
    change[~found] = 0
    return change

"""The block form of the phase extractor: windows of n elements that carry k bits.

The bits are sum(w * u) mod 2**k. Reading is exact integer arithmetic. Embedding reaches every
residue by a change of least energy (least sum of squared steps), found once per rung by dynamic
programming over the taps and kept in a table. No window is searched for, except where elements at
the end of their range forbid every tabulated change.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Int, Int8, Integer
from numpy import ndarray
from numpy.random import Generator

from ..core.rung import Rung

_TIES = 16  # equally good changes kept per residue
LONGEST_TABLED = 128
_PASS_BYTES = 1 << 24
_NEVER = 9_999  # an energy that no change has; twice this fits into int16
_BYTE_NEVER, _BYTE_REACH = (
    120,
    4,
)  # the same for bytes, where steps are so small that nothing comes near


def read_symbols(windows: Int[ndarray, "window element"], rung: Rung) -> Int[ndarray, " window"]:
    """The symbol (0 to 2**k - 1) of each window.

    Integer overflow wraps, which changes nothing modulo 2**k.
    """
    return (windows @ rung.taps.astype(windows.dtype)).astype(np.int64) & (rung.phases - 1)


def project(
    windows: Int[ndarray, "window element"],
    low: int | Int[ndarray, "window element"],
    high: int | Int[ndarray, "window element"],
    symbols: Int[ndarray, " window"],
    rung: Rung,
    rng: Generator,
) -> Int[ndarray, "window element"]:
    """The nearest windows that read `symbols` and stay within [low, high].

    Among equally near ones it chooses with `rng`, symmetrically in sign, so that embedding shifts
    no mean. A window that cannot reach its symbol (its range is too narrow) keeps its codes.
    """
    wanted = (symbols - read_symbols(windows, rung)) & (rung.phases - 1)
    sign = rng.integers(0, 2, wanted.size, dtype=np.int8) * np.int8(2) - np.int8(1)
    change = programme(rung).changes(wanted, sign, windows, low, high, rng)
    return windows + change


def reach(rung: Rung) -> int:
    """The steps that one element may take, at most."""
    if rung.elements > LONGEST_TABLED:
        return 1
    return min(2 * int(np.ceil(2 ** (rung.bits / rung.elements))), rung.phases - 1)


@lru_cache(maxsize=32)
def programme(rung: Rung) -> "Table | Ruler":
    """The least-energy programme of a rung, built once per process."""
    return Table(rung) if rung.elements <= LONGEST_TABLED else Ruler(rung)


class Table:
    """Least-energy changes for windows of up to 128 elements, by dynamic programming over the taps.

    `counts[i, e, r]` is the number of changes of the first i elements that have energy e and move
    the residue by r; changes are listed by unranking it, in order of energy.
    """

    def __init__(self, rung: Rung) -> None:
        self.taps, self.phases = rung.taps, rung.phases
        self.reach = reach(rung)
        self.leaders, energy = self._list(_TIES)
        self.ties = (energy == energy[:, :1]).sum(axis=1)

    def changes(
        self,
        wanted: Int[ndarray, " window"],
        sign: Int8[ndarray, " window"],
        windows: Int[ndarray, "window element"],
        low: int | Int[ndarray, "window element"],
        high: int | Int[ndarray, "window element"],
        rng: Generator,
    ) -> Int8[ndarray, "window element"]:
        """A change of least energy per window that moves its residue by `wanted`."""
        turned = np.where(sign > 0, wanted, -wanted & (self.phases - 1))
        chosen = (rng.random(wanted.size) * self.ties[turned]).astype(np.intp)
        change = self.leaders[turned, chosen] * sign[:, None]
        moved = windows + change
        stuck = np.flatnonzero(((moved < low) | (moved > high)).any(axis=1))
        for start in range(0, stuck.size, 4096):
            part = stuck[start : start + 4096]
            down, up = _room(windows[part], _rows(low, part), _rows(high, part), self.reach)
            change[part] = self._detours(wanted[part], turned[part], sign[part], down, up, rng)
        return change

    def _detours(
        self,
        wanted: Int[ndarray, " window"],
        turned: Int[ndarray, " window"],
        sign: Int8[ndarray, " window"],
        down: Int8[ndarray, "window element"],
        up: Int8[ndarray, "window element"],
        rng: Generator,
    ) -> Int8[ndarray, "window element"]:
        """Another leader where the range allows one, else the restricted programme.

        That is restricted to the allowed moves.
        """
        trial = self.leaders[turned] * sign[:, None, None]
        allowed = ((trial >= -down[:, None]) & (trial <= up[:, None])).all(axis=2)
        allowed &= np.arange(_TIES) < self.ties[turned][:, None]
        best = np.where(allowed, rng.random(allowed.shape), -1).argmax(axis=1)
        change = trial[np.arange(best.size), best]
        hard = np.flatnonzero(~allowed.any(axis=1))
        size = max(1, _PASS_BYTES // (2 * self.phases * (self.taps.size + 1)))
        for start in range(0, hard.size, size):
            part = hard[start : start + size]
            change[part] = self._cheapest(wanted[part], down[part], up[part], rng)
        return change

    def _cheapest(
        self,
        wanted: Int[ndarray, " window"],
        down: Int8[ndarray, "window element"],
        up: Int8[ndarray, "window element"],
        rng: Generator,
    ) -> Int8[ndarray, "window element"]:
        """The least-energy change of each window within its room; zero where there is none.

        Half the reach is tried first. If it finds less energy than a longer step takes, that is the
        least.
        """
        half = (self.reach + 1) // 2
        change, energy = self._restricted(wanted, down, up, half, rng)
        rest = np.flatnonzero(energy >= (half + 1) ** 2)
        if rest.size and half < self.reach:
            change[rest], _ = self._restricted(wanted[rest], down[rest], up[rest], self.reach, rng)
        return change

    def _restricted(
        self,
        wanted: Int[ndarray, " window"],
        down: Int8[ndarray, "window element"],
        up: Int8[ndarray, "window element"],
        reach: int,
        rng: Generator,
    ) -> tuple[Int8[ndarray, "window element"], Integer[ndarray, " window"]]:
        """The least-energy change of each window by steps of up to `reach`, and its energy.

        Zero where there is none. A dynamic programme over residues, all windows at once, in bytes
        where energies are small: most of its time goes into moving memory.
        """
        narrow = reach <= _BYTE_REACH
        kind, never = (np.uint8, _BYTE_NEVER) if narrow else (np.int16, _NEVER)
        steps = np.array(sorted(range(-reach, reach + 1), key=abs))
        barred = (steps[:, None, None] < -down) | (
            steps[:, None, None] > up
        )  # step, window, element
        price = np.where(barred, never, (steps * steps)[:, None, None]).astype(kind)
        elements, phases = self.taps.size, self.phases
        best = np.empty((elements + 1, wanted.size, phases), kind)
        best[0] = never
        best[0, :, 0] = 0
        moved = np.empty_like(best[0])
        for i, tap in enumerate(self.taps):
            old, new = best[i], best[i + 1]
            new[:] = old
            for j in range(1, steps.size):
                if barred[j, :, i].all():
                    continue
                shift, cost = int(steps[j] * tap) & (phases - 1), price[j, :, i, None]
                np.add(old[:, : phases - shift], cost, out=moved[:, shift:])
                np.add(old[:, phases - shift :], cost, out=moved[:, :shift])
                np.minimum(new, moved, out=new)
        row = np.arange(wanted.size)
        energy, residue = best[-1, row, wanted], wanted.copy()
        change = np.zeros((wanted.size, elements), np.int8)
        for i in reversed(range(elements)):
            before = (residue - np.multiply.outer(steps, self.taps[i])[:, None]) & (phases - 1)
            cost = best[i, row, before] + price[:, :, i]
            step = steps[(cost + rng.random(cost.shape)).argmin(axis=0)]
            change[:, i] = step
            residue = (residue - step * self.taps[i]) & (phases - 1)
        change[energy >= never] = 0
        return change, energy

    def _list(
        self, length: int
    ) -> tuple[Int8[ndarray, "residue leader element"], Int[ndarray, "residue leader"]]:
        """The first `length` changes of every residue by energy, and their energies.

        The last energy is sampled evenly.
        """
        limit = 4
        counts = self._counts(limit)
        while (counts[-1].sum(axis=0) < length).any() and limit < 4 * self.reach**2:
            limit += 2 if limit < 16 else limit // 2
            counts = self._counts(limit)
        half = np.arange(self.phases // 2 + 1)  # the changes of -r are those of r, negated
        number = counts[-1][:, half]  # energy, residue
        ends = np.cumsum(number, axis=0)
        place = np.arange(length)[:, None]
        energy = (place[:, None] >= ends).sum(axis=1)  # leader, residue
        found = energy <= limit
        level = np.minimum(energy, limit)
        start = ends[level, half] - number[level, half]
        kept = np.minimum(number[level, half], np.maximum(length - start, 1))
        rank = (place - start) * number[level, half] // np.maximum(kept, 1)
        changes = np.zeros((length, self.phases, self.taps.size), np.int8)
        residue = np.broadcast_to(half, energy.shape)
        listed = np.zeros((*energy.shape, self.taps.size), np.int8)
        listed[found] = self._unrank(counts, residue[found], level[found], rank[found])
        changes[:, half] = listed
        changes[:, -half[1:-1]] = -listed[:, 1:-1]
        whole = np.full((length, self.phases), _NEVER)
        whole[:, half] = np.where(found, energy, _NEVER)
        whole[:, -half[1:-1]] = whole[:, half[1:-1]]
        return np.ascontiguousarray(changes.transpose(1, 0, 2)), np.ascontiguousarray(whole.T)

    def _counts(self, limit: int) -> Int[ndarray, "prefix energy residue"]:
        counts = np.zeros((self.taps.size + 1, limit + 1, self.phases), np.int64)
        counts[0, 0, 0] = 1
        for i, tap in enumerate(self.taps):
            counts[i + 1] = counts[i]
            for step in range(1, int(limit**0.5) + 1):
                for move in (step, -step):
                    moved = np.roll(counts[i, : limit + 1 - step * step], int(move * tap), axis=1)
                    counts[i + 1, step * step :] += moved
        return counts

    def _unrank(
        self,
        counts: Int[ndarray, "prefix energy residue"],
        residue: Int[ndarray, " item"],
        energy: Int[ndarray, " item"],
        rank: Int[ndarray, " item"],
    ) -> Int8[ndarray, "item element"]:
        residue, energy, rank = residue.copy(), energy.copy(), rank.copy()
        changes = np.zeros((residue.size, self.taps.size), np.int8)
        most = int(energy.max(initial=0) ** 0.5)
        for i in reversed(range(self.taps.size)):
            open_, step = np.ones(residue.size, bool), np.zeros(residue.size, np.int64)
            for move in sorted(range(-most, most + 1), key=abs):
                left = energy - move * move
                there = (residue - move * self.taps[i]) & (self.phases - 1)
                number = np.where(left >= 0, counts[i, np.maximum(left, 0), there], 0)
                take = open_ & (rank < number)
                step[take] = move
                open_ &= ~take
                rank -= np.where(open_, number, 0)
            changes[:, i] = step
            residue = (residue - step * self.taps[i]) & (self.phases - 1)
            energy = energy - step * step
        return changes


class Ruler:
    """Long windows with the taps 1..n and 2n phases.

    One step of one element reaches any residue, without a table.
    """

    def __init__(self, rung: Rung) -> None:
        self.phases = rung.phases

    def changes(
        self,
        wanted: Int[ndarray, " window"],
        sign: Int8[ndarray, " window"],
        windows: Int[ndarray, "window element"],
        low: int | Int[ndarray, "window element"],
        high: int | Int[ndarray, "window element"],
        rng: Generator,
    ) -> Int8[ndarray, "window element"]:
        """One step of one element, or two of two elements where the range forbids the one."""
        change = np.zeros(windows.shape, np.int8)
        step = np.where(
            wanted == self.phases // 2, sign, np.where(wanted < self.phases // 2, 1, -1)
        )
        rows = np.flatnonzero(wanted)
        change[rows, self._element(wanted[rows])] = step[rows]
        moved = windows + change
        stuck = np.flatnonzero(((moved < low) | (moved > high)).any(axis=1))
        change[stuck] = 0
        for start in range(0, stuck.size, 256):
            part = stuck[start : start + 256]
            down, up = _room(windows[part], _rows(low, part), _rows(high, part), 1)
            self._detours(change, part, wanted[part], down > 0, up > 0, rng)
        return change

    def _detours(
        self,
        change: Int8[ndarray, "window element"],
        rows: Int[ndarray, " stuck"],
        wanted: Int[ndarray, " stuck"],
        down: Bool[ndarray, "stuck element"],
        up: Bool[ndarray, "stuck element"],
        rng: Generator,
    ) -> None:
        """Fill in a random allowed pair of steps that moves the residue by `wanted`, if any."""
        here, half = np.arange(rows.size)[:, None], self.phases // 2
        can = np.zeros(
            (rows.size, self.phases), bool
        )  # can[v]: some single step moves the residue by v
        can[:, 1 : half + 1] = up
        can[:, half:] |= down[:, ::-1]
        first = np.arange(self.phases)
        second = (wanted[:, None] - first) & (self.phases - 1)
        pair = can & can[here, second] & (first != second)
        single = can[here[:, 0], wanted]  # residue n, reached by either sign
        chosen = np.where(pair, rng.random(pair.shape), -1).argmax(axis=1)
        good = pair[here[:, 0], chosen] | single
        for move in (
            np.where(single, wanted, chosen),
            np.where(single, 0, (wanted - chosen)) & (self.phases - 1),
        ):
            used = good & (move != 0)
            element = self._element(np.where(used, move, 1))
            rising = (move < half) | ((move == half) & up[here[:, 0], element])
            change[rows[used], element[used]] = np.where(rising, 1, -1)[used]

    def _element(self, residue: Int[ndarray, " item"]) -> Int[ndarray, " item"]:
        """The element whose step moves the residue by this much."""
        return np.minimum(residue, self.phases - residue) - 1


def _rows(bound: int | ndarray, rows: ndarray) -> int | ndarray:
    return bound[rows] if isinstance(bound, np.ndarray) else bound


def _room(
    windows: Int[ndarray, "window element"],
    low: int | Int[ndarray, "window element"],
    high: int | Int[ndarray, "window element"],
    reach: int,
) -> tuple[Int8[ndarray, "window element"], Int8[ndarray, "window element"]]:
    """How far each element may move down and up, at most `reach`."""
    wide = windows.astype(np.int64)
    down = np.clip(wide - low, 0, reach).astype(np.int8)
    up = np.clip(high - wide, 0, reach).astype(np.int8)
    return down, up

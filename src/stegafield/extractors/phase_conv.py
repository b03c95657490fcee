"""The phase extractor, overlapping form: a convolution of stride one with integer taps.

    phi = (2 pi / 256) * sum w u     over 3x3 positions and all channels; bit = phi >= pi

There are D outputs a position. Every element takes part in 9 D bits (3 D on a line, 27 D in a
volume), so there is no table to invert it. An optimizer finds a small real change: with every
output drawn to its nearest phase that reads the wanted bit, the loss is convex. A real change of a
fraction of a code is worth little after rounding, so a finish of single steps settles the integers.
Taps are integers: reading is exact, in NumPy, and needs no error correction.
"""

import itertools
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from ..coding.weights import words
from ..core.cover import Cover, GridSpec
from ..core.extractor import Positionwise, depth
from ..core.optimizer import Objective
from ..extras import need
from ..solving.convolution import convolve

PHASES, QUARTER = 256, 64
REACH = 48  # largest tap for one output a position; D outputs have 48 // D
MARGIN = 0.1  # of the half turn that reads a bit, for the real change
NEARNESS = 1e-3  # weight of the squared change, in codes, beside the hinge
SWEEPS = 80  # of the finish, cooling down; each visits every position once
REPAIR, CYCLE = 320, 16  # sweeps around wrong bits after those, heated again every so many
TIDY = 8  # cold sweeps after a repair
REHEAT = 2.0  # temperature of the first such cycle; of the second twice that, and so on
MOST_AT_ENDS = 100
"""Elements of one channel at an end of their range: one in 384 leaves a wrong bit."""
HEAT = 0.7  # temperature of its first sweep, in squared codes
PRICE = (8.0, 80.0)  # of a wrong bit in squared codes, in the first and in the last sweep


class PhaseConv(Positionwise):
    """Reads D bits at every position from overlapping neighbourhoods, exactly.

    No options; optimising needs torch.
    """

    name: ClassVar[str] = "phase-conv"
    exact: ClassVar[bool] = True

    def bears(self, cover: Cover) -> bool:
        """Up to two thirds of a bit an element, and one bit where there is one channel.

        Of three channels at a bit an element up to 2 bits in 1,000 stay wrong; of one channel at an
        end of its range, one bit in 384.
        """
        outputs, channels = depth(self.rung, len(cover.codes)), len(cover.codes)
        if channels > 1 or outputs > 1:
            return 3 * outputs <= 2 * channels
        ends = ((cover.codes == cover.low) | (cover.codes == cover.high)) & cover.free
        return int(np.count_nonzero(ends)) <= MOST_AT_ENDS

    def outputs(
        self, codes: Int[ndarray, "channel *space"], spec: GridSpec
    ) -> Bool[ndarray, "depth *space"]:
        """Which phases lie in the second half of the turn."""
        return self._phases(codes, spec) >= PHASES // 2

    def objective(self, cover: Cover, bits: UInt8[ndarray, " bit"]) -> Objective:
        """The loss of a change, convex.

        It says how far outputs are outside the half turn around their nearest right phase.
        """
        need("torch", "torch")
        import torch

        offset, carries = self._offsets(cover, cover.codes, bits)
        start, kept = torch.from_numpy(offset), torch.from_numpy(carries)
        taps = torch.from_numpy(
            self.taps(len(cover.codes), cover.codes.ndim - 1).astype(np.float32)
        )
        return Loss(start, kept, taps, cover.spec.periodic)

    def finish(
        self,
        cover: Cover,
        codes: Int[ndarray, "channel *space"],
        bits: UInt8[ndarray, " bit"],
        low: Int[ndarray, "channel *space"],
        high: Int[ndarray, "channel *space"],
        rng: Generator,
    ) -> tuple[Int[ndarray, "channel *space"], int]:
        """Codes after annealed sweeps of single steps that make bits right and changes small.

        No evaluation is needed.
        """
        taps = self.taps(len(codes), codes.ndim - 1)
        offset, carries = self._offsets(cover, codes, bits)
        steps = _Steps(taps, offset, carries, cover.spec.periodic)
        change = (codes - cover.codes).astype(np.int64)
        room = low - cover.codes, high - cover.codes
        everywhere = np.ones(codes.shape[1:], bool)
        for sweep in range(SWEEPS):
            left = 1 - sweep / (SWEEPS - 1)
            price = PRICE[1] * (PRICE[0] / PRICE[1]) ** left
            steps.sweep(change, *room, price, HEAT * left, everywhere, rng)
        # A few bits may be stuck, where elements are at an end of their range: heat only around
        # them.
        for sweep in range(REPAIR):
            around = steps.around_errors()
            if not around.any():
                if sweep:  # the heat left changes behind that no bit needs
                    for _ in range(TIDY):
                        steps.sweep(change, *room, PRICE[1], 0.0, everywhere, rng)
                break
            heat = REHEAT * (1 + sweep // CYCLE) * (1 - sweep % CYCLE / (CYCLE - 1))
            steps.sweep(change, *room, PRICE[1], heat, around, rng)
        return (cover.codes + change).astype(codes.dtype), 0

    def taps(self, channels: int, rank: int) -> Int[ndarray, "..."]:
        """The integer taps (D, channel, 3, ...), uniform in -reach ... reach."""
        outputs = depth(self.rung, channels)
        reach = max(1, REACH // max(1, outputs))
        found = words(self.seed, "phase-conv", (outputs, channels, *[3] * rank)).astype(np.uint64)
        return (found * np.uint64(2 * reach + 1) >> np.uint64(32)).astype(np.int64) - reach

    def _phases(
        self, codes: Int[ndarray, "channel *space"], spec: GridSpec
    ) -> Int[ndarray, "depth *space"]:
        """0 to 255 for every output and position."""
        taps, padded = self.taps(len(codes), codes.ndim - 1), codes.astype(np.int64) & (PHASES - 1)
        for axis, wraps in enumerate(spec.periodic, 1):
            width = [(int(axis == other),) * 2 for other in range(codes.ndim)]
            padded = np.pad(padded, width, "wrap" if wraps else "constant")
        total = np.zeros((len(taps), *codes.shape[1:]), np.int64)
        for tap in np.ndindex(taps.shape[2:]):
            part = tuple(slice(t, t + n) for t, n in zip(tap, codes.shape[1:], strict=True))
            total += np.tensordot(taps[(..., *tap)], padded[(slice(None), *part)], axes=1)
        return total & (PHASES - 1)

    def _offsets(
        self, cover: Cover, codes: Int[ndarray, "channel *space"], bits: UInt8[ndarray, " bit"]
    ) -> tuple[Float[ndarray, "depth *space"], Bool[ndarray, "#depth *space"]]:
        """The distance of each output from the middle of the nearest right half turn.

        The distance is signed. Also returns which outputs carry bits.
        """
        where = np.asarray(cover.free.all(axis=0))
        wanted = np.zeros((depth(self.rung, len(codes)), *where.shape), np.int64)
        wanted[:, where] = bits.reshape(len(wanted), -1)
        # Codes are integers, so the middle of the phases 0 ... 127 is 63.5.
        turned = self._phases(codes, cover.spec) - QUARTER - wanted * 2 * QUARTER
        nearest = (turned + 2 * QUARTER) % PHASES - 2 * QUARTER
        return (nearest + 0.5).astype(np.float32), where[None]


class Loss:
    """The loss per item of a change ``(item, channel, *space)``, with its count of wrong bits."""

    def __init__(self, start: Any, carries: Any, taps: Any, periodic: tuple[bool, ...]) -> None:
        """`start`: where the outputs are, from the middle of the half turn that reads right.

        All arguments except `periodic` are tensors.
        """
        self.start, self.carries, self.taps, self.periodic = start, carries, taps, periodic

    def _distance(self, change: Any) -> Any:
        """How far outputs are from that middle, in quarter turns."""
        place = change.device
        turned = convolve(change.to(self.taps.dtype), self.taps.to(place), self.periodic)
        return (self.start.to(place) + turned).abs() / QUARTER

    def __call__(self, change: Any) -> Any:
        """The loss ``(item,)``."""
        outside = (self._distance(change) - (1 - MARGIN)).relu()
        found = (outside.square() * self.carries.to(change.device)).flatten(1).sum(1)
        return found + NEARNESS * change.flatten(1).square().sum(1)

    def errors(self, change: Any) -> Any:
        """How many bits each item reads wrongly ``(item,)``; for NumPy or torch.

        A turn further reads the same.
        """
        import torch

        with torch.no_grad():
            change = torch.as_tensor(change)
            wrong = (self._distance(change) + 1) % 4 >= 2
            return (wrong & self.carries.to(change.device)).flatten(1).sum(1)


class _Steps:
    """Sweeps of steps by +-1, colour by colour.

    Elements of one colour share no output, so they move at once.
    """

    def __init__(
        self,
        taps: Int[ndarray, "..."],
        offset: Float[ndarray, "depth *space"],
        carries: Bool[ndarray, "#depth *space"],
        periodic: tuple[bool, ...],
    ) -> None:
        rank, border = offset.ndim - 1, [(0, 0), *[(1, 1)] * (offset.ndim - 1)]
        self.periodic, self.space = periodic, offset.shape[1:]
        self.phase = np.pad((offset - 0.5).astype(np.int64) & (PHASES - 1), border)
        self.carries = np.pad(np.broadcast_to(carries, offset.shape), border)
        self.neighbours = list(itertools.product((-1, 0, 1), repeat=rank))
        # The output at q + o reads the element at q with the tap at -o.
        mirrored = taps[(slice(None), slice(None), *[slice(None, None, -1)] * rank)]
        flat = mirrored.reshape(*taps.shape[:2], -1)  # depth, channel, neighbour
        self.taps = flat.transpose(1, 2, 0).reshape(taps.shape[1], -1)  # channel, neighbour x depth
        distance = np.abs((np.arange(PHASES) + PHASES // 2) % PHASES - PHASES // 2 + 0.5)
        outside = np.maximum(0, distance - QUARTER) / QUARTER
        self.wrong = np.append(np.where(outside > 0, 0.5 + outside, 0), 0).astype(np.float32)

    def sweep(
        self,
        change: Int[ndarray, "channel *space"],
        low: Int[ndarray, "channel *space"],
        high: Int[ndarray, "channel *space"],
        price: float,
        heat: float,
        where: Bool[ndarray, "*space"],
        rng: Generator,
    ) -> None:
        """Visit every position of `where` once, and take its best step.

        It takes one if that lowers price x wrong + change^2.
        """
        moves = [(channel, step) for channel in range(len(change)) for step in (-1, 1)]
        for members in self._colours(rng):
            here = np.ix_(*members)
            if not where[here].any():
                continue
            views = [self._view(members, neighbour) for neighbour in self.neighbours]
            phase = np.concatenate([self.phase[view] for view in views])
            carries = np.concatenate([self.carries[view] for view in views])
            now = np.where(carries, phase, PHASES)
            before = self.wrong[now].sum(0)
            cost = np.empty((len(moves), *phase.shape[1:]), np.float32)
            for number, (channel, step) in enumerate(moves):
                tap = step * self.taps[channel].reshape(-1, *[1] * (phase.ndim - 1))
                after = self.wrong[np.where(carries, (phase + tap) & (PHASES - 1), PHASES)].sum(0)
                moved = change[channel][here]
                cost[number] = price * (after - before) + 2 * step * moved + 1
                moved = moved + step
                barred = (moved < low[channel][here]) | (moved > high[channel][here])
                cost[number][barred] = np.inf
            if heat:  # Gumbel noise: a step, or none, is drawn with the weights exp(-cost / heat)
                cost -= heat * rng.gumbel(size=cost.shape).astype(np.float32)
            still = -heat * rng.gumbel(size=cost.shape[1:]) if heat else np.zeros(cost.shape[1:])
            best = cost.argmin(axis=0)
            go = (cost.min(axis=0) < still) & where[here]
            for number, (channel, step) in enumerate(moves):
                chosen = step * (go & (best == number))
                change[channel][here] += chosen
                taps = self.taps[channel].reshape(len(views), -1)
                for view, tap in zip(views, taps, strict=True):
                    turn = np.multiply.outer(tap, chosen)
                    self.phase[view] = (self.phase[view] + turn) & (PHASES - 1)

    def around_errors(self) -> Bool[ndarray, "*space"]:
        """The positions at most two steps away from a wrong bit."""
        wrong = self.wrong[np.where(self.carries, self.phase, PHASES)] > 0
        near = np.asarray(wrong.any(axis=0))
        for axis in range(near.ndim):
            for _ in range(2):
                near = near | np.roll(near, 1, axis) | np.roll(near, -1, axis)
        return near[(slice(1, -1),) * near.ndim]

    def _colours(self, rng: Generator) -> list[tuple[ndarray, ...]]:
        """Index lists per axis, three apart.

        What is left over on a periodic axis has colours of its own.
        """
        axes: list[list[ndarray]] = []
        for size, wraps in zip(self.space, self.periodic, strict=True):
            even = size - size % 3 if wraps else size
            lists = [np.arange(first, even, 3) for first in range(3)]
            axes.append([*lists, *(np.array([i]) for i in range(even, size))])
        found = list(itertools.product(*axes))
        return [found[i] for i in rng.permutation(len(found))]

    def _view(
        self, members: tuple[ndarray, ...], neighbour: tuple[int, ...]
    ) -> tuple[ndarray, ...]:
        """Where these neighbours are in the bordered arrays."""
        shifted = [
            ((m + o) % size if wraps else m + o) + 1
            for m, o, size, wraps in zip(members, neighbour, self.space, self.periodic, strict=True)
        ]
        return np.ix_(np.arange(len(self.phase)), *shifted)

"""Batched L-BFGS in a box: items have curvature, step and stop of their own, and share evaluations.

A turn evaluates one trial point per item. An item whose trial is good enough (Armijo) moves there,
remembers the curvature it saw and tries the next full step; the others shorten theirs. So no item
waits for another one's line search, there is no inner loop, and nothing in a turn reads a number
back from the device.

    trial -> loss, gradient -> good?  yes: history, direction, step 1 --.
      ^                               no: step shortened                |
      '--------------- x + step * direction, into the box <-------------'

Bounds: elements at a bound that the gradient pushes against are left out of direction and
curvature, and every trial is projected into the box (a projected quasi-Newton method, Bertsekas
1982; two-loop recursion of Nocedal 1980). An objective that can be tightened, or a box of whole
numbers, is solved in rounds (`solving.rounds`), which keep the curvature. On a graphics card a turn
of a small batch is a CUDA graph: one launch instead of one for every kernel.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, cast

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from ..core import options
from ..core.optimizer import Box, Objective, Optimizer, Solution
from ..extras import need
from ..progress import report as progress
from ..solving.cuda_graph import recorded, suits
from ..solving.rounds import rounds, settle

if TYPE_CHECKING:
    import torch

STATUS = (
    "the loss is zero",
    "the gradient is zero",
    "no step lowers the loss",
    "all evaluations are spent",
    "the loss is not a number",
)
_RUNNING = -1
_ZERO, _FLAT, _STALLED, _SPENT, _NAN = range(5)
_ARMIJO = (
    1e-4  # share of the promised decrease that a step must keep (Nocedal and Wright, section 3.1)
)
_CURVATURE = (
    1e-8  # a pair with less curvature than this, relative to its lengths, is not remembered
)
_SHORTENED = 16  # trials of one step before the history is dropped, and then before giving up


class State(NamedTuple):
    """The state between two turns: tensors of `item` rows, on the device.

    n is the number of elements of an item.
    """

    point: "Float[torch.Tensor, 'item n']"
    loss: "Float[torch.Tensor, ' item']"
    slope: "Float[torch.Tensor, 'item n']"
    """Gradient at `point`."""
    direction: "Float[torch.Tensor, 'item n']"
    step: "Float[torch.Tensor, 'item 1']"
    shortened: "Int[torch.Tensor, ' item']"
    """How often the current step was shortened."""
    moves: "Float[torch.Tensor, 'history item n']"
    turns: "Float[torch.Tensor, 'history item n']"
    """Changes of the gradient, one for each of `moves`; zero where nothing is remembered."""
    evaluations: "Int[torch.Tensor, ' item']"
    status: "Int[torch.Tensor, ' item']"


class Lbfgs(Optimizer):
    """Batched L-BFGS in a box, with backtracking.

    Every item has its own curvature, step and stop.
    """

    name: ClassVar[str] = "lbfgs"

    class Options(options.Options):
        """How many evaluations, and how precisely."""

        evaluations: int = Field(60, ge=1)
        """At most, per item, all rounds together."""
        history: int = Field(10, ge=1, le=100)
        """Pairs remembered per item."""
        tolerance: float = Field(1e-7, ge=0)
        """Largest gradient inside the box that counts as zero, as a share of the first one."""
        precision: Literal["float32", "float64"] = "float32"

    def solve(self, objective: Objective, box: Box) -> Solution:
        """The change with the least loss found.

        An item stops at loss zero, at gradient zero or after the last evaluation.
        """
        need("torch", "torch")
        import torch

        device, limit = self.place(), None
        kind, shape = getattr(torch, self.options.precision), box.lower.shape
        lower, upper = (
            torch.tensor(np.ascontiguousarray(b), dtype=kind, device=device).flatten(1)
            for b in (box.lower, box.upper)
        )

        def evaluate(point: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            with torch.enable_grad():
                leaf = point.detach().reshape(shape).requires_grad_()
                loss = objective(leaf)
                slope = torch.autograd.grad(loss.sum(), leaf)[0]
            return loss.detach().to(kind), slope.reshape(point.shape).to(kind)

        def turn(state: State) -> State:
            trial = torch.clamp(state.point + state.step * state.direction, lower, upper)
            return _turn(state, trial, *evaluate(trial), lower, upper, limit)

        with torch.no_grad():
            point = torch.clamp(torch.zeros_like(lower), lower, upper)
            moves = turns = point.new_zeros(self.options.history, *point.shape)
            count, state = 0, None
            spent, most = 0, self.options.evaluations
            for part in rounds(most, objective, box.whole):
                if state is not None:
                    point, count = state.point, state.evaluations
                    moves, turns = state.moves, state.turns
                if part.tightens:
                    objective = cast(Any, objective).tightened(point.reshape(shape))
                if part.settles:
                    point, lower, upper = settle(point, lower, upper)
                state = _begin(point, *evaluate(point), moves, turns, count, lower, upper)
                if limit is None:
                    limit = self.options.tolerance * state.direction.abs().amax(1)
                step = recorded(turn, state) if suits(objective, state.point) else turn
                progress("optimizing", spent, most)
                spent += part.evaluations
                for number in range(1, part.evaluations):
                    # The only read from the device, and a rare one: it waits for all queued work.
                    progress("optimizing", spent - part.evaluations + number, most)
                    if number % 8 == 1 and not bool((state.status == _RUNNING).any()):
                        break
                    state = step(state)
        assert state is not None, "there is always a first round"
        status = torch.where(state.status == _RUNNING, _SPENT, state.status).cpu().numpy()
        change = state.point.cpu().numpy().astype(np.float64).reshape(shape)
        return Solution(
            np.clip(change, box.lower, box.upper),
            state.loss.cpu().numpy().astype(np.float64),
            state.evaluations.cpu().numpy().astype(np.int64),
            tuple(STATUS[code] for code in status),
        )


def _begin(point, loss, slope, moves, turns, count, lower, upper) -> State:
    """The state after the first evaluation of a round.

    The first step goes downhill, at most by one where no curvature is known.
    """
    import torch

    slope = torch.nan_to_num(slope, 0.0, 0.0, 0.0)
    free = _open(point, slope, lower, upper)
    downhill = -torch.where(free, slope, 0)
    direction, step = _aim(downhill, moves, turns, free)
    status = torch.full((len(point),), _RUNNING, device=point.device)
    status = torch.where(loss == 0, _ZERO, status)
    status = torch.where((downhill == 0).all(1) & (status == _RUNNING), _FLAT, status)
    status = torch.where(torch.isfinite(loss), status, _NAN)
    none = torch.zeros_like(status)
    return State(point, loss, slope, direction, step, none, moves, turns, none + 1 + count, status)


def _aim(downhill, moves, turns, free):
    """The direction that the curvature gives, and the length of its first step.

    The step is one, or a short one straight downhill.
    """
    import torch

    direction = _two_loops(downhill, moves, turns, free)
    uphill = (direction * downhill).sum(1, keepdim=True) <= 0
    direction = torch.where(uphill, downhill, direction)
    plain = uphill | (turns == 0).all(2).all(0)[:, None]
    length = direction.norm(dim=1, keepdim=True).clamp_min(torch.finfo(downhill.dtype).tiny)
    return direction, torch.where(plain, (1 / length).clamp_max(1), 1.0)


def _turn(state: State, trial, loss, slope, lower, upper, limit) -> State:
    """The state after the evaluation of `trial`. Items that have stopped stay as they are."""
    import torch

    running = state.status == _RUNNING
    promised = (state.slope * (trial - state.point)).sum(1)
    finite = torch.isfinite(loss) & torch.isfinite(slope).all(1)
    good = running & finite & (loss <= state.loss + _ARMIJO * promised) & (promised < 0)
    moved = good[:, None]
    point = torch.where(moved, trial, state.point)
    new = torch.where(moved, slope, state.slope)
    moves, turns = _remember(state, point - state.point, new - state.slope, good)
    # Shortened too often: forget the curvature and go straight downhill; the second time, stop.
    shortened = torch.where(good, 0, state.shortened + 1)
    lost = running & (shortened == _SHORTENED)
    kept = ~lost[:, None]
    moves, turns = moves * kept, turns * kept
    free = _open(point, new, lower, upper)
    downhill = -torch.where(free, new, 0)
    fresh = good | lost
    direction, full = _aim(downhill, moves, turns, free)
    direction = torch.where(fresh[:, None], direction, state.direction)
    step = torch.where(fresh[:, None], full, state.step * _shorter(state.loss, loss, promised))
    best = torch.where(good, loss, state.loss)
    status = state.status
    for condition, code in (
        (best == 0, _ZERO),
        (downhill.abs().amax(1) <= limit, _FLAT),
        (shortened >= 2 * _SHORTENED, _STALLED),
    ):
        status = torch.where(condition & (status == _RUNNING), code, status)
    return State(
        point,
        best,
        new,
        direction,
        step,
        torch.where(running, shortened, state.shortened),
        moves,
        turns,
        state.evaluations + running,
        status,
    )


def _remember(state: State, move, turn, good):
    """The histories with the latest pair in front.

    Only items that moved and saw positive curvature add a pair.
    """
    import torch

    curved = (move * turn).sum(1) > _CURVATURE * move.norm(dim=1) * turn.norm(dim=1)
    taken = (good & curved)[:, None]
    moves = torch.where(taken, torch.cat([move[None], state.moves[:-1]]), state.moves)
    turns = torch.where(taken, torch.cat([turn[None], state.turns[:-1]]), state.turns)
    return moves, turns


def _two_loops(downhill, moves, turns, free):
    """Inverse curvature times `downhill`, from the pairs restricted to the free elements."""
    import torch

    turns = turns * free
    product = (moves * turns).sum(2, keepdim=True)  # history, item, 1
    energy = (turns * turns).sum(2, keepdim=True)
    usable = product > _CURVATURE * energy.sqrt() * moves.norm(dim=2, keepdim=True)
    inverse = torch.where(usable, 1 / torch.where(usable, product, 1), 0)
    found, weights = downhill, []
    for move, turn, rho in zip(moves, turns, inverse, strict=True):  # the latest pair first
        weight = rho * (move * found).sum(1, keepdim=True)
        weights.append(weight)
        found = found - weight * turn
    scale, known = torch.ones_like(downhill[:, :1]), torch.zeros_like(usable[0])
    for p, e, u in zip(product, energy, usable, strict=True):
        scale = torch.where(u & ~known, p / torch.where(u, e, 1), scale)
        known = known | u
    found = found * scale
    for move, turn, rho, weight in reversed(list(zip(moves, turns, inverse, weights, strict=True))):
        found = found + move * (weight - rho * (turn * found).sum(1, keepdim=True))
    return torch.where(free, found, 0)


def _open(point, slope, lower, upper):
    """Which elements may move downhill: all except those that are pushed against a bound."""
    return ~(((point <= lower) & (slope >= 0)) | ((point >= upper) & (slope <= 0)))


def _shorter(loss, trial, promised):
    """The factor that shortens a step, 0.1 to 0.5.

    It leads to the minimum of the parabola through what is known.
    """
    import torch

    factor = -promised / (2 * (trial - loss - promised))
    return torch.nan_to_num(factor, 0.1, 0.1, 0.1).clamp(0.1, 0.5)[:, None]

"""The paper's procedure, step by step (arXiv 2406.01918).

Rounds of torch's own L-BFGS, clipped after each:

for at most `rounds` rounds:
    `iterations` of torch.optim.LBFGS with learning rate `rate`, no line search, a fresh history
    clip into the box (epsilon and the range of the codes)
    stop where no bit is wrong: on the floats, before rounding, as the paper counts
"""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from ..core import options
from ..core.optimizer import Box, Objective, Optimizer, Solution
from ..extras import need
from ..progress import report as progress


class Paper(Optimizer):
    """The paper's schedule: up to 100 rounds of 10 L-BFGS iterations, clipped after each.

    Stops when no bit is wrong.
    """

    name: ClassVar[str] = "paper"
    batched: ClassVar[bool] = False  # torch's L-BFGS would couple a batch through one curvature

    class Options(options.Options):
        """The paper's numbers."""

        rounds: int = Field(100, ge=1)
        iterations: int = Field(10, ge=1)
        """L-BFGS iterations in a round."""
        rate: float = Field(0.1, gt=0)
        """Learning rate: 0.1; the paper also tries 0.05 and 0.5."""

    def solve(self, objective: Objective, box: Box) -> Solution:
        """The last change, item by item; an evaluation is a loss with its gradient."""
        need("torch", "torch")
        found = [
            self._solve_one(objective, low[None], high[None], box.scale)
            for low, high in zip(box.lower, box.upper, strict=True)
        ]
        changes, losses, evaluations, status = (
            zip(*found, strict=True) if found else ((), (), (), ())
        )
        return Solution(
            np.clip(np.array(changes, np.float64).reshape(box.lower.shape), box.lower, box.upper),
            np.array(losses, np.float64),
            np.array(evaluations, np.int64),
            tuple(status),
        )

    def _solve_one(
        self, objective: Objective, low: Any, high: Any, unit: float
    ) -> tuple[Any, float, int, str]:
        """The change of one item.

        `unit`: the paper's variable is codes / full scale, and its steps depend on that.
        """
        import torch

        device = self.place()
        chosen = self.options
        lower, upper = (
            torch.tensor(np.ascontiguousarray(b / unit), dtype=torch.float32, device=device)
            for b in (low, high)
        )
        point, evaluations = torch.clamp(torch.zeros_like(lower), lower, upper), 0
        status = "all rounds are spent"
        for number in range(chosen.rounds):
            progress("optimizing", number, chosen.rounds)
            leaf = point.clone().requires_grad_()
            solver = torch.optim.LBFGS([leaf], lr=chosen.rate, max_iter=chosen.iterations)

            def closure(leaf: Any = leaf, solver: Any = solver) -> Any:
                nonlocal evaluations
                evaluations += 1
                solver.zero_grad()
                loss = objective(leaf * unit).sum()
                loss.backward()
                return loss

            solver.step(closure)
            moved = torch.clamp(leaf.detach(), lower, upper)
            if not bool(torch.isfinite(moved).all()):
                status = "the loss is not a number"
                break
            point = moved
            if _wrong(objective, point * unit) == 0:
                status = "no bit is wrong"
                break
        with torch.no_grad():
            loss = float(objective(point * unit).sum())
        return point.cpu().numpy()[0] * unit, loss, evaluations, status


def _wrong(objective: Objective, change: Any) -> float:
    """How many bits are wrong, if the objective counts them; else its loss."""
    import torch

    count = getattr(objective, "errors", objective)
    with torch.no_grad():
        return float(count(change).sum())

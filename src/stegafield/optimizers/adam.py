"""Projected Adam (Kingma and Ba 2015): the baseline that every claim is compared with."""

from typing import Any, ClassVar, cast

import numpy as np
from pydantic import Field

from ..core import options
from ..core.optimizer import Box, Objective, Optimizer, Solution
from ..extras import need
from ..progress import report as progress
from ..solving.rounds import rounds, settle

STATUS = ("all evaluations are spent", "the loss is zero", "the loss is not a number")
_MEAN, _SQUARE = 0.9, 0.999  # decay of the two moments, as in the paper
_TINY = 1e-12  # guard of the root


class Adam(Optimizer):
    """Projected Adam with a step that falls to zero; keeps the best point of every item.

    The baseline.
    """

    name: ClassVar[str] = "adam"

    class Options(options.Options):
        """How many evaluations, and how long the steps are."""

        evaluations: int = Field(300, ge=1)
        """At most, per item, all rounds together (`solving.rounds`)."""
        step: float = Field(1.0, gt=0)
        """The first step, in codes; it falls linearly to zero."""

    def solve(self, objective: Objective, box: Box) -> Solution:
        """The best change seen; an item stops at loss zero or at the last evaluation."""
        need("torch", "torch")
        import torch

        device = self.place()
        lower, upper = (
            torch.tensor(np.ascontiguousarray(b), dtype=torch.float32, device=device)
            for b in (box.lower, box.upper)
        )
        each = (-1, *[1] * (lower.ndim - 1))  # one number per item, for all its elements
        point = torch.clamp(torch.zeros_like(lower), lower, upper)
        best, mean, square = point, torch.zeros_like(point), torch.zeros_like(point)
        least: Any = None
        count = torch.zeros(len(point), dtype=torch.int64, device=device)
        turn, known = 0, self.options.evaluations
        for part in rounds(known, objective, box.whole):
            if part.tightens:
                objective = cast(Any, objective).tightened(best)
            if part.settles:
                flat = (side.flatten(1) for side in (best, lower, upper))
                best, lower, upper = (side.reshape(box.lower.shape) for side in settle(*flat))
            point, least = torch.clamp(point, lower, upper), None
            progress("optimizing", turn, known)
            for spent in range(1, part.evaluations + 1):
                turn += 1
                leaf = point.detach().requires_grad_()
                loss = objective(leaf)
                slope = torch.nan_to_num(torch.autograd.grad(loss.sum(), leaf)[0], 0.0, 0.0, 0.0)
                loss = loss.detach()
                least = torch.full_like(loss, torch.inf) if least is None else least
                count = count + (least > 0)
                better = loss < least  # false where the loss is not a number
                least = torch.where(better, loss, least)
                best = torch.where(better.reshape(each), point, best)
                if spent % 8 == 0 and not bool((least > 0).any()):
                    break
                mean = _MEAN * mean + (1 - _MEAN) * slope
                square = _SQUARE * square + (1 - _SQUARE) * slope.square()
                move = mean / (1 - _MEAN**turn) / ((square / (1 - _SQUARE**turn)).sqrt() + _TINY)
                size = self.options.step * (1 - turn / known)
                point = torch.clamp(point - size * move, lower, upper)
        loss = least.cpu().numpy().astype(np.float64)
        return Solution(
            np.clip(best.cpu().numpy().astype(np.float64), box.lower, box.upper),
            np.where(np.isinf(loss), np.nan, loss),
            count.cpu().numpy(),
            tuple(STATUS[2 if np.isinf(one) else int(one <= 0)] for one in loss),
        )

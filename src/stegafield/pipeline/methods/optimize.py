"""`optimize`: a change that a solver finds for the extractor's objective, within epsilon."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ...core.blame import blamed, entering, expect
from ...core.cover import Cover
from ...core.extractor import Extractor, supports
from ...core.optimizer import Box, Objective, Optimizer, Solution
from ...core.rung import Rung
from ...errors import ConfigError, StegafieldError
from ...progress import report as progress
from ...solving.batch import Moved, together
from .. import calls
from ..effort import Effort, MethodName
from ..plan import Plan
from ..report import Report
from ..task import Embedding, Task
from .method import Method

LEAST_PSNR, PLAIN_TO_SEE = 20.0, 30.0
"""In dB: the paper's least; and `cnn` with norm=batch leaves 25.9 at least on 64 photographs
(docs/optimizers.md)."""


class Optimize(Method):
    """Lets an optimizer move codes inside a box until the extractor reads the bits."""

    name: ClassVar[MethodName] = "optimize"
    needs: ClassVar[str] = "objective"
    batched: ClassVar[bool] = True

    def alone(self, extractor: type[Extractor], requested: str | None) -> bool:
        """Whether an extractor embeds by this method, on request or as it can do nothing else."""
        others = supports(extractor, "project") or supports(extractor, "draw")
        return supports(extractor, self.needs) and (requested == self.name or not others)

    def refuse(self, effort: Effort, optimizer: Optimizer | None) -> None:
        """Nothing: it uses all there is."""

    def joins(
        self, waiting: Sequence[Task], task: Task, effort: Effort, optimizer: Optimizer | None
    ) -> bool:
        """Covers of one shape, up to `effort.batch` elements, where the optimizer takes several."""
        return (
            task.cover.codes.size * (len(waiting) + 1) <= effort.batch
            and optimizer is not None
            and optimizer.batched
            and _kind(task.cover) == _kind(waiting[0].cover)
        )

    def taken(self, task: Task) -> Task:
        """With randomness of its own, which does not depend on what else is in the batch."""
        return replace(task, rng=np.random.default_rng(list(task.rng.bytes(32))))

    def embed(
        self, tasks: list[Task], effort: Effort, optimizer: Optimizer | None
    ) -> Iterator[Embedding]:
        """The rounded changes found within epsilon and within the range of the codes."""
        start = time.perf_counter()
        if optimizer is None:
            raise ConfigError("optimizer", f"the extractor {tasks[0].extractor.name!r} needs one.")
        objectives = [objective_of(task, effort) for task in tasks]
        posed = pose([task.cover for task in tasks], objectives, effort, optimizer)
        found = _solved(tasks[0].extractor, optimizer, posed)
        with entering(optimizer):
            solution = expect("solve()", found, Solution)
            if solution.change.shape != posed.lower.shape or len(solution.evaluations) != len(
                tasks
            ):
                raise TypeError(f"solve() returned a change {solution.change.shape}")
            changes = np.clip(posed.origin + solution.change, posed.lower, posed.upper)
        shared = 1000 * (time.perf_counter() - start) / len(tasks)
        for i, task in enumerate(tasks):
            start = time.perf_counter()
            # Bounds of whole steps: a change rounded at a fractional bound must not leave the box.
            low, high = np.ceil(posed.lower[i]), np.floor(posed.upper[i])
            kind = task.cover.codes.dtype
            codes = task.cover.codes + np.clip(np.rint(changes[i]), low, high).astype(kind)
            evaluations, errors = int(solution.evaluations[i]), task.errors(codes)
            if effort.finish and errors:
                progress("repairing", i, len(tasks))
                least, most = (task.cover.codes + bound.astype(kind) for bound in (low, high))
                codes, more = calls.finish(
                    task.extractor, task.cover, codes, task.bits, least, most, task.rng
                )
                evaluations, errors = evaluations + more, task.errors(codes)
            milliseconds = shared + 1000 * (time.perf_counter() - start)
            count = getattr(objectives[i], "errors", None)
            with entering(task.extractor):
                unrounded = None if count is None else int(count(changes[i][None])[0])
            yield Embedding(codes, self.name, errors, evaluations, milliseconds, unrounded)
        tasks.clear()

    def reported(
        self, report: Report, cover: Cover, rung: Rung, result: Embedding, nats: float, plan: Plan
    ) -> None:
        """Also the optimizer."""
        super().reported(report, cover, rung, result, nats, plan)
        report.optimizer = plan.optimizer.name if plan.optimizer else None
        if report.psnr is not None and report.psnr < PLAIN_TO_SEE:
            report.notes.append(f"at {report.psnr:.1f} dB the change is plain to see")

    def least_psnr(self, effort: Effort) -> float:
        """`LEAST_PSNR`, unless another is requested or anything goes."""
        return effort.least_psnr or (0.0 if effort.doubtful else LEAST_PSNR)


def _solved(extractor: Extractor, optimizer: Optimizer, posed: "Posed") -> Any:
    """What the solver returns; where it fails, the traceback and a look at the objective tell whose
    fault that is."""
    try:
        with blamed(extractor, optimizer):
            return optimizer.solve(posed.objective, posed.box)
    except StegafieldError:
        raise
    except Exception:  # perhaps of an objective that is none, which the check names
        calls.check_objective(extractor, posed.objective, posed.lower.shape)
        raise


class Posed(NamedTuple):
    """What an optimizer is asked: the change, counted from `origin`, that lowers the objective most
    inside the box."""

    objective: Objective
    box: Box
    origin: Float[ndarray, "item channel *space"]
    lower: Float[ndarray, "item channel *space"]
    """Bounds of the whole change, in codes."""
    upper: Float[ndarray, "item channel *space"]


def pose(
    covers: Sequence[Cover], objectives: Sequence[Objective], effort: Effort, optimizer: Optimizer
) -> Posed:
    """The question for covers of one shape, each with its objective."""
    bounds = [_bounds(cover, effort.epsilon) for cover in covers]
    lower, upper = (np.stack(side) for side in zip(*bounds, strict=True))
    starts = [getattr(one, "origin", np.zeros(lower.shape[1:])) for one in objectives]
    origin = np.clip(np.stack(starts), lower, upper)
    box = Box(lower - origin, upper - origin, _scale(covers[0]), whole=effort.finish)
    whole = together(objectives, optimizer)
    return Posed(Moved(whole, origin) if origin.any() else whole, box, origin, lower, upper)


def objective_of(task: Task, effort: Effort) -> Objective:
    """What its extractor lowers for a task: its own loss, or the requested one."""
    cover, bits, extractor = task.cover, task.bits, task.extractor
    if effort.loss is None:
        return calls.objective(extractor, cover, bits)
    if effort.loss not in extractor.losses:
        known = ", ".join(extractor.losses) or "none"
        problem = f"the extractor {extractor.name!r} does not offer {effort.loss!r}."
        raise ConfigError("effort.loss", problem, f"It offers: {known}.")
    return calls.objective(extractor, cover, bits, effort.loss)


def _bounds(cover: Cover, epsilon: float) -> tuple[ndarray, ndarray]:
    """The least and the greatest change of each element; no integers, where epsilon is none."""
    reach = np.where(cover.free, epsilon * _scale(cover), 0.0)
    lower = np.maximum(-reach, np.where(cover.free, cover.low - cover.codes, 0))
    return lower, np.minimum(reach, np.where(cover.free, cover.high - cover.codes, 0))


def _scale(cover: Cover) -> float:
    """Full scale in codes."""
    return cover.peak or float(np.max(cover.high) - np.min(cover.low))


def _kind(cover: Cover) -> tuple[object, ...]:
    """What covers that are solved in one batch have in common."""
    return cover.codes.shape, cover.codes.dtype, cover.spec, _scale(cover)

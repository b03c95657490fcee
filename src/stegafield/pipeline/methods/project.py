"""`project`: the nearest codes that read the bits, or the cheapest where changes have costs."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from ...coding import feasible, prices
from ...coding.feasible import Range
from ...core import tiles
from ...core.blame import entering, expect
from ...core.cover import Costs, Cover
from ...core.optimizer import Optimizer
from ...core.rung import Rung
from ...history import levels
from ...regions.positions import LEAST_FREE
from .. import calls
from ..effort import Effort, MethodName
from ..plan import Plan
from ..report import Report
from ..task import Embedding, Task
from .method import Method


class Project(Method):
    """Changes a cover as little, or where it shows as little, as the extractor can."""

    name: ClassVar[MethodName] = "project"
    needs: ClassVar[str] = "project"

    def priced(self, cover: Cover, plan: Plan) -> Cover:
        """The user's own cover with costs, where they are wanted, known and of use.

        Then no element may step to a value that the cover never takes, either.
        """
        cover = super().priced(cover, plan)
        if not plan.effort.costs or cover.law is not None:
            return cover
        if tiles.count(cover.free) < LEAST_FREE:
            return cover  # it carries nothing, and may be empty: nobody's costs need to know
        with entering(plan.carrier):
            costs = plan.carrier.costs(cover)
            if costs is None:
                return cover
            costs = expect("costs()", costs, Costs)
        if plan.effort.flat:
            return prices.flooded(replace(cover, costs=prices.settled(costs, cover)))
        cover = levels.kept(cover)
        return replace(cover, costs=prices.settled(costs, cover))

    def bears(self, cover: Cover, rung: Rung, every: Sequence[Range]) -> bool:
        """Where the windows of the payload find their way, too."""
        return feasible.reaches(rung, every) and super().bears(cover, rung, every)

    def embed(
        self, tasks: list[Task], effort: Effort, optimizer: Optimizer | None
    ) -> Iterator[Embedding]:
        """One after the other."""
        while tasks:
            task, start = tasks.pop(0), time.perf_counter()
            codes = calls.project(task.extractor, task.cover, task.bits, task.rng)
            milliseconds = 1000 * (time.perf_counter() - start)
            errors = None if task.extractor.exact else task.errors(codes)
            del task  # which may be most of what is in memory
            yield Embedding(codes, self.name, errors, 0, milliseconds)

    def reported(
        self, report: Report, cover: Cover, rung: Rung, result: Embedding, nats: float, plan: Plan
    ) -> None:
        """Also whether costs were followed, and how many changes they would not have allowed."""
        super().reported(report, cover, rung, result, nats, plan)
        report.costs = cover.costs is not None and calls.adapts(plan.extractor, rung)
        forced = prices.forced(cover, result.codes) if cover.costs is not None else 0
        if forced:
            places = "flat or clipped places, where they show"
            report.notes.append(f"changes in {places}: {forced}")

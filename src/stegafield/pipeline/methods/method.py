"""The contract of a method: how bits get into a cover."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from numpy.random import Generator

from ...coding import feasible
from ...coding.feasible import Range
from ...coding.gibbs import CODING_LOSS
from ...coding.ladder import LADDER_BY_RATE, bootstrap_rung
from ...core import tiles
from ...core.cover import Cover, GridSpec, depth
from ...core.extractor import Extractor, supports
from ...core.noise import Source
from ...core.optimizer import Optimizer
from ...core.rung import Rung
from ...errors import ConfigError
from ...message.key import FileKey
from ...regions import bootstrap
from ...regions.header import Header
from ...regions.positions import Positions, payload_rate
from .. import calls, risk
from ..effort import Effort, MethodName
from ..plan import Plan
from ..report import Report
from ..risk import Expectation, Situation
from ..task import Embedding, Task


class Method(ABC):
    """What one method offers for a cover, how it prices, embeds, reports and refuses.

    Stateless; the defaults are those of methods that change a cover.
    """

    name: ClassVar[MethodName]
    needs: ClassVar[str]
    """The method of an extractor that it calls."""
    batched: ClassVar[bool] = False
    """Whether tasks may wait for others (`joins`)."""
    salts: ClassVar[int] = 100
    """Of one attempt, at most: where room depends on where the header lies, half of them do."""
    top: ClassVar[str] = ""
    """Why there is no higher rung, and what would have one."""

    def possible(self, cover: Cover, extractor: type[Extractor]) -> bool:
        """Whether an extractor can embed in a cover by this method."""
        return supports(extractor, self.needs)

    def refuse(self, effort: Effort, optimizer: Optimizer | None) -> None:
        """Raise `ConfigError` for a wish that this method would silently ignore."""
        if optimizer is not None:
            raise ConfigError("optimizer", f"is not used by the method {self.name!r}.")

    def attempts(self, effort: Effort) -> int:
        """How often it may be tried."""
        return effort.attempts

    def priced(self, cover: Cover, plan: Plan) -> Cover:
        """The cover with what its changes cost, as far as the method follows costs."""
        return replace(cover, costs=None)  # those of another plan

    def offers(self, cover: Cover, extractor: type[Extractor]) -> Sequence[Rung]:
        """The rungs that a cover is offered, lowest rate first."""
        found = calls.offers(extractor, lambda: extractor.offers(cover))
        return LADDER_BY_RATE if found is None else found

    def bears(self, cover: Cover, rung: Rung, every: Sequence[Range]) -> bool:
        """Whether a rung carries whatever bits, nearly always, within ranges as they are.

        `every` are the narrow ranges of the cover, tile by tile; empty: it has none.
        """
        first = bootstrap_rung(tiles.count(cover.free))
        return feasible.reaches(first, every[:1], bootstrap.WINDOWS)

    def expected(self, cover: Cover, rung: Rung, plan: Plan) -> list[Expectation]:
        """What detectors are expected to make of a file, as far as such files were measured."""
        free = tiles.count(cover.free)
        situation = Situation(
            carrier=plan.carrier.name,
            channels=int(cover.free.reshape(len(cover.free), -1).any(axis=1).sum()),
            extractor=plan.extractor.name,
            method=self.name,
            costs=cover.costs is not None and calls.adapts(plan.extractor, rung),
            bits=depth(cover),
        )
        return risk.expected(situation, payload_rate(rung, free), free)

    def start(
        self,
        cover: Cover,
        salt: bytes,
        header: Header,
        at: Positions,
        key: FileKey,
        plan: Plan,
        rng: Generator,
        source: Source,
    ) -> tuple[Cover, float]:
        """The cover with salt and header in place, the payload's elements free; nats spent."""
        rung = header.profile.rung
        typical = usual_changes(plan.extractor, plan.extractor_options, rung)
        rate = rung.rate * (1 + CODING_LOSS)
        return bootstrap.write_bootstrap(cover, salt, header, at, key, rng, typical, rate), 0.0

    def joins(
        self, waiting: Sequence[Task], task: Task, effort: Effort, optimizer: Optimizer | None
    ) -> bool:
        """Whether a task is embedded together with those that wait."""
        return False

    def taken(self, task: Task) -> Task:
        """A task as it waits."""
        return task

    @abstractmethod
    def embed(
        self, tasks: list[Task], effort: Effort, optimizer: Optimizer | None
    ) -> Iterator[Embedding]:
        """Codes that read the bits of each task, which is taken off the list once it is done.

        Never raises for failing to: reading tells.
        """

    def reported(
        self, report: Report, cover: Cover, rung: Rung, result: Embedding, nats: float, plan: Plan
    ) -> None:
        """Fill in what this attempt came to; `nats` is what salt and header cost."""
        report.distortion(cover, result.codes)

    def fault(self, report: Report, effort: Effort) -> str | None:
        """Why this attempt is given up before it is written; None where it is good."""
        least = self.least_psnr(effort)
        if report.psnr is not None and report.psnr < least:
            allowed = f'set={{"effort.least_psnr": {int(report.psnr)}}} allows it'
            return f"{report.psnr:.1f} dB is too little, {least:g} are the least; {allowed}"
        return None

    def least_psnr(self, effort: Effort) -> float:
        """The least PSNR in dB of a file."""
        return effort.least_psnr or 0.0

    def given_up(self, report: Report, advice: str) -> str:
        """What is said when all attempts are spent."""
        tried = f"{report.attempts} attempts did not read back; last: {report.failures[-1]}"
        return f"{tried}; another cover, a larger one or a lower rate may work{advice}"


@lru_cache(maxsize=64)
def usual_changes(extractor: type[Extractor], options: Any, rung: Rung) -> Int[ndarray, " change"]:
    """What `project` does to single elements at a rung: the changes of many, far from any end.

    Empty for an extractor that has no `project`.
    """
    if not supports(extractor, "project"):
        return np.empty(0, np.int64)
    rng = np.random.default_rng(0)
    codes = rng.integers(-1000, 1000, (1, max(8192, rung.elements)), dtype=np.int32)
    spec = GridSpec(("sample",), (False,), "line")
    cover = Cover(codes, -5000, 5000, np.ones(codes.shape, bool), spec)
    reader = calls.build(extractor, options, bytes(32), rung)
    bits = rng.integers(0, 2, calls.count(reader, cover), dtype=np.uint8)
    return (calls.project(reader, cover, bits, rng) - codes).ravel().astype(np.int64)

"""`sample`: codes drawn from the law of a generated cover given that they read the bits."""

import time
from collections.abc import Iterator, Sequence
from typing import ClassVar

from numpy.random import Generator

from ...coding import bound
from ...coding.feasible import Range
from ...core import tiles
from ...core.cover import Cover
from ...core.extractor import Extractor
from ...core.noise import Source
from ...core.optimizer import Optimizer
from ...core.rung import Rung
from ...errors import ConfigError
from ...message.key import FileKey
from ...regions import bootstrap
from ...regions.header import Header
from ...regions.positions import Positions
from .. import calls, risk
from ..effort import Effort, MethodName
from ..plan import Plan
from ..report import Report
from ..risk import Expectation
from ..task import Embedding, Task
from .method import Method


class Sample(Method):
    """Draws stego and plain covers from one law, within a bound in nats."""

    name: ClassVar[MethodName] = "sample"
    needs: ClassVar[str] = "draw"
    salts: ClassVar[int] = 1
    top: ClassVar[str] = (
        f'More would cost over {bound.BUDGET:g} nats; method="project" has no bound.'
    )

    def possible(self, cover: Cover, extractor: type[Extractor]) -> bool:
        """Where the cover has a law, too."""
        return cover.law is not None and super().possible(cover, extractor)

    def refuse(self, effort: Effort, optimizer: Optimizer | None) -> None:
        """A least PSNR, too: it would choose among draws."""
        super().refuse(effort, optimizer)
        if effort.least_psnr is not None:
            hint = "Drawing again until a cover pleases would change its law."
            raise ConfigError("effort.least_psnr", "is not used by the method 'sample'.", hint)

    def attempts(self, effort: Effort) -> int:
        """One: a choice among draws is another law."""
        return 1

    def offers(self, cover: Cover, extractor: type[Extractor]) -> Sequence[Rung]:
        """The rungs whose KL bound holds for the law and the size of the cover."""
        bound.check_law(cover)
        found = calls.offers(extractor, lambda: extractor.offers_drawn(cover))
        return bound.rungs(cover) if found is None else found

    def bears(self, cover: Cover, rung: Rung, every: Sequence[Range]) -> bool:
        """Always: a law gives every symbol a chance, and what that costs is the bound's."""
        return True

    def expected(self, cover: Cover, rung: Rung, plan: Plan) -> list[Expectation]:
        """What the bound proves, whatever the detector."""
        assert cover.law is not None
        return [risk.drawn(bound.file_nats(rung, cover.law.sigma, tiles.count(cover.free)))]

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
        """Salt and header drawn from the law, too."""
        return bootstrap.draw_bootstrap(cover, salt, header, at, key, source)

    def embed(
        self, tasks: list[Task], effort: Effort, optimizer: Optimizer | None
    ) -> Iterator[Embedding]:
        """One after the other."""
        while tasks:
            task, start = tasks.pop(0), time.perf_counter()
            codes, nats = calls.draw(task.extractor, task.cover, task.bits, task.source)
            milliseconds = 1000 * (time.perf_counter() - start)
            errors = None if task.extractor.exact else task.errors(codes)
            del task  # which may be most of what is in memory
            yield Embedding(codes, self.name, errors, 0, milliseconds, nats=nats)

    def reported(
        self, report: Report, cover: Cover, rung: Rung, result: Embedding, nats: float, plan: Plan
    ) -> None:
        """The bound of this file; its change means nothing, stego and cover are two draws."""
        assert result.nats is not None
        report.kl_bound_nats = nats + result.nats
        if report.kl_bound_nats <= bound.BUDGET:
            report.expected = [risk.drawn(report.kl_bound_nats)]  # so far, of the worst f

    def fault(self, report: Report, effort: Effort) -> str | None:
        """Where the bound does not hold: not even NaN is let through."""
        nats = report.kl_bound_nats
        if nats is None or not nats <= bound.BUDGET:
            return f"{nats:.2g} nats are more than allowed"
        return None

    def given_up(self, report: Report, advice: str) -> str:
        """There is no other attempt that could be advised."""
        return f"the draw failed: {report.failures[-1]}"

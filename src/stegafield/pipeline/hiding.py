"""One message on its way into one file: drafts, one for each attempt, until a file reads back.

An attempt has two halves with an embedding between them, so that the embeddings of many messages can be one batch.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ..coding import bound, gibbs, prices
from ..core.carrier import writer
from ..core.channel import written
from ..core.cover import Cover
from ..core.extractor import suited
from ..core.noise import Source
from ..core.rung import Rung
from ..errors import BrokenPlugin, ConfigError, EmbeddingFailed, StegafieldError
from ..message import frame
from ..message.frame import Frame
from ..message.key import SALT_BYTES, Key
from ..regions import bootstrap, payload
from ..regions.header import Header
from . import risk
from .embed import Embedding, Task, strays, usual_changes
from .plan import Plan
from .report import Report
from .stego import Stego


@dataclass
class Draft:
    """One attempt: the cover with salt and header in place, and what its payload shall be."""

    cover: Cover
    rung: Rung
    header: Header
    task: Task | None
    """None once it is embedded and measured: of a large cover, bits and codes are as much as the file."""
    nats: float
    """What drawing salt and header cost; 0 where they were written."""


class Hiding:
    """One message, one key and where its covers come from; counts its attempts in `report`."""

    def __init__(
        self,
        plan: Plan,
        message: bytes,
        *,
        name: str | None,
        key: Key,
        cover: Any,
        seed: int | None,
        rng: Generator | None,
    ) -> None:
        if seed is not None and seed < 0:
            raise ConfigError("seed", f"{seed} is negative.")
        if seed is not None and cover is not None:
            raise ConfigError("seed", "repeats generated covers; it does nothing to your own.")
        self.start = time.perf_counter()
        self.plan, self.key, self.source = plan, key, cover
        self.frame = Frame(message, name)
        self.body = frame.pack(self.frame)
        self.random: Source = rng.bytes if rng else os.urandom
        self.rng = rng or np.random.default_rng(int.from_bytes(os.urandom(32)))
        self.cover_rng = np.random.default_rng(seed) if seed is not None else self.rng
        self.item = None if cover is None else plan.open(cover)
        self.below: Rung | None = None
        """A rung whose changes found no way twice: a lower one is tried."""
        self.report = Report(
            carrier=plan.carrier.name,
            channel=writer(plan.carrier, self.item).name,
            extractor=plan.extractor.name,
            message_bytes=len(message),
        )

    def draft(self) -> Draft:
        """The next attempt: a fresh salt, and a fresh cover where the carrier draws them.

        Raises:
            EmbeddingFailed: when all attempts are spent.
        """
        plan, report = self.plan, self.report
        while report.attempts < plan.effort.attempts:
            if report.method == "sample":  # drawn once: a choice among draws is another law
                raise EmbeddingFailed(f"the draw failed: {report.failures[-1]}", report)
            report.attempts += 1
            cover = self.item or plan.draw(self.cover_rng)
            needed = frame.needed(self.body)
            cover, rung, report.expected = plan.choice(cover, needed, self.below)
            salt = self.random(SALT_BYTES)
            file_key = self.key.file_key(salt)
            header = Header(plan.profile(rung), plan.tag)
            extractor, report.method = plan.build(file_key, rung), plan.method(cover)
            if report.method == "sample":
                ready, nats = bootstrap.draw_bootstrap(cover, salt, header, file_key, self.random)
            else:
                typical = usual_changes(plan.extractor, plan.extractor_options, rung)
                rate = rung.rate * (1 + gibbs.CODING_LOSS)
                ready = bootstrap.write_bootstrap(
                    cover, salt, header, file_key, self.rng, typical, rate
                )
                nats = 0.0
            ready = suited(extractor, ready)
            bits = payload.to_bits(self.body, header, file_key, extractor.count(ready))
            if bits is not None:
                task = Task(ready, bits, extractor, self.rng, self.random)
                return Draft(cover, rung, header, task, nats)
            report.failures.append("this salt leaves too little room")
        flat = ", or --set effort.flat=true, where it shows more" if self.below else ""
        raise EmbeddingFailed(
            f"{report.attempts} attempts did not read back; last: {report.failures[-1]}; "
            f"another cover, a larger one or a lower rate may work{flat}",
            report,
        )

    def close(
        self, draft: Draft, result: Embedding, reveal: Callable[[bytes, Key], Frame]
    ) -> Stego | None:
        """The file of a draft, where `reveal` finds the message in its bytes; None, and a failure noted, where not."""
        plan, report, cover, task = self.plan, self.report, draft.cover, draft.task
        assert task is not None
        if strays(task.cover, result.codes):
            name = task.extractor.name
            report.failures.append(f"{name} moved samples that are not its to move")
            return None
        self._note(draft, task, result)
        bits = task.bits.size
        draft.task = task = None
        if result.nats is not None:
            report.kl_bound_nats = draft.nats + result.nats
            if not report.kl_bound_nats <= bound.BUDGET:  # not even NaN
                report.failures.append(f"{report.kl_bound_nats:.2g} nats are more than allowed")
                return None
            report.expected = [risk.drawn(report.kl_bound_nats)]  # so far, of the worst f
        if report.psnr is not None and report.psnr < (plan.effort.least_psnr or 0):
            report.failures.append(f"{report.psnr:.1f} dB is too little")
            return None
        channel = writer(plan.carrier, cover)
        data = written(channel, cover, result.codes)
        try:
            if reveal(data, self.key) == self.frame:
                if result.errors is None:
                    report.bit_errors = 0  # the frame authenticates what was read exactly
                report.milliseconds_total = round(1000 * (time.perf_counter() - self.start), 3)
                value = plan.carrier.value(self.source, data)
                return Stego(data, value, report, cover, result.codes, channel, self.key)
            problem = "a message hidden earlier with this key, in another part of the file, is found first"
        except BrokenPlugin:
            raise  # another salt mends no plugin
        except StegafieldError as error:
            problem = str(error)
            if result.errors is not None:
                wrong = f"{result.errors} of {bits} bits wrong before writing"
                if result.unrounded_errors is not None:
                    wrong += f", {result.unrounded_errors} before rounding"
                problem += f" ({wrong})"
        report.failures.append(problem)
        if cover.costs is not None and plan.extractor.adapts(draft.rung) and report.attempts > 1:
            self.below = draft.rung
        return None

    def _note(self, draft: Draft, task: Task, result: Embedding) -> None:
        """What this attempt came to, in the report."""
        plan, report, bits = self.plan, self.report, task.bits.size
        report.bit_errors = result.errors
        if result.method == "project":
            report.costs = draft.cover.costs is not None and plan.extractor.adapts(draft.rung)
        report.unrounded_bit_errors = result.unrounded_errors
        report.optimizer = (
            plan.optimizer.name if plan.optimizer and result.method == "optimize" else None
        )
        report.evaluations += result.evaluations
        report.milliseconds_embed = round(result.milliseconds, 3)
        report.capacity_bytes = frame.capacity(draft.header.profile.code.room(bits // 8))
        report.error_correction = draft.header.profile.code.name
        pixels = plan.carrier.rate_unit == "bpp"
        report.measure(draft.cover, result.codes, draft.rung, bits, pixels=pixels)
        forced = prices.forced(draft.cover, result.codes) if draft.cover.costs else 0
        if forced:
            places = "flat or clipped places, where they show"
            report.notes.append(f"changes in {places}: {forced}")

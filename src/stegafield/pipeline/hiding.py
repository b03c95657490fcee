"""One message on its way into one file: drafts, one for each attempt, until a file reads back.

An attempt has two halves with an embedding between them, so that the embeddings of many messages
can be one batch.
"""

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import numpy as np

from ..core.blame import entering
from ..core.carrier import writer
from ..core.channel import Channel, written
from ..core.cover import Cover
from ..core.extractor import suited
from ..core.noise import Source
from ..core.registry import Registry
from ..core.rung import Rung
from ..errors import BrokenPlugin, DuplicatePlugin, EmbeddingFailed, StegafieldError
from ..message import frame
from ..message.frame import Frame
from ..message.key import SALT_BYTES, Key
from ..progress import report as progress
from ..regions import bootstrap, payload
from ..regions.header import Header
from . import calls, revealing
from .candidates import reread
from .choice import Offer
from .embedding import embed_many
from .methods import Method
from .plan import Plan
from .report import Report
from .request import Request
from .stego import Stego
from .task import Embedding, Task, strays

_STAGES = 4
"""Of an attempt: choosing, embedding, writing, reading back."""


def hide_all(
    registry: Registry, plan: Plan, requests: Iterable[Request], *, numbered: bool = False
) -> list[Stego]:
    """The stego of each request, taken as needed: first attempts in batches, then what failed.

    With `numbered`, a note of an error says which request failed, counted from 0.
    """
    drafts, stegos = deque[tuple[Hiding, Draft, int]](), list[Stego]()

    def task(job: Hiding, number: int) -> Task:
        with _noted(number, numbered):
            draft = job.draft()
        drafts.append((job, draft, number))
        assert draft.task is not None
        return draft.task

    def tasks() -> Iterator[Task]:
        waiting = iter(requests)
        for number in count():
            with _noted(number, numbered):
                request = next(waiting, None)
                if request is None:
                    return
                job = Hiding(registry, plan, request)
            yield task(job, number)

    for result in embed_many(tasks(), plan.effort, plan.optimizer):
        job, draft, number = drafts.popleft()
        with _noted(number, numbered):
            while (stego := job.close(draft, result)) is None:
                again = iter([task(job, number)])
                _, draft, _ = drafts.pop()
                result = next(embed_many(again, plan.effort, plan.optimizer))
        stegos.append(stego)
        if numbered:
            progress("hidden", len(stegos))
    return stegos


@contextmanager
def _noted(number: int, numbered: bool) -> Iterator[None]:
    """Says of what fails which item of several it was."""
    try:
        yield
    except Exception as error:
        note = f"This was item {number}, counted from 0."
        if numbered and note not in getattr(error, "__notes__", ()):
            error.add_note(note)
        raise


@dataclass
class Draft:
    """One attempt: the cover with salt and header in place, and what its payload shall be."""

    cover: Cover
    method: Method
    header: Header
    task: Task | None
    """None once it is embedded: of a large cover, bits and codes are as much as the file."""
    nats: float
    """What drawing salt and header cost; 0 where they were written."""

    @property
    def rung(self) -> Rung:
        """The rung of the payload."""
        return self.header.profile.rung


class Hiding:
    """One request, and where its covers come from; counts its attempts in `report`."""

    def __init__(self, registry: Registry, plan: Plan, request: Request) -> None:
        self.start = time.perf_counter()
        self.registry, self.plan, self.request = registry, plan, request
        self.key = request.key or Key.generate()
        assert isinstance(request.message, bytes)
        self.frame = Frame(request.message, request.name)
        self.body = frame.pack(self.frame)
        rng = request.rng
        self.random: Source = rng.bytes if rng else os.urandom
        self.rng = rng or np.random.default_rng(int.from_bytes(os.urandom(32)))
        seed = request.seed
        self.cover_rng = np.random.default_rng(seed) if seed is not None else self.rng
        own = request.cover
        self.offer = None if own is None else Offer(plan, plan.open(own))
        self.last: Method | None = None
        """The method of the last attempt."""
        self.below: Rung | None = None
        """A rung whose changes found no way twice: a lower one is tried."""
        self.report = Report(
            carrier=plan.carrier.name,
            channel=writer(plan.carrier, self.offer and self.offer.cover).name,
            extractor=plan.extractor.name,
            message_bytes=len(request.message),
        )

    def draft(self) -> Draft:
        """The next attempt: a fresh salt, and a fresh cover where the carrier draws them.

        Raises:
            EmbeddingFailed: when all attempts are spent.
        """
        plan, report, last = self.plan, self.report, self.last
        while report.attempts < (last.attempts(plan.effort) if last else plan.effort.attempts):
            report.attempts += 1
            progress("choosing", 0, _STAGES)
            offer = self.offer or Offer(plan, plan.draw(self.cover_rng))
            last = self.last = offer.method
            draft = self._drafted(offer)
            if draft is not None:
                progress("embedding", 1, _STAGES)
                return draft
            report.failures.append("this salt leaves too little room")
        assert last is not None
        advice = ', or set={"effort.flat": True}, where it shows more' if self.below else ""
        raise EmbeddingFailed(last.given_up(report, advice), report)

    def _drafted(self, offer: Offer) -> Draft | None:
        """An attempt with a salt that leaves enough room; None where none was found."""
        report, method = self.report, offer.method
        choice = offer.choose(frame.needed(self.body), self.below)
        cover, rung, report.expected, report.capacity_bytes, report.most_bytes = choice
        report.history = list(offer.past)
        for _ in range(method.salts):
            draft = self._salted(offer, cover, rung)
            if draft is not None:
                return draft
        return None

    def _salted(self, offer: Offer, cover: Cover, rung: Rung) -> Draft | None:
        """An attempt with a fresh salt; None where that salt leaves too little room."""
        plan, report, method = self.plan, self.report, offer.method
        assert offer.public is not None
        salt = self.random(SALT_BYTES)
        file_key = self.key.file_key(salt)
        at = offer.public.keyed(file_key)
        header = Header(plan.profile(rung), plan.tag)
        extractor, report.method = plan.build(file_key, rung), method.name
        ready, nats = method.start(cover, salt, header, at, file_key, plan, self.rng, self.random)
        if not bootstrap.written(ready, salt, header, at, file_key):
            return None
        ready = suited(extractor, ready)
        bits = payload.to_bits(self.body, header, file_key, calls.count(extractor, ready))
        if bits is None:
            return None
        return Draft(
            cover, method, header, Task(ready, bits, extractor, self.rng, self.random), nats
        )

    def close(self, draft: Draft, result: Embedding) -> Stego | None:
        """The file of a draft, where its message reads back; else None, and a failure noted."""
        plan, report, cover, task = self.plan, self.report, draft.cover, draft.task
        assert task is not None
        if strays(task.cover, result.codes):
            name = task.extractor.name
            report.failures.append(f"{name} moved elements that are not its to move")
            return None
        bits = task.bits.size
        draft.task = task = None
        self._note(draft, result, bits)
        progress("writing", 2, _STAGES)
        fault = draft.method.fault(report, plan.effort)
        if fault is not None:
            report.failures.append(fault)
            return None
        channel = writer(plan.carrier, cover)
        with entering(channel):
            data = written(channel, cover, result.codes)
        progress("reading back", 3, _STAGES)
        problem = self._unread(data, channel, result)
        if problem is None:
            if result.errors is None:
                report.bit_errors = 0  # the frame authenticates what was read exactly
            report.milliseconds_total = round(1000 * (time.perf_counter() - self.start), 3)
            with entering(plan.carrier, self.request.cover):
                value = plan.carrier.value(self.request.cover, data)
            return Stego(data, value, report, cover, result.codes, channel, self.key)
        if result.errors is not None:
            wrong = f"{result.errors} of {bits} bits wrong before writing"
            if result.unrounded_errors is not None:
                wrong += f", {result.unrounded_errors} before rounding"
            problem += f" ({wrong})"
        report.failures.append(problem)
        follows = cover.costs is not None and calls.adapts(plan.extractor, draft.rung)
        if follows and report.attempts > 1:
            self.below = draft.rung
        return None

    def _unread(self, data: bytes, channel: Channel, result: Embedding) -> str | None:
        """Why the message does not read back from a file; None where it does."""
        try:
            if revealing.reveal(self.registry, data, self.key) == self.frame:
                return None
        except (BrokenPlugin, DuplicatePlugin):
            raise  # another salt mends no plugin
        except StegafieldError as error:
            return reread(self.registry, channel, data, result.codes) or str(error)
        return "a message hidden earlier with this key, in another part of the file, is found first"

    def _note(self, draft: Draft, result: Embedding, bits: int) -> None:
        """What this attempt came to, in the report."""
        report, correction = self.report, draft.header.profile.correction
        report.bit_errors = result.errors
        report.unrounded_bit_errors = result.unrounded_errors
        report.evaluations += result.evaluations
        report.milliseconds_embed = round(result.milliseconds, 3)
        report.correction = correction.name
        pixels = self.plan.carrier.rate_unit == "bpp"
        report.sizes(draft.cover, draft.rung, bits, pixels=pixels)
        report.notes += filter(None, [self.request.note])
        draft.method.reported(report, draft.cover, draft.rung, result, draft.nats, self.plan)

"""Putting payload bits into a cover: draw where the cover has a law, project where the extractor can, else optimise."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field

from ..core import tiles
from ..core.cover import Cover, GridSpec
from ..core.extractor import Extractor, suited, supports
from ..core.noise import Source
from ..core.optimizer import Box, Objective, Optimizer
from ..core.options import Options
from ..core.rung import Rung
from ..errors import ConfigError
from ..solving.batch import Moved, together

Method = Literal["sample", "project", "optimize"]
_NEEDS: dict[Method, str] = {"sample": "draw", "project": "project", "optimize": "objective"}


class Effort(Options):
    """What only the sender chooses; the receiver needs to know none of it."""

    method: Method | None = None
    """How bits get into the codes; None takes the first of sample, project, optimize that is possible."""
    epsilon: float = Field(0.3, gt=0, le=1)
    """Bound on |stego - cover| for `optimize`, as a share of full scale (the paper's 0.3)."""
    loss: Literal["hinge", "bce", "bce-normal"] | None = None
    """What `optimize` lowers, for extractors that offer a choice; None is the extractor's own."""
    finish: bool = True
    """Whether `optimize` cares for rounding: the solver as it goes, the extractor afterwards. The paper does not."""
    least_psnr: float | None = Field(None, gt=0)
    """An attempt below this PSNR in dB is given up, and a fresh salt (so a fresh seed) is tried (the paper's 20)."""
    batch: int = Field(1 << 18, ge=1)
    """How many samples `hide_many` optimises together at most; it bounds memory, and changes nothing else."""
    costs: bool = True
    """Whether `project` changes the user's own covers where changes show least, if carrier and extractor can."""
    flat: bool = False
    """Whether flat and clipped places may change, too, at a high price; else too much for the rest is an error."""
    attempts: int = Field(4, ge=1, le=100)
    """Fresh salts (and fresh covers, where the carrier draws them) before giving up; `sample` has one attempt."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """Codes that carry the payload, and how they were found."""

    codes: Int[ndarray, "channel *space"]
    method: Method
    errors: int | None
    """Bits that the extractor reads wrongly from these codes; None where that was not counted, as it reads exactly."""
    evaluations: int
    """Evaluations of the objective; 0 where nothing was optimised."""
    milliseconds: float
    """Of a cover that was optimised in a batch: its share of that batch, and its own finish."""
    unrounded_errors: int | None = None
    """Bits that were wrong before the change was rounded, where the objective counts them."""
    nats: float | None = None
    """KL(stego || plain) of the payload's samples, where they were drawn."""


def choose_method(cover: Cover, extractor: type[Extractor], asked: Method | None) -> Method:
    """The method that is asked for, or the first possible one; `ConfigError` where it is impossible."""
    possible: list[Method] = [m for m in _NEEDS if supports(extractor, _NEEDS[m])]
    if cover.law is None and "sample" in possible:
        possible.remove("sample")
    if asked is None and possible:
        return possible[0]
    if asked in possible:
        return asked
    problem = f"the extractor {extractor.name!r} cannot {asked or 'embed'} in this cover."
    raise ConfigError("method", problem, f"Possible here: {', '.join(possible) or 'none'}.")


@lru_cache(maxsize=64)
def usual_changes(extractor: type[Extractor], options: Any, rung: Rung) -> Int[ndarray, " change"]:
    """What `project` does to single samples at a rung: the changes of many, on codes far from any end.

    Empty for an extractor that has no `project`.
    """
    if not supports(extractor, "project"):
        return np.empty(0, np.int64)
    rng = np.random.default_rng(0)
    codes = rng.integers(-1000, 1000, (1, max(8192, rung.samples)), dtype=np.int32)
    spec = GridSpec(("sample",), (False,), "line")
    cover = Cover(codes, -5000, 5000, np.ones(codes.shape, bool), spec)
    reader = extractor(options, seed=bytes(32), rate=rung)
    bits = rng.integers(0, 2, reader.count(cover), dtype=np.uint8)
    return (reader.project(cover, bits, rng) - codes).ravel().astype(np.int64)


@dataclass(frozen=True, slots=True)
class Task:
    """One cover and the bits that it shall carry."""

    cover: Cover
    bits: UInt8[ndarray, " bit"]
    extractor: Extractor
    rng: Generator
    """What breaks ties."""
    source: Source = os.urandom
    """What `sample` draws from."""


def embed(
    cover: Cover,
    bits: UInt8[ndarray, " bit"],
    extractor: Extractor,
    effort: Effort,
    optimizer: Optimizer | None,
    rng: Generator,
    source: Source = os.urandom,
) -> Embedding:
    """Codes of the cover that read `bits`. Never raises for failing to: reading them back tells."""
    task = Task(suited(extractor, cover), bits, extractor, rng, source)
    return next(embed_many([task], effort, optimizer))


def embed_many(
    tasks: Iterable[Task], effort: Effort, optimizer: Optimizer | None
) -> Iterator[Embedding]:
    """`embed` for each task, in order. Runs of covers of one shape are optimised together.

    Tasks are taken from the iterable as they are needed, so no more than `effort.batch` samples (or one cover) wait.
    """
    together: list[Task] = []
    for task in tasks:
        method = choose_method(task.cover, type(task.extractor), effort.method)
        held = task.cover.codes.size * (len(together) + 1)
        if together and (
            method != "optimize"
            or held > effort.batch
            or not (optimizer and optimizer.batched)
            or _kind(task.cover) != _kind(together[0].cover)
        ):
            yield from _optimize(together, effort, optimizer)
            together = []
        if method == "optimize":
            # What the finish will draw is settled now, so that it does not depend on what else is in the batch.
            own = np.random.default_rng(list(task.rng.bytes(32)))
            together.append(replace(task, rng=own))
        else:
            result = _directly(task, method)
            del task  # which may be most of what is in memory
            yield result
    if together:
        yield from _optimize(together, effort, optimizer)


def _directly(task: Task, method: Method) -> Embedding:
    start, nats = time.perf_counter(), None
    if method == "sample":
        codes, nats = task.extractor.draw(task.cover, task.bits, task.source)
    else:
        codes = task.extractor.project(task.cover, task.bits, task.rng)
    milliseconds = 1000 * (time.perf_counter() - start)
    errors = None if task.extractor.exact else _errors(task, codes)
    return Embedding(codes, method, errors, 0, milliseconds, nats=nats)


def strays(cover: Cover, codes: Int[ndarray, "channel *space"]) -> bool:
    """Whether `codes` differ from the cover's where they may not: not free, or out of range; or are no such codes."""

    if codes.shape != cover.codes.shape or codes.dtype.kind not in "iu":
        return True

    def astray(block: slice) -> bool:
        here, new = tiles.piece(cover.codes, block), tiles.piece(codes, block)
        low, high = tiles.ends(cover.low, cover.high, block)
        good = tiles.piece(cover.free, block) & (new >= low) & (new <= high)
        return bool(((new != here) & ~good).any())

    return any(tiles.each(astray, tiles.blocks(codes.size)))


def _optimize(
    tasks: list[Task], effort: Effort, optimizer: Optimizer | None
) -> Iterator[Embedding]:
    """The rounded changes that the optimizer finds within epsilon and within the range of the codes."""
    start = time.perf_counter()
    if optimizer is None:
        raise ConfigError("optimizer", f"the extractor {tasks[0].extractor.name!r} needs one.")
    objectives = [objective_of(task, effort) for task in tasks]
    posed = pose([task.cover for task in tasks], objectives, effort, optimizer)
    lower, upper = posed.lower, posed.upper
    solution = optimizer.solve(posed.objective, posed.box)
    changes = np.clip(posed.origin + solution.change, lower, upper)
    shared = 1000 * (time.perf_counter() - start) / len(tasks)
    for i, task in enumerate(tasks):
        start = time.perf_counter()
        # The bounds of whole steps: rounding a change at a bound that is no integer must not leave the box.
        low, high = np.ceil(lower[i]), np.floor(upper[i])
        kind = task.cover.codes.dtype
        codes = task.cover.codes + np.clip(np.rint(changes[i]), low, high).astype(kind)
        evaluations, errors = int(solution.evaluations[i]), _errors(task, codes)
        if effort.finish and errors:
            least, most = (task.cover.codes + bound.astype(kind) for bound in (low, high))
            codes, more = task.extractor.finish(task.cover, codes, task.bits, least, most, task.rng)
            evaluations, errors = evaluations + more, _errors(task, codes)
        milliseconds = shared + 1000 * (time.perf_counter() - start)
        count = getattr(objectives[i], "errors", None)
        unrounded = None if count is None else int(count(changes[i][None])[0])
        yield Embedding(codes, "optimize", errors, evaluations, milliseconds, unrounded)


def _errors(task: Task, codes: Int[ndarray, "channel *space"]) -> int:
    """How many bits read wrongly from these codes."""
    found = task.extractor.read(codes, task.cover.free, task.cover.spec)
    return int(np.count_nonzero(found != task.bits))


class Posed(NamedTuple):
    """What an optimizer is asked: the change, counted from `origin`, that lowers the objective most inside the box."""

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
    """What its extractor lowers for a task: its own loss, or the one that is asked for."""
    cover, bits, extractor = task.cover, task.bits, task.extractor
    if effort.loss is None:
        return extractor.objective(cover, bits)
    if effort.loss not in extractor.losses:
        known = ", ".join(extractor.losses) or "none"
        problem = f"the extractor {extractor.name!r} does not offer {effort.loss!r}."
        raise ConfigError("effort.loss", problem, f"It offers: {known}.")
    return cast(Any, extractor).objective(cover, bits, effort.loss)


def _bounds(cover: Cover, epsilon: float) -> tuple[ndarray, ndarray]:
    """The least and the greatest change of every sample; no integers, where epsilon is none."""
    reach = np.where(cover.free, epsilon * _scale(cover), 0.0)
    lower = np.maximum(-reach, np.where(cover.free, cover.low - cover.codes, 0))
    return lower, np.minimum(reach, np.where(cover.free, cover.high - cover.codes, 0))


def _scale(cover: Cover) -> float:
    """Full scale in codes."""
    return cover.peak or float(np.max(cover.high) - np.min(cover.low))


def _kind(cover: Cover) -> tuple[object, ...]:
    """What covers that are solved in one batch have in common."""
    return cover.codes.shape, cover.codes.dtype, cover.spec, _scale(cover)

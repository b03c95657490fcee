"""Payload bits into covers, one after the other or in batches."""

import os
from collections.abc import Iterable, Iterator

from jaxtyping import UInt8
from numpy import ndarray
from numpy.random import Generator

from ..core.cover import Cover
from ..core.extractor import Extractor, suited
from ..core.noise import Source
from ..core.optimizer import Optimizer
from .effort import Effort
from .methods import Method, choose
from .task import Embedding, Task


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
    """`embed` for each task, in order; those that their method joins are embedded together.

    Tasks are taken from the iterable as they are needed, so no more than one batch waits.
    """
    waiting: list[Task] = []
    method: Method | None = None
    for task in tasks:
        here = choose(task.cover, type(task.extractor), effort.method)
        if method and not (here is method and method.joins(waiting, task, effort, optimizer)):
            yield from method.embed(waiting, effort, optimizer)
        method = here if here.batched else None
        some = waiting if here.batched else []
        some.append(here.taken(task))
        del task
        if not here.batched:
            yield from here.embed(some, effort, optimizer)
    if method:
        yield from method.embed(waiting, effort, optimizer)

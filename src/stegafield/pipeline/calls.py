"""Calls into extractors, with a look at what they return: the only ones that the pipeline makes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from ..coding.ladder import LADDER
from ..core.blame import entering, expect
from ..core.cover import Cover, GridSpec
from ..core.extractor import Drawn, Extractor
from ..core.noise import Source
from ..core.optimizer import Objective
from ..core.rung import Rung


def offers(
    extractor: type[Extractor], asked: Callable[[], Sequence[Rung] | None]
) -> Sequence[Rung] | None:
    """The rungs that it offers, lowest rate first; None leaves the choice to the engine."""
    with entering(extractor):
        found = asked()
        if found is None:
            return None
        found = [expect("offers()", rung, Rung) for rung in expect("offers()", found, Sequence)]
        if not all(rung in LADDER for rung in found):
            raise ValueError("offers() returned a rung that is none of the ladder")
        if found != sorted(found, key=lambda rung: rung.rate):
            raise ValueError("offers() returned rungs that do not go from low rates to high ones")
        return found


def adapts(extractor: type[Extractor], rung: Rung) -> bool:
    """Whether it follows costs at a rung."""
    with entering(extractor):
        return bool(extractor.adapts(rung))


def build(extractor: type[Extractor], options: Any, seed: bytes, rung: Rung) -> Extractor:
    """The extractor of one file."""
    with entering(extractor):
        return extractor(options, seed=seed, rung=rung)


def count(extractor: Extractor, cover: Cover) -> int:
    """How many bits it reads from a cover."""
    with entering(extractor):
        return int(expect("count()", extractor.count(cover), (int, np.integer)))


def bears(extractor: Extractor, cover: Cover) -> bool:
    """Whether it says that a cover carries whatever bits."""
    with entering(extractor):
        return bool(extractor.bears(cover))


def read(
    extractor: Extractor,
    codes: Int[ndarray, "channel *space"],
    free: Bool[ndarray, "channel *space"],
    spec: GridSpec,
) -> UInt8[ndarray, " bit"]:
    """The bits that codes carry."""
    with entering(extractor):
        found = expect("read()", extractor.read(codes, free, spec), ndarray)
        if found.ndim != 1 or found.dtype != np.uint8 or found.max(initial=0) > 1:
            raise TypeError(f"read() returned {found.dtype} {found.shape}, not bits")
        return found


def project(
    extractor: Extractor, cover: Cover, bits: UInt8[ndarray, " bit"], rng: Generator
) -> Int[ndarray, "channel *space"]:
    """The nearest codes that read `bits`."""
    with entering(extractor, rng):
        return _codes("project()", extractor.project(cover, bits, rng), cover)


def draw(
    extractor: Extractor, cover: Cover, bits: UInt8[ndarray, " bit"], source: Source
) -> tuple[Int[ndarray, "channel *space"], float]:
    """Codes drawn given that they read `bits`, and their nats."""
    with entering(extractor, source):
        found = expect("draw()", extractor.draw(cover, bits, source), Drawn)
        return _codes("draw()", found.codes, cover), float(found.nats)


def objective(
    extractor: Extractor, cover: Cover, bits: UInt8[ndarray, " bit"], *loss: str
) -> Objective:
    """The loss of a change, where an optimizer may start to lower it."""
    with entering(extractor):
        found = extractor.objective(cover, bits, *loss)
        if not callable(found):
            raise TypeError(f"objective() returned a {type(found).__name__}, not a function")
        origin = getattr(found, "origin", None)
        if origin is not None and (np.shape(origin) != cover.codes.shape or not _finite(origin)):
            raise TypeError(f"objective() has an origin {np.shape(origin)}, not a finite change")
        return found


def check_objective(extractor: Extractor, objective: Objective, shape: tuple[int, ...]) -> None:
    """Look at an objective at no change: a loss for each item, that can be differentiated.

    `BrokenPlugin` where a third party's gives anything else.
    """
    import torch

    change = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    with entering(extractor):
        loss = expect("the objective", objective(change), torch.Tensor)
        if loss.shape != shape[:1] or not bool(torch.isfinite(loss).all()):
            raise TypeError(f"the objective returned {tuple(loss.shape)}, not a loss for each item")
        loss.sum().backward()


def _finite(values: Any) -> bool:
    return bool(np.isfinite(np.asarray(values, float)).all())


def finish(
    extractor: Extractor,
    cover: Cover,
    codes: Int[ndarray, "channel *space"],
    bits: UInt8[ndarray, " bit"],
    low: Int[ndarray, "channel *space"],
    high: Int[ndarray, "channel *space"],
    rng: Generator,
) -> tuple[Int[ndarray, "channel *space"], int]:
    """Codes that read more of the bits, and evaluations taken."""
    with entering(extractor, rng):
        found, more = extractor.finish(cover, codes, bits, low, high, rng)
        return _codes("finish()", found, cover), int(more)


def _codes(what: str, found: Any, cover: Cover) -> Int[ndarray, "channel *space"]:
    codes = expect(what, found, ndarray)
    if codes.shape != cover.codes.shape or codes.dtype.kind not in "iu":
        raise TypeError(f"{what} returned {codes.dtype} {codes.shape}, not {cover.codes.shape}")
    return codes

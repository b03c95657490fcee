"""Putting payload bits into a cover: draw where the cover has a law, project where the extractor can, else optimise."""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

import numpy as np
from jaxtyping import Int, UInt8
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field

from ..errors import ConfigError
from . import tiles
from .cover import Cover, GridSpec
from .extractor import Extractor, suited, supports
from .ladder import Rung
from .optimizer import Box, Objective, Optimizer
from .options import Options

Method = Literal["sample", "project", "optimize"]
_NEEDS: dict[Method, str] = {"sample": "draw", "project": "project", "optimize": "objective"}


class Effort(Options):
    """What only the sender chooses; the receiver needs to know none of it."""

    method: Method | None = None
    """How bits get into the codes; None takes the first of sample, project, optimize that is possible."""
    epsilon: float = Field(0.3, gt=0, le=1)
    """Bound on |stego - cover| for `optimize`, as a share of full scale (the paper's 0.3)."""
    loss: Literal["hinge", "bce"] | None = None
    """What `optimize` lowers, for extractors that offer a choice; None is the extractor's own."""
    finish: bool = True
    """Whether `optimize` lets the extractor repair what rounding broke; the paper does not."""
    least_psnr: float | None = Field(None, gt=0)
    """An attempt below this PSNR in dB is given up, and a fresh salt (so a fresh seed) is tried (the paper's 20)."""
    attempts: int = Field(4, ge=1, le=100)
    """Fresh salts (and fresh covers, where the carrier draws them) before giving up."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """Codes that carry the payload, and how they were found."""

    codes: Int[ndarray, "channel *space"]
    method: Method
    errors: int
    """Bits that the extractor reads wrongly from these codes."""
    evaluations: int
    """Evaluations of the objective; 0 where nothing was optimised."""
    milliseconds: float


def choose_method(cover: Cover, extractor: Extractor, asked: Method | None) -> Method:
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


def embed(
    cover: Cover,
    bits: UInt8[ndarray, " bit"],
    extractor: Extractor,
    effort: Effort,
    optimizer: Optimizer | None,
    rng: Generator,
) -> Embedding:
    """Codes of the cover that read `bits`. Never raises for failing to: `errors` counts what reads back wrongly."""
    cover = suited(extractor, cover)
    method, evaluations = choose_method(cover, extractor, effort.method), 0
    start = time.perf_counter()
    if method == "sample":
        codes = extractor.draw(cover, bits, rng)
    elif method == "project":
        codes = extractor.project(cover, bits, rng)
    else:
        codes, evaluations = _optimize(cover, bits, extractor, effort, optimizer, rng)
    milliseconds = 1000 * (time.perf_counter() - start)
    errors = int(np.count_nonzero(extractor.read(codes, cover.free, cover.spec) != bits))
    return Embedding(codes, method, errors, evaluations, milliseconds)


def strays(cover: Cover, codes: Int[ndarray, "channel *space"]) -> bool:
    """Whether `codes` differ from the cover's where they may not: at samples that are not free, or out of range."""

    def astray(block: slice) -> bool:
        here, new = tiles.piece(cover.codes, block), tiles.piece(codes, block)
        low, high = (
            tiles.piece(b, block) if isinstance(b, ndarray) else b for b in (cover.low, cover.high)
        )
        good = tiles.piece(cover.free, block) & (new >= low) & (new <= high)
        return bool(((new != here) & ~good).any())

    return any(tiles.each(astray, tiles.blocks(codes.size)))


def _optimize(
    cover: Cover,
    bits: UInt8[ndarray, " bit"],
    extractor: Extractor,
    effort: Effort,
    optimizer: Optimizer | None,
    rng: Generator,
) -> tuple[Int[ndarray, "channel *space"], int]:
    """The rounded change that the optimizer finds within epsilon and within the range of the codes."""
    if optimizer is None:
        raise ConfigError("optimizer", f"the extractor {extractor.name!r} needs one.")
    scale = cover.peak or float(np.max(cover.high) - np.min(cover.low))
    reach = np.where(cover.free, effort.epsilon * scale, 0.0)
    box = Box(
        lower=np.maximum(-reach, np.where(cover.free, cover.low - cover.codes, 0))[None],
        upper=np.minimum(reach, np.where(cover.free, cover.high - cover.codes, 0))[None],
    )
    solution = optimizer.solve(_objective(cover, bits, extractor, effort), box)
    # The bounds of whole steps: rounding a change at a bound that is no integer must not leave the box.
    low, high = np.ceil(box.lower[0]), np.floor(box.upper[0])
    change = np.clip(np.rint(solution.change[0]), low, high).astype(cover.codes.dtype)
    codes, evaluations = cover.codes + change, int(solution.evaluations[0])
    if not effort.finish or (extractor.read(codes, cover.free, cover.spec) == bits).all():
        return codes, evaluations
    least, most = (cover.codes + b.astype(cover.codes.dtype) for b in (low, high))
    codes, more = extractor.finish(cover, codes, bits, least, most, rng)
    return codes, evaluations + more


def _objective(
    cover: Cover, bits: UInt8[ndarray, " bit"], extractor: Extractor, effort: Effort
) -> Objective:
    if effort.loss is None:
        return extractor.objective(cover, bits)
    if effort.loss not in extractor.losses:
        known = ", ".join(extractor.losses) or "none"
        problem = f"the extractor {extractor.name!r} does not offer {effort.loss!r}."
        raise ConfigError("effort.loss", problem, f"It offers: {known}.")
    return cast(Any, extractor).objective(cover, bits, effort.loss)

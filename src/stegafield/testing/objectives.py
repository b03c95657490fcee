"""The contract of an extractor's objective: differentiable, item by item, and lowered to a file.

change (item, *shape) -> loss (item,) -> gradient, compared with differences
                      -> lbfgs within the box -> rounded -> finish -> read
"""

from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from ..core.cover import Cover
from ..core.extractor import Extractor
from ..optimizers.lbfgs import Lbfgs
from ..pipeline.effort import Effort
from ..pipeline.embedding import embed
from .law import keeping, require

_STEPS = 2.0, 0.5, 0.1, 0.02, 0.004, 0.0008
"""Lengths of the differences, in codes: of single precision and of kinks, one is right."""
_NEAR = 0.1
"""A share of the slope by which differences may miss it."""
_WRONG = 0.02
"""The share of bits that may be wrong where the engine corrects errors."""


def check_objective(reader: Extractor, cover: Cover, *, lowered: bool) -> None:
    """Check the objectives of an extractor on one cover, each loss that it offers, on the CPU."""
    rng = np.random.default_rng(5)
    bits = rng.integers(0, 2, reader.count(cover), dtype=np.uint8)
    if not bits.size:
        return
    for loss in type(reader).losses or ("",):
        with keeping("objective() fails"):
            made: Any = reader.objective
            objective = made(cover, bits, loss) if loss else made(cover, bits)
        require(callable(objective), f"objective() gives a {type(objective).__name__}, no function")
        told = f"the objective {loss!r}" if loss else "the objective"
        _check_slope(objective, cover, told)
        _check_count(objective, cover, bits.size, told)
    if lowered:
        _check_lowered(reader, cover, bits)


def _loss(objective: Any, change: Any, told: str) -> Any:
    """The loss of a change, looked at."""
    import torch

    with keeping(f"{told} fails"):
        loss = objective(change)
    require(isinstance(loss, torch.Tensor), f"{told} gives a {type(loss).__name__}, no tensor")
    require(
        tuple(loss.shape) == (len(change),),
        f"{told} gives a loss {tuple(loss.shape)} for {len(change)} items",
    )
    require(bool(torch.isfinite(loss).all()), f"{told} gives a loss that is not finite")
    require(loss.device == change.device, f"{told} gives a loss on another device")
    return loss


def _check_slope(objective: Any, cover: Cover, told: str) -> None:
    """Its gradient is that of the loss, and items share nothing."""
    import torch

    shape = cover.codes.shape
    start = torch.from_numpy(np.random.default_rng(6).normal(0, 0.5, (2, *shape)))
    change = start.clone().requires_grad_()
    loss = _loss(objective, change, told)
    require(loss.requires_grad, f"{told} cannot be differentiated: its loss has no gradient")
    with keeping(f"{told} cannot be differentiated"):
        (slope,) = torch.autograd.grad(loss.sum(), change)
    require(bool(torch.isfinite(slope).all()), f"{told} has a gradient that is not finite")
    steep = slope.reshape(2, -1).norm(dim=1)
    require(bool((steep > 0).all()), f"{told} has the gradient 0: no solver can lower it")
    with torch.no_grad():
        alone = _loss(objective, start[:1], told) if _takes_one(objective, start) else loss[:1]
        near = torch.allclose(alone, loss[:1].detach(), rtol=1e-3, atol=1e-5)
        require(near, f"{told} of an item depends on the others")
        way = slope / steep.reshape(2, *[1] * len(shape))
        miss = []
        for step in _STEPS:
            ahead = _loss(objective, start + step * way, told)
            behind = _loss(objective, start - step * way, told)
            found = (ahead - behind) / (2 * step)
            miss.append(float(((found - steep).abs() / steep).max()))
    require(
        min(miss) < _NEAR,
        f"{told} has another gradient than its loss: differences miss it by {min(miss):.0%}",
    )


def _takes_one(objective: Any, start: Any) -> bool:
    """Whether it takes one item as it takes two, which is for solvers to know."""
    try:
        objective(start[:1])
    except Exception as error:
        raise AssertionError(f"the objective fails with one item: {error}") from error
    return True


def _check_count(objective: Any, cover: Cover, bits: int, told: str) -> None:
    """`errors` and `origin`, where it has them."""
    count = getattr(objective, "errors", None)
    if count is not None:
        with keeping(f"{told} cannot count errors"):
            wrong = np.asarray(count(np.zeros((1, *cover.codes.shape))))
        require(wrong.shape == (1,), f"{told} counts errors {wrong.shape}, not one for each item")
        require(bool(0 <= wrong[0] <= bits), f"{told} counts {wrong[0]} errors of {bits} bits")
    origin = getattr(objective, "origin", None)
    if origin is not None:
        fits = np.shape(origin) == cover.codes.shape and bool(np.isfinite(origin).all())
        require(fits, f"{told} has an origin {np.shape(origin)}, not a change of the cover")


def _check_lowered(reader: Extractor, cover: Cover, bits: UInt8[ndarray, " bit"]) -> None:
    """What `lbfgs` finds for it reads back after rounding, but for what the engine corrects."""
    effort = Effort.model_validate({"method": "optimize"})
    with keeping("its objective cannot be lowered by lbfgs"):
        found = embed(cover, bits, reader, effort, Lbfgs(device="cpu"), np.random.default_rng(7))
    read = reader.read(found.codes, cover.free, cover.spec)
    wrong = int(np.count_nonzero(read != bits))
    few = 0 if type(reader).exact else max(1, round(_WRONG * bits.size))
    require(
        wrong <= few,
        f"{wrong} of {bits.size} bits are wrong after lbfgs and rounding "
        f"({reader.rung.bits} bits in {reader.rung.elements} elements)",
    )
    inside = (found.codes >= cover.low) & (found.codes <= cover.high)
    require(bool(inside[cover.free].all()), "finish() leaves the range")
    require(
        np.array_equal(found.codes[~cover.free], cover.codes[~cover.free]),
        "finish() moves codes that are not free",
    )

"""The contract of optimizers."""

from typing import Any

import numpy as np
from numpy import ndarray

from ..core.optimizer import Box, Objective, Optimizer, Solution
from .law import in_order, judging, keeping, require


@judging("check_optimizer()")
def check_optimizer(optimizer: type[Optimizer]) -> None:
    """Check an optimizer: stays in the box, improves, treats items independently, never raises."""
    in_order("optimizer", optimizer)

    def bowl(change: Any) -> Any:
        return ((change - 0.5) ** 2).reshape(len(change), -1).sum(-1)

    def nothing(change: Any) -> Any:
        return bowl(change) * float("nan")

    lower, upper = -np.ones((3, 1, 4, 5)), np.full((3, 1, 4, 5), 2.0)
    upper[1] = 0.25
    lower[2] = upper[2] = 0.0
    box = Box(lower.copy(), upper.copy())
    found = _solved(optimizer, bowl, box)
    require(
        np.array_equal(box.lower, lower) and np.array_equal(box.upper, upper),
        "solve() changes the box",
    )
    change, loss = found.change, found.loss
    require(
        bool(((change >= lower) & (change <= upper)).all()), "the change leaves the box or is NaN"
    )
    require(
        bool((loss <= bowl(np.zeros_like(lower)) + 1e-6).all()),
        "the loss is worse than that of no change",
    )
    require(
        bool(np.allclose(change, np.clip(0.5, lower, upper), atol=0.05)),
        "does not find the minimum of a quadratic bowl",
    )
    require(bool(np.allclose(loss, bowl(change), atol=1e-3)), "the loss is not that of the change")
    alone = _solved(optimizer, bowl, Box(lower[1:2], upper[1:2]))
    require(
        bool(np.allclose(alone.change, change[1:2], atol=1e-3)),
        "items of a batch influence each other",
    )
    _solved(optimizer, nothing, box)


def _solved(optimizer: type[Optimizer], objective: Objective, box: Box) -> Solution:
    """What it finds, looked at."""
    with keeping("solve() raises; what went wrong is a sentence in its status"):
        found: Any = optimizer(device="cpu").solve(objective, box)
    require(isinstance(found, Solution), f"solve() returns a {type(found).__name__}, no Solution")
    items = len(box.lower)
    for name, shape in (("change", box.lower.shape), ("loss", (items,)), ("evaluations", (items,))):
        part = getattr(found, name)
        good = isinstance(part, ndarray) and part.dtype.kind in "fiu" and part.shape == shape
        told = f"{getattr(part, 'dtype', type(part).__name__)} {np.shape(part)}"
        require(good, f"{name} is {told}, not an array of numbers {shape}")
    listed = isinstance(found.status, tuple | list) and len(found.status) == items
    require(
        listed and all(isinstance(one, str) for one in found.status),
        "status and evaluations are not per item: status is one sentence each",
    )
    return found

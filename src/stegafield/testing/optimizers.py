"""The contract of optimizers."""

from typing import Any

import numpy as np

from ..core.optimizer import Box, Optimizer
from .law import require


def check_optimizer(optimizer: type[Optimizer]) -> None:
    """Check an optimizer: stays in the box, improves, treats items independently, never raises."""

    def bowl(change: Any) -> Any:
        return ((change - 0.5) ** 2).reshape(len(change), -1).sum(-1)

    def nothing(change: Any) -> Any:
        return bowl(change) * float("nan")

    lower, upper = -np.ones((3, 1, 4, 5)), np.full((3, 1, 4, 5), 2.0)
    upper[1] = 0.25
    lower[2] = upper[2] = 0.0
    box = Box(lower, upper)
    found = optimizer(device="cpu").solve(bowl, box)
    require(found.change.shape == lower.shape, "change has another shape than the box")
    require(
        bool(((found.change >= lower) & (found.change <= upper)).all()), "the change leaves the box"
    )
    require(
        bool((found.loss <= bowl(np.zeros_like(lower)) + 1e-6).all()),
        "the loss is worse than that of no change",
    )
    require(
        bool(np.allclose(found.change, np.clip(0.5, lower, upper), atol=0.05)),
        "does not find the minimum of a quadratic bowl",
    )
    require(
        len(found.status) == len(found.evaluations) == 3, "status and evaluations are not per item"
    )
    alone = optimizer(device="cpu").solve(bowl, Box(lower[1:2], upper[1:2]))
    require(
        bool(np.allclose(alone.change, found.change[1:2], atol=1e-3)),
        "items of a batch influence each other",
    )
    optimizer(device="cpu").solve(nothing, box)

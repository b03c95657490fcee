"""Losses of a batch whose parts have objectives of their own, with the gradient of each part taken at once.

    change -> part 1: loss, gradient, forgotten -> part 2: loss, gradient, forgotten -> ...

So the memory of a batch is that of one part: what a network computes on the way is not kept for a later backward pass.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from .optimizer import Objective

Parts = Sequence[tuple[Objective, slice]]


def losses(change: Any, parts: Parts) -> Any:
    """The loss ``(item,)`` of a change ``(item, *shape)``, tensors of torch; differentiable once."""
    import torch

    if change.requires_grad and torch.is_grad_enabled():
        return _apart().apply(change, parts)
    return torch.cat([objective(change[here]) for objective, here in parts])


@lru_cache
def _apart() -> Any:
    """The function, made where torch is there."""
    import torch

    class Apart(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, change: Any, parts: Parts) -> Any:
            found, slopes = [], []
            for objective, here in parts:
                with torch.enable_grad():
                    leaf = change[here].detach().requires_grad_()
                    loss = objective(leaf)
                    slopes.append(torch.autograd.grad(loss.sum(), leaf)[0])
                found.append(loss.detach())
            ctx.save_for_backward(torch.cat(slopes))
            return torch.cat(found)

        @staticmethod
        def backward(ctx: Any, *up: torch.Tensor) -> tuple[Any, None]:
            (slopes,) = ctx.saved_tensors
            return up[0].reshape(-1, *[1] * (slopes.ndim - 1)) * slopes, None

    return Apart

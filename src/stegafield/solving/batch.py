"""Losses of a batch whose parts have objectives of their own.

Each part's gradient is computed in the forward pass, right after its loss:

    change -> part 1: loss, gradient, forgotten -> part 2: loss, gradient, forgotten -> ...

So the memory of a batch is that of one part: what a network computes on the way is not kept for a
later backward pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ..core.optimizer import Objective, Optimizer

Parts = Sequence[tuple[Objective, slice]]


def losses(change: Any, parts: Parts) -> Any:
    """The loss ``(item,)`` of a change ``(item, *shape)``, tensors of torch.

    Differentiable once.
    """
    import torch

    if change.requires_grad and torch.is_grad_enabled():
        return _apart().apply(change, parts)
    return torch.cat([objective(change[here]) for objective, here in parts])


@lru_cache
def _apart() -> Any:
    """The torch function of `losses`, defined only once torch is imported."""
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


@dataclass(frozen=True, slots=True)
class Together:
    """The objective of a batch in which every item, or every run of items, has its own."""

    parts: Sequence[Objective]
    sizes: Sequence[int] | None = None
    """How many items each part is for; one each by default."""
    recordable: bool = False

    def __getattr__(self, name: str) -> Any:
        """`tightened`, if the parts have it; no other method of theirs."""
        if name != "tightened" or not all(hasattr(one, name) for one in self.parts):
            raise AttributeError(name)
        return self._tightened

    def _tightened(self, change: Any) -> "Together":
        parts: Sequence[Any] = self.parts
        found = [one.tightened(change[here]) for one, here in zip(parts, self._runs(), strict=True)]
        return Together(found, self.sizes, self.recordable)

    def __call__(self, change: Any) -> Any:
        """The loss ``(item,)``, of each part by its own objective.

        So no part changes another's loss by a single digit.
        """
        pairs = list(zip(self.parts, self._runs(), strict=True))
        if isinstance(change, ndarray):
            return np.concatenate([one(change[here]) for one, here in pairs])
        return losses(change, pairs)

    def _runs(self) -> list[slice]:
        sizes = self.sizes or [1] * len(self.parts)
        ends = np.cumsum(sizes)
        return [slice(int(end) - size, int(end)) for size, end in zip(sizes, ends, strict=True)]


def together(parts: Sequence[Objective], optimizer: "Optimizer") -> Objective:
    """One objective for the batch of an optimizer.

    The parts are joined if they can be and the optimizer works on a graphics card.
    """
    kind: Any = type(parts[0])
    if hasattr(kind, "joined") and all(type(one) is kind for one in parts):
        device = optimizer.place()
        if not device.startswith("cpu"):
            return kind.joined(parts, device)
    return parts[0] if len(parts) == 1 else Together(parts)


@dataclass(frozen=True, slots=True)
class Moved:
    """Shifts an objective so that the zero of a solver is the point `origin`."""

    objective: Objective
    origin: Float[ndarray, "item *shape"]
    placed: dict[Any, Any] = field(default_factory=dict, repr=False)
    """The origin as tensors, by type and device."""

    def __getattr__(self, name: str) -> Any:
        """`tightened`, if the objective has it; no other attribute."""
        if name != "tightened" or not hasattr(self.objective, name):
            raise AttributeError(name)
        return self._tightened

    def _tightened(self, change: Any) -> "Moved":
        objective: Any = self.objective
        return Moved(objective.tightened(self._whole(change)), self.origin, self.placed)

    @property
    def recordable(self) -> bool:
        """Whether the objective can be recorded."""
        return getattr(self.objective, "recordable", False)

    def __call__(self, change: Any) -> Any:
        """The loss ``(item,)`` at origin + change."""
        return self.objective(self._whole(change))

    def errors(self, change: Any) -> Any:
        """How many bits each item reads wrongly, if the objective counts them; else its loss."""
        return getattr(self.objective, "errors", self.objective)(self._whole(change))

    def _whole(self, change: Any) -> Any:
        if isinstance(change, ndarray):
            return change + self.origin
        import torch

        kind = change.dtype, change.device
        if kind not in self.placed:
            self.placed[kind] = torch.as_tensor(self.origin, dtype=kind[0], device=kind[1])
        return change + self.placed[kind]

"""The contract of an optimizer: moves a small change inside a box to lower a loss. Has never heard of steganography."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from . import options
from .device import placed

Objective = Callable[[Any], Any]
"""Change ``(item, *shape)`` to loss ``(item,)``, in the array type of the optimizer (torch tensors, as a rule).

It may have a method `tightened`: the objective that asks more of whatever a change leaves unmet. A solver calls it with
what it has so far and goes on with what it returns (`core.rounds`). And it may have an attribute `origin`, the change
``(*shape)`` of one item that it is best started from; `core.embed` sees to that, so solvers always start at zero.
Objectives of single items that a graphics card had better evaluate many at a time have a class method
`joined(objectives, device)`, which returns the objective of their batch. Where that has `recordable` set, evaluating it
asks the host for nothing, so that a solver may record it once and replay it (a CUDA graph).
"""


@dataclass(frozen=True, slots=True)
class Box:
    """Bounds of the change, per sample, in codes. lower = upper = 0 where a sample may not change."""

    lower: Float[ndarray, "item *shape"]
    upper: Float[ndarray, "item *shape"]
    scale: float = 1.0
    """Full scale in codes, for solvers whose first step is a share of it."""
    whole: bool = False
    """True where the change will be rounded to whole numbers: a solver may settle samples on them as it goes."""


@dataclass(frozen=True, slots=True)
class Together:
    """The objective of a batch in which every item, or every run of items, has its own."""

    parts: Sequence[Objective]
    sizes: Sequence[int] | None = None
    """How many items each part is for; one each, if not given."""
    recordable: bool = False

    def __getattr__(self, name: str) -> Any:
        """`tightened`, where the parts have it; no other method of theirs."""
        if name != "tightened" or not all(hasattr(one, name) for one in self.parts):
            raise AttributeError(name)
        return self._tightened

    def _tightened(self, change: Any) -> "Together":
        parts: Sequence[Any] = self.parts
        found = [one.tightened(change[here]) for one, here in zip(parts, self._runs(), strict=True)]
        return Together(found, self.sizes, self.recordable)

    def __call__(self, change: Any) -> Any:
        """The loss ``(item,)``: of each part by its own objective, so that no part changes another's by a digit."""
        pairs = list(zip(self.parts, self._runs(), strict=True))
        if isinstance(change, ndarray):
            return np.concatenate([one(change[here]) for one, here in pairs])
        from .apart import losses

        return losses(change, pairs)

    def _runs(self) -> list[slice]:
        sizes = self.sizes or [1] * len(self.parts)
        ends = np.cumsum(sizes)
        return [slice(int(end) - size, int(end)) for size, end in zip(sizes, ends, strict=True)]


def together(parts: Sequence[Objective], optimizer: "Optimizer") -> Objective:
    """One objective for the batch that an optimizer is handed: joined, where it works on a graphics card."""
    kind: Any = type(parts[0])
    if hasattr(kind, "joined") and all(type(one) is kind for one in parts):
        device = optimizer.place()
        if not device.startswith("cpu"):
            return kind.joined(parts, device)
    return parts[0] if len(parts) == 1 else Together(parts)


@dataclass(frozen=True, slots=True)
class Moved:
    """An objective whose change is counted from `origin`: so that a solver, which starts at zero, starts there."""

    objective: Objective
    origin: Float[ndarray, "item *shape"]
    placed: dict[Any, Any] = field(default_factory=dict, repr=False)
    """The origin as tensors, by type and device."""

    def __getattr__(self, name: str) -> Any:
        """`tightened`, where the objective has it; no other attribute of its."""
        if name != "tightened" or not hasattr(self.objective, name):
            raise AttributeError(name)
        return self._tightened

    def _tightened(self, change: Any) -> "Moved":
        objective: Any = self.objective
        return Moved(objective.tightened(self._whole(change)), self.origin, self.placed)

    @property
    def recordable(self) -> bool:
        """Whether the objective is."""
        return getattr(self.objective, "recordable", False)

    def __call__(self, change: Any) -> Any:
        """The loss ``(item,)`` at origin + change."""
        return self.objective(self._whole(change))

    def errors(self, change: Any) -> Any:
        """How many bits each item reads wrongly, where the objective counts them; else its loss."""
        return getattr(self.objective, "errors", self.objective)(self._whole(change))

    def _whole(self, change: Any) -> Any:
        if isinstance(change, ndarray):
            return change + self.origin
        import torch

        kind = change.dtype, change.device
        if kind not in self.placed:
            self.placed[kind] = torch.as_tensor(self.origin, dtype=kind[0], device=kind[1])
        return change + self.placed[kind]


@dataclass(frozen=True, slots=True)
class Solution:
    """What a solver found. `status` is one sentence per item; solvers never raise."""

    change: Float[ndarray, "item *shape"]
    loss: Float[ndarray, " item"]
    evaluations: Int[ndarray, " item"]
    status: tuple[str, ...]


class Optimizer(ABC):
    """A batched solver: items share nothing but the call."""

    name: ClassVar[str]
    batched: ClassVar[bool] = True
    """False where `solve` works item after item and puts each alone before the objective: it is then handed one."""

    Options: ClassVar[type[options.Options]] = options.Options
    """What the sender may set with ``--set optimizer.OPTION=VALUE``: a nested subclass."""

    def __init__(self, options: Any = None, *, device: str = "cpu") -> None:
        self.options: Any = options or type(self).Options()
        self.device = device

    def place(self) -> str:
        """The device to work on, for solvers that use torch; `ConfigError` where it is not there."""
        return placed(self.device)

    @abstractmethod
    def solve(self, objective: Objective, box: Box) -> Solution:
        """The change of least loss that it finds inside the box, starting from the point of the box nearest to zero."""

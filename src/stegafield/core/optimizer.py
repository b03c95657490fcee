"""The contract of an optimizer: moves a small change inside a box to lower a loss.

Has never heard of steganography.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float, Int
from numpy import ndarray

from . import options
from .device import placed

Objective = Callable[[Any], Any]
"""Change ``(item, *shape)`` to loss ``(item,)``, in the array type of the optimizer (torch tensors,
as a rule).

It may have a method `tightened`: the objective that asks more of whatever a change leaves unmet. A
solver calls it with what it has so far and goes on with what it returns (`solving.rounds`). And it
may have an attribute `origin`, the change ``(*shape)`` of one item that it is best started from;
`pipeline.methods` sees to that, so solvers always start at zero. Objectives of single items that a
graphics card had better evaluate many at a time have a class method `joined(objectives, device)`,
which returns the objective of their batch. Where that has `recordable` set, evaluating it asks the
host for nothing, so that a solver may record it once and replay it (a CUDA graph).
"""


@dataclass(frozen=True, slots=True)
class Box:
    """Bounds of the change, per element, in codes; both 0 where an element may not change."""

    lower: Float[ndarray, "item *shape"]
    upper: Float[ndarray, "item *shape"]
    scale: float = 1.0
    """Full scale in codes, for solvers whose first step is a share of it."""
    whole: bool = False
    """True where the change will be rounded to whole numbers: a solver may settle elements on them
    as it goes."""


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
    api_version: ClassVar[int] = 1
    """The version of this contract that the class was written for (`core.registry`)."""
    batched: ClassVar[bool] = True
    """False where `solve` works item after item and puts each alone before the objective: it then
    receives one."""

    Options: ClassVar[type[options.Options]] = options.Options
    """What the sender may set with ``--set optimizer.OPTION=VALUE``: a nested subclass."""

    def __init__(self, options: Any = None, *, device: str = "cpu") -> None:
        self.options: Any = options or type(self).Options()
        self.device = device

    def place(self) -> str:
        """The device to work on, for solvers that use torch; `ConfigError` without it."""
        return placed(self.device)

    @abstractmethod
    def solve(self, objective: Objective, box: Box) -> Solution:
        """The change of least loss that it finds inside the box, starting from the point of the box
        nearest to zero."""

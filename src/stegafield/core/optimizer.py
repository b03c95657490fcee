"""The contract of an optimizer: moves a small change inside a box to lower a loss. Has never heard of steganography."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float, Int
from numpy import ndarray

from . import options

Objective = Callable[[Any], Any]
"""Change ``(item, *shape)`` to loss ``(item,)``, in the array type of the optimizer (torch tensors, as a rule)."""


@dataclass(frozen=True, slots=True)
class Box:
    """Bounds of the change, per sample, in codes. lower = upper = 0 where a sample may not change."""

    lower: Float[ndarray, "item *shape"]
    upper: Float[ndarray, "item *shape"]


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

    Options: ClassVar[type[options.Options]] = options.Options
    """What the sender may set with ``--set optimizer.OPTION=VALUE``: a nested subclass."""

    def __init__(self, options: Any = None, *, device: str = "cpu") -> None:
        self.options: Any = options or type(self).Options()
        self.device = device

    @abstractmethod
    def solve(self, objective: Objective, box: Box) -> Solution:
        """The change of least loss that it finds inside the box, starting from the point of the box nearest to zero."""

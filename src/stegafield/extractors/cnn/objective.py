"""The loss of the network: margins under a small change, or the paper's cross-entropy.

Outputs are measured in *steps*: the change of an output when the elements change by 1/255 of full
scale at random. So a picture and a 16-bit sound, a network that reacts and one that hardly does,
look alike to a solver.
"""

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numpy import ndarray

from ...core.optimizer import Objective
from ...solving.batch import Together
from .network import BAND, Network

STEP = 1 / 255  # of full scale
ROUNDING = 2.5  # margin, in standard deviations of what rounding to codes does to the outputs
LEAST = (
    0.03  # margin at least, in standard deviations of the outputs: far beyond what floats differ
)
STIFFNESS = 12.0  # of the margins beside the change, for outputs as far away as the margin is wide
FINISHED = 0.01  # margin of the finish: 2,000 times what float32 differs between machines


class Target:
    """The bits that the outputs of a network must have, for one cover."""

    def __init__(
        self,
        network: Network,
        start: Float32[ndarray, "channel *space"],
        unit: float,
        where: Bool[ndarray, "*space"],
        bits: UInt8[ndarray, "depth position"],
    ) -> None:
        """`start`: the cover as a share of full scale; `unit`: one code as such a share."""
        import torch

        self.network, self.unit = network, unit
        self._origin = torch.zeros(start.shape)
        self._start = torch.from_numpy(start)
        self._index = torch.from_numpy(np.flatnonzero(where))
        self._sign = torch.from_numpy(2.0 * bits.astype(np.float32) - 1)
        self.spread: Any
        """Standard deviation of the outputs; for a batch ``(item, 1, 1)``."""
        self.step: Any
        """Length of the gradient of an output, per `STEP`."""
        self.spread, self.step = self._measure()

    @classmethod
    def joined(cls, targets: Sequence["Target"], device: str) -> "Target":
        """The bits of a batch of covers of the same `kind`, on a device."""
        import torch

        def stack(name: str) -> torch.Tensor:
            return torch.stack([getattr(one, name) for one in targets]).to(device)

        found = copy(targets[0])
        found.network = Network.joined([one.network for one in targets])
        found._origin, found._start, found._sign = map(stack, ("_origin", "_start", "_sign"))
        found._index = found._index.to(device)
        found.spread, found.step = (
            torch.tensor([getattr(one, name) for one in targets], device=device)[:, None, None]
            for name in ("spread", "step")
        )
        return found

    @property
    def kind(self) -> tuple[object, ...]:
        """The properties that joined targets share."""
        return self.unit, self.space, self._index.numpy().tobytes()

    @property
    def space(self) -> tuple[int, ...]:
        """The shape of the grid."""
        return tuple(self._start.shape[1:])

    def _measure(self) -> tuple[float, float]:
        """The standard deviation of the outputs, and the length of the gradient of one, per `STEP`.

        Both at the origin.
        """
        import torch

        with torch.no_grad():
            noise = torch.rand(self._start.shape, generator=torch.Generator().manual_seed(0)) - 0.5
            still, shaken = (
                self.outputs((self._origin + n)[None])
                for n in (0 * noise, noise * STEP / self.unit)
            )
        found = still.std(correction=0), (shaken - still).std(correction=0) * 12**0.5
        spread, step = (max(float(value), 1e-30) for value in found)
        return spread, step

    @property
    def origin(self) -> Float32[ndarray, "channel *space"]:
        """The change, in codes, that a search starts from."""
        return self._origin.numpy()

    def moved(self, change: Any) -> Any:
        """How far the elements ``(item, n)`` are from the origin, in steps."""
        away = change - self._origin.to(change.device, change.dtype)
        return away.flatten(1) * (self.unit / STEP)

    @property
    def roughness(self) -> float:
        """The distance between outputs, in changes of an output by one code."""
        return self.spread / self.step * STEP / self.unit

    def started(self, origin: Float32[ndarray, "channel *space"]) -> "Target":
        """The same target, for a search that starts from `origin`."""
        import torch

        found = copy(self)
        found._origin = torch.from_numpy(origin)
        found.spread, found.step = found._measure()
        return found

    def outputs(self, change: Any) -> Any:
        """The outputs ``(item, depth, position)`` that carry bits, for a change in codes."""
        start = self._start.to(change.device)
        found = self.network(start + change.to(start.dtype) * self.unit).flatten(2)
        if len(self._index) == found.shape[2]:  # picking all of them takes longer than the network
            return found
        return found[..., self._index.to(change.device)]

    def agreement(self, change: Any) -> Any:
        """The same outputs, positive where they read the wanted bit."""
        return self.outputs(change) * self._sign.to(change.device)


@dataclass(frozen=True)
class _Loss:
    target: Target
    _shapes: ClassVar[dict[str, tuple[int, ...]]] = {}
    """The names of the numbers that differ between items, and their shape in a batch."""

    @property
    def origin(self) -> Float32[ndarray, "channel *space"]:
        """The change, in codes, to start from."""
        return self.target.origin

    @classmethod
    def joined(cls, losses: Sequence["_Loss"], device: str) -> Objective:
        """The objective of a batch on a device.

        It handles as many items at once as make a `BAND`, and their gradients with them.
        """
        parts, sizes = [], []
        for _, group in groupby(losses, lambda one: one.target.kind):
            alike = list(group)
            count = max(1, BAND // math.prod(alike[0].target.space))
            for first in range(0, len(alike), count):
                some = alike[first : first + count]
                parts.append(cls._stacked(some, device))
                sizes.append(len(some))
        return Together(parts, sizes, recordable=True)

    @classmethod
    def _stacked(cls, losses: Sequence["_Loss"], device: str) -> "_Loss":
        """One loss for covers of one kind: a number of each item becomes a tensor."""
        import torch

        target = Target.joined([one.target for one in losses], device)
        numbers = {
            name: torch.tensor([getattr(one, name) for one in losses], device=device).reshape(shape)
            for name, shape in cls._shapes.items()
        }
        return replace(losses[0], target=target, **numbers)

    def errors(self, change: Any) -> Any:
        """How many bits each item reads wrongly ``(item,)``; for NumPy or torch."""
        import torch

        with torch.no_grad():
            return (self.target.agreement(torch.as_tensor(change)) <= 0).sum((1, 2))


@dataclass(frozen=True)
class Margins(_Loss):
    """The squared change, and how far every bit falls short of its margin; an augmented Lagrangian.

    The change is counted from the target's origin, in steps, and so is `margin`. `short` is what
    each bit fell short by in earlier rounds and has to make up for (its multiplier). So the least
    change that reads by the margin is found without large weights.
    """

    margin: Any
    weight: Any
    _shapes: ClassVar[dict[str, tuple[int, ...]]] = {"margin": (-1, 1, 1), "weight": (-1,)}
    nearness: float = 1.0
    short: Any = 0.0

    @classmethod
    def beyond_rounding(cls, target: Target) -> "Margins":
        """The loss with a margin that most roundings leave intact, and a weight for it."""
        rounding = target.unit / STEP / 12**0.5
        margin = max(ROUNDING * rounding, LEAST * target.spread / target.step)
        return cls(target, margin, STIFFNESS * max(1, target.spread / target.step / margin))

    @classmethod
    def repaired(cls, target: Target) -> "Margins":
        """The loss that only requires every bit to be right beyond the noise of floats.

        Zero if so, however large the change is.
        """
        return cls(target, FINISHED * target.spread / target.step, 1.0, nearness=0.0)

    def _shortfall(self, change: Any) -> Any:
        wanted = self.margin + self.short
        return (wanted - self.target.agreement(change) / self.target.step).relu()

    def __call__(self, change: Any) -> Any:
        """The loss ``(item,)``."""
        found = self.weight * self._shortfall(change).square().sum((1, 2))
        return found + self.nearness * self.target.moved(change).square().sum(1)

    def tightened(self, change: Any) -> "Margins":
        """The loss that requires more of what falls short at this change."""
        import torch

        with torch.no_grad():
            return replace(self, short=self._shortfall(change))


@dataclass(frozen=True)
class CrossEntropy(_Loss):
    """The paper's loss, log(1 + exp(-gain agreement)).

    Never zero, and hardly curved where gain x agreement is small.
    """

    gain: Any
    _shapes: ClassVar[dict[str, tuple[int, ...]]] = {"gain": (-1, 1, 1)}

    def __call__(self, change: Any) -> Any:
        """The loss ``(item,)``."""
        from torch.nn import functional

        agreement = self.target.agreement(change)
        return functional.softplus(-self.gain * agreement).sum((1, 2))

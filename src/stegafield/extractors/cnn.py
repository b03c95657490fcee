"""The extractor of the paper: a fixed convolutional network of four 3x3 layers, D outputs a position, bit = sign.

    codes / full scale -> conv 128 -> conv 128 -> conv 128 -> conv D -> > 0 ?       (norm="none": ReLU between)

It cannot invert itself: an optimizer moves the cover until the network reads the message. `norm="batch"` is
SteganoGAN's decoder (LeakyReLU, then batch normalisation with the statistics of this one item), on a centred input and
with kernels whose sum is zero: it looks at differences of neighbours, and reacts to far smaller changes.
There are no biases. So the sign of an output does not depend on the scale of the input, and both sides need not agree
on a full scale beyond what the codes themselves show.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float32, Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from ..core import options
from ..core.convolution import convolve
from ..core.cover import Cover, GridSpec
from ..core.extractor import Extractor, depth
from ..core.extras import need
from ..core.optimizer import Objective
from ..core.weights import balanced, uniform

HIDDEN, LAYERS = 128, 4
FULL_SCALES = (255, 65_535, 2**32 - 1)
LEAK = 0.01  # of LeakyReLU, torch's default
_TINY = 1e-12  # keeps the normalisation of a constant feature finite; far below one code of 16 bits
MARGIN = 0.15  # of the hinge, in standard deviations of the cover's outputs, at least
ROUNDING = 4.5  # the same, in standard deviations of what rounding does to the outputs
NEARNESS = (
    6.5  # weight of the squared change, in full scales, beside the hinge: see docs/decisions.md
)
FINISHED = (
    0.01  # margin that the finish asks for: 2,000 times what float32 differs between machines
)
PASSES = 18  # evaluations of the finish at most


class Cnn(Extractor):
    """The paper's network: four 3x3 convolutions, 128 hidden features; bits are signs. Needs torch and an optimizer."""

    name: ClassVar[str] = "cnn"
    losses: ClassVar[tuple[str, ...]] = ("hinge", "bce", "bce-normal")

    class Options(options.Options):
        """What both sides must agree on."""

        norm: Literal["none", "batch"] = "none"
        """"none": ReLU, as the paper. "batch": LeakyReLU and normalisation by the statistics of the item itself."""

    def read(
        self,
        codes: Int[ndarray, "channel *space"],
        free: Bool[ndarray, "channel *space"],
        spec: GridSpec,
    ) -> UInt8[ndarray, " bit"]:
        """The signs of the outputs at all positions whose channels are all free, output after output."""
        where = free.all(axis=0)
        if not depth(self.rate, len(codes)) or not where.any():
            return np.empty(0, np.uint8)
        need("torch", "torch")
        import torch

        with torch.no_grad():
            value = torch.from_numpy(_scaled(codes))[None]
            found = self._network(len(codes), codes.ndim - 1, spec.periodic)(value)[0]
        return (found.numpy()[:, where] > 0).astype(np.uint8).ravel()

    def count(self, cover: Cover) -> int:
        """D bits for each position whose channels are all free."""
        return depth(self.rate, len(cover.codes)) * int(np.count_nonzero(cover.free.all(axis=0)))

    def objective(
        self, cover: Cover, bits: UInt8[ndarray, " bit"], loss: str = "hinge"
    ) -> Objective:
        """The loss of a change: squared hinge with margin, or the paper's binary cross-entropy. Has `errors`, too.

        Signs do not depend on the scale of the weights, but cross-entropy does: "bce" takes the outputs as they are,
        "bce-normal" as they were with weights of variance one, which FNNS's program draws.
        """
        need("torch", "torch")
        return Loss(
            self._network(len(cover.codes), cover.codes.ndim - 1, cover.spec.periodic),
            _scaled(cover.codes),
            1 / _full_scale(cover.codes),
            np.asarray(cover.free.all(axis=0)),
            bits.reshape(depth(self.rate, len(cover.codes)), -1),
            loss,
            self._gain(len(cover.codes), cover.codes.ndim - 1),
        )

    def _gain(self, channels: int, rank: int) -> float:
        """How much larger outputs would be with weights of variance one; normalisation undoes all but the last layer."""
        fans = [before * 3**rank for before in (channels, *[HIDDEN] * (LAYERS - 1))]
        counted = fans if self.options.norm == "none" else fans[-1:]
        return float(np.sqrt(3.0 * np.array(counted)).prod())  # uniform in +-b has the variance b^2 / 3

    def finish(
        self,
        cover: Cover,
        codes: Int[ndarray, "channel *space"],
        bits: UInt8[ndarray, " bit"],
        low: Int[ndarray, "channel *space"],
        high: Int[ndarray, "channel *space"],
        rng: Generator,
    ) -> tuple[Int[ndarray, "channel *space"], int]:
        """Codes moved by single steps, where the gradient of the wrong bits is largest, and the evaluations taken.

        Rounding leaves a few bits in ten thousand wrong. Steps that do not help are taken back and tried by halves.
        """
        need("torch", "torch")
        import torch

        loss: Any = self.objective(cover.with_codes(codes), bits)
        loss.sharpen(FINISHED)
        step = torch.zeros((1, *codes.shape))
        down, up = (torch.from_numpy((b - codes)[None].astype(np.float32)) for b in (low, high))
        least, best, slope, count, evaluations = np.inf, step, step, 64, 0
        while evaluations < PASSES:
            evaluations += 1
            leaf = step.clone().requires_grad_()
            found = loss(leaf).sum()
            now = found.item()
            if now < least:
                (slope,) = torch.autograd.grad(found, leaf)
                least, best, count = now, step, min(2 * count, 1024)
            else:
                count //= 4
            if least == 0 or not np.isfinite(least) or count == 0:
                break
            wanted = best - slope.sign()
            gain = torch.where((wanted >= down) & (wanted <= up), slope.abs(), 0).flatten()
            strongest = torch.topk(gain, min(count, gain.numel())).indices
            step = best.flatten().clone()
            step[strongest] = torch.where(gain > 0, wanted.flatten(), step)[strongest]
            step = step.reshape(best.shape)
        return codes + best[0].numpy().astype(codes.dtype), evaluations

    def weights(self, channels: int, rank: int) -> list[Float32[ndarray, "..."]]:
        """The weights of the four layers: uniform in +-1/sqrt(fan-in), as torch draws them, but from the seed.

        With `norm="batch"` the sum of every kernel is zero: see docs/decisions.md.
        """
        sizes = [channels, *[HIDDEN] * (LAYERS - 1), depth(self.rate, channels)]
        found = []
        for layer, (before, after) in enumerate(pairwise(sizes)):
            shape = (after, before, *[3] * rank)
            bound = np.float32(1 / np.sqrt(float(before * 3**rank)))
            draw = uniform if self.options.norm == "none" else balanced
            found.append(draw(self.seed, f"cnn/{self.options.norm}/{layer}", shape) * bound)
        return found

    def _network(self, channels: int, rank: int, periodic: tuple[bool, ...]) -> "Network":
        return Network(self.weights(channels, rank), periodic, self.options.norm == "batch")


class Network:
    """The forward pass, from weights in NumPy to outputs on the device of the input."""

    def __init__(
        self,
        weights: list[Float32[ndarray, "..."]],
        periodic: tuple[bool, ...],
        normalised: bool,
    ) -> None:
        self.weights, self.periodic, self.normalised = weights, periodic, normalised
        self._placed: dict[Any, list[Any]] = {}

    def __call__(self, value: Any) -> Any:
        """Outputs ``(item, D, *space)`` of inputs ``(item, channel, *space)``; items do not see each other."""
        if self.normalised:
            value = value - value.mean(list(range(2, value.ndim)), keepdim=True)
        for layer, weight in enumerate(self._on(value.device)):
            value = convolve(self._activated(value) if layer else value, weight, self.periodic)
        return value

    def _activated(self, value: Any) -> Any:
        from torch.nn import functional

        if not self.normalised:
            return functional.relu(value)
        value = functional.leaky_relu(value, LEAK)
        axes = list(range(2, value.ndim))
        value = value - value.mean(axes, keepdim=True)
        return value / (value.square().mean(axes, keepdim=True) + _TINY).sqrt()

    def _on(self, device: Any) -> list[Any]:
        import torch

        if device not in self._placed:
            self._placed[device] = [torch.from_numpy(w).to(device) for w in self.weights]
        return self._placed[device]


class Loss:
    """The loss per item of a change ``(item, channel, *space)``, and how many bits it leaves wrong."""

    def __init__(
        self,
        network: Network,
        start: Float32[ndarray, "channel *space"],
        unit: float,
        where: Bool[ndarray, "*space"],
        bits: UInt8[ndarray, "depth position"],
        loss: str,
        gain: float,
    ) -> None:
        import torch

        self.network, self.unit = network, unit
        self.loss: Callable[[Any], Any]
        self._start = torch.from_numpy(start)
        self._index = torch.from_numpy(np.flatnonzero(where))
        self._sign = torch.from_numpy(2.0 * bits.astype(np.float32) - 1)
        self._nearness, self.loss = 0.0, _CrossEntropy(gain if loss == "bce-normal" else 1.0)
        with torch.no_grad():
            still = self.outputs(torch.zeros((1, *start.shape)))
        self._spread = max(float(still.std(correction=0)), 1e-30)
        if loss == "hinge":
            with torch.no_grad():
                noise = torch.rand(self._start.shape, generator=torch.Generator().manual_seed(0))
                shaken = self.outputs(noise[None] - 0.5) - self.outputs(
                    torch.zeros_like(noise)[None]
                )
            self.sharpen(max(MARGIN, ROUNDING * float(shaken.std(correction=0)) / self._spread))
            self._nearness = NEARNESS * unit**2

    def sharpen(self, margin: float) -> None:
        """Ask for this margin, in standard deviations of the cover's outputs, and no longer for a small change."""
        self._nearness, self.loss = 0.0, _Hinge(margin * self._spread)

    def outputs(self, change: Any) -> Any:
        """The outputs ``(item, depth, position)`` that carry bits."""
        start = self._start.to(change.device)
        found = self.network(start + change.to(start.dtype) * self.unit)
        return found.flatten(2)[..., self._index.to(change.device)]

    def _agreement(self, change: Any) -> Any:
        return self.outputs(change) * self._sign.to(change.device)

    def __call__(self, change: Any) -> Any:
        """The loss ``(item,)``."""
        found = self.loss(self._agreement(change)).sum((1, 2))
        return found + self._nearness * change.flatten(1).square().sum(1)

    def errors(self, change: Any) -> Any:
        """How many bits each item reads wrongly ``(item,)``; of NumPy or torch."""
        import torch

        with torch.no_grad():
            return (self._agreement(torch.as_tensor(change)) <= 0).sum((1, 2))


class _Hinge:
    """relu(1 - agreement / margin)^2: exactly zero where a bit is right by the margin."""

    def __init__(self, margin: float) -> None:
        self.margin = margin

    def __call__(self, agreement: Any) -> Any:
        return (1 - agreement / self.margin).relu().square()


class _CrossEntropy:
    """log(1 + exp(-gain agreement)): never zero, and hardly curved where gain x agreement is small."""

    def __init__(self, gain: float) -> None:
        self.gain = gain

    def __call__(self, agreement: Any) -> Any:
        from torch.nn import functional

        return functional.softplus(-self.gain * agreement)


def _full_scale(codes: Int[ndarray, "channel *space"]) -> float:
    """255, 65535 or 2**32 - 1: the least that no code exceeds. It changes no sign, only the size of the floats."""
    most = max(abs(int(codes.min())), abs(int(codes.max())))
    return float(next((scale for scale in FULL_SCALES if most <= scale), 2**63))


def _scaled(codes: Int[ndarray, "channel *space"]) -> Float32[ndarray, "channel *space"]:
    return (codes / _full_scale(codes)).astype(np.float32)

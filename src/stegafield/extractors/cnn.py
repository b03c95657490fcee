"""The extractor of the paper: a fixed convolutional network of four 3x3 layers, D outputs a position, bit = sign.

    codes / full scale -> conv 128 -> conv 128 -> conv 128 -> conv D -> > 0 ?       (norm="none": ReLU between)

It cannot invert itself: an optimizer moves the cover until the network reads the message. `norm="batch"` is
SteganoGAN's decoder (LeakyReLU, then batch normalisation with the statistics of this one item), on a centred input and
with kernels whose sum is zero: it looks at differences of neighbours, and reacts to far smaller changes.
There are no biases. So the sign of an output does not depend on the scale of the input, and both sides need not agree
on a full scale beyond what the codes themselves show.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar, Literal, NamedTuple

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
BAND = 1 << 16  # positions that are evaluated at once: about 400 MB with their gradient
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
        """How much larger outputs would be with weights of variance one; normalising undoes all but the last layer."""
        fans = [before * 3**rank for before in (channels, *[HIDDEN] * (LAYERS - 1))]
        counted = fans if self.options.norm == "none" else fans[-1:]
        return math.prod(math.sqrt(3 * fan) for fan in counted)  # uniform in +-b: variance b^2 / 3

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
    """The forward pass, from weights in NumPy to outputs on the device of the input.

    More than `BAND` positions are evaluated in bands along the first axis, each with the rows around it that it looks
    at; what a band computed on the way is computed again for its gradient. So memory is that of one band.
    """

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
        import torch

        if self.normalised:
            value = value - value.mean(list(range(2, value.ndim)), keepdim=True)
        bands = _bands(value.shape[2:], self.periodic[0])
        if len(bands) == 1:
            return self._through(value, LAYERS, None, self.periodic)
        known: list[Any] = []
        while self.normalised and len(known) < LAYERS - 1:
            sums = [self._again(self._moments, value, band, tuple(known)) for band in bands]
            mean, square = torch.stack(sums).sum(0) / value[0, 0].numel()
            known.append((mean, square - mean.square()))
        outputs = [self._again(self._outputs, value, band, tuple(known)) for band in bands]
        return torch.cat(outputs, 2)

    def _outputs(self, value: Any, band: "_Band", known: tuple[Any, ...]) -> Any:
        found = self._through(band.of(value), LAYERS, known, (False, *self.periodic[1:]))
        return found[:, :, band.own]

    def _moments(self, value: Any, band: "_Band", known: tuple[Any, ...]) -> Any:
        """The sum and the sum of squares of each feature that the next layer normalises, in float64."""
        import torch

        done, periodic = len(known) + 1, (False, *self.periodic[1:])
        found = self._through(band.of(value), done, known, periodic)[:, :, band.own]
        found = _leaky(found).double()
        axes = list(range(2, found.ndim))
        sums = [part.sum(axes, keepdim=True) for part in (found, found.square())]
        return torch.stack(sums)

    def _again(self, part: Any, value: Any, *more: Any) -> Any:
        """A part of the pass that keeps nothing for its gradient and runs again when that is wanted."""
        import torch
        from torch.utils.checkpoint import checkpoint

        if not torch.is_grad_enabled():
            return part(value, *more)
        return checkpoint(part, value, *more, use_reentrant=False, preserve_rng_state=False)

    def _through(
        self, value: Any, layers: int, known: tuple[Any, ...] | None, periodic: tuple[bool, ...]
    ) -> Any:
        """The first layers; normalised by `known`, the mean and variance of each, or by the value's own."""
        from torch.nn import functional

        for layer, weight in enumerate(self._on(value.device)[:layers]):
            if layer and self.normalised:
                value = _normalised(_leaky(value), known[layer - 1] if known is not None else None)
            elif layer:
                value = functional.relu(value)
            value = convolve(value, weight, periodic)
        return value

    def _on(self, device: Any) -> list[Any]:
        import torch

        if device not in self._placed:
            self._placed[device] = [torch.from_numpy(w).to(device) for w in self.weights]
        return self._placed[device]


class _Band(NamedTuple):
    """Rows that are evaluated together."""

    first: int
    last: int
    """The rows that are looked at, `last` excluded; before the first and after the last row of all they wrap around."""
    own: slice
    """Those of them that the band is for."""

    def of(self, value: Any) -> Any:
        """The rows of the band, picked on the device."""
        import torch

        rows = torch.arange(self.first, self.last, device=value.device)
        return value.index_select(2, rows.remainder(value.shape[2]))


def _bands(space: tuple[int, ...], wraps: bool) -> list[_Band]:
    """Runs of rows of at most `BAND` positions, with as many rows around them as the network has layers."""
    count, height = space[0], max(1, BAND // max(1, math.prod(space[1:])))
    found = []
    for top in range(0, count, height):
        bottom = min(top + height, count)
        first, last = top - LAYERS, bottom + LAYERS
        if not wraps:
            first, last = max(first, 0), min(last, count)
        found.append(_Band(first, last, slice(top - first, bottom - first)))
    return found


def _leaky(value: Any) -> Any:
    from torch.nn import functional

    return functional.leaky_relu(value, LEAK)


def _normalised(value: Any, known: Any) -> Any:
    """Mean zero and variance one: by (mean, variance) as `known`, or by the value's own."""
    if known is not None:
        mean, variance = (part.to(value.dtype) for part in known)
        return (value - mean) / (variance + _TINY).sqrt()
    axes = list(range(2, value.ndim))
    value = value - value.mean(axes, keepdim=True)
    return value / (value.square().mean(axes, keepdim=True) + _TINY).sqrt()


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

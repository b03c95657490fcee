"""The extractor of the paper: a fixed convolutional network of four 3x3 layers, bit = sign.

    codes / full scale -> conv 128 -> conv 128 -> conv 128 -> conv D -> > 0 ?

There are D outputs a position. With `norm="none"` there is ReLU between the layers. The network
cannot invert itself: an optimizer moves the cover until the network reads the message.
`norm="batch"` is SteganoGAN's decoder (LeakyReLU, then batch normalisation with the statistics of
this one item), on a centred input and with kernels whose sum is zero: it looks at differences of
neighbours, and reacts to far smaller changes. There are no biases. So the sign of an output does
not depend on the scale of the input, and both sides need not agree on a full scale beyond what the
codes themselves show.
"""

import math
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float32, Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from ...coding.weights import balanced, uniform
from ...core import options
from ...core.cover import Cover, GridSpec
from ...core.extractor import Positionwise, depth
from ...core.optimizer import Objective
from ...extras import need
from .network import LAYERS, Network
from .objective import CrossEntropy, Margins, Target

HIDDEN = 128
FULL_SCALES = (255, 65_535, 2**32 - 1)
ROUGHNESS = 3.0
"""The least distance between outputs, in changes by one code, for a search on whole numbers.

Normalised outputs have one size: on a flat cover a single code moves them as far as bits are apart,
and no rounding leaves them intact. Noise makes a cover rougher, by the sum of squares.
"""
UNLIKE, DENSER = 0.35, 0.15
"""The mean difference of neighbours, as a share of full scale, up to which a search leaves 20 dB,
and how much less that is at a bit an element: photographs have 0.01 to 0.1, uniform noise 0.33."""
MOST_AT_ENDS = 0.05
"""Share of one channel that may be at an end of its range."""
PASSES, FIRST = 30, 4  # of the finish: evaluations at most, and half as many steps at first


class Cnn(Positionwise):
    """The paper's network: four 3x3 convolutions, 128 hidden features; bits are signs.

    Needs torch and an optimizer.
    """

    name: ClassVar[str] = "cnn"
    losses: ClassVar[tuple[str, ...]] = ("hinge", "bce", "bce-normal")

    class Options(options.Options):
        """The settings that both sides must agree on."""

        norm: Literal["none", "batch"] = "none"
        """"none": ReLU, as the paper. "batch": LeakyReLU and normalisation by the statistics of
        the item itself."""

    def bears(self, cover: Cover) -> bool:
        """Up to a bit an element, where the network is normalised and neighbours differ by little.

        At more, or where codes are noise, most files keep wrong bits or a change that anyone sees;
        without normalisation all do. One channel is harder: not at the ends of its range, nor in
        sounds and in 16 bits.
        """
        outputs, channels = depth(self.rung, len(cover.codes)), len(cover.codes)
        if self.options.norm == "none" or outputs > channels:
            return False
        if _unlike(cover) > UNLIKE - DENSER * outputs / channels:
            return False
        if channels > 1:
            return True
        ends = ((cover.codes == cover.low) | (cover.codes == cover.high)) & cover.free
        few = int(np.count_nonzero(ends)) <= MOST_AT_ENDS * cover.codes.size
        return few and (cover.spec.kind == "sphere" or cover.peak == FULL_SCALES[0])

    def outputs(
        self, codes: Int[ndarray, "channel *space"], spec: GridSpec
    ) -> Bool[ndarray, "depth *space"]:
        """Which outputs of the network are positive."""
        need("torch", "torch")
        import torch

        with torch.no_grad():
            value = torch.from_numpy(_scaled(codes))[None]
            found = self._network(len(codes), codes.ndim - 1, spec.periodic)(value)[0]
        return found.numpy() > 0

    def objective(
        self, cover: Cover, bits: UInt8[ndarray, " bit"], loss: str = "hinge"
    ) -> Objective:
        """The loss of a change: squared hinge with margin, or the paper's binary cross-entropy.

        It also counts `errors`. Signs do not depend on the scale of the weights, but cross-entropy
        does: "bce" takes the outputs as they are, "bce-normal" as they were with weights of
        variance one, which FNNS's program draws.
        """
        target = self._target(cover, cover.codes, bits)
        if loss == "hinge":
            flat = self.options.norm == "batch" and target.roughness < ROUGHNESS
            return Margins.beyond_rounding(self._dithered(target, cover) if flat else target)
        gain = self._gain(len(cover.codes), cover.codes.ndim - 1) if loss == "bce-normal" else 1.0
        return CrossEntropy(target, gain)

    def _dithered(self, target: Target, cover: Cover) -> Target:
        """The target with a search that starts from noise on the cover: see `ROUGHNESS`."""
        reach = math.sqrt(3 * (ROUGHNESS**2 - target.roughness**2))  # of uniform noise
        low, high = cover.low + reach, cover.high - reach  # as rough at the ends of the range
        noise = reach * uniform(self.seed, "cnn/dither", cover.codes.shape)
        noisy = np.rint(np.clip(cover.codes, low, high) + noise)
        noisy = np.clip(noisy, cover.low, cover.high)  # where the range is narrower than the noise
        return target.started(np.where(cover.free, noisy - cover.codes, 0).astype(np.float32))

    def _target(
        self, cover: Cover, codes: Int[ndarray, "channel *space"], bits: UInt8[ndarray, " bit"]
    ) -> Target:
        need("torch", "torch")
        return Target(
            self._network(len(codes), codes.ndim - 1, cover.spec.periodic),
            _scaled(codes),
            1 / _full_scale(codes),
            np.asarray(cover.free.all(axis=0)),
            bits.reshape(depth(self.rung, len(codes)), -1),
        )

    def _gain(self, channels: int, rank: int) -> float:
        """How much larger outputs would be with weights of variance one.

        Normalisation cancels the factors of all layers except the last.
        """
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
        """Codes moved by single steps, and the number of evaluations.

        Steps go where the gradient of the wrong bits is largest. An optimizer that minds whole
        numbers leaves few wrong bits. Steps that do not help are taken back, and fewer are tried;
        where not even one helps, the next best.
        """
        need("torch", "torch")
        import torch

        loss = Margins.repaired(self._target(cover, codes, bits))
        step = torch.zeros((1, *codes.shape))
        down, up = (torch.from_numpy((b - codes)[None].astype(np.float32)) for b in (low, high))
        least, best, slope, count, evaluations = np.inf, step, step, FIRST, 0
        chosen, tried = slice(0, 0), torch.zeros(step.numel(), dtype=torch.bool)
        while evaluations < PASSES:
            evaluations += 1
            leaf = step.clone().requires_grad_()
            found = loss(leaf).sum()
            now = found.item()
            if now < least:
                (slope,) = torch.autograd.grad(found, leaf)
                least, best, count = now, step, min(2 * count, 1024)
                tried[:] = False
            elif count > 1:
                count = max(1, count // 4)
            else:
                tried[chosen] = True
            if least == 0 or not np.isfinite(least):
                break
            wanted = best - slope.sign()
            gain = torch.where((wanted >= down) & (wanted <= up), slope.abs(), 0).flatten()
            gain[tried] = 0
            chosen = torch.topk(gain, min(count, gain.numel())).indices
            step = best.flatten().clone()
            step[chosen] = torch.where(gain > 0, wanted.flatten(), step)[chosen]
            step = step.reshape(best.shape)
        return codes + best[0].numpy().astype(codes.dtype), evaluations

    def weights(self, channels: int, rank: int) -> list[Float32[ndarray, "..."]]:
        """The weights of the four layers: uniform in +-1/sqrt(fan-in), as in torch, from the seed.

        With `norm="batch"` the sum of every kernel is zero: see docs/decisions.md.
        """
        sizes = [channels, *[HIDDEN] * (LAYERS - 1), depth(self.rung, channels)]
        found = []
        for layer, (before, after) in enumerate(pairwise(sizes)):
            shape = (after, before, *[3] * rank)
            bound = np.float32(1 / np.sqrt(float(before * 3**rank)))
            draw = uniform if self.options.norm == "none" else balanced
            found.append(draw(self.seed, f"cnn/{self.options.norm}/{layer}", shape) * bound)
        return found

    def _network(self, channels: int, rank: int, periodic: tuple[bool, ...]) -> Network:
        shape = channels, rank, periodic
        known = vars(self).setdefault("_networks", {})  # kept for reading back
        if shape not in known:
            batch = self.options.norm == "batch"
            known[shape] = Network(self.weights(channels, rank), periodic, batch)
        return known[shape]


def _unlike(cover: Cover) -> float:
    """The mean difference of neighbours on the last axis, as a share of full scale."""
    codes = _scaled(cover.codes)
    return float(np.abs(np.diff(codes, axis=-1)).mean()) if codes.shape[-1] > 1 else 0.0


def _full_scale(codes: Int[ndarray, "channel *space"]) -> float:
    """The full scale, 255, 65535 or 2**32 - 1: the least that no code exceeds.

    It changes no sign, only the size of the floats.
    """
    most = max(abs(int(codes.min())), abs(int(codes.max())))
    return float(next((scale for scale in FULL_SCALES if most <= scale), 2**63))


def _scaled(codes: Int[ndarray, "channel *space"]) -> Float32[ndarray, "channel *space"]:
    return (codes / _full_scale(codes)).astype(np.float32)

"""Training the lattice family: by reconstruction first, then against a critic.

There are three phases, counted in steps.

1. code: an encoder and the decoder as a variational autoencoder (Laplace likelihood). Every latent
means something. 2. flow: the prior learns the latents of the training items (rectified flow; Liu et
al. 2023). 3. sharpen: the decoder against a critic (non-saturating loss, lazy R1). Half of each
batch are decoded latents of real items, half are drawn from the prior, which stays as it is.
Decoded items stay close to their originals: no mode is lost.

The weights that are kept for sampling are a running mean. Half of the batches are sampled between
the pixels, with the originals moved to match, so that a function has no freedom where the training
grid does not look.
"""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.random import Generator
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from ..generators.distribution import Domain
from ..generators.lattice import Decoder, Lattice, LatticeConfig, Prior, centres
from .config import TrainingConfig
from .critic import Critic, Encoder, augment
from .recipe import Recipe


class Code(BaseModel):
    """The first phase."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=4000, ge=1)
    rate: float = Field(default=1e-3, gt=0)
    spread: float = Field(default=0.05, gt=0)
    """Scale of the Laplace likelihood, in features: smaller asks for more detail at the cost of
    simple latents."""
    mean: float = Field(default=0.998, ge=0, lt=1)
    """Share that the running mean of the weights keeps at each step; the same in the other
    phases."""


class Flow(BaseModel):
    """The second phase."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=4000, ge=1)
    rate: float = Field(default=1e-3, gt=0)
    draws: int = Field(default=16, ge=1)
    """Latents, and times of the flow, of each item of a batch."""
    mean: float = Field(default=0.9995, ge=0, lt=1)


class Sharpen(BaseModel):
    """The third phase: all steps that are left."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alone: int = Field(default=200, ge=0)
    """Steps at the beginning in which only the critic learns."""
    rate: float = Field(default=5e-5, gt=0)
    rate_critic: float = Field(default=2e-4, gt=0)
    r1: float = Field(default=0.2, ge=0)
    """Weight of the squared gradient of the critic on real items; taken every 16 steps, 16 times
    as heavy."""
    close: float = Field(default=6.0, ge=0)
    """Weight of the mean absolute difference between decoded items and their originals."""
    alike: float = Field(default=2.0, ge=0)
    """Weight of the same in the critic's features."""
    mean: float = Field(default=0.999, ge=0, lt=1)


class LatticeTraining(TrainingConfig):
    """Sizes of the networks, and the phases."""

    family: Literal["lattice"]
    generator: LatticeConfig = LatticeConfig()
    encoder: tuple[int, ...] = (64, 128, 192, 256)
    """Channels of the encoder and of the critic, at half the size and after each halving."""
    flip: bool = True
    """Whether a mirrored item is as likely."""
    code: Code = Code()
    flow: Flow = Flow()
    sharpen: Sharpen = Sharpen()

    @property
    def domain(self) -> Domain:
        """Where the items live, and what their values mean."""
        return self.generator.domain

    @property
    def features(self) -> int:
        """Values at a point."""
        return self.generator.features

    def build(self, fabric: Any) -> "LatticeRecipe":
        """The recipe, with fresh networks."""
        return LatticeRecipe(self, fabric)


class LatticeRecipe(Recipe[Lattice]):
    """Three phases, one after the other."""

    def __init__(self, config: LatticeTraining, fabric: Any) -> None:
        """Fresh networks, drawn from torch's generator."""
        self.config, self._fabric = config, fabric
        sizes, size = config.generator, config.domain.size
        self.model = self._mean = Lattice(sizes)
        self.model.requires_grad_(False)
        decoder, prior = Decoder(sizes), Prior(math.prod(sizes.latent), *sizes.flow)
        encoder = Encoder(sizes.features, config.encoder, sizes.latent[0])
        critic = Critic(sizes.features, config.encoder, size)
        for network in (encoder, decoder, critic):
            network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self._decoder, self._prior, self._critic = decoder, prior, critic
        code = [*encoder.parameters(), *decoder.parameters()]
        self.optimizers = {
            "code": _adam(code, config.code.rate, 0.9),
            "flow": _adam(prior.parameters(), config.flow.rate, 0.9),
            "decoder": _adam(decoder.parameters(), config.sharpen.rate, 0.0),
            "critic": _adam(critic.parameters(), config.sharpen.rate_critic, 0.0),
        }
        self.modules = {
            "model": fabric.to_device(self.model),
            "encoder": encoder,
            "decoder": decoder,
            "prior": prior,
            "critic": critic,
        }
        self._encode, self._decode, self._velocity, self._judge = (
            self._mixed(fabric.setup_module(m)) for m in (encoder, decoder, prior, critic)
        )
        self._apply = {
            name: fabric.setup_optimizers(optimizer) for name, optimizer in self.optimizers.items()
        }

    def step(
        self, real: Float[Tensor, "item rows columns feature"], step: int, rng: Generator
    ) -> dict[str, float]:
        """One step of the current phase."""
        real = real.permute(0, 3, 1, 2)
        if self.config.flip:
            mirrored = torch.from_numpy(rng.random((len(real), 1, 1, 1)) < 0.5).to(real.device)
            real = torch.where(mirrored, real.flip(3), real)
        code, flow = self.config.code.steps, self.config.flow.steps
        if step < code:
            return self._code(real, step, rng)
        if step < code + flow:
            return self._flow(real, step - code, rng)
        return self._sharpen(real, step - code - flow, rng)

    def _code(self, real: Tensor, step: int, rng: Generator) -> dict[str, float]:
        phase = self.config.code
        real, y, x = _between(real, rng)
        mean, spread = self._encode(real)
        latents = mean + _normal(mean, rng) * (spread / 2).exp()
        error = (self._decode(latents, y, x).float() - real).abs().mean()
        nats = 0.5 * (mean.square() + spread.exp() - 1 - spread).sum(1).mean()
        loss = error / phase.spread + nats / real[0].numel()
        rate = phase.rate * _warm(step, 100) * _late(step / phase.steps)
        self._minimise("code", loss, rate, most=1.0)
        _follow(self._mean.decoder, self._decoder, step, phase.mean)
        return {"phase": 1.0, "error": error.item(), "nats": nats.item()}

    def _flow(self, real: Tensor, step: int, rng: Generator) -> dict[str, float]:
        phase, prior = self.config.flow, self._mean.prior
        with torch.no_grad():
            mean, spread = (t.repeat(phase.draws, 1) for t in self._encode(real))
            latents = mean + _normal(mean, rng) * (spread / 2).exp()
            if step == 0:  # the flow starts from the latents' own mean and spread
                scale = latents.var(0).sqrt().clamp_min(1e-3)
                for owner in (prior, self._prior):
                    owner.mean.copy_(latents.mean(0))
                    owner.scale.copy_(scale)
        target, noise = (latents - prior.mean) / prior.scale, _normal(mean, rng)
        time = torch.sigmoid(_normal(mean[:, 0], rng))
        wanted = target - noise
        velocity = self._velocity(noise + time[:, None] * wanted, time)
        loss = (velocity.float() - wanted).square().mean()
        rate = phase.rate * _warm(step, 200) * _cosine(step / phase.steps)
        self._minimise("flow", loss, rate, most=1.0)
        _follow(prior, self._prior, step, phase.mean)
        return {"phase": 2.0, "flow": loss.item()}

    def _sharpen(self, real: Tensor, step: int, rng: Generator) -> dict[str, float]:
        phase, half = self.config.sharpen, len(real) // 2
        with torch.no_grad():
            mean, spread = self._encode(real[:half])
            latents = mean + _normal(mean, rng) * (spread / 2).exp()
            latents = torch.cat([latents, self.model.latents(half, rng).to(latents)])
        real, y, x = _between(real, rng)
        made = self._decode(latents, y, x).float()
        logged = self._teach(real, made.detach(), step, rng)
        if step < phase.alone:
            return {"phase": 3.0, **logged}
        self._critic.requires_grad_(False)
        decoded, drawn = (self._judge(augment(part, rng))[0] for part in made.split(half))
        _, seen = self._judge(made[:half])
        with torch.no_grad():
            _, wanted = self._judge(real[:half])
        self._critic.requires_grad_(True)
        alike = sum(
            (a.float() - b.float()).abs().mean() / (b.float().abs().mean() + 1e-6)
            for a, b in zip(seen, wanted, strict=True)
        ) / len(seen)
        error = (made[:half] - real[:half]).abs().mean()
        deceive = F.softplus(-decoded).mean() / 2 + F.softplus(-drawn).mean()
        rate = phase.rate * _warm(step - phase.alone, 200)
        loss = deceive + phase.close * error + phase.alike * alike
        self._minimise("decoder", loss, rate, most=5.0)
        _follow(self._mean.decoder, self._decoder, step - phase.alone, phase.mean)
        return {"phase": 3.0, **logged, "error": error.item(), "deceive": deceive.item()}

    def _teach(self, real: Tensor, made: Tensor, step: int, rng: Generator) -> dict[str, float]:
        """One step of the critic."""
        phase, half = self.config.sharpen, len(real) // 2
        decoded, drawn = (self._judge(augment(part, rng))[0] for part in made.split(half))
        true = self._judge(augment(real, rng))[0]
        loss = (F.softplus(decoded).mean() + F.softplus(drawn).mean()) / 2
        loss = loss + F.softplus(-true).mean()
        if phase.r1 and step % 16 == 0:
            seen = augment(real[:half], rng).requires_grad_()
            (slope,) = torch.autograd.grad(self._judge(seen)[0].sum(), seen, create_graph=True)
            loss = loss + 8 * phase.r1 * slope.square().sum((1, 2, 3)).mean()
        self._minimise("critic", loss, phase.rate_critic, most=10.0)
        told = {"real": true, "decoded": decoded, "drawn": drawn}
        return {name: logits.mean().item() for name, logits in told.items()}

    def _mixed(self, network: nn.Module) -> Callable[..., Any]:
        """The network in the precision of the config.

        A context for each call: a lasting one would keep old weights.
        """
        mixed, kind = self.config.precision == "bf16-mixed", self._fabric.device.type

        def call(*inputs: Tensor) -> Any:
            with torch.autocast(kind, torch.bfloat16, enabled=mixed):
                return network(*inputs)

        return call

    def _minimise(self, name: str, loss: Tensor, rate: float, *, most: float) -> None:
        """One step of an optimizer, with a gradient no longer than `most`."""
        optimizer, groups = self._apply[name], self.optimizers[name].param_groups
        optimizer.zero_grad()
        self._fabric.backward(loss)
        torch.nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], most)
        for group in groups:
            group["lr"] = rate
        optimizer.step()


def _adam(parameters: Any, rate: float, momentum: float) -> torch.optim.Adam:
    """Adam with the state of its first step already there.

    So a checkpoint of any phase has the same tensors.
    """
    optimizer = torch.optim.Adam(list(parameters), rate, (momentum, 0.99))
    for p in optimizer.param_groups[0]["params"]:
        zeros = [torch.zeros_like(p, memory_format=torch.preserve_format) for _ in range(2)]
        optimizer.state[p] = {"step": torch.zeros(()), "exp_avg": zeros[0], "exp_avg_sq": zeros[1]}
    return optimizer


@torch.no_grad()
def _follow(mean: nn.Module, learned: nn.Module, step: int, keep: float) -> None:
    """Move the running mean of the weights; early on it forgets faster."""
    share = 1 - min(keep, (1 + step) / (10 + step))
    for old, new in zip(mean.parameters(), learned.parameters(), strict=True):
        old.lerp_(new.to(old.device), share)


def _normal(like: Tensor, rng: Generator) -> Tensor:
    drawn = rng.standard_normal(tuple(like.shape), dtype=np.float32)
    return torch.from_numpy(drawn).to(like.device)


def _between(
    items: Float[Tensor, "item feature y x"], rng: Generator
) -> tuple[Tensor, Float[Tensor, " y"], Float[Tensor, " x"]]:
    """Every other time, the items moved by a part of a pixel (Lanczos, 4 lobes).

    Also returns where their samples are.
    """
    sides = items.shape[2:]
    moves = rng.uniform(-0.5, 0.5, 2) if rng.random() < 0.5 else np.zeros(2)
    rows, columns = (
        _moved(n, move).to(items.device) for n, move in zip(sides, moves.tolist(), strict=True)
    )
    if moves.any():
        items = rows @ items @ columns.T
    y, x = (
        centres(n, move).to(items.device) for n, move in zip(sides, moves.tolist(), strict=True)
    )
    return items, y, x


def _moved(size: int, move: float, lobes: int = 4) -> Float[Tensor, "{size} {size}"]:
    """The matrix that interpolates `move` samples further; the ends repeat."""
    at = torch.arange(-lobes, lobes + 1) - move
    weight = torch.sinc(at) * torch.sinc(at / lobes) * (at.abs() < lobes)
    index = (torch.arange(size)[:, None] + torch.arange(-lobes, lobes + 1)).clamp(0, size - 1)
    weight = (weight / weight.sum()).expand(size, -1).contiguous()
    return torch.zeros(size, size).scatter_add(1, index, weight)


def _warm(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / steps)


def _cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * min(1.0, share))) + 0.01


def _late(share: float) -> float:
    """Full for the first half, then falling."""
    return 1.0 if share < 0.5 else _cosine(2 * share - 1)

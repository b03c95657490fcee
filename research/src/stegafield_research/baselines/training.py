"""Train SteganoGAN: an encoder and a decoder that understand each other, and a critic.

As published: the loss is the cross-entropy of the bits, 100 times the mean squared change, and the
critic's score of the stego; the solver is Adam; the critic is one of Wasserstein's, its weights
clipped to +-0.1.

Unlike there, critic and coders alternate by steps, on the same stego, and not by epochs. Ours are
the falling learning rate, `start`, and the last part of training, which freezes the statistics of
normalisation so that the networks learn to work as they will be used.
"""

import math
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from stegafield.generators.distribution import Domain
from stegafield.training.config import TrainingConfig
from stegafield.training.recipe import Recipe

from .learned.network import Coder, CoderConfig, Critic
from .learned.zoo import read


class SteganoGanTraining(TrainingConfig):
    """The published weights of the losses are the defaults."""

    family: Literal["steganogan"]
    network: CoderConfig = CoderConfig()
    size: tuple[int, int] = (64, 64)
    """(rows, columns) of the pictures."""
    crop: int = Field(default=64, ge=9)
    """Side of the squares that a step takes out of them, anywhere; the networks see 9x9 pixels."""
    steps: int = Field(default=1000, ge=1)
    """Steps over which the learning rate falls: train for as many, or give --steps."""
    rate: float = Field(default=1e-4, gt=0)
    """Learning rate of Adam; it falls to zero in the second half."""
    nearness: float = Field(default=100.0, ge=0)
    """Weight of the mean squared change."""
    critic: float = Field(default=1.0, ge=0)
    """Weight of the critic's score."""
    clip: float = Field(default=0.1, gt=0)
    """Greatest weight of the critic."""
    settled: float = Field(default=0.25, ge=0, le=1)
    """Share of the steps, at the end, that normalise as reading will.

    They use the running statistics, not those of the batch.
    """
    start: Path | None = None
    """A trained model whose weights are taken over, as far as they fit.

    It may have another depth, say.
    """

    @property
    def domain(self) -> Domain:
        """Pictures of eight bits."""
        return Domain(size=self.size)

    @property
    def features(self) -> int:
        """Red, green, blue."""
        return 3

    def build(self, fabric: Any) -> "SteganoGanRecipe":
        """The recipe, with fresh networks."""
        return SteganoGanRecipe(self, fabric)


class SteganoGanRecipe(Recipe[Coder]):
    """One step on stegos of random messages.

    First the critic learns to tell them apart, then encoder and decoder learn together.
    """

    def __init__(self, config: SteganoGanTraining, fabric: Any) -> None:
        """Fresh networks, drawn from torch's generator."""
        self.config, self._fabric = config, fabric
        coder, critic = Coder(config.network), Critic(config.network.hidden)
        if config.start is not None:
            _take_over(read(config.start), coder)
        for network in (coder, critic):
            network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.model, self._critic = coder, critic
        self.modules = {"coder": coder, "critic": critic}
        both = chain(coder.encoder.parameters(), coder.decoder.parameters())
        self.optimizers = {
            "coder": torch.optim.Adam(both, config.rate),
            "critic": torch.optim.Adam(critic.parameters(), config.rate),
        }
        self._encode, self._decode, self._judge = (
            fabric.setup_module(m) for m in (coder.encoder, coder.decoder, critic)
        )
        self._apply = {
            name: fabric.setup_optimizers(optimizer) for name, optimizer in self.optimizers.items()
        }
        self._seen: list[Tensor] = []

    def step(
        self, real: Float[Tensor, "item rows columns feature"], step: int, rng: Generator
    ) -> dict[str, float]:
        """Losses, the share of wrong bits, and the PSNR of the floats in dB."""
        config, share = self.config, step / self.config.steps
        for network in (self._encode, self._decode):
            network.train(share < 1 - config.settled)
        cover = self._cropped(real, rng)
        message = self._message(cover, rng)
        with self._precision():
            stego = self._encode(cover, message).float()
        told = self._teach(cover, stego.detach())
        with self._precision():
            self._critic.requires_grad_(False)
            logits, score = self._decode(stego).float(), self._judge(stego).float().mean()
            self._critic.requires_grad_(True)
        change = (stego - cover).square().mean()
        bits = F.binary_cross_entropy_with_logits(logits, message)
        loss = bits + config.nearness * change + config.critic * score
        self._minimise("coder", loss, share)
        self._seen = [cover.detach(), stego.detach()]
        wrong = ((logits > 0) != (message > 0)).float().mean()
        return {
            "bits": bits.item(),
            "wrong": wrong.item(),
            "psnr": 10 * math.log10(4 / max(change.item(), 1e-12)),
            "told": told,
        }

    def pictures(self, count: int, rng: Generator) -> Float[ndarray, "item y x feature"]:
        """Covers of the last batch in rows of eight, and under each row its stegos."""
        width = min(8, len(self._seen[0]))
        rows = [part[: count // 2].float() for part in self._seen]
        rows = [part[: len(part) // width * width].unflatten(0, (-1, width)) for part in rows]
        pairs = torch.stack(rows, 1).flatten(0, 2).clamp(-1, 1)
        return pairs.permute(0, 2, 3, 1).cpu().numpy()

    def _teach(self, cover: Tensor, stego: Tensor) -> float:
        """One step of the critic; returns how much higher it scored the stegos."""
        with self._precision():
            told = self._judge(stego).float().mean() - self._judge(cover).float().mean()
        self._minimise("critic", -told, 0.0)
        with torch.no_grad():
            for weight in self._critic.parameters():
                weight.clamp_(-self.config.clip, self.config.clip)
        return told.item()

    def _cropped(self, real: Tensor, rng: Generator) -> Float[Tensor, "item 3 y x"]:
        """The same square of every item, mirrored every other time."""
        side = min(self.config.crop, *self.config.size)
        top, left = (int(rng.integers(whole - side + 1)) for whole in self.config.size)
        square = real[:, top : top + side, left : left + side]
        mirrored = rng.random() < 0.5
        return (square.flip(2) if mirrored else square).permute(0, 3, 1, 2)

    def _message(self, cover: Tensor, rng: Generator) -> Tensor:
        shape = (len(cover), self.config.network.depth, *cover.shape[2:])
        return torch.from_numpy(rng.integers(0, 2, shape).astype(np.float32)).to(cover.device)

    def _minimise(self, name: str, loss: Tensor, share: float) -> None:
        """A step of an optimizer, at the rate of this share of the steps."""
        optimizer = self._apply[name]
        optimizer.zero_grad()
        self._fabric.backward(loss)
        for group in self.optimizers[name].param_groups:
            group["lr"] = self.config.rate * _falling(share)
        optimizer.step()

    def _precision(self) -> torch.autocast:
        mixed = self.config.precision == "bf16-mixed"
        return torch.autocast(self._fabric.device.type, torch.bfloat16, enabled=mixed)


def _falling(share: float) -> float:
    """Full for the first half, then a cosine to zero."""
    return 1.0 if share < 0.5 else 0.5 * (1 + math.cos(math.pi * min(1.0, 2 * share - 1)))


@torch.no_grad()
def _take_over(known: Coder, fresh: Coder) -> None:
    """The leading part of every tensor.

    Planes of the message come last in what the networks see and say.
    """
    learned = known.state_dict()
    for name, tensor in fresh.state_dict().items():
        shapes = zip(tensor.shape, learned[name].shape, strict=True)
        common = tuple(slice(min(sides)) for sides in shapes)
        tensor[common] = learned[name][common]

"""GASP's training, as published: a discriminator on clouds of points against a hypernetwork.

Non-saturating loss. On real items the squared gradient of the discriminator's *probability* with
respect to the features is added (R1, times r1 / 2), as in the authors' code: their paper writes it
for a discriminator D in [0, 1].
"""

from abc import abstractmethod
from typing import Any, Literal

import torch
from jaxtyping import Float
from numpy.random import Generator
from pydantic import Field
from torch import Tensor
from torch.nn.functional import softplus

from ..generators.distribution import Domain, FunctionDistribution
from ..generators.gasp import Gasp, GaspConfig
from .config import TrainingConfig
from .discriminator import Discriminator, DiscriminatorConfig
from .recipe import Recipe


class AdversarialTraining(TrainingConfig):
    """The published settings by default, except for the layers of the discriminator."""

    discriminator: DiscriminatorConfig
    rate_generator: float = Field(default=1e-4, gt=0)
    rate_discriminator: float = Field(default=4e-4, gt=0)
    betas: tuple[float, float] = (0.5, 0.999)
    """Momentum terms of Adam."""
    r1: float = Field(default=10.0, ge=0)
    """Weight of the gradient penalty."""

    @abstractmethod
    def fresh(self) -> FunctionDistribution:
        """A model with fresh weights; its forward pass takes latents and coordinates."""

    def build(self, fabric: Any) -> "GaspRecipe":
        """The recipe, with fresh networks."""
        return GaspRecipe(self, fabric)


class GaspTraining(AdversarialTraining):
    """The family of functions whose weights a hypernetwork writes."""

    family: Literal["gasp"]
    generator: GaspConfig = GaspConfig()

    @property
    def domain(self) -> Domain:
        """Where the items live, and what their values mean."""
        return self.generator.domain

    @property
    def features(self) -> int:
        """Values at a point."""
        return self.generator.function.features

    def fresh(self) -> Gasp:
        """A model with fresh weights."""
        return Gasp(self.generator)


class GaspRecipe(Recipe[FunctionDistribution]):
    """One step: the discriminator on real and drawn items, then the generator.

    Each has a batch of its own.
    """

    def __init__(self, config: AdversarialTraining, fabric: Any) -> None:
        """Fresh networks, drawn from torch's generator."""
        self.config, self._fabric = config, fabric
        domain, features = config.domain, config.features
        coordinates = domain.coordinates(*domain.size)
        coordinates = coordinates.reshape(-1, coordinates.shape[-1])
        grid = domain.size if domain.kind == "plane" else None
        self.model = config.fresh()
        critic = Discriminator(config.discriminator, coordinates, grid, features)
        adam = torch.optim.Adam
        one = adam(self.model.parameters(), config.rate_generator, config.betas)
        two = adam(critic.parameters(), config.rate_discriminator, config.betas)
        self.modules = {"generator": self.model, "discriminator": critic}
        self.optimizers = {"generator": one, "discriminator": two}
        self._generator, self._step_generator = fabric.setup(self.model, one)
        self._critic, self._step_critic = fabric.setup(critic, two)
        self._points = fabric.to_device(torch.from_numpy(coordinates))

    def step(
        self, real: Float[Tensor, "item rows columns feature"], step: int, rng: Generator
    ) -> dict[str, float]:
        """Losses, the mean squared gradient, and the probabilities that the discriminator gives."""
        real, count = real.flatten(1, 2), len(real)
        with torch.no_grad():
            drawn = self._draw(count, rng)
        logged = self._train_critic(real.requires_grad_(self.config.r1 > 0), drawn)
        loss = softplus(-self._judge(self._draw(count, rng))).mean()
        self._step_generator.zero_grad()
        self._fabric.backward(loss)
        self._step_generator.step()
        logged["generator"] = loss
        return {name: value.item() for name, value in logged.items()}

    def _train_critic(
        self,
        real: Float[Tensor, "item point feature"],
        drawn: Float[Tensor, "item point feature"],
    ) -> dict[str, Tensor]:
        self._step_critic.zero_grad()
        yes, no = self._judge(real), self._judge(drawn)
        loss = softplus(-yes).mean() + softplus(no).mean()
        logged = {"discriminator": loss.detach(), "real": yes.detach().sigmoid().mean()}
        logged["drawn"] = no.detach().sigmoid().mean()
        if self.config.r1:
            (slope,) = torch.autograd.grad(yes.sigmoid().sum(), real, create_graph=True)
            penalty = slope.square().sum((1, 2)).mean()
            loss = loss + self.config.r1 / 2 * penalty
            logged["slope"] = penalty.detach()
        self._fabric.backward(loss)
        self._step_critic.step()
        return logged

    def _draw(self, count: int, rng: Generator) -> Float[Tensor, "{count} point feature"]:
        with self._precision():
            return self._generator(self.model.latents(count, rng), self._points).float()

    def _judge(self, features: Float[Tensor, "item point feature"]) -> Float[Tensor, " item"]:
        with self._precision():
            return self._critic(features).float()

    def _precision(self) -> torch.autocast:
        """The context of the config's precision.

        Not Fabric's: that one forbids the gradient of the penalty, which is taken in the middle of
        a step.
        """
        mixed = self.config.precision == "bf16-mixed"
        return torch.autocast(self._points.device.type, torch.bfloat16, enabled=mixed)

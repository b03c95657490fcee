"""The contract of a way of training: networks, their optimizers, and what one step does."""

from abc import ABC, abstractmethod
from typing import Any, Generic

from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from torch import Tensor, nn
from torch.optim import Optimizer

from ..generators.checkpoint import ModelT
from ..generators.distribution import FunctionDistribution


class Recipe(ABC, Generic[ModelT]):
    """A way of training, built from its config and a Lightning Fabric.

    It sets up its networks and optimizers with the Fabric. Everything that changes from step to
    step is in `modules` and `optimizers`: a checkpoint is their state and the number of the step.
    """

    model: ModelT
    """The model that is trained: what `save_pretrained` writes."""
    modules: dict[str, nn.Module]
    """All networks, without Fabric's wrappers."""
    optimizers: dict[str, Optimizer]

    @abstractmethod
    def __init__(self, config: Any, fabric: Any) -> None:
        """Fresh networks, drawn from torch's generator."""

    @abstractmethod
    def step(
        self, real: Float[Tensor, "item *grid feature"], step: int, rng: Generator
    ) -> dict[str, float]:
        """One step on a batch of features in [-1, 1]; returns what to log.

        All randomness is from `rng`.
        """

    def pictures(self, count: int, rng: Generator) -> Float[ndarray, "item y x feature"]:
        """`count` samples of the model at its own size, in [-1, 1].

        They show a person how far training is.
        """
        assert isinstance(self.model, FunctionDistribution)
        return self.model.raster(self.model.latents(count, rng), self.model.domain.size)

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
    """Built from its config and a Lightning Fabric, which it hands its networks and optimizers.

    All that changes from step to step is in `modules` and `optimizers`: a checkpoint is their state and the number of
    the step.
    """

    model: ModelT
    """What is trained for: what `save_pretrained` writes."""
    modules: dict[str, nn.Module]
    """All networks, bare."""
    optimizers: dict[str, Optimizer]

    @abstractmethod
    def __init__(self, config: Any, fabric: Any) -> None:
        """Fresh networks, drawn from torch's generator."""

    @abstractmethod
    def step(
        self, real: Float[Tensor, "item *grid feature"], step: int, rng: Generator
    ) -> dict[str, float]:
        """One step on a batch of features in [-1, 1]; all randomness from `rng`. Returns what to log."""

    def pictures(self, count: int, rng: Generator) -> Float[ndarray, "item y x feature"]:
        """What shows a person how far training is, in [-1, 1]: `count` samples of the model at its own size."""
        assert isinstance(self.model, FunctionDistribution)
        return self.model.raster(self.model.latents(count, rng), self.model.domain.size)

"""GASP, the published generator (Generative Models as Distributions of Functions).

Dupont, Teh and Doucet 2022. z ~ N(0, I) -> hypernetwork -> weights of an MLP on random Fourier
features -> a function.
"""

from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from numpy.random import Generator
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Bound
from torch import Tensor

from .distribution import Domain, FunctionDistribution
from .field import Architecture, Field, Width
from .hypernet import HyperNetwork


class GaspConfig(BaseModel):
    """The published configuration by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: Domain = Domain()
    function: Architecture = Architecture()
    latent: int = Bound(default=64, ge=1, le=1 << 16)
    """Dimension of the latent vector."""
    hypernetwork: tuple[Width, ...] = Bound(default=(256, 512), max_length=64)
    """Units of the hidden layers of the hypernetwork."""

    @model_validator(mode="after")
    def _fits(self) -> "GaspConfig":
        if self.function.coordinates != {"plane": 2, "sphere": 3}[self.domain.kind]:
            dim, kind = self.function.coordinates, self.domain.kind
            raise ValueError(f"a point of the {kind} does not have {dim} coordinates")
        return self


class Gasp(FunctionDistribution):
    """A normal latent vector, and a hypernetwork that turns it into the weights of a function.

    The frequencies are part of the state; training leaves them alone.
    """

    family: ClassVar[str] = "gasp"
    Config: ClassVar = GaspConfig

    def __init__(self, config: GaspConfig | None = None) -> None:
        """Fresh weights from torch's generator."""
        super().__init__()
        self.config = config or GaspConfig()
        self.domain = self.config.domain
        function = self.config.function
        self.hypernetwork = HyperNetwork(
            self.config.latent, self.config.hypernetwork, function.size
        )
        self.frequencies: Tensor
        self.register_buffer("frequencies", function.random_frequencies())

    def latents(self, count: int, rng: Generator) -> Float[Tensor, "{count} latent"]:
        """Standard normal vectors."""
        drawn = rng.standard_normal((count, self.config.latent), dtype=np.float32)
        return torch.from_numpy(drawn).to(self.device)

    def fields(self, latents: Float[Tensor, "item latent"]) -> Field:
        """One network for each latent vector."""
        return Field(self.config.function, self.hypernetwork(latents), self.frequencies)

    def forward(
        self, latents: Float[Tensor, "item latent"], coordinates: Float[Tensor, "*grid dim"]
    ) -> Float[Tensor, "item *grid feature"]:
        """The features of the functions of these latents.

        One call, as data-parallel training needs it.
        """
        return self.fields(latents)(coordinates)

"""DCGAN, a generator of grids of one size, to compare functions with.

Radford, Metz and Chintala 2016. z ~ N(0, I) -> 4x4 features -> transposed convolutions, each twice
as large -> a grid; between its samples, bilinear interpolation.
"""

from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from numpy.random import Generator
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Bound
from torch import Tensor, nn

from .distribution import Domain, FunctionDistribution
from .field import Function, Width

_FIRST, _GROUPS = 4, 8


class DcganConfig(BaseModel):
    """The widths decide the size: 4x4 features, doubled once for each width."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: Domain = Domain()
    features: int = Bound(default=3, ge=1, le=4096)
    latent: int = Bound(default=64, ge=1, le=1 << 16)
    widths: tuple[Width, ...] = Bound(default=(512, 256, 128, 64), min_length=1, max_length=8)
    """Channels at 4x4, 8x8, ...: multiples of 8."""

    @model_validator(mode="after")
    def _fits(self) -> "DcganConfig":
        side = _FIRST << len(self.widths)
        if self.domain.kind != "plane" or self.domain.size != (side, side):
            raise ValueError(f"{len(self.widths)} widths make planes of {side}x{side}")
        if any(width % _GROUPS for width in self.widths):
            raise ValueError(f"widths are multiples of {_GROUPS}")
        return self


class Dcgan(FunctionDistribution):
    """A normal latent vector, and transposed convolutions that turn it into a grid.

    Normalised by groups of channels, not by batches, so that a draw does not depend on what else is
    drawn.
    """

    family: ClassVar[str] = "dcgan"
    Config: ClassVar = DcganConfig

    def __init__(self, config: DcganConfig | None = None) -> None:
        """Fresh weights from torch's generator."""
        super().__init__()
        self.config = config or DcganConfig()
        self.domain = self.config.domain
        widths = self.config.widths
        self.first = nn.Linear(self.config.latent, widths[0] * _FIRST**2)
        parts: list[nn.Module] = [nn.GroupNorm(_GROUPS, widths[0]), nn.ReLU()]
        for a, b in pairwise(widths):
            parts += [nn.ConvTranspose2d(a, b, 4, 2, 1), nn.GroupNorm(_GROUPS, b), nn.ReLU()]
        parts.append(nn.ConvTranspose2d(widths[-1], self.config.features, 4, 2, 1))
        self.grow = nn.Sequential(*parts)

    def latents(self, count: int, rng: Generator) -> Float[Tensor, "{count} latent"]:
        """Standard normal vectors."""
        drawn = rng.standard_normal((count, self.config.latent), dtype=np.float32)
        return torch.from_numpy(drawn).to(self.device)

    def fields(self, latents: Float[Tensor, "item latent"]) -> Function:
        """The grids of these latents, each as a function that interpolates it."""
        start = self.first(latents).unflatten(1, (-1, _FIRST, _FIRST))
        grids = torch.tanh(self.grow(start))

        def function(coordinates: Tensor) -> Tensor:
            points = coordinates.reshape(1, -1, 1, 2).flip(-1).expand(len(grids), -1, -1, -1)
            found = nn.functional.grid_sample(
                grids, points, mode="bilinear", padding_mode="border", align_corners=False
            )
            return found[..., 0].mT.unflatten(1, coordinates.shape[:-1])

        return function

    def forward(
        self, latents: Float[Tensor, "item latent"], coordinates: Float[Tensor, "*grid dim"]
    ) -> Float[Tensor, "item *grid feature"]:
        """The features of the functions of these latents.

        One call, as data-parallel training needs it.
        """
        return self.fields(latents)(coordinates)

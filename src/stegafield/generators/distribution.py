"""The contract of a family of generators: a distribution whose samples are functions."""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Bound
from torch import Tensor

from . import grid
from .field import Function, evaluate
from .model import Model


class Domain(BaseModel):
    """Where the functions live, and what their values mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["plane", "sphere"] = "plane"
    """"plane": points (y, x) in the square [-1, 1]; "sphere": points (x, y, z) of the unit
    sphere."""
    size: tuple[int, int] = Bound(default=(64, 64))
    """(rows, columns) of the grid that the model was trained on."""
    low: float = Bound(default=0.0, allow_inf_nan=False)
    """The value of feature -1, in `unit`."""
    high: float = Bound(default=255.0, allow_inf_nan=False)
    """The value of feature 1, in `unit`."""
    unit: str = Bound(default="levels", max_length=64)

    def coordinates(self, rows: int, columns: int) -> Float[ndarray, "{rows} {columns} dim"]:
        """The points of a regular grid of any size."""
        if self.kind == "plane":
            return grid.plane(rows, columns)
        return grid.sphere(*grid.globe(rows, columns))

    def physical(self, features: Float[ndarray, "*any"]) -> Float[ndarray, "*any"]:
        """Features in [-1, 1] as values in `unit`."""
        return self.low + (features + 1) * ((self.high - self.low) / 2)

    def scaled(self, values: Float[ndarray, "*any"]) -> Float[ndarray, "*any"]:
        """Values in `unit` as features; the inverse of `physical`."""
        return (values - self.low) * (2 / (self.high - self.low)) - 1


class FunctionDistribution(Model, ABC):
    """A distribution of functions: latents from a prior, and a map from a latent to a function."""

    domain: Domain

    @abstractmethod
    def latents(self, count: int, rng: Generator) -> Float[Tensor, "{count} *latent"]:
        """`count` draws from the prior, on the device of the model.

        All randomness is from `rng`.
        """

    @abstractmethod
    def fields(self, latents: Float[Tensor, "item *latent"]) -> Function:
        """The functions of these latents.

        They map coordinates (*grid, dim) to features (item, *grid, feature).
        """

    def sample(self, count: int, rng: Generator) -> Function:
        """`count` fresh functions."""
        return self.fields(self.latents(count, rng))

    def raster(
        self, latents: Float[Tensor, "item *latent"], size: tuple[int, int]
    ) -> Float[ndarray, "item y x feature"]:
        """The functions of these latents on the domain's regular grid of (rows, columns).

        Features are in [-1, 1].
        """
        return evaluate(self.fields(latents), self.domain.coordinates(*size), device=self.device)

    def interpolate(
        self, start: Float[Tensor, "*latent"], end: Float[Tensor, "*latent"], steps: int
    ) -> Float[Tensor, "{steps} *latent"]:
        """Latents from `start` to `end`, both included, along a great circle.

        A straight line between two normal vectors passes through lengths that the prior never
        draws.
        """
        share = torch.linspace(0, 1, steps, device=start.device, dtype=start.dtype)
        share = share.reshape(-1, *[1] * start.ndim)
        cosine = (start * end).sum() / (start.norm() * end.norm())
        angle = torch.arccos(cosine.clamp(-1, 1))
        if angle.sin() < 1e-4:  # the same or the opposite direction: no circle is the shortest
            return torch.lerp(start, end, share)
        return (
            torch.sin((1 - share) * angle) * start + torch.sin(share * angle) * end
        ) / angle.sin()

    @property
    def device(self) -> torch.device:
        """The device that the model is on."""
        return next(self.parameters()).device

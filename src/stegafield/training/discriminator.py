"""GASP's discriminator: does this cloud of (coordinate, feature) pairs look like the data?"""

from typing import Annotated, Literal

from jaxtyping import Float
from numpy import ndarray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from ..errors import ConfigError
from .neighbours import Cloud, farthest, neighbours, subgrid
from .pointconv import AveragePool, PointConv

_SLOPE = 0.2


class Layer(BaseModel):
    """A convolution, or if `out` is 0 a pooling."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: int = Field(ge=1)
    """Output points."""
    neighbours: int = Field(ge=1)
    out: int = Field(default=0, ge=0)
    """Output channels."""
    mid: tuple[Annotated[int, Field(ge=1)], ...] = (16, 16, 16, 16)
    """Units of the weight network."""


class DiscriminatorConfig(BaseModel):
    """The layers, and how they are normalised."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: tuple[Layer, ...] = Field(min_length=1)
    normalise: bool = True
    """Batch normalisation of features, except the last layer's."""
    normalise_weights: bool = True
    """Batch normalisation in the weight networks."""
    subsample: Literal["farthest", "grid"] = "farthest"
    """How points are dropped.

    "farthest": farthest first, as published. "grid": every second row and column, so that all
    layers are grids, and convolutions.
    """


class Discriminator(nn.Module):
    """A stack of PointConv layers with one output.

    Args:
        config: The layers; the last one has one point and one channel.
        points: The coordinates of all items.
        grid: (rows, columns), where the points are a grid on the plane.
        features: Channels of the data.
        fast: False gathers everywhere, for comparison.
    """

    def __init__(
        self,
        config: DiscriminatorConfig,
        points: Float[ndarray, "point dim"],
        grid: tuple[int, int] | None,
        features: int,
        *,
        fast: bool = True,
    ) -> None:
        super().__init__()
        cloud = Cloud(points, grid)
        last = config.layers[-1]
        if (last.points, last.out) != (1, 1):
            raise ConfigError("discriminator.layers", "must end with one point and one channel.")
        parts: list[nn.Module] = []
        for layer in config.layers:
            centres = _centres(cloud, layer.points, config.subsample)
            plan = neighbours(cloud, centres, layer.neighbours)
            if plan.index.shape[1] < layer.neighbours:
                few = f"{len(cloud.points)} points have no {layer.neighbours} neighbours."
                raise ConfigError("discriminator.layers", few)
            cloud = centres
            if not layer.out:
                parts.append(AveragePool(plan, fast=fast))
                continue
            weights = config.normalise_weights
            parts.append(
                PointConv(plan, features, layer.out, layer.mid, normalise=weights, fast=fast)
            )
            features = layer.out
            if layer is not last:
                parts += [_Normalise(features)] if config.normalise else []
                parts.append(nn.LeakyReLU(_SLOPE))
        self.layers = nn.Sequential(*parts)

    def forward(self, features: Float[Tensor, "item point channel"]) -> Float[Tensor, " item"]:
        """The logit that an item is real data."""
        return self.layers(features).flatten()


class _Normalise(nn.BatchNorm1d):
    """Batch normalisation of channels that come last, always by the current batch."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, track_running_stats=False)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.flatten(0, 1)).view_as(input)


def _centres(cloud: Cloud, count: int, how: str) -> Cloud:
    if count == len(cloud.points):
        return cloud
    if count > len(cloud.points):
        problem = f"{count} output points of {len(cloud.points)} input points."
        raise ConfigError("discriminator.layers", problem)
    if how == "farthest" or count == 1:
        return farthest(cloud, count)
    try:
        return subgrid(cloud, count)
    except ValueError as error:
        hint = "Use subsample=farthest."
        raise ConfigError("discriminator.subsample", f"{error}.", hint) from None

"""Functions from coordinates to features, a batch at a time: one small network each.

coordinates -> Fourier features -> layers with an activation -> tanh -> features in [-1, 1]
 (points, dim)                     the weights differ from item to item
"""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Bound
from torch import Tensor

Function = Callable[[Tensor], Tensor]
"""A batch of functions: coordinates (*grid, dim) to features (item, *grid, feature)."""
Width = Annotated[int, Bound(ge=1, le=1 << 16)]
"""Units of a layer."""
_VALUES = 1 << 15
"""Points times items that `evaluate` handles together: 16 MiB for each layer of 128 units."""


class Architecture(BaseModel):
    """The shape of the network that a function is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    coordinates: int = Bound(default=2, ge=1, le=16)
    """Dimension of a point: 2 on the plane, 3 on the sphere."""
    features: int = Bound(default=3, ge=1, le=4096)
    """Values at a point."""
    layers: tuple[Width, ...] = Bound(default=(128, 128, 128), min_length=1, max_length=64)
    """Units of each hidden layer."""
    frequencies: int = Bound(default=128, ge=0, le=1 << 16)
    """Random Fourier features: a cosine and a sine each; 0 gives the first layer the coordinates
    themselves."""
    sigma: float = Bound(default=2.0, gt=0, allow_inf_nan=False)
    """Standard deviation of the frequencies, in turns per unit of length."""
    activation: Literal["leaky_relu", "sine"] = "leaky_relu"
    """LeakyReLU(0.1), or sin(omega x) as in SIREN."""
    omega: float = Bound(default=30.0, gt=0, allow_inf_nan=False)
    """Frequency of the sine."""

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(out, in) of each weight matrix."""
        first = 2 * self.frequencies or self.coordinates
        widths = (first, *self.layers, self.features)
        return [(b, a) for a, b in itertools.pairwise(widths)]

    @property
    def size(self) -> int:
        """Number of parameters of one function."""
        return sum(b * a + b for b, a in self.shapes)

    def random_frequencies(self) -> Float[Tensor, "frequency dim"]:
        """Fresh frequencies, from torch's generator."""
        return self.sigma * torch.randn(self.frequencies, self.coordinates)


class Field:
    """A batch of functions of one architecture.

    Args:
        architecture: The shape of each network.
        parameters: All weight matrices (row by row), then all biases, of each item.
        frequencies: Those of the Fourier features, the same for all items.
    """

    def __init__(
        self,
        architecture: Architecture,
        parameters: Float[Tensor, "item size"],
        frequencies: Float[Tensor, "frequency dim"],
    ) -> None:
        self.architecture = architecture
        self.parameters, self.frequencies = parameters, frequencies

    def __call__(self, coordinates: Float[Tensor, "*grid dim"]) -> Float[Tensor, "item *grid out"]:
        """The features at these points, differentiable, all at once.

        `evaluate` goes through large grids in tiles.
        """
        points = coordinates.reshape(-1, coordinates.shape[-1])
        hidden = fourier(points, self.frequencies) if self.architecture.frequencies else points
        hidden = hidden.expand(self.parameters.shape[0], *hidden.shape)
        *layers, last = self._layers()
        for layer in layers:
            hidden = self._activate(_linear(hidden, *layer))
        out = torch.tanh(_linear(hidden, *last))
        return out.reshape(out.shape[0], *coordinates.shape[:-1], out.shape[-1])

    def _layers(self) -> Iterator[tuple[Tensor, Tensor]]:
        shapes = self.architecture.shapes
        sizes = [b * a for b, a in shapes] + [b for b, _ in shapes]
        parts = self.parameters.split(sizes, dim=1)
        for shape, weight, bias in zip(shapes, parts, parts[len(shapes) :], strict=False):
            yield weight.reshape(-1, *shape), bias

    def _activate(self, values: Tensor) -> Tensor:
        if self.architecture.activation == "sine":
            return torch.sin(self.architecture.omega * values)
        return torch.nn.functional.leaky_relu(values, 0.1)


def _linear(
    values: Float[Tensor, "item point a"],
    weight: Float[Tensor, "item b a"],
    bias: Float[Tensor, "item b"],
) -> Float[Tensor, "item point b"]:
    return torch.baddbmm(bias[:, None], values, weight.transpose(1, 2))


def fourier(
    points: Float[Tensor, "*point dim"], frequencies: Float[Tensor, "frequency dim"]
) -> Float[Tensor, "*point feature"]:
    """Cosines and sines of 2 pi (frequency . point): all cosines first."""
    phase = 2 * math.pi * (points @ frequencies.T)
    return torch.cat([phase.cos(), phase.sin()], dim=-1)


def evaluate(
    function: Function,
    coordinates: Float[ndarray, "*grid dim"],
    *,
    device: torch.device | str = "cpu",
) -> Float[ndarray, "item *grid feature"]:
    """The features on a grid of any size, in float32, without gradients.

    Works in tiles: beside coordinates and result it takes less than 100 MiB.
    """
    points = torch.from_numpy(coordinates.reshape(-1, coordinates.shape[-1]))
    with torch.inference_mode():
        items, _, features = function(points[:1].to(device)).shape
        out = np.empty((items, len(points), features), np.float32)
        step = max(256, _VALUES // items)
        for start in range(0, len(points), step):
            tile = function(points[start : start + step].to(device))
            out[:, start : start + step] = tile.float().cpu().numpy()
    return out.reshape(items, *coordinates.shape[:-1], features)

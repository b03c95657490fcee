"""A network that writes the weights of other networks."""

import itertools
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn


class HyperNetwork(nn.Module):
    """From a latent vector to the parameters of one function.

    Linear layers with LeakyReLU(0.1) between them.
    """

    def __init__(self, latent: int, layers: Sequence[int], size: int) -> None:
        """`latent` inputs, hidden `layers`, `size` parameters out."""
        super().__init__()
        widths = [latent, *layers, size]
        parts: list[nn.Module] = []
        for a, b in itertools.pairwise(widths):
            parts += [nn.Linear(a, b), nn.LeakyReLU(0.1)]
        self.layers = nn.Sequential(*parts[:-1])

    def forward(self, latents: Float[Tensor, "item latent"]) -> Float[Tensor, "item size"]:
        """The parameters of each item."""
        return self.layers(latents)

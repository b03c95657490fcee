"""A grid GAN trained as GASP is, with the same discriminator and loss.

So only the generator differs.
"""

from typing import Literal

from ..generators.dcgan import Dcgan, DcganConfig
from ..generators.distribution import Domain
from .gasp import AdversarialTraining


class DcganTraining(AdversarialTraining):
    """GASP's settings, with transposed convolutions in place of functions."""

    family: Literal["dcgan"]
    generator: DcganConfig = DcganConfig()

    @property
    def domain(self) -> Domain:
        """Where the items live, and what their values mean."""
        return self.generator.domain

    @property
    def features(self) -> int:
        """Values at a point."""
        return self.generator.features

    def fresh(self) -> Dcgan:
        """A model with fresh weights."""
        return Dcgan(self.generator)

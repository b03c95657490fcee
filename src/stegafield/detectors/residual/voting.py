"""A trained detector whose judge is an ensemble of discriminants.

A subclass only defines its features.
"""

from collections.abc import Mapping

from jaxtyping import Float
from numpy import ndarray

from ...core.detector import TrainedDetector
from ...errors import FormatError
from .ensemble import Ensemble


class VotingDetector(TrainedDetector):
    """Vectors of features, judged by an ensemble."""

    def __init__(self) -> None:
        self.ensemble: Ensemble | None = None

    def train(
        self,
        covers: Float[ndarray, "item feature"],
        stegos: Float[ndarray, "item feature"],
        seed: int,
    ) -> None:
        """Train the ensemble."""
        self.ensemble = Ensemble.train(covers, stegos, seed)

    def judge(self, features: Float[ndarray, "item feature"]) -> Float[ndarray, " item"]:
        """The shares of votes for stego."""
        if self.ensemble is None:
            raise self.untrained()
        return self.ensemble.judge(features)

    def state(self) -> dict[str, ndarray]:
        """The arrays of the ensemble."""
        if self.ensemble is None:
            raise self.untrained()
        return self.ensemble.state()

    def restore(self, state: Mapping[str, ndarray]) -> None:
        """Restore the ensemble of a state."""
        try:
            self.ensemble = Ensemble.restore(state)
        except KeyError as error:
            raise FormatError(f"a model of {self.name!r} lacks {error}") from None

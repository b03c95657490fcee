"""The contract of a detector: a steganalyst's opinion of one item."""

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Int
from numpy import ndarray


class Detector(ABC):
    """One steganalysis method."""

    name: ClassVar[str]

    @abstractmethod
    def score(self, codes: Int[ndarray, "channel *space"]) -> float:
        """How likely these codes are stego: any scale, higher is more likely."""

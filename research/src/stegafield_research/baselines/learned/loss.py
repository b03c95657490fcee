"""The loss of FNNS (Kishore et al. 2022), as a function of the change.

The cross-entropy of all bits, summed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, UInt8
from numpy import ndarray

from .decoded import FULL_SCALE


class CrossEntropy:
    """Of a change ``(item, channel, y, x)`` in codes; `network` sees codes / 255."""

    def __init__(
        self,
        network: Callable[[Any], Any],
        codes: Int[ndarray, "channel y x"],
        where: Bool[ndarray, "y x"],
        bits: UInt8[ndarray, " bit"],
    ) -> None:
        import torch

        self._network = network
        self._start = torch.from_numpy((codes / FULL_SCALE).astype(np.float32))
        self._index = torch.from_numpy(np.flatnonzero(where))
        signs = 2.0 * bits.astype(np.float32).reshape(-1, int(where.sum())) - 1
        self._signs = torch.from_numpy(signs)
        self.origin = np.zeros(codes.shape)
        """The change, in codes, to start from."""

    def __call__(self, change: Any) -> Any:
        """The loss ``(item,)``."""
        from torch.nn import functional

        return functional.softplus(-self._agreement(change)).sum((1, 2))

    def errors(self, change: Any) -> Any:
        """How many bits each item reads wrongly ``(item,)``; of NumPy or torch."""
        import torch

        with torch.no_grad():
            return (self._agreement(torch.as_tensor(change)) <= 0).sum((1, 2))

    def _agreement(self, change: Any) -> Any:
        """Logits ``(item, depth, position)``, positive where they are right."""
        device = change.device
        start = self._start.to(device)
        found = self._network(start + change.to(start.dtype) / FULL_SCALE)
        return found.flatten(2)[..., self._index.to(device)] * self._signs.to(device)

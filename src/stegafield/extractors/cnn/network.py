"""The forward pass of the network: zeros or wrapped borders, and bands for large covers."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from ...solving.convolution import convolve

LAYERS = 4
BAND = 1 << 16  # positions that are evaluated at once: about 400 MB with their gradient
LEAK = 0.01  # of LeakyReLU, torch's default
_TINY = 1e-12  # keeps the normalisation of a constant feature finite; far below one code of 16 bits


class Network:
    """The forward pass, from weights in NumPy to outputs on the device of the input.

    More than `BAND` positions are evaluated in bands along the first axis, each with the
    surrounding rows that it depends on. What a band computes on the way is computed again for its
    gradient, so memory is that of one band.
    """

    def __init__(
        self,
        weights: list[Float32[ndarray, "..."]],
        periodic: tuple[bool, ...],
        normalised: bool,
    ) -> None:
        """`weights` of four layers: ``(out, in, 3, ...)``, or ``(item, out, in, 3, ...)``."""
        self.weights, self.periodic, self.normalised = weights, periodic, normalised
        self._placed: dict[Any, list[Any]] = {}

    @classmethod
    def joined(cls, networks: Sequence["Network"]) -> "Network":
        """The network of a batch of small covers, from the networks of its items."""
        layers = zip(*(one.weights for one in networks), strict=True)
        first = networks[0]
        return cls([np.stack(layer) for layer in layers], first.periodic, first.normalised)

    def __call__(self, value: Any) -> Any:
        """Outputs ``(item, D, *space)`` of inputs ``(item, channel, *space)``.

        Items do not affect each other.
        """
        import torch

        if self.normalised:
            value = value - value.mean(list(range(2, value.ndim)), keepdim=True)
        bands = _bands(value.shape[2:], self.periodic[0])
        if len(bands) == 1:
            return self._through(value, LAYERS, None, self.periodic)
        known: list[Any] = []
        while self.normalised and len(known) < LAYERS - 1:
            sums = [self._again(self._moments, value, band, tuple(known)) for band in bands]
            mean, square = torch.stack(sums).sum(0) / value[0, 0].numel()
            known.append((mean, square - mean.square()))
        outputs = [self._again(self._outputs, value, band, tuple(known)) for band in bands]
        return torch.cat(outputs, 2)

    def _outputs(self, value: Any, band: "_Band", known: tuple[Any, ...]) -> Any:
        found = self._through(band.of(value), LAYERS, known, (False, *self.periodic[1:]))
        return found[:, :, band.own]

    def _moments(self, value: Any, band: "_Band", known: tuple[Any, ...]) -> Any:
        """The sum and the sum of squares, in float64, of each feature to normalise next."""
        import torch

        done, periodic = len(known) + 1, (False, *self.periodic[1:])
        found = self._through(band.of(value), done, known, periodic)[:, :, band.own]
        found = _leaky(found).double()
        axes = list(range(2, found.ndim))
        sums = [part.sum(axes, keepdim=True) for part in (found, found.square())]
        return torch.stack(sums)

    def _again(self, part: Any, value: Any, *more: Any) -> Any:
        """A part of the pass that keeps nothing for its gradient and runs again for it."""
        import torch
        from torch.utils.checkpoint import checkpoint

        if not torch.is_grad_enabled():
            return part(value, *more)
        return checkpoint(part, value, *more, use_reentrant=False, preserve_rng_state=False)

    def _through(
        self, value: Any, layers: int, known: tuple[Any, ...] | None, periodic: tuple[bool, ...]
    ) -> Any:
        """The first layers of the pass.

        Normalised by `known`, the mean and variance of each, or else by the value's own.
        """
        from torch.nn import functional

        for layer, weight in enumerate(self._on(value.device)[:layers]):
            if layer and self.normalised:
                value = _normalised(_leaky(value), known[layer - 1] if known is not None else None)
            elif layer:
                value = functional.relu(value)
            value = convolve(value, weight, periodic)
        return value

    def _on(self, device: Any) -> list[Any]:
        import torch

        if device not in self._placed:
            self._placed[device] = [torch.from_numpy(w).to(device) for w in self.weights]
        return self._placed[device]


class _Band(NamedTuple):
    """Rows that are evaluated together."""

    first: int
    last: int
    """The rows that it reads, `last` excluded; they wrap around before the first and after the
    last row of all."""
    own: slice
    """The rows among them that the band is for."""

    def of(self, value: Any) -> Any:
        """The rows of the band, picked on the device."""
        import torch

        rows = torch.arange(self.first, self.last, device=value.device)
        return value.index_select(2, rows.remainder(value.shape[2]))


def _bands(space: tuple[int, ...], wraps: bool) -> list[_Band]:
    """Runs of rows of at most `BAND` positions.

    Each has as many surrounding rows as the network has layers.
    """
    count, height = space[0], max(1, BAND // max(1, math.prod(space[1:])))
    found = []
    for top in range(0, count, height):
        bottom = min(top + height, count)
        first, last = top - LAYERS, bottom + LAYERS
        if not wraps:
            first, last = max(first, 0), min(last, count)
        found.append(_Band(first, last, slice(top - first, bottom - first)))
    return found


def _leaky(value: Any) -> Any:
    from torch.nn import functional

    return functional.leaky_relu(value, LEAK)


def _normalised(value: Any, known: Any) -> Any:
    """The value with mean zero and variance one: by (mean, variance) `known`, or by its own."""
    if known is not None:
        mean, variance = (part.to(value.dtype) for part in known)
        return (value - mean) / (variance + _TINY).sqrt()
    from torch.nn import functional

    # Features of all items as features of one: one pass there and back instead of ten.
    flat = value.flatten(0, 1)[None]
    found = functional.batch_norm(flat, None, None, training=True, eps=_TINY)
    return found[0].unflatten(0, value.shape[:2])

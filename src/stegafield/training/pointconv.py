"""PointConv as GASP uses it: convolutions on points, with kernels that a small network writes.

Wu, Qi and Fuxin 2019.

    out(p) = linear(sum over neighbours q of feature(q) (x) net(q - p))

All items share their coordinates, so the network runs once, not once an item. On a regular grid all
output points except those at the border see the same offsets: there the sum is a 3x3 convolution,
whose kernel is the linear map applied to the network at the nine offsets. The border is gathered.
Both forms give the same result, border included.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .neighbours import Neighbours, Stencil

_SLOPE = 0.2


class WeightNet(nn.Module):
    """From an offset to the values of `mid` basis kernels there."""

    def __init__(self, dim: int, mid: Sequence[int], normalise: bool) -> None:
        """`mid` units in each layer, with batch normalisation over all offsets if requested."""
        super().__init__()
        parts: list[nn.Module] = []
        for a, b in zip([dim, *mid], mid, strict=False):
            parts.append(nn.Linear(a, b))
            if normalise:
                parts.append(nn.BatchNorm1d(b, track_running_stats=False))
            parts.append(nn.LeakyReLU(_SLOPE))
        self.layers = nn.Sequential(*parts)

    def forward(
        self, offsets: Float[Tensor, "out neighbour dim"]
    ) -> Float[Tensor, "out neighbour mid"]:
        """The kernels' values."""
        return self.layers(offsets.flatten(0, 1)).unflatten(0, offsets.shape[:2])


class PointConv(nn.Module):
    """One convolution. `fast=False` gathers everywhere, for comparison."""

    def __init__(
        self,
        plan: Neighbours,
        channels: int,
        out: int,
        mid: Sequence[int],
        *,
        normalise: bool = True,
        fast: bool = True,
    ) -> None:
        """From `channels` features at the input points to `out` at the output points."""
        super().__init__()
        self.net = WeightNet(plan.offsets.shape[2], mid, normalise)
        self.linear = nn.Linear(channels * mid[-1], out)
        self.stencil = plan.stencil if fast else None
        self.index: Tensor
        self.offsets: Tensor
        self.register_buffer("index", torch.from_numpy(plan.index), persistent=False)
        self.register_buffer("offsets", torch.from_numpy(plan.offsets), persistent=False)
        border = [] if self.stencil is None else self.stencil.border
        self.border: Tensor
        self.register_buffer("border", torch.as_tensor(border, dtype=torch.int64), persistent=False)

    def forward(
        self, features: Float[Tensor, "item point channel"]
    ) -> Float[Tensor, "item out feature"]:
        """The features at the output points."""
        basis = self.net(self.offsets)
        if self.stencil is None:
            return self._gather(features, self.index, basis)
        out = self._convolve(features, basis, self.stencil)
        edge = self._gather(features, self.index[self.border], basis[self.border])
        return out.index_copy(1, self.border, edge.to(out.dtype))

    def _gather(
        self,
        features: Float[Tensor, "item point channel"],
        index: Tensor,
        basis: Float[Tensor, "out neighbour mid"],
    ) -> Float[Tensor, "item out feature"]:
        near = features[:, index]
        return self.linear(torch.einsum("bqkc,qkm->bqcm", near, basis).flatten(2))

    def _convolve(
        self,
        features: Float[Tensor, "item point channel"],
        basis: Float[Tensor, "out neighbour mid"],
        stencil: Stencil,
    ) -> Float[Tensor, "item out feature"]:
        taps = basis[stencil.centre, stencil.order]
        mixed = self.linear.weight.unflatten(1, (features.shape[2], -1))
        kernel = torch.einsum("ocm,tm->oct", mixed, taps).unflatten(2, (3, 3))
        picture = features.unflatten(1, stencil.grid).permute(0, 3, 1, 2)
        out = torch.conv2d(picture, kernel, self.linear.bias, stride=stencil.stride, padding=1)
        return out.permute(0, 2, 3, 1).flatten(1, 2)


class AveragePool(nn.Module):
    """The mean over the neighbours. `fast` as in `PointConv`."""

    def __init__(self, plan: Neighbours, *, fast: bool = True) -> None:
        """The neighbours of each output point."""
        super().__init__()
        self.stencil = plan.stencil if fast else None
        self.index: Tensor
        self.register_buffer("index", torch.from_numpy(plan.index), persistent=False)
        border = [] if self.stencil is None else self.stencil.border
        self.border: Tensor
        self.register_buffer("border", torch.as_tensor(border, dtype=torch.int64), persistent=False)

    def forward(
        self, features: Float[Tensor, "item point channel"]
    ) -> Float[Tensor, "item out channel"]:
        """The means."""
        if self.stencil is None:
            return features[:, self.index].mean(2)
        picture = features.unflatten(1, self.stencil.grid).permute(0, 3, 1, 2)
        out = nn.functional.avg_pool2d(picture, 3, self.stencil.stride, padding=1)
        out = out.permute(0, 2, 3, 1).flatten(1, 2)
        edge = features[:, self.index[self.border]].mean(2)
        return out.index_copy(1, self.border, edge.to(out.dtype))

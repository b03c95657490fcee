"""Convolution with kernels of three along each axis; outputs have the size of the input.

Periodic axes wrap around; beyond the ends of the others are zeros.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any


def convolve(value: Any, weight: Any, periodic: tuple[bool, ...]) -> Any:
    """Outputs ``(item, out, *space)`` of torch inputs ``(item, in, *space)``, in full precision.

    Weights ``(out, in, 3, ...)`` are for all items; with ``(item, out, in, 3, ...)`` every item has
    its own. They are fixed: only the inputs have a gradient, and that has none. The precision is
    full on every device, whatever the caller's autocast and TF32 settings are, which change one
    sign in some thousands, forwards and backwards.
    """
    import torch

    for axis, wraps in enumerate(periodic, 2):
        if wraps:
            last, first = value.narrow(axis, value.shape[axis] - 1, 1), value.narrow(axis, 0, 1)
            value = torch.cat([last, value, first], axis)
    padding = [0 if wraps else 1 for wraps in periodic]
    if weight.ndim == value.ndim:
        return _convolution().apply(value, weight, padding, 1)
    items, flat = len(value), value.flatten(0, 1)[None]
    found = _convolution().apply(flat, weight.flatten(0, 1), padding, items)
    return found.unflatten(1, (items, -1))[0]


@contextmanager
def _full_precision(device: str) -> Iterator[None]:
    import torch

    with (
        torch.autocast(device, enabled=False),
        torch.backends.cudnn.flags(allow_tf32=False),
    ):
        yield


@lru_cache
def _convolution() -> Any:
    """The torch function of `convolve`, defined only once torch is imported.

    Torch's own would go back in the precision of the caller.
    """
    import torch

    class Convolution(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, value: Any, weight: Any, padding: list[int], groups: int) -> Any:
            ones = [1] * len(padding)
            ctx.settings = None, ones, padding, ones, False, [0] * len(padding), groups
            ctx.save_for_backward(value, weight)
            with _full_precision(value.device.type):
                return torch.ops.aten.convolution(value, weight, *ctx.settings)

        @staticmethod
        def backward(ctx: Any, *up: Any) -> tuple[Any, None, None, None]:
            value, weight = ctx.saved_tensors
            with _full_precision(value.device.type):
                given = up[0], value, weight, *ctx.settings, (True, False, False)
                slope, _, _ = torch.ops.aten.convolution_backward(*given)
            return slope, None, None, None

    return Convolution

"""Convolution with kernels of three along each axis, as wide as its input: around on periodic axes, zeros elsewhere."""

from typing import Any


def convolve(value: Any, weight: Any, periodic: tuple[bool, ...]) -> Any:
    """Outputs ``(item, out, *space)`` of torch inputs ``(item, in, *space)``, in full precision on every device.

    Whatever the caller's autocast and TF32 settings are: they change one sign in some thousands.
    """
    import torch
    from torch.nn import functional

    kind = (functional.conv1d, functional.conv2d, functional.conv3d)[len(periodic) - 1]
    for axis, wraps in enumerate(periodic, 2):
        if wraps:
            last, first = value.narrow(axis, value.shape[axis] - 1, 1), value.narrow(axis, 0, 1)
            value = torch.cat([last, value, first], axis)
    with (
        torch.autocast(value.device.type, enabled=False),
        torch.backends.cudnn.flags(allow_tf32=False),
    ):
        return kind(value, weight, padding=[0 if wraps else 1 for wraps in periodic])

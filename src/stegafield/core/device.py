"""The device that torch works on."""

from ..errors import ConfigError


def placed(device: str) -> str:
    """A device by its name; for "auto" a graphics card where there is one.

    Raises:
        ConfigError: where a card is requested, and there is none.
    """
    import torch

    there = torch.cuda.is_available()
    if device.startswith("cuda") and not there:
        raise ConfigError("device", "there is no CUDA device.", 'Use device="cpu".')
    if device != "auto":
        return device
    return "cuda" if there else "cpu"

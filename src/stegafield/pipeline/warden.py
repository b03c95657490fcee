"""What a warden brings: trained detectors from files, and the codes that detectors look at."""

import os

from jaxtyping import Int
from numpy import ndarray

from ..core.cover import Cover, widened
from ..core.detector import TrainedDetector, read_model
from ..core.registry import Registry
from ..errors import ConfigError


def load(registry: Registry, path: str | os.PathLike[str]) -> TrainedDetector:
    """The trained detector in a file that `bench detect --models` wrote."""
    found = registry.get("detector", read_model(path)[0])
    if not issubclass(found, TrainedDetector):
        raise ConfigError("model", f"the detector {found.name!r} is not one that is trained.")
    return found.load(path)


def visible(cover: Cover, codes: Int[ndarray, "channel *space"]) -> Int[ndarray, "kept *space"]:
    """The channels that may change (not alpha), wide enough to be added and subtracted."""
    return widened(codes[cover.free.reshape(len(codes), -1).any(axis=1)])

"""The trained coders that ship with the package."""

from functools import cache
from pathlib import Path

from ...errors import ConfigError
from ...generators import checkpoint
from .network import Coder

SHIPPED = Path(__file__).parent / "models"
"""One folder for each, "dense-4" for four bits a pixel: config.json, model.safetensors, card.json."""


def read(folder: str | Path) -> Coder:
    """The coder in a folder; raises as `checkpoint.load` does."""
    return checkpoint.load(folder, _family)


@cache
def shipped(architecture: str, depth: int) -> Coder:
    """The shipped coder of an architecture and of this many bits a pixel, read once."""
    return read(SHIPPED / f"{architecture}-{depth}")


def _family(name: str) -> type[Coder]:
    if name != Coder.family:
        raise ConfigError("family", f"{name!r} is unknown.", f"Families: {Coder.family}.")
    return Coder

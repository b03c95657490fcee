"""The trained coders that ship with the package."""

from pathlib import Path

from stegafield.errors import ConfigError
from stegafield.generators import checkpoint
from stegafield.generators import zoo as generators

from .network import Coder

SHIPPED = Path(__file__).parent / "models"
"""One folder for each, "dense-4" for four bits a pixel: config.json, model.safetensors, card.json."""


def names() -> list[str]:
    """Those that ship: architecture and depth, as in "dense-4"."""
    return generators.names(SHIPPED)


def shipped(architecture: str, depth: int) -> Coder:
    """The shipped coder of an architecture and of this many bits a pixel, read once; `ConfigError` without one."""
    return generators.load_of(family, f"{architecture}-{depth}", SHIPPED)


def read(folder: str | Path) -> Coder:
    """The coder in a folder; raises as `checkpoint.load` does."""
    return checkpoint.load(folder, family)


def family(name: str) -> type[Coder]:
    """The class of the family: the only one here."""
    if name != Coder.family:
        raise ConfigError("family", f"{name!r} is unknown.", f"Families: {Coder.family}.")
    return Coder

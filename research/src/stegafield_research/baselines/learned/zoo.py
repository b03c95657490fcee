"""The trained coders that ship with the package."""

from pathlib import Path

from stegafield.errors import ConfigError
from stegafield.generators import checkpoint
from stegafield.generators import zoo as generators

from .network import Coder

SHIPPED = Path(__file__).parent / "models"
"""One folder for each coder, "dense-4" for four bits per pixel.

It holds config.json, model.safetensors and card.json.
"""


def names() -> list[str]:
    """Those that ship: architecture and depth, as in "dense-4"."""
    return generators.names(SHIPPED)


def shipped(architecture: str, depth: int) -> Coder:
    """The shipped coder of an architecture and depth in bits per pixel, read once.

    Raises `ConfigError` if none ships.
    """
    return generators.load_of(family, f"{architecture}-{depth}", SHIPPED)


def read(folder: str | Path) -> Coder:
    """The coder in a folder; raises as `checkpoint.load` does."""
    return checkpoint.load(folder, family)


def family(name: str) -> type[Coder]:
    """The class of a family; there is only one here."""
    if name != Coder.family:
        raise ConfigError("family", f"{name!r} is unknown.", f"Families: {Coder.family}.")
    return Coder

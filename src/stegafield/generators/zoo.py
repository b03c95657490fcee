"""The models that ship with the package, each with a card that says what it was made from."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Bound

from ..errors import ConfigError, FormatError
from . import checkpoint
from .checkpoint import ModelT
from .distribution import FunctionDistribution
from .stored import CONFIG, SHIPPED

CARD = "card.json"


class Card(BaseModel):
    """What a model was trained on, for how long, and with what result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str
    """One sentence: what it draws."""
    data: str
    """What it was trained on, and where that is from."""
    items: int = Bound(ge=0)
    """The number of training items."""
    held_out: str
    """What was kept out of training."""
    steps: int = Bound(ge=0)
    """Optimizer steps, all phases together."""
    seconds: float = Bound(ge=0)
    """Training time."""
    machine: str
    """The machine it was trained on, in general words: two CPU cores, say."""
    metrics: dict[str, float]
    """Measured on held-out data, by the commands that docs/generators.md names."""
    licence: str
    """SHA-256 of the weights."""
    attribution: str = ""
    """What must be said where its output is published."""
    limits: str
    """What it does not do well."""


def names(folder: Path = SHIPPED) -> list[str]:
    """The names of the models in a folder."""
    return sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}"))


def card(name: str, folder: Path = SHIPPED) -> Card:
    """The card of a model."""
    try:
        return Card.model_validate_json((_folder(name, folder) / CARD).read_bytes())
    except ValidationError as error:
        raise FormatError(f"{CARD} of {name} is no model card: {error}") from None


def load(name: str, folder: Path = SHIPPED) -> FunctionDistribution:
    """A shipped generator, by name, read once; `ConfigError` if there is none."""
    return load_of(checkpoint.family, name, folder)


@cache
def load_of(family: Callable[[str], type[ModelT]], name: str, folder: Path) -> ModelT:
    """A model of other families than the generators': `family` as in `checkpoint.load`."""
    return checkpoint.load(_folder(name, folder), family)


def _folder(name: str, folder: Path) -> Path:
    known = names(folder)
    if name not in known:
        hint = f"Models: {', '.join(known) or 'none'}."
        raise ConfigError("model", f"there is no shipped model {name!r}.", hint)
    return folder / name

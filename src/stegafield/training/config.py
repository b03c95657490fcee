"""A training run's settings: a TOML file, of the package or the user's own, with changes.

`--set PART.OPTION=VALUE` changes a value.
"""

import json
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import ConfigError
from ..generators.distribution import Domain
from .recipe import Recipe

RECIPES = {
    "gasp": "stegafield.training.gasp:GaspTraining",
    "dcgan": "stegafield.training.dcgan:DcganTraining",
    "lattice": "stegafield.training.lattice:LatticeTraining",
}
"""Config class of each family's training, as "module:class"; it is imported when it is used."""
CONFIGS = files("stegafield.training") / "configs"
"""The TOML files of the package."""


class Data(BaseModel):
    """How the training items are read, and which are held out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    crop: Annotated[float, Field(gt=0, le=1)] | None = None
    """Pictures: the share of the shorter side that a square in the middle keeps; None stretches
    the whole picture."""
    variable: str | None = None
    """NetCDF, Zarr, npz: the variable, where there are several."""
    hold_out_last: int = Field(default=0, ge=0)
    """This many items at the end are not trained on."""
    hold_out_every: int = Field(default=0, ge=0)
    """Items k - 1, 2k - 1, ... are not trained on; 0 keeps all."""


class TrainingConfig(BaseModel, ABC):
    """The settings that every recipe has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: Any
    data: Data = Data()
    batch: int = Field(default=64, ge=1)
    """Items a step, on all devices together."""
    epochs: int = Field(default=300, ge=1)
    seed: int = Field(default=0, ge=0)
    """Seed of everything random: first weights, order of the items, latents."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """"bf16-mixed" computes the networks in bfloat16; weights stay float32."""
    log_every: int = Field(default=10, ge=1)
    """Steps between two lines of log.jsonl."""
    save_every: int = Field(default=500, ge=1)
    """Steps between two checkpoints and sample sheets."""

    @property
    @abstractmethod
    def domain(self) -> Domain:
        """Where the items live, and what their values mean."""

    @property
    @abstractmethod
    def features(self) -> int:
        """Values at a point."""

    @abstractmethod
    def build(self, fabric: Any) -> Recipe:
        """The recipe, with fresh networks set up by this Lightning Fabric."""


ConfigT = TypeVar("ConfigT", bound=TrainingConfig)


def names(folder: Traversable = CONFIGS) -> list[str]:
    """The names of the configs in a folder; those of the package by default."""
    return sorted(
        p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml")
    )


def read(
    source: str,
    changes: Mapping[str, str] | None = None,
    *,
    families: Mapping[str, str] = RECIPES,
    folder: Traversable = CONFIGS,
) -> TrainingConfig:
    """The config of a name, or of a TOML file, with changes.

    A change is as in {"discriminator.subsample": "grid"}. `families` and `folder` say which recipes
    and names there are: another distribution passes its own.
    """
    if source in names(folder):
        data = (folder / f"{source}.toml").read_bytes()
    elif source.endswith(".toml"):
        data = Path(source).read_bytes()
    else:
        hint = f"Configs: {', '.join(names(folder))}; or give a .toml file."
        raise ConfigError("config", f"there is no config {source!r}.", hint)
    try:
        table = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ConfigError("config", f"{source} is no TOML: {error}.") from None
    return parse(_changed(table, changes or {}), families)


def parse(values: Mapping[str, Any], families: Mapping[str, str] = RECIPES) -> TrainingConfig:
    """The validated config of a table."""
    name = str(values.get("family"))
    if name not in families:
        raise ConfigError("family", f"{name!r} has no recipe.", f"Recipes: {', '.join(families)}.")
    module, _, found = families[name].partition(":")
    kind = getattr(import_module(module), found)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(".".join(map(str, first["loc"])), f"{first['msg']}.") from None


def _changed(table: dict[str, Any], changes: Mapping[str, str]) -> dict[str, Any]:
    for path, value in changes.items():
        *parents, last = path.split(".")
        part = table
        for name in parents:
            part = part.setdefault(name, {})
            if not isinstance(part, dict):
                raise ConfigError("set", f"{path}: {name} is no table.")
        try:
            part[last] = json.loads(value)
        except ValueError:
            part[last] = value
    return table

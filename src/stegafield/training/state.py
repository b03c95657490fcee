"""A training run on disk: state.json, and beside it the tensors that it names. No pickle.

The tensors are written first, under a new name; state.json then replaces the old one in one step.
So whenever a run is killed, one whole state is there.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from ..errors import FormatError
from ..generators.checkpoint import pack, unpack
from .recipe import Recipe

STATE = "state.json"


class Progress(BaseModel):
    """How far a run is, and which run it is."""

    model_config = ConfigDict(extra="forbid")

    step: int = Field(default=0, ge=0)
    """Steps done. With the seed of the config it is the state of all randomness."""
    seconds: float = Field(default=0.0, ge=0)
    """Seconds of training, in all sessions of the run."""
    items: int = Field(ge=0)
    """The number of training items."""
    config: dict[str, Any]
    tensors: str = Field(default="", pattern=r"^[\w.-]*$")
    """File with the tensors, in the same folder."""
    sha256: str = ""


def save(folder: Path, recipe: Recipe, progress: Progress) -> None:
    """Write the state of a run into its folder."""
    data = pack(_tensors(recipe))
    old, progress.tensors = progress.tensors, f"state-{progress.step}.safetensors"
    progress.sha256 = hashlib.sha256(data).hexdigest()
    (folder / progress.tensors).write_bytes(data)
    fresh = folder / f"{STATE}.part"
    fresh.write_text(progress.model_dump_json(indent=2) + "\n", encoding="utf-8")
    os.replace(fresh, folder / STATE)
    if old not in ("", progress.tensors):
        (folder / old).unlink(missing_ok=True)


def read(folder: Path) -> Progress:
    """How far the run in a folder is. `FormatError` where its state.json is damaged."""
    try:
        return Progress.model_validate_json((folder / STATE).read_bytes())
    except ValidationError as error:
        raise FormatError(f"{STATE} is not the state of a run: {error}") from None


def restore(folder: Path, recipe: Recipe, progress: Progress) -> None:
    """Restore the saved state of a recipe.

    `FormatError` where the file is not the one that state.json names.
    """
    data = (folder / progress.tensors).read_bytes()
    if hashlib.sha256(data).hexdigest() != progress.sha256:
        raise FormatError(f"{progress.tensors} has another SHA-256 than {STATE} says")
    wanted = {name: tuple(tensor.shape) for name, tensor in _tensors(recipe, fresh=True).items()}
    state = unpack(data, wanted, progress.tensors)
    for name, module in recipe.modules.items():
        module.load_state_dict(_under(state, f"modules.{name}."))
    for name, optimizer in recipe.optimizers.items():
        whole = optimizer.state_dict()
        whole["state"] = {}
        for path, tensor in _under(state, f"optimizers.{name}.").items():
            number, key = path.split(".")
            whole["state"].setdefault(int(number), {})[key] = tensor
        optimizer.load_state_dict(whole)


def _tensors(recipe: Recipe, *, fresh: bool = False) -> dict[str, Tensor]:
    """All tensors by name.

    With `fresh`, the states of the optimizers are those that Adam will have, by their shapes.
    """
    out = {}
    for name, module in recipe.modules.items():
        out |= {f"modules.{name}.{key}": t for key, t in module.state_dict().items()}
    for name, optimizer in recipe.optimizers.items():
        state = _adam(optimizer) if fresh else optimizer.state_dict()["state"]
        for number, values in state.items():
            out |= {f"optimizers.{name}.{number}.{key}": t for key, t in values.items()}
    return out


def _adam(optimizer: torch.optim.Optimizer) -> dict[int, dict[str, Tensor]]:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    return {
        k: {"step": torch.zeros(()), "exp_avg": p, "exp_avg_sq": p}
        for k, p in enumerate(parameters)
    }


def _under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): t for k, t in state.items() if k.startswith(prefix)}

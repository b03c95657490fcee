"""Models on disk: a folder with config.json and model.safetensors.

Nothing in it is executed, and nothing is downloaded. config.json names the family, its config, and
the SHA-256 of the weights. Every tensor's name, shape and type is compared with what the config
requires before any of them is made.
"""

import hashlib
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Bound
from torch import Tensor

from ..errors import ConfigError, FormatError
from .distribution import FunctionDistribution
from .model import Model

FAMILIES = {"gasp": "Gasp", "lattice": "Lattice", "dcgan": "Dcgan"}
"""The class of each family; its module in this package has the family's name."""
CONFIG, WEIGHTS = "config.json", "model.safetensors"
_MOST_CONFIG, _MOST_HEADER = 1 << 20, 1 << 23
ModelT = TypeVar("ModelT", bound=Model)
_TYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}


class Header(BaseModel):
    """The content of config.json."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    family: str
    sha256: Annotated[str, Bound(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of model.safetensors."""
    config: dict[str, Any]
    """The family's own config."""


def family(name: str) -> type[FunctionDistribution]:
    """The class of a family."""
    if name not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ConfigError("family", f"{name!r} is unknown.", f"Families: {known}.")
    return getattr(import_module(f".{name}", __package__), FAMILIES[name])


def save_pretrained(model: Model, folder: str | Path, *, half: bool = False) -> Path:
    """Write a model into a folder, which is made if needed; returns it.

    Args:
        model: Of a known family.
        folder: Where config.json and model.safetensors go; older ones are replaced.
        half: Store float16: half the size. Loading always gives float32.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    dtype = torch.float16 if half else torch.float32
    data = pack({name: t.to(dtype) for name, t in model.state_dict().items()})
    header = Header(
        family=model.family,
        sha256=hashlib.sha256(data).hexdigest(),
        config=model.config.model_dump(mode="json"),
    )
    (folder / WEIGHTS).write_bytes(data)
    (folder / CONFIG).write_text(header.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return folder


def from_pretrained(folder: str | Path) -> FunctionDistribution:
    """The model in a folder, in float32, on the CPU, ready to sample; raises as `load` does."""
    return load(folder, family)


def load(folder: str | Path, family: Callable[[str], type[ModelT]]) -> ModelT:
    """The model in a folder, in float32, on the CPU, ready for use.

    Args:
        folder: Where `save_pretrained` wrote it.
        family: Returns the class of a family's name; `ConfigError` where it is unknown.

    Raises:
        FormatError: The folder holds no such model, or a damaged one.
        OSError: A file is missing or cannot be read.
    """
    folder = Path(folder)
    header = read_header(folder / CONFIG)
    data = (folder / WEIGHTS).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != header.sha256:
        raise FormatError(f"{WEIGHTS} has the SHA-256 {found}, and {CONFIG} says {header.sha256}")
    try:
        kind = family(header.family)
        config = kind.Config.model_validate(header.config)
        with torch.device("meta"):  # shapes only: a config of terabytes costs nothing
            model = kind(config)
    except (ConfigError, ValidationError) as error:
        raise FormatError(f"{CONFIG}: {error}") from None
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    state = unpack(data, wanted)
    model.load_state_dict({name: t.float() for name, t in state.items()}, assign=True)
    return model.requires_grad_(False).eval()


def read_header(path: Path) -> Header:
    """The checked content of config.json."""
    if path.stat().st_size > _MOST_CONFIG:
        raise FormatError(
            f"{path.name} is larger than {_MOST_CONFIG} bytes, the most that a config may have"
        )
    try:
        return Header.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise FormatError(f"{path.name} is not the config of a model: {error}") from None


def pack(state: dict[str, Tensor]) -> bytes:
    """The bytes of a safetensors file."""
    from safetensors.torch import save

    return save({name: t.detach().cpu().contiguous() for name, t in state.items()})


def unpack(
    data: bytes, wanted: dict[str, tuple[int, ...]], file: str = WEIGHTS
) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    It must have exactly these names and shapes, and finite values.

    Raises:
        FormatError: It is something else.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    declared = _declared(data, file)
    if declared.keys() != wanted.keys():
        odd = sorted(declared.keys() ^ wanted.keys())[:4]
        raise FormatError(f"{file} has other tensors than its config requires: {', '.join(odd)}")
    for name, (dtype, shape) in declared.items():
        if shape != wanted[name] or dtype not in _TYPES:
            raise FormatError(f"{file}: {name} is {dtype} {shape}, not {wanted[name]}")
    try:
        state = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise FormatError(f"{file} is damaged: {error}") from None
    for name, tensor in state.items():
        if not tensor.isfinite().all():
            raise FormatError(f"{file}: {name} has values that are not finite")
    return state


def _declared(data: bytes, file: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The type and shape of each tensor, from the header.

    The header is checked before the safetensors library sees the file.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(_MOST_HEADER, len(data) - 8):
        raise FormatError(f"{file} is cut short, or not a safetensors file")
    try:
        header = json.loads(data[8 : 8 + length])
        header.pop("__metadata__", None)
        return {name: (t["dtype"], tuple(t["shape"])) for name, t in header.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FormatError(f"{file} does not have the header of a safetensors file") from None

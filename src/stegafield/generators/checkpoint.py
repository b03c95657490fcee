"""Networks of torch on disk: written and read as `stored` describes.

Every tensor's name, shape and type is compared with what the config requires before any of them is
made.
"""

import hashlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import torch
from pydantic import ValidationError
from torch import Tensor

from ..errors import ConfigError, FormatError
from . import stored
from .distribution import FunctionDistribution
from .model import Model
from .stored import CONFIG, WEIGHTS, Header

FAMILIES = {"gasp": "Gasp", "lattice": "Lattice", "dcgan": "Dcgan"}
"""The class of each family; its module in this package has the family's name."""
ModelT = TypeVar("ModelT", bound=Model)


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
    header, data = stored.read(Path(folder))
    try:
        kind = family(header.family)
        config = kind.Config.model_validate(header.config)
        with torch.device("meta"):  # shapes only: a config of terabytes costs nothing
            model = kind(config)
    except (ConfigError, ValidationError) as error:
        raise FormatError(f"{CONFIG}: {error}") from None
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    model.load_state_dict(unpack(data, wanted), assign=True)
    return model.requires_grad_(False).eval()


def pack(state: dict[str, Tensor]) -> bytes:
    """The bytes of a safetensors file."""
    from safetensors.torch import save

    return save({name: t.detach().cpu().contiguous() for name, t in state.items()})


def unpack(
    data: bytes, wanted: dict[str, tuple[int, ...]], file: str = WEIGHTS
) -> dict[str, Tensor]:
    """The tensors of a safetensors file, as `stored.unpack` reads them."""
    state = stored.unpack(data, wanted, file)
    return {name: torch.from_numpy(array) for name, array in state.items()}

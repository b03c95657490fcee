"""Models on disk, read with NumPy alone: a folder with config.json and model.safetensors.

Nothing in it is executed, and nothing is downloaded. config.json names the family, its config, and
the SHA-256 of the weights. `checkpoint` makes networks of torch from it, `faces` draws without.
"""

import hashlib
import json
import math
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Bound

from ..errors import FormatError

CONFIG, WEIGHTS = "config.json", "model.safetensors"
SHIPPED = Path(str(files("stegafield.generators"))) / "models"
"""One folder for each model of the package: config.json, model.safetensors, card.json."""
_MOST_CONFIG, _MOST_HEADER = 1 << 20, 1 << 23
_BYTES = {"F16": 2, "BF16": 2, "F32": 4}


class Header(BaseModel):
    """The content of config.json."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    family: str
    sha256: Annotated[str, Bound(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of model.safetensors."""
    config: dict[str, Any]
    """The family's own config."""


def read(folder: Path) -> tuple[Header, bytes]:
    """The header of a model and the bytes of its weights, which are those that the header names.

    Raises:
        FormatError: The folder holds no such model, or a damaged one.
        OSError: A file is missing or cannot be read.
    """
    header = read_header(folder / CONFIG)
    data = (folder / WEIGHTS).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != header.sha256:
        raise FormatError(f"{WEIGHTS} has the SHA-256 {found}, and {CONFIG} says {header.sha256}")
    return header, data


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


def unpack(
    data: bytes, wanted: dict[str, tuple[int, ...]] | None = None, file: str = WEIGHTS
) -> dict[str, Float32[ndarray, "..."]]:
    """The tensors of a safetensors file, in float32 whatever they are stored in.

    Args:
        data: The file: 8 bytes with the length of a JSON header, the header, and the tensors one
            after the other (https://github.com/huggingface/safetensors#format).
        wanted: Exactly these names and shapes, if given.
        file: Its name, for errors.

    Raises:
        FormatError: It is something else, or has values that are not finite.
    """
    declared = _declared(data, file)
    if wanted is not None:
        odd = sorted(declared.keys() ^ wanted.keys())[:4]
        if odd:
            names = ", ".join(odd)
            raise FormatError(f"{file} has other tensors than its config requires: {names}")
    at, state = 8 + int.from_bytes(data[:8], "little"), {}
    begun = at
    for name, (dtype, shape, offsets) in sorted(declared.items(), key=lambda one: one[1][2]):
        right = shape if wanted is None else wanted[name]
        if shape != right or dtype not in _BYTES:
            raise FormatError(f"{file}: {name} is {dtype} {shape}, not {right}")
        end = at + math.prod(shape) * _BYTES[dtype]
        if offsets != (at - begun, end - begun) or end > len(data):
            raise FormatError(f"{file} is damaged: the bytes of {name} are not where they belong")
        state[name] = _floats(data[at:end], dtype).reshape(shape)
        if not np.isfinite(state[name]).all():
            raise FormatError(f"{file}: {name} has values that are not finite")
        at = end
    if at != len(data):
        raise FormatError(f"{file} is damaged: {len(data) - at} bytes after its last tensor")
    return {name: state[name] for name in declared}


def _floats(raw: bytes, dtype: str) -> Float32[ndarray, " value"]:
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(raw, "<f2" if dtype == "F16" else "<f4").astype(np.float32)


def _declared(data: bytes, file: str) -> dict[str, tuple[str, tuple[int, ...], tuple[int, int]]]:
    """The type, shape and (first, last) byte of each tensor, from the header."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(_MOST_HEADER, len(data) - 8):
        raise FormatError(f"{file} is cut short, or not a safetensors file")
    try:
        header = json.loads(data[8 : 8 + length])
        header.pop("__metadata__", None)
        return {
            name: (one["dtype"], _numbers(one["shape"]), _numbers(one["data_offsets"]))
            for name, one in header.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FormatError(f"{file} does not have the header of a safetensors file") from None


def _numbers(given: list[Any]) -> Any:
    """The sizes or positions of a header; `TypeError` where they are none."""
    if not all(type(one) is int and one >= 0 for one in given):
        raise TypeError("not a list of sizes")
    return tuple(given)

"""Converts an official GASP checkpoint (`model.pt`) into a model of this package.

The file is that of EmilienDupont/neural-function-distributions. It is a pickle: a dictionary of the
weights and of a config that holds whole torch modules. It is read with `weights_only=True`, and
empty classes stand in for those that the config names: none of their code runs.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import FormatError
from .distribution import Domain
from .field import Architecture
from .gasp import Gasp, GaspConfig

_MODULES = (
    "models.function_representation.FourierFeatures",
    "torch.nn.modules.activation.LeakyReLU",
    "torch.nn.modules.activation.Tanh",
    "torch.nn.modules.linear.Identity",
)
_STATE = "hypernetwork.forward_layers."
_FREQUENCIES = "hypernetwork.function_representation.encoding.frequency_matrix"


def from_official(path: str | Path, size: tuple[int, int] | None = None) -> Gasp:
    """The generator of an official checkpoint.

    There a picture's outermost pixels are at -1 and 1; here its edges are. The difference is a
    factor, and goes into the frequencies, so the function at the resolution of training is the
    same.

    Args:
        path: A file that the official code wrote.
        size: (rows, columns) that it was trained at. Default: 64x64, or 46x90 where the function
            takes points of the sphere, which is then assumed to be the authors' ERA5 model.

    Raises:
        FormatError: It is no such file, or its networks are of another kind (ReLU, no Tanh).
    """
    content = _read(Path(path))
    try:
        function, hypernetwork = (
            content["config"]["function_representation"],
            content["config"]["hypernetwork"],
        )
        state: dict[str, Tensor] = content["state_dict"]
        kinds = [
            _name(hypernetwork["non_linearity"]),
            _name(function["non_linearity"]),
            _name(function["final_non_linearity"]),
        ]
        slopes = {hypernetwork["non_linearity"].negative_slope} | {
            function["non_linearity"].negative_slope
        }
        if kinds != ["LeakyReLU", "LeakyReLU", "Tanh"] or slopes != {0.1}:
            raise FormatError(f"{path}: its activations are {', '.join(kinds)} with {slopes}")
        dim = function.get("coordinate_dim", function.get("input_dim"))
        frequencies = state.get(_FREQUENCIES, torch.zeros(0, dim))
        config = GaspConfig(
            domain=_usual(dim, size),
            function=Architecture(
                coordinates=dim,
                features=function.get("feature_dim", function.get("output_dim")),
                layers=tuple(function["layer_sizes"]),
                frequencies=len(frequencies),
                sigma=float(frequencies.std()) if len(frequencies) else 2.0,
            ),
            latent=hypernetwork["latent_dim"],
            hypernetwork=tuple(hypernetwork["layer_sizes"]),
        )
        if not all(t.is_floating_point() and t.isfinite().all() for t in state.values()):
            raise FormatError(f"{path} has weights that are not finite, or not floats")
        ours = {
            "hypernetwork.layers." + name.removeprefix(_STATE): tensor.float()
            for name, tensor in state.items()
            if name.startswith(_STATE)
        }
        with torch.device("meta"):
            model = Gasp(config)
        scale = _edges(config.domain)
        model.load_state_dict(ours | {"frequencies": frequencies.float() * scale}, assign=True)
    except FormatError:
        raise
    except (LookupError, TypeError, AttributeError, RuntimeError, ValueError) as error:
        raise FormatError(f"{path} is not laid out as an official checkpoint: {error}") from None
    return model.requires_grad_(False).eval()


def _read(path: Path) -> Any:
    from pickle import UnpicklingError

    stand_ins: list[Any] = [(type(name.rpartition(".")[2], (), {}), name) for name in _MODULES]
    try:
        with torch.serialization.safe_globals(stand_ins):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise FormatError(f"{path} is no checkpoint, or not a harmless one: {reason}") from None


def _name(module: object) -> str:
    return type(module).__name__


def _usual(dim: int, size: tuple[int, int] | None) -> Domain:
    if dim == 3:
        return Domain(kind="sphere", size=size or (46, 90), low=202.66, high=320.93, unit="K")
    return Domain(size=size or (64, 64))


def _edges(domain: Domain) -> float:
    """The factor from a coordinate of ours to one of theirs."""
    side = domain.size[0]
    return side / (side - 1) if domain.kind == "plane" else 1.0

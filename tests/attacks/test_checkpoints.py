"""Model files that somebody else made."""

import hashlib
import json
from itertools import pairwise

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stegafield.errors import FormatError
from stegafield.generators.checkpoint import from_pretrained, pack, save_pretrained
from stegafield.generators.convert import from_official
from stegafield.generators.field import Architecture
from stegafield.generators.gasp import Gasp, GaspConfig
from stegafield.training import state

SMALL = GaspConfig(function=Architecture(layers=(4,), frequencies=3), latent=2, hypernetwork=(3,))


@pytest.fixture
def folder(tmp_path):
    return save_pretrained(Gasp(SMALL), tmp_path)


def _replace(folder, data=None, **header):
    """Other weights with the right hash, and other fields of config.json."""
    if data is not None:
        (folder / "model.safetensors").write_bytes(data)
        header["sha256"] = hashlib.sha256(data).hexdigest()
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | header))


def _weights(folder):
    return (folder / "model.safetensors").read_bytes()


def test_changed_weights_are_noticed(folder):
    data = bytearray(_weights(folder))
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(FormatError, match="SHA-256"):
        from_pretrained(folder)


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_cut_and_any_flipped_header_byte_is_an_error_of_ours_or_harmless(folder, data):
    model = Gasp(SMALL)
    save_pretrained(model, folder)
    whole = bytearray(_weights(folder))
    if data.draw(st.booleans()):
        bad = whole[: data.draw(st.integers(0, len(whole) - 1))]
        _replace(folder, bytes(bad))
        with pytest.raises(FormatError):
            from_pretrained(folder)
        return
    header = int.from_bytes(whole[:8], "little")
    whole[data.draw(st.integers(0, 7 + header))] ^= data.draw(st.integers(1, 255))
    _replace(folder, bytes(whole))
    try:
        from_pretrained(folder)  # white space in the header, say
    except FormatError:
        pass


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [
        (1 << 62).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (4).to_bytes(8, "little") + b"null",
        (200_000).to_bytes(8, "little") + b"[" * 200_000,
    ],
)
def test_headers_that_are_none(folder, data):
    _replace(folder, data)
    with pytest.raises(FormatError):
        from_pretrained(folder)


@pytest.mark.slow
def test_tensors_other_than_requested(folder):
    state = Gasp(SMALL).state_dict()
    for change in (
        {"frequencies": torch.zeros(4, 2)},
        {"frequencies": torch.zeros(3, 2, dtype=torch.float64)},
        {"extra": torch.zeros(1)},
        {"frequencies": torch.full((3, 2), torch.nan)},
    ):
        _replace(folder, pack(state | change))
        with pytest.raises(FormatError):
            from_pretrained(folder)
    del state["frequencies"]
    _replace(folder, pack(state))
    with pytest.raises(FormatError, match="frequencies"):
        from_pretrained(folder)


@pytest.mark.parametrize(
    "header",
    [
        {"family": "os"},
        {"family": "gasp.__class__"},
        {"format": 2},
        {"sha256": "0" * 63},
        {"unknown": 1},
        {"config": {"latent": -1}},
        {"config": {"latent": 1e300}},
        {"config": {"domain": {"kind": "torus"}}},
        {"config": {"latent": 65536, "hypernetwork": [65536] * 64}},  # a terabyte, if it were made
        {"config": {"function": {"layers": [65536] * 64}}},
    ],
)
def test_configs_that_ask_for_something_else(folder, header):
    _replace(folder, **header)
    with pytest.raises(FormatError):
        from_pretrained(folder)


def test_a_config_that_is_no_json_or_too_long(folder):
    for text in ("", "{", "\0", "[]", " " * (1 << 21)):
        (folder / "config.json").write_text(text)
        with pytest.raises(FormatError):
            from_pretrained(folder)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError):
        from_pretrained(tmp_path)


def _official(**changes):
    """The content of an official checkpoint; a change is put where its dotted name says."""
    lengths = [2, 3, 27]  # latent, hidden, and the parameters of a function of layers (4,)
    layers = {
        f"hypernetwork.forward_layers.{2 * i}.{kind}": torch.zeros(
            (b, a) if kind == "weight" else (b,)
        )
        for i, (a, b) in enumerate(pairwise(lengths))
        for kind in ("weight", "bias")
    }
    leaky = torch.nn.LeakyReLU(0.1)
    function = {"non_linearity": leaky, "final_non_linearity": torch.nn.Tanh(), "layer_sizes": [4]}
    function |= {"coordinate_dim": 2, "feature_dim": 3}
    hyper = {"non_linearity": leaky, "latent_dim": 2, "layer_sizes": [3]}
    content = {
        "config": {"function_representation": function, "hypernetwork": hyper},
        "state_dict": layers,
    }
    for name, value in changes.items():
        inner, (*path, last) = content, name.split("/")
        for step in path:
            inner = inner[step]
        inner[last] = value
    return content


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("config", None),
        ("config", []),
        ("state_dict", None),
        ("state_dict", [torch.zeros(1)]),
        ("state_dict", {1: torch.zeros(1)}),
        ("state_dict", {"hypernetwork.forward_layers.0.weight": "text"}),
        ("state_dict/hypernetwork.forward_layers.0.weight", torch.zeros(3, 2) * torch.nan),
        ("state_dict/hypernetwork.forward_layers.0.weight", torch.zeros(2, 3)),
        ("state_dict/hypernetwork.forward_layers.0.weight", torch.zeros(3, 2, dtype=torch.cfloat)),
        ("config/hypernetwork", {}),
        ("config/hypernetwork/non_linearity", 3),
        ("config/hypernetwork/latent_dim", 1 << 70),
        ("config/hypernetwork/layer_sizes", [1 << 40] * 9),
        ("config/hypernetwork/layer_sizes", 7),
        ("config/function_representation/layer_sizes", "44"),
        ("config/function_representation/layer_sizes", [[4]]),
        ("config/function_representation/coordinate_dim", -1),
        ("config/function_representation/coordinate_dim", 1e300),
        ("config/function_representation/coordinate_dim", "2"),
        ("config/function_representation/feature_dim", 1 << 62),
    ],
)
def test_official_checkpoints_of_somebody_else(tmp_path, name, value):
    torch.save(_official(), tmp_path / "model.pt")
    assert from_official(tmp_path / "model.pt").config.latent == 2
    torch.save(_official(**{name: value}), tmp_path / "model.pt")
    with pytest.raises(FormatError):
        from_official(tmp_path / "model.pt")


@pytest.mark.parametrize("tensors", ["../secret", "/etc/passwd", "a/b", "..\\x", "a\n", "."])
def test_a_state_that_names_a_file_elsewhere(tmp_path, tensors):
    """Resuming reads the file that state.json names, in its own folder alone."""
    (tmp_path / "state.json").write_text(
        json.dumps({"items": 1, "config": {}, "tensors": tensors, "sha256": "0" * 64})
    )
    with pytest.raises((FormatError, OSError)):
        progress = state.read(tmp_path)
        assert (tmp_path / progress.tensors).resolve().is_relative_to(tmp_path.resolve())
        (tmp_path / progress.tensors).read_bytes()

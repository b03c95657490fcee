"""Functions, their distributions, grids, and models on disk."""

import json
import math
import sys
from collections import OrderedDict
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from stegafield.errors import ConfigError, FormatError
from stegafield.generators import grid, zoo
from stegafield.generators.checkpoint import from_pretrained, save_pretrained
from stegafield.generators.convert import from_official
from stegafield.generators.distribution import Domain
from stegafield.generators.field import Architecture, Field, evaluate
from stegafield.generators.gasp import Gasp, GaspConfig

SMALL = GaspConfig(
    function=Architecture(layers=(8, 6), frequencies=5, features=3), latent=4, hypernetwork=(7,)
)
GLOBE = GaspConfig(
    domain=Domain(kind="sphere", size=(10, 20), low=200, high=320, unit="K"),
    function=Architecture(coordinates=3, layers=(8,), frequencies=5, features=1),
    latent=4,
    hypernetwork=(7,),
)


@pytest.fixture
def small():
    torch.manual_seed(0)
    return Gasp(SMALL)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5))
def test_pixel_centres_of_every_resolution_agree(height, width, factor):
    fine = grid.plane(height * factor, width * factor).astype(float)
    mean = fine.reshape(height, factor, width, factor, 2).mean((1, 3))
    np.testing.assert_allclose(mean, grid.plane(height, width), atol=1e-6)
    assert abs(fine).max() < 1


def test_the_sphere():
    latitude, longitude = grid.globe(19, 36)
    points = grid.sphere(latitude, longitude)
    np.testing.assert_allclose(np.linalg.norm(points, axis=-1), 1, atol=1e-6)
    assert (points[0] == [0, 0, 1]).all() and (points[-1] == [0, 0, -1]).all()
    np.testing.assert_allclose(points[9, 9], [0, 1, 0], atol=1e-7)  # 0 N 90 E
    assert longitude[-1] + longitude[1] == 360  # the first is not repeated


@pytest.mark.parametrize("activation", ["leaky_relu", "sine"])
@pytest.mark.parametrize("frequencies", [0, 5])
def test_a_batch_of_functions_is_each_function_by_itself(rng, activation, frequencies):
    """Against plain linear layers, one item at a time, in float64."""
    shape = Architecture(
        layers=(8, 6), frequencies=frequencies, activation=activation, omega=3.0, features=2
    )
    parameters = torch.from_numpy(rng.normal(size=(3, shape.size)) / 2)
    directions = torch.from_numpy(rng.normal(size=(frequencies, 2)))
    points = torch.from_numpy(rng.uniform(-1, 1, (4, 5, 2)))
    found = Field(shape, parameters, directions)(points)
    assert found.shape == (3, 4, 5, 2)
    for item in range(3):
        rest, hidden = parameters[item], points
        if frequencies:
            phase = 2 * math.pi * points @ directions.T
            hidden = torch.cat([phase.cos(), phase.sin()], -1)
        weights = []
        for out, into in shape.shapes:
            weights.append(rest[: out * into].reshape(out, into))
            rest = rest[out * into :]
        for depth, weight in enumerate(weights):
            hidden = hidden @ weight.T + rest[: len(weight)]
            rest = rest[len(weight) :]
            if depth == len(weights) - 1:
                hidden = hidden.tanh()
            elif activation == "sine":
                hidden = (3.0 * hidden).sin()
            else:
                hidden = torch.where(hidden > 0, hidden, 0.1 * hidden)
        assert rest.numel() == 0
        torch.testing.assert_close(found[item], hidden)


def test_tiles_do_not_show(small, rng, monkeypatch):
    function, points = small.sample(2, rng), grid.plane(40, 33)
    whole = function(torch.from_numpy(points)).detach().numpy()
    monkeypatch.setattr("stegafield.generators.field._VALUES", 700)
    np.testing.assert_allclose(evaluate(function, points), whole, atol=1e-6)


def test_the_published_size():
    with torch.device("meta"):
        model = Gasp()
    assert model.config.function.size == 257 * 128 + 2 * 129 * 128 + 129 * 3
    assert sum(p.numel() for p in model.hypernetwork.parameters()) == (
        65 * 256 + 257 * 512 + 513 * model.config.function.size
    )


@pytest.mark.parametrize("items", [1, 3, 600])
def test_a_function_never_sees_many_points_at_once(items):
    """So the memory of a grid of any size is that of its coordinates, its result and a tile."""
    seen = []

    def function(points):
        seen.append(len(points))
        return points.sum(1).expand(items, -1)[..., None]

    points = grid.plane(300, 500)
    out = evaluate(function, points)
    np.testing.assert_array_equal(out[-1, ..., 0], points.sum(-1))
    assert max(seen) * items <= 256 * 600 and max(seen) < points.size / 2


def test_latents_are_of_the_generator_alone(small):
    a, b = (small.latents(3, np.random.default_rng(5)) for _ in range(2))
    torch.manual_seed(7)
    assert torch.equal(a, b) and torch.equal(a, small.latents(3, np.random.default_rng(5)))


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 9), st.integers(0, 1 << 30))
def test_interpolation_keeps_to_the_lengths_of_its_ends(steps, seed):
    a, b = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, 16)))
    path = Gasp(SMALL).interpolate(a, b, steps)
    torch.testing.assert_close(path[0], a)
    torch.testing.assert_close(path[-1], b)
    middle = path.norm(dim=1)
    sine = torch.arccos((a @ b) / (a.norm() * b.norm())).sin()
    if sine > 0.5:
        assert middle.min() > 0.7 * min(a.norm(), b.norm())
    same = Gasp(SMALL).interpolate(a, a, steps)
    torch.testing.assert_close(same, a.expand(steps, -1))


def test_features_and_physical_values():
    domain = GLOBE.domain
    assert domain.physical(np.array([-1.0, 0.0, 1.0])).tolist() == [200, 260, 320]
    np.testing.assert_allclose(
        domain.scaled(domain.physical(np.linspace(-1, 1, 7))), np.linspace(-1, 1, 7)
    )
    assert domain.coordinates(4, 8).shape == (4, 8, 3)
    with pytest.raises(ValueError, match="coordinates"):
        GaspConfig(domain=domain)


@pytest.mark.parametrize("config", [SMALL, GLOBE])
def test_saved_models_come_back(tmp_path, config, rng):
    model = Gasp(config)
    back = from_pretrained(save_pretrained(model, tmp_path / "new" / "folder"))
    assert back.config == config and back.domain == config.domain
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, back.state_dict()[name])
    save_pretrained(model, tmp_path, half=True)
    small = (tmp_path / "model.safetensors").stat().st_size
    assert small < 0.7 * (tmp_path / "new" / "folder" / "model.safetensors").stat().st_size
    points, latents = config.domain.coordinates(6, 7), model.latents(2, rng)
    half = evaluate(from_pretrained(tmp_path).fields(latents), points)
    assert abs(half - evaluate(model.fields(latents), points)).max() < 0.02


def test_the_zoo(tmp_path, small):
    save_pretrained(small, tmp_path / "tiny")
    card = {
        **{"about": "noise", "data": "none", "items": 0, "held_out": "nothing", "steps": 0},
        **{"seconds": 0, "machine": "any", "metrics": {}, "licence": "MIT", "limits": "untrained"},
    }
    (tmp_path / "tiny" / "card.json").write_text(json.dumps(card))
    assert zoo.names(tmp_path) == ["tiny"] and zoo.card("tiny", tmp_path).limits == "untrained"
    assert zoo.load("tiny", tmp_path).config == SMALL
    with pytest.raises(ConfigError, match="Models: tiny"):
        zoo.load("../tiny", tmp_path)
    (tmp_path / "tiny" / "card.json").write_text("{}")
    with pytest.raises(FormatError, match="no model card"):
        zoo.card("tiny", tmp_path)


def test_every_shipped_model_loads_and_has_a_card():
    for name in zoo.names():
        assert zoo.card(name).items > 0
        assert (zoo.SHIPPED / name / "model.safetensors").stat().st_size <= 8 << 20
        zoo.load(name)


class _Official(nn.Module):
    """The module tree of the published code, as far as its checkpoints show it."""

    def __init__(self, dim, features, layers, encoding):
        super().__init__()
        self.encoding = encoding
        parts, width = [], 2 * len(encoding.frequency_matrix)
        for units in layers:
            parts += [nn.Linear(width, units), nn.LeakyReLU(0.1)]
            width = units
        self.forward_layers = nn.Sequential(*parts, nn.Linear(width, features), nn.Tanh())

    def values(self, points, flat):
        """Evaluated with `flat` parameters: all weights, then all biases."""
        hidden = points @ self.encoding.frequency_matrix.T * 2 * math.pi
        hidden = torch.cat([hidden.cos(), hidden.sin()], dim=1)
        linear = [layer for layer in self.forward_layers if isinstance(layer, nn.Linear)]
        start = sum(layer.weight.numel() for layer in linear)
        biases = flat[start:].split([layer.out_features for layer in linear])
        weights = flat[:start].split([layer.weight.numel() for layer in linear])
        for layer, weight, bias in zip(linear, weights, biases, strict=True):
            hidden = nn.functional.linear(hidden, weight.view_as(layer.weight), bias)
            hidden = hidden.tanh() if layer is linear[-1] else nn.functional.leaky_relu(hidden, 0.1)
        return hidden


@pytest.fixture
def official(tmp_path, monkeypatch):
    """A file with the structure that the official code writes, and the networks in it."""
    names = {name: ModuleType(name) for name in ("models", "models.function_representation")}
    for name, module in names.items():
        monkeypatch.setitem(sys.modules, name, module)

    def build(self, matrix):
        nn.Module.__init__(self)
        self.register_buffer("frequency_matrix", matrix)
        self.learnable_features, self.num_frequencies = False, len(matrix)
        self.coordinate_dim, self.feature_dim = matrix.shape[1], 2 * len(matrix)

    where = "models.function_representation"
    encoder = type("FourierFeatures", (nn.Module,), {"__init__": build, "__module__": where})
    names[where].FourierFeatures = encoder

    def write(dim=2, features=3, activation=None):
        torch.manual_seed(1)
        encoding = encoder(2 * torch.randn(5, dim))
        function = _Official(dim, features, [8, 6], encoding)
        size = sum(p.numel() for p in function.forward_layers.parameters())
        hyper = nn.Module()
        hyper.function_representation = function
        hyper.forward_layers = nn.Sequential(
            *(nn.Linear(4, 7), nn.LeakyReLU(0.1), nn.Linear(7, 9), nn.LeakyReLU(0.1)),
            nn.Linear(9, size),
        )
        whole = nn.Module()
        whole.hypernetwork = hyper
        act = activation or nn.LeakyReLU(0.1)
        config = {
            "hypernetwork": {"latent_dim": 4, "layer_sizes": [7, 9], "non_linearity": act},
            "function_representation": {
                **{"coordinate_dim": dim, "feature_dim": features, "layer_sizes": [8, 6]},
                **{"encoding": encoding, "non_linearity": act, "final_non_linearity": nn.Tanh()},
            },
        }
        path = tmp_path / "model.pt"
        torch.save({"config": config, "state_dict": whole.state_dict()}, path)
        return path, hyper

    return write


@pytest.mark.slow
def test_an_official_checkpoint_is_the_same_function(official, rng, tmp_path, monkeypatch):
    path, hyper = official()
    for name in ("models", "models.function_representation"):
        monkeypatch.delitem(sys.modules, name)  # nobody who converts has the official code
    model = from_official(path, (16, 16))
    latents = model.latents(2, rng)
    ours = evaluate(model.fields(latents), grid.plane(16, 16))
    side = torch.arange(16.0) / 15 * 2 - 1  # the official grid: corners at -1 and 1
    points = torch.cartesian_prod(side, side)
    for item, latent in enumerate(latents):
        flat = hyper.forward_layers(latent)
        theirs = hyper.function_representation.values(points, flat).detach().numpy()
        np.testing.assert_allclose(ours[item].reshape(-1, 3), theirs, atol=2e-5)
    assert from_pretrained(save_pretrained(model, tmp_path / "ours")).config == model.config


def test_an_official_checkpoint_of_the_sphere(official, rng):
    path, _ = official(dim=3, features=1)
    model = from_official(path)
    assert model.domain.kind == "sphere" and model.domain.unit == "K"
    assert evaluate(model.sample(1, rng), model.domain.coordinates(9, 16)).shape == (1, 9, 16, 1)


def test_other_networks_are_refused(official):
    with pytest.raises(FormatError, match="harmless|ReLU"):
        from_official(official(activation=nn.ReLU())[0])
    with pytest.raises(FormatError, match="activations"):
        from_official(official(activation=nn.LeakyReLU(0.3))[0])


class _Evil:
    def __reduce__(self):
        return (OrderedDict.fromkeys, ([1],))  # any call at all that is not on the list


def test_a_pickle_that_calls_something_is_not_run(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"config": _Evil()}, path)
    with pytest.raises(FormatError, match="harmless"):
        from_official(path)
    for content in (b"", b"PK\x03\x04", b"\x80\x02]q\x00.", b"no"):
        path.write_bytes(content)
        with pytest.raises(FormatError):
            from_official(path)

"""Faces as functions: the lattice family, the shipped model, its carrier, training and metrics."""

import json

import numpy as np
import pytest
import torch

from stegafield.carriers.celeba import SIGMA, CelebaCarrier
from stegafield.coding import bound
from stegafield.errors import ConfigError
from stegafield.generators import faces, grid, zoo
from stegafield.generators.checkpoint import save_pretrained
from stegafield.generators.distribution import Domain
from stegafield.generators.field import evaluate
from stegafield.generators.lattice import Lattice, LatticeConfig
from stegafield.metrics import distribution
from stegafield.training import config as configs
from stegafield.training.loop import train
from tests.pictures import soft

SMALL = {
    "generator.widths": "[16, 16]",
    "generator.hidden": "16",
    "generator.latent": "[8, 4, 4]",
    "generator.flow": "[32, 2]",
    "generator.domain.size": "[16, 16]",
    "encoder": "[16, 16]",
    "batch": "8",
    "epochs": "100",
    "code.steps": "60",
    "code.rate": "0.01",
    "flow.steps": "4",
    "sharpen.alone": "1",
    "save_every": "1000",
    "log_every": "1",
}


@pytest.fixture(scope="module")
def model():
    return zoo.load("celeba")


def test_shipped_models_are_small_and_have_cards():
    assert "celeba" in zoo.names()
    for name in zoo.names():
        folder = zoo.SHIPPED / name
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 8 << 20
        card = zoo.card(name)
        assert card.items > 0 and card.steps > 0 and card.limits and card.licence


ODD = {"widths": (16, 24, 8), "latent": (4, 5, 3), "hidden": 8, "flow": (16, 1), "steps": 3}


@pytest.mark.parametrize("size", [(64, 64), (33, 200)])
@pytest.mark.parametrize("which", ["shipped", ODD, {**ODD, "widths": (8,), "features": 1}])
def test_numpy_and_torch_draw_the_same_faces(model, tmp_path, which, size):
    """Values differ by less than a hundredth of a code, so no code by more than one."""
    drawing, network = faces.shipped(), model
    if which != "shipped":
        torch.manual_seed(3)
        network = Lattice(LatticeConfig(**which)).eval()
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        drawing = faces.Faces(save_pretrained(network, tmp_path))
    for seed in range(3):
        latents = network.latents(1, np.random.default_rng(seed))
        features = network.raster(latents, size)[0]
        found = drawing.draw(np.random.default_rng(seed), size)
        assert found.shape == features.shape and np.ptp(found) > 0.1
        np.testing.assert_allclose(127.5 * found, 127.5 * features, rtol=0, atol=0.01)


def test_a_grid_and_its_points_are_one_function():
    torch.manual_seed(1)
    tall = Lattice(LatticeConfig(widths=(16, 8), latent=(4, 5, 3), hidden=8, flow=(16, 1)))
    latents = torch.randn(2, 60)
    points = evaluate(tall.fields(latents), grid.plane(23, 31))
    np.testing.assert_allclose(points, tall.raster(latents, (23, 31)), atol=2e-5)


def test_the_same_face_at_every_size(model):
    latents = model.latents(4, np.random.default_rng(3))
    small, large = model.raster(latents, (64, 64)), model.raster(latents, (256, 256))
    down = large.reshape(4, 64, 4, 64, 4, 3).mean((2, 4))
    assert (10 * np.log10(4 / ((down - small) ** 2).mean((1, 2, 3)))).min() > 30


def test_a_seed_repeats_the_function_and_nothing_else():
    carrier = CelebaCarrier(CelebaCarrier.Options(size=(48, 33)))
    one, two = (carrier.covers(1, np.random.default_rng(2))[0] for _ in range(2))
    np.testing.assert_array_equal(one.law.value, two.law.value)
    assert (one.codes != two.codes).mean() > 0.5
    assert one.codes.shape == (3, 48, 33) and one.free.all()
    assert 5 * SIGMA <= one.law.value.min() and one.law.value.max() <= 255 - 5 * SIGMA
    assert abs((one.codes - one.law.value).std() - np.hypot(SIGMA, 12**-0.5)) < 0.15


@pytest.mark.parametrize("size", [(31, 64), (64, 2049)])
def test_sizes_that_are_no_faces(engine, size):
    with pytest.raises(ConfigError, match="32 to 2048"):
        engine.hide(b"m", carrier="celeba", size=size)


@pytest.mark.parametrize("bpp", [1, 4])
def test_hide_in_a_face(engine, key, bpp):
    stego = engine.hide(b"a face that never was", carrier="celeba", key=key, bpp=bpp)
    assert stego.report.method == "sample" and stego.report.kl_bound_nats < bound.BUDGET
    assert engine.reveal(stego.data, key=key) == b"a face that never was"


@pytest.mark.slow
def test_training_goes_on_to_the_same_bits_through_all_phases(tmp_path):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:16, :16] / 16
    waves = rng.normal(size=(40, 3, 2, 1, 1)) * 3
    items = 128 + 90 * np.sin(waves[:, :, 0] * y + waves[:, :, 1] * x)
    items = items.transpose(0, 2, 3, 1).astype(np.uint8)
    chosen = configs.read("celeba64-lattice", SMALL)
    train(chosen, items, tmp_path / "once", steps=70, device="cpu")
    for steps in (17, 63, 70):
        done = train(chosen, items, tmp_path / "thrice", steps=steps, resume=True, device="cpu")
    assert done.step == 70
    whole, parts = (
        (tmp_path / run / "state-70.safetensors").read_bytes() for run in ("once", "thrice")
    )
    assert whole == parts
    log = [json.loads(line) for line in (tmp_path / "once" / "log.jsonl").read_text().splitlines()]
    assert [row["phase"] for row in log] == [1.0] * 60 + [2.0] * 4 + [3.0] * 6
    errors = [row["error"] for row in log[:60]]
    assert np.mean(errors[-5:]) < 0.8 * np.mean(errors[:5])


def test_a_lattice_is_on_the_plane():
    with pytest.raises(ValueError, match="plane"):
        LatticeConfig(domain=Domain(kind="sphere"))


def test_distances_know_equal_sets_from_others():
    one, two, other = soft(40, 0.1), soft(40, 0.1, 1), soft(40, 0.05, 2)
    near, far = (
        distribution.sliced_wasserstein(one, found, np.random.default_rng(0))
        for found in (two, other)
    )
    assert all(a < b for a, b in zip(near[:2], far[:2], strict=True))
    gain = np.log10(distribution.power_spectrum(other) / distribution.power_spectrum(one))
    assert gain[20:].max() < -0.3 and abs(gain[0]) < 0.3
    index, distance = distribution.nearest(one[:5], np.concatenate([two, one]))
    assert index.tolist() == [40, 41, 42, 43, 44] and distance.max() < 0.1


def test_the_spectrum_of_a_wave_is_at_its_frequency():
    wave = 128 + 100 * np.sin(2 * np.pi * 9 * np.arange(64) / 64)
    pictures = np.broadcast_to(wave[:, None, None], (3, 64, 64, 3)).astype(np.uint8)
    assert distribution.power_spectrum(pictures).argmax() + 1 == 9


def test_frechet_of_normal_sets():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(4000, 3))
    assert distribution.frechet(one, one) == pytest.approx(0, abs=1e-9)
    assert distribution.frechet(one, one + np.array([3, 0, 0])) == pytest.approx(9)
    assert distribution.frechet(one, 2 * one) == pytest.approx(3, rel=0.1)

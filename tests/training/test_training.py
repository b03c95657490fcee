"""Training: neighbours, both forms of PointConv, data, and a run that is stopped and resumed."""

import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from stegafield.errors import ConfigError, FormatError
from stegafield.generators import grid
from stegafield.generators.checkpoint import from_pretrained
from stegafield.generators.distribution import Domain
from stegafield.generators.field import evaluate
from stegafield.progress import watched
from stegafield.training import config as configs
from stegafield.training import data
from stegafield.training.discriminator import Discriminator
from stegafield.training.loop import train
from stegafield.training.neighbours import Cloud, farthest, neighbours, subgrid
from stegafield.training.pointconv import AveragePool, PointConv

LAYERS = [
    {"points": 64, "neighbours": 9, "out": 6, "mid": [4, 4]},
    {"points": 16, "neighbours": 9},
    {"points": 16, "neighbours": 9, "out": 8, "mid": [4, 4]},
    {"points": 1, "neighbours": 16, "out": 1, "mid": [4, 4]},
]
TINY = {
    "family": "gasp",
    "batch": 8,
    "log_every": 1,
    "rate_generator": 2e-3,
    "rate_discriminator": 4e-3,
    "generator": {
        "domain": {"size": [8, 8]},
        "function": {"layers": [8], "frequencies": 4, "sigma": 0.5, "features": 1},
        "latent": 3,
        "hypernetwork": [8],
    },
    "discriminator": {"layers": LAYERS, "subsample": "grid"},
}


def cloud(rows, columns):
    return Cloud(grid.plane(rows, columns).reshape(-1, 2), (rows, columns))


def test_farthest_points_are_far_apart_and_begin_with_the_first():
    points = np.array([[0.0], [0.1], [1.0], [0.45], [0.9]], np.float32)
    assert farthest(Cloud(points), 3).points.ravel().tolist() == pytest.approx([0, 1, 0.45])


@pytest.mark.parametrize("rows, columns, stride", [(8, 8, 1), (8, 8, 2), (12, 8, 2), (9, 9, 1)])
def test_neighbours_are_the_nearest_and_the_stencil_is_the_grid(rng, rows, columns, stride):
    """Squares of pixels: against all distances, one centre at a time."""
    points = np.stack(np.indices((rows, columns)), -1).reshape(-1, 2).astype(np.float32)
    whole = Cloud(points, (rows, columns))
    centres = subgrid(whole, rows * columns // stride**2)
    plan = neighbours(whole, centres, 9)
    for number, centre in enumerate(centres.points):
        distances = np.linalg.norm(points - centre, axis=1)
        assert np.linalg.norm(plan.offsets[number], axis=1).max() == pytest.approx(
            np.sort(distances)[8]
        )
        np.testing.assert_array_equal(points[plan.index[number]] - centre, plan.offsets[number])
    inner = np.setdiff1d(np.arange(len(centres.points)), plan.stencil.border)
    assert len(inner) and (np.abs(plan.offsets[inner]).max((1, 2)) == 1).all()
    outer = (centres.points == 0).any(1) | (centres.points == [rows - 1, columns - 1]).any(1)
    np.testing.assert_array_equal(np.flatnonzero(outer), plan.stencil.border)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("normalise", [True, False])
def test_the_grid_form_is_the_gathered_form(rng, stride, normalise):
    """Border included: values, gradients, and the gradients of gradients that R1 needs. In float64.

    The coordinates of 16x16 pixels are exact, so offsets are the same everywhere; others round.
    """
    whole = cloud(16, 16)
    plan = neighbours(whole, subgrid(whole, 256 // stride**2), 9)
    assert plan.stencil is not None and len(plan.stencil.border) < 256 / stride**2 / 2
    layers = {}
    for fast in (True, False):
        torch.manual_seed(0)
        layers[fast] = PointConv(plan, 3, 5, (4, 6), normalise=normalise, fast=fast).double()
    pool = {fast: AveragePool(plan, fast=fast) for fast in layers}
    features = torch.from_numpy(rng.normal(size=(2, 256, 3)))
    found = {}
    for fast, layer in layers.items():
        inputs = features.clone().requires_grad_()
        out = layer(inputs)
        (slope,) = torch.autograd.grad(out.sin().sum(), inputs, create_graph=True)
        slope.square().sum().backward()
        found[fast] = [out, slope, *(p.grad for p in layer.parameters()), pool[fast](features)]
    for one, other in zip(found[True], found[False], strict=True):
        torch.testing.assert_close(one, other)


def test_pointconv_is_what_the_paper_says(rng):
    """One output value, with the sum over the neighbours written out."""
    whole = cloud(5, 5)
    layer = PointConv(neighbours(whole, whole, 9), 2, 3, (4,), normalise=False).double()
    features = torch.from_numpy(rng.normal(size=(1, 25, 2)))
    out = layer(features)[0, 12]
    total = torch.zeros(2, 4, dtype=torch.float64)
    for k in range(25):
        offset = whole.points[k] - whole.points[12]
        if abs(offset).max() < 0.5:
            total += torch.outer(
                features[0, k], layer.net.layers(torch.from_numpy(offset).double()[None])[0]
            )
    torch.testing.assert_close(out, layer.linear(total.flatten()))


def test_the_sphere_has_a_discriminator_without_grids(rng):
    layers = [
        {"points": 60, "neighbours": 9, "out": 4, "mid": [4]},
        {"points": 15, "neighbours": 9},
        {"points": 1, "neighbours": 15, "out": 1, "mid": [4]},
    ]
    points = grid.sphere(*grid.globe(8, 10)).reshape(-1, 3)
    config = configs.parse(TINY | {"discriminator": {"layers": layers}}).discriminator
    critic = Discriminator(config, points, None, 1)
    assert critic(torch.from_numpy(rng.normal(size=(3, 80, 1)).astype(np.float32))).shape == (3,)
    with pytest.raises(ConfigError, match="farthest"):
        Discriminator(config.model_copy(update={"subsample": "grid"}), points, None, 1)


def test_the_published_configs():
    faces, weather = configs.read("celeba64"), configs.read("era5")
    assert (faces.batch, faces.epochs, faces.r1, faces.betas) == (64, 300, 10, (0.5, 0.999))
    assert (faces.rate_generator, faces.rate_discriminator) == (1e-4, 4e-4)
    assert faces.generator.function == type(faces.generator.function)()
    assert weather.domain == Domain(kind="sphere", size=(46, 90), low=202.66, high=320.93, unit="K")
    assert [layer.points for layer in faces.discriminator.layers] == [
        *(4096, 1024, 1024, 256, 256, 64, 64, 16, 1)
    ]
    changed = configs.read("celeba64", {"discriminator.subsample": "grid", "batch": "7"})
    assert changed.discriminator.subsample == "grid" and changed.batch == 7


@pytest.mark.parametrize(
    "source, changes, words",
    [
        ("nothing", {}, "celeba64, celeba64-dcgan, celeba64-lattice, era5"),
        ("celeba64", {"batch": "0"}, "batch"),
        ("celeba64", {"generator.latent.x": "1"}, "no table"),
        ("celeba64", {"family": "magic"}, "Recipes: gasp"),
        ("celeba64", {"generator.domain.kind": "sphere"}, "coordinates"),
    ],
)
def test_configs_that_cannot_be(source, changes, words):
    with pytest.raises(ConfigError, match=words):
        configs.read(source, changes)


def _blobs(count=64):
    """A bright disc somewhere near the middle of dark pictures."""
    rng = np.random.default_rng(3)
    middle = rng.normal(0, 0.2, (count, 1, 1, 2))
    distance = np.linalg.norm(grid.plane(8, 8)[None] - middle, axis=-1)
    return (250 * (distance < 0.6) + 3)[..., None].astype(np.uint8)


@pytest.mark.slow
def test_a_run_learns_and_resumes_to_the_same_bits(tmp_path):
    """48 steps, or 20 and 28 after all was forgotten: all tensors of the state are equal."""
    torch.set_num_threads(1)
    config, items = configs.parse(TINY), _blobs()
    seen = []
    with watched(lambda *told: seen.append(told)):
        train(config, items, tmp_path / "a", steps=48, device="cpu")
    train(config, items, tmp_path / "b", steps=20, device="cpu")
    with (tmp_path / "b" / "log.jsonl").open("a") as file:
        file.write(
            '{"step": 21}\n{"step": 2'
        )  # killed after its last checkpoint, in the middle of a line
    assert train(config, items, tmp_path / "b", steps=48, resume=True, device="cpu").step == 48
    a, b = ((tmp_path / run / "state-48.safetensors").read_bytes() for run in "ab")
    assert a == b
    logs = [
        [json.loads(line) for line in (tmp_path / run / "log.jsonl").read_text().splitlines()]
        for run in "ab"
    ]
    for one, other in zip(*logs, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert [line["step"] for line in logs[0]] == list(range(1, 49)) == [step for _, step, _ in seen]
    # the discriminator tells real from drawn at first, and the mean of the drawn pictures
    # moves to that of the data
    assert max(line["real"] - line["drawn"] for line in logs[0]) > 0.1
    target = config.domain.scaled(items.astype(float)).mean(0)

    def distance(model):
        drawn = evaluate(model.sample(64, np.random.default_rng(0)), grid.plane(8, 8)).mean(0)
        return float(np.sqrt(((drawn - target) ** 2).mean()))

    torch.manual_seed(config.seed)
    untrained = type(from_pretrained(tmp_path / "a" / "model"))(config.generator)
    assert distance(from_pretrained(tmp_path / "a" / "model")) < 0.8 * distance(untrained)
    with Image.open(tmp_path / "a" / "samples" / "0000048.png") as sheet:
        assert sheet.size == (64, 64) and sheet.mode == "L"
    assert not (tmp_path / "b" / "state-20.safetensors").exists()


def test_a_run_is_not_mixed_with_another(tmp_path):
    config, items = configs.parse(TINY), _blobs(8)
    train(config, items, tmp_path, steps=1, device="cpu")
    with pytest.raises(ConfigError, match="resume=True"):
        train(config, items, tmp_path, steps=2, device="cpu")
    with pytest.raises(ConfigError, match="another config"):
        train(config.model_copy(update={"seed": 5}), items, tmp_path, resume=True, device="cpu")
    with pytest.raises(ConfigError, match="is needed"):
        train(config, items[:, :4], tmp_path / "other", device="cpu")
    path = tmp_path / "state-1.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(FormatError, match="SHA-256"):
        train(config, items, tmp_path, steps=2, resume=True, device="cpu")
    (tmp_path / "state.json").write_text('{"tensors": "../x"}')
    with pytest.raises(FormatError, match="state"):
        train(config, items, tmp_path, steps=2, resume=True, device="cpu")


def test_bfloat16(tmp_path):
    config = configs.parse(TINY | {"precision": "bf16-mixed"})
    train(config, _blobs(8), tmp_path, steps=2, device="cpu")
    for tensor in from_pretrained(tmp_path / "model").state_dict().values():
        assert tensor.dtype == torch.float32


@pytest.fixture
def pictures(tmp_path):
    """Aligned faces are 178x218; the square of 148 begins at (15, 35)."""
    folder = tmp_path / "faces"
    (folder / "more").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.png", "more/c.png")):
        picture = np.zeros((218, 178, 3), np.uint8)
        picture[35:183, 15:163] = 50 + number
        Image.fromarray(picture).save(folder / name)
    (folder / "list.txt").write_text("not a picture")
    return folder


def test_pictures_of_folders_and_archives(tmp_path, pictures):
    config = configs.read("celeba64", {"data.hold_out_last": "1"})
    items = data.load(pictures, config)
    assert items.shape == (2, 64, 64, 3) and items.dtype == np.uint8
    assert [np.unique(item).tolist() for item in items] == [[50], [51]]  # nothing of the border
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for path in pictures.rglob("*.*"):
            archive.write(path, path.relative_to(pictures))
    np.testing.assert_array_equal(data.load(tmp_path / "faces.zip", config), items)
    (pictures / "d.png").write_bytes(b"no picture")
    with pytest.raises(ConfigError, match=r"d\.png"):
        data.load(pictures, config)


def test_the_crop_of_half_sized_faces(tmp_path):
    picture = np.zeros((109, 89, 3), np.uint8)
    picture[18:92, 7:81] = 77
    Image.fromarray(picture).save(tmp_path / "half.png")
    config = configs.read("celeba64", {"data.hold_out_last": "0"})
    assert (data.load(tmp_path, config) == 77).all()


def _weather(path, rows=19, columns=36, turned=False):
    """Three fields that are linear in the coordinates between the points; returns the function."""
    import xarray

    latitude, longitude = grid.globe(rows, columns)
    values = 250 + 20 * np.sin(np.radians(latitude))[None, :, None] + np.arange(3)[:, None, None]
    values = values + 5 * (np.abs(latitude) < 90)[:, None] * np.cos(np.radians(longitude))
    if turned:
        latitude, values = latitude[::-1], values[:, ::-1]
        longitude, values = (longitude + 180) % 360 - 180, values
        order = np.argsort(longitude)
        longitude, values = longitude[order], values[..., order]
    file = xarray.Dataset(
        {"t2m": (("time", "lat", "lon"), values.astype(np.float32))},
        {"lat": latitude, "lon": longitude, "time": np.arange(3)},
    )
    if path.suffix == ".npz":
        np.savez(path, temperature=values, latitude=latitude, longitude=longitude, note="x")
    else:
        file.to_netcdf(path)
    return values


@pytest.mark.parametrize("name", ["field.nc", "field.npz"])
@pytest.mark.parametrize("turned", [False, True])
def test_weather_is_put_on_the_grid(tmp_path, name, turned):
    straight = _weather(tmp_path / "straight.nc")
    _weather(tmp_path / name, turned=turned)
    sizes = {"generator.domain.size": "[19, 36]", "data.hold_out_every": "0"}
    items = data.load(tmp_path / name, configs.read("era5", sizes))
    np.testing.assert_allclose(
        items[..., 0], straight, atol=1e-4
    )  # its own points, whatever the order
    thin = data.load(
        tmp_path / name, configs.read("era5", sizes | {"generator.domain.size": "[10, 18]"})
    )
    np.testing.assert_allclose(thin[..., 0], straight[:, ::2, ::2], atol=1e-4)
    held = data.load(tmp_path / name, configs.read("era5", sizes | {"data.hold_out_every": "2"}))
    np.testing.assert_array_equal(held, items[[0, 2]])


def test_weather_between_its_points_and_beyond_its_rows():
    latitude, longitude = np.array([60.0, 0.0, -60.0]), np.arange(0, 360, 90.0)
    values = np.tile(np.array([1.0, 2.0, 4.0])[:, None], (1, 4))[None]
    out = data.regular(values, latitude, longitude, (7, 16))[0]
    np.testing.assert_allclose(out[:, 0], [1, 1, 1.5, 2, 3, 4, 4])
    assert (out == out[:, :1]).all()
    with pytest.raises(ConfigError, match="missing"):
        data.regular(values * np.nan, latitude, longitude, (7, 16))


def test_data_that_cannot_be_used(tmp_path, pictures):
    faces, weather = configs.read("celeba64"), configs.read("era5")
    with pytest.raises(ConfigError, match="held out"):
        data.load(pictures, faces)
    for path, config in (
        (tmp_path / "none", faces),
        (pictures / "list.txt", faces),
        (pictures, weather),
    ):
        with pytest.raises(ConfigError):
            data.load(path, config)
    np.savez(tmp_path / "x.npz", latitude=np.zeros(3), longitude=np.zeros(3))
    (tmp_path / "x.nc").write_bytes(b"nothing")
    for name in ("x.npz", "x.nc"):
        with pytest.raises(ConfigError):
            data.load(tmp_path / name, weather)


def test_devices_that_are_not_there(tmp_path):
    config = configs.parse(TINY)
    for device in ["tpu", "cuda:7"] + ([] if torch.cuda.is_available() else ["cuda"]):
        with pytest.raises(ConfigError, match="device"):
            train(config, _blobs(8), tmp_path, device=device)

"""The public contract tests, on every registered plugin; a plugin that has no case here fails."""

import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import xarray
from PIL import Image
from tests.datasets import packed

from stegafield import testing
from stegafield.core.ladder import LADDER
from stegafield.plugins.discovery import registry

NOISE = np.random.default_rng(0).integers(0, 256, (24, 25, 3), dtype=np.uint8)


def _png(array, **options):
    out = BytesIO()
    Image.fromarray(array).save(out, "PNG", **options)
    return out.getvalue()


def _dataset(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.nc")
        path.write_bytes(data)
        return xarray.load_dataset(path, engine="netcdf4")


IMAGES = [
    NOISE,
    NOISE[..., 0],
    NOISE[..., :1],
    NOISE.astype(np.uint16)[..., 0] * 257,
    _png(NOISE),
    Image.fromarray(NOISE),
]
FIELD = packed()
FIELDS = [
    FIELD,
    packed(model="NETCDF3_CLASSIC"),
    _dataset(FIELD),
    _dataset(FIELD)["t2m"],
    BytesIO(FIELD),
]
ALPHA = np.dstack([NOISE, np.where(np.arange(600).reshape(24, 25) % 7, 255, 0).astype(np.uint8)])

CARRIERS = {"image": ({}, IMAGES), "dataset": ({}, FIELDS), "era5": ({"size": (19, 36)}, [])}
CHANNELS = {
    "png": [_png(NOISE), _png(ALPHA), _png(NOISE[..., 0]), _png(ALPHA[..., 2:])],
    "netcdf": [FIELD, packed(names=("t2m", "u10"), times=2), packed(dtype="u2", fill=65535)],
}
EXTRACTORS = ["cnn", "phase", "phase-conv"]
OPTIMIZERS = ["adam", "lbfgs", "paper"]
DETECTORS: dict = {}


@pytest.mark.parametrize(
    ("kind", "cases"),
    [
        ("carrier", CARRIERS),
        ("channel", CHANNELS),
        ("extractor", EXTRACTORS),
        ("optimizer", OPTIMIZERS),
        ("detector", DETECTORS),
    ],
)
def test_every_plugin_has_a_case(kind, cases):
    assert registry().names(kind) == sorted(cases)


@pytest.mark.parametrize("name", CARRIERS)
def test_carriers(name):
    found = registry().get("carrier", name)
    options, sources = CARRIERS[name]
    testing.check_carrier(found(found.Options(**options)), sources)


@pytest.mark.parametrize(
    ("name", "number"), [(n, i) for n, files in CHANNELS.items() for i in range(len(files))]
)
def test_channels(name, number):
    testing.check_channel(registry().get("channel", name)(), CHANNELS[name][number])


@pytest.mark.parametrize("name", EXTRACTORS)
@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: f"{rung.bits}/{rung.samples}")
def test_extractors(name, rung):
    big = rung.samples > 2000
    array = np.random.default_rng(0).integers(
        0, 256, (160, 200) if big else (40, 40, 3), dtype=np.uint8
    )
    cover = registry().get("carrier", "image")().open(array)
    testing.check_extractor(registry().get("extractor", name), cover, [rung])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    testing.check_optimizer(registry().get("optimizer", name))

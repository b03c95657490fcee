"""The public contract tests, on every registered plugin; a plugin that has no case here fails."""

import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import xarray
from PIL import Image
from skimage import data

from stegafield import testing
from stegafield.coding.ladder import LADDER
from stegafield.core.detector import TrainedDetector
from stegafield.plugins.discovery import registry
from tests.datasets import field, floats, packed
from tests.sounds import samples, sound, tagged, with_blocks

NOISE = np.random.default_rng(0).integers(0, 256, (24, 25, 3), dtype=np.uint8)


def _png(array, **options):
    out = BytesIO()
    Image.fromarray(array).save(out, "PNG", **options)
    return out.getvalue()


def _saved(array, form, **options):
    out = BytesIO()
    Image.fromarray(array).save(out, form, **options)
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
    floats(field()[2]),
    xarray.DataArray(field()[2].astype(np.float32), dims=("time", "y", "x")),
]
ALPHA = np.dstack([NOISE, np.where(np.arange(600).reshape(24, 25) % 7, 255, 0).astype(np.uint8)])

SHORT = np.rint(samples(1000) * 32767).astype(np.int16)
SOUNDS = [
    *(sound(), sound("FLAC"), sound("OGG", "VORBIS"), sound("WAV", "FLOAT")),
    *(SHORT, SHORT[:, 0], (SHORT, 8000), samples(1000), BytesIO(sound(subtype="PCM_U8"))),
]

FLOATS = [
    ("f4", "NETCDF4"),
    ("f8", "NETCDF4"),
    ("f4", "NETCDF3_CLASSIC"),
    ("f8", "NETCDF3_64BIT_DATA"),
]

CARRIERS = {
    "image": ({}, IMAGES),
    "audio": ({}, SOUNDS),
    "dataset": ({}, FIELDS),
    "era5": ({"size": (19, 36)}, []),
    "celeba": ({"size": (32, 40)}, []),
}
CHANNELS = {
    "png": [_png(NOISE), _png(ALPHA), _png(NOISE[..., 0]), _png(ALPHA[..., 2:])],
    "wav": [sound(subtype=f"PCM_{kind}", frames=500) for kind in ("U8", "16", "24")],
    "aiff": [sound("AIFF", f"PCM_{kind}", frames=500) for kind in ("S8", "16", "24")],
    "flac": [sound("FLAC", "PCM_24"), with_blocks(sound("FLAC", frames=500), tagged())],
    "webp": [_saved(array, "WEBP", lossless=True, exact=True) for array in (NOISE, ALPHA)],
    "tiff": [
        *(_saved(array, "TIFF") for array in (NOISE, ALPHA, IMAGES[3])),
        _saved(NOISE[..., 0], "TIFF", compression="tiff_lzw"),
        _saved(ALPHA, "TIFF", compression="tiff_adobe_deflate"),
    ],
    "bmp": [_saved(NOISE, "BMP"), _saved(NOISE[..., 0], "BMP")],
    "netcdf": [
        FIELD,
        packed(names=("t2m", "u10"), times=2),
        packed(dtype="u2", fill=65535),
        *(floats(field()[2], dtype=kind, model=model) for kind, model in FLOATS),
    ],
}
EXTRACTORS = ["cnn", "phase", "phase-conv"]
OPTIMIZERS = ["adam", "lbfgs", "paper"]
DETECTORS = [
    *(
        "chi-square",
        "jpeg-compatibility",
        "line",
        "primary-sets",
        "rich",
        "rs",
        "sample-pairs",
        "spam",
        "sphere",
    ),
    *("stegexpose", "weighted-stego", "xunet"),
]


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


@pytest.mark.slow
@pytest.mark.parametrize("form", ["webp", "tiff", "bmp"])
def test_the_image_carrier_in_every_format(form):
    found = registry().get("carrier", "image")
    sources = [NOISE, _png(NOISE), _saved(NOISE, "BMP"), Image.fromarray(NOISE)]
    testing.check_carrier(found(found.Options(format=form)), sources)


def test_the_audio_carrier_as_flac():
    found = registry().get("carrier", "audio")
    testing.check_carrier(found(found.Options(format="flac")), [sound(), (SHORT, 8000)])
    testing.check_carrier(found(found.Options(format="aiff")), [sound(), (SHORT, 8000)])


@pytest.mark.parametrize(
    ("name", "number"), [(n, i) for n, files in CHANNELS.items() for i in range(len(files))]
)
def test_channels(name, number):
    testing.check_channel(registry().get("channel", name)(), CHANNELS[name][number])


@pytest.mark.slow
@pytest.mark.parametrize("name", EXTRACTORS)
@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: f"{rung.bits}/{rung.elements}")
def test_extractors(name, rung):
    big = rung.elements > 2000
    array = np.random.default_rng(0).integers(
        0, 256, (160, 200) if big else (40, 40, 3), dtype=np.uint8
    )
    cover = registry().get("carrier", "image")().open(array)
    found = registry().get("extractor", name)
    testing.check_extractor(found, cover, [rung], embed=name == "phase" and rung.rate == 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXTRACTORS)
def test_extractors_embed(name):
    """What lbfgs finds for an objective is rounded and read back, and a message makes the trip."""
    found = registry().get("extractor", name)
    calm = name == "cnn"  # which says that it does not read back from noise
    array = data.astronaut()[100:150, 200:250] if calm else np.tile(NOISE, (2, 2, 1))
    cover = registry().get("carrier", "image")().open(array)
    chosen = found.Options(norm="batch") if name == "cnn" else found.Options()
    rungs = [rung for rung in LADDER if not rung.span and 0.3 < rung.rate < 0.4]
    testing.check_extractor(found, cover, rungs, chosen=chosen)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    testing.check_optimizer(registry().get("optimizer", name))


@pytest.mark.parametrize("name", DETECTORS)
def test_detectors(name):
    rng = np.random.default_rng(0)
    items = rng.integers(0, 256, (8, 2, 1600) if name == "line" else (8, 2, 40, 40), np.int32)
    detector = registry().get("detector", name)()
    if isinstance(detector, TrainedDetector):
        features = np.stack([detector.features(codes).astype(np.float32) for codes in items])
        detector.epochs = 1  # of xunet: a law, not a result
        detector.train(features[:4], features[4:], 0)
    for codes in (items[0], items[0].astype(np.int64) * 257):
        testing.check_detector(detector, codes)

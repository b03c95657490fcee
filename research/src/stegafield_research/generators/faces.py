"""How generated faces compare with real ones that no model was trained on."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from numpy.random import Generator

from stegafield.generators.distribution import FunctionDistribution
from stegafield.metrics import distribution

from ..measure import raster
from ..prose import Prose
from .comparison import COLUMNS, OTHER, Comparison

Faces = UInt8[ndarray, "item 64 64 3"]
ABOUT = Prose("stegafield_research.generators", "faces.md")
CONFIG = "celeba64-lattice"
"""Whose data are compared: the last 500 are held out."""
_BANDS = {"1-4": (1, 5), "5-8": (5, 9), "9-16": (9, 17), "17-32": (17, 33)}


def measure(
    data: Path,
    count: int,
    seed: int,
    bar: Callable[..., Any],
    model: FunctionDistribution | None = None,
    other: tuple[str, FunctionDistribution] | None = None,
) -> Comparison:
    """Compare drawn faces with real ones that were held out.

    `data` is a folder or archive of aligned CelebA faces. Without `model` the shipped one is
    compared.

    `other`, a name and a model, is measured in the same way for columns of its own.
    """
    from stegafield.generators import zoo
    from stegafield.training import config
    from stegafield.training.data import load

    asked, rng = config.read(CONFIG), np.random.default_rng(seed)
    model = model or zoo.load("celeba")
    held, trained = load(data, asked, held_out=True), load(data, asked)

    def rows_of(one: FunctionDistribution) -> tuple[Faces, list[dict[str, Any]]]:
        made = draw(one, count, rng, bar)
        return made, [*_shares(held, made), *_sets(held, made, trained, rng), *_model(one, rng)]

    drawn, rows = rows_of(model)
    made: Faces | None = None
    if other is not None:
        made, theirs = rows_of(other[1])
        names = dict(zip(OTHER, (*COLUMNS[5:8], "passed"), strict=True))
        for row, their in zip(rows, theirs, strict=True):
            row |= {mine: their[name] for mine, name in names.items()}
    about = ABOUT.passage("about", count=count, held=len(held), trained=len(trained))
    return Comparison(
        "Generated faces and real ones",
        about,
        {"Faces": rows},
        partial(_figure, held, drawn, trained),
        partial(_sheet, drawn[:64]),
        partial(_neighbours, drawn[:48], trained),
        other=other and other[0],
        draw_other=None if made is None else partial(_sheet, made[:64]),
    )


def draw(
    model: FunctionDistribution, count: int, rng: Generator, bar: Callable[..., Any] = iter
) -> Faces:
    """Faces of a model at 64x64, without noise."""
    parts = []
    for start in bar(range(0, count, 50)):
        features = model.raster(model.latents(min(50, count - start), rng), (64, 64))
        parts.append(np.rint((features.clip(-1, 1) + 1) * 127.5).astype(np.uint8))
    return np.concatenate(parts)


def detected(faces: Faces) -> int:
    """How many faces scikit-image's cascade for frontal faces finds, at twice the size."""
    from PIL import Image
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    cascade, found = Cascade(lbp_frontal_face_cascade_filename()), 0
    for face in faces:
        large = np.asarray(Image.fromarray(face).resize((128, 128), Image.Resampling.BICUBIC))
        large = np.pad(large, ((16, 16), (16, 16), (0, 0)), mode="edge")
        sides = {"min_size": (48, 48), "max_size": (128, 128)}
        found += bool(cascade.detect_multi_scale(large, scale_factor=1.2, step_ratio=1, **sides))
    return found


def features(faces: Faces) -> Float[ndarray, "item 256"] | None:
    """The last hidden layer of MTCNN's output network (Zhang et al. 2016).

    The weights are those of facenet-pytorch (MIT); None where it is not installed. The package
    itself is not imported, because it needs torchvision.
    """
    spec = find_spec("facenet_pytorch")
    if spec is None or not spec.submodule_search_locations:
        return None
    import torch
    from PIL import Image
    from torch.nn import functional as F

    weights = Path(spec.submodule_search_locations[0], "data", "onet.pt")
    w = torch.load(weights, weights_only=True)
    small = [
        np.asarray(Image.fromarray(f).resize((48, 48), Image.Resampling.LANCZOS)) for f in faces
    ]
    x = (torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).float() - 127.5) / 128
    with torch.inference_mode():
        for layer, pool in enumerate((3, 3, 2, 0), 1):
            x = F.conv2d(x, w[f"conv{layer}.weight"], w[f"conv{layer}.bias"])
            x = F.prelu(x, w[f"prelu{layer}.weight"])
            if pool:
                x = F.max_pool2d(x, pool, 2, ceil_mode=True)
        x = x.permute(0, 3, 2, 1).flatten(1)
        return F.linear(x, w["dense5.weight"], w["dense5.bias"]).numpy().astype(np.float64)


def _row(
    what: str,
    unit: str,
    real: Iterable[float],
    drawn: Iterable[float],
    test: str = "",
    passed: Any = None,
) -> dict[str, Any]:
    low, middle, high = (float(v) for v in real)
    tenth, median, ninth = (float(v) for v in drawn)
    return {
        "what": what,
        "unit": unit,
        "real_low": low,
        "real": middle,
        "real_high": high,
        "drawn_10": tenth,
        "drawn": median,
        "drawn_90": ninth,
        "test": test,
        "passed": None if passed is None else bool(passed),
        "exact": None,
    }


def _shares(held: Faces, drawn: Faces) -> list[dict[str, Any]]:
    real, made = (_interval(detected(faces), len(faces)) for faces in (held, drawn))
    test = "at least 0.9 of the real share"
    return [_row("found as a face", "share", real, made, test, made[1] >= 0.9 * real[1])]


def _interval(hits: int, of: int) -> tuple[float, float, float]:
    """A share and its 95 % interval (Wilson 1927)."""
    share, z = hits / of, 1.96
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z / (1 + z**2 / of) * np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    return middle - half, share, middle + half


def _sets(held: Faces, drawn: Faces, trained: Faces, rng: Generator) -> list[dict[str, Any]]:
    half = len(held) // 2
    one, two, made = held[:half], held[half:], drawn[:half]
    spread, ours = distribution.pairwise(held, rng), distribution.pairwise(drawn, rng)
    good = 0.8 <= np.median(ours) / np.median(spread) <= 1.2
    rows = [_distances("pairwise difference", spread, ours, "median within 20 %", good)]
    real, near = (distribution.nearest(faces, trained)[1] for faces in (held, drawn))
    good = np.median(near) >= 0.9 * np.median(real)
    asked = "median at least 0.9 of the real"
    rows.append(_distances("nearest training face", real, near, asked, good))
    wanted = distribution.power_spectrum(held)
    gain, noise = (
        10 * np.log10(distribution.power_spectrum(faces) / wanted) for faces in (drawn, one)
    )
    for name, (low, high) in _BANDS.items():
        real, ours = noise[low - 1 : high - 1], gain[low - 1 : high - 1]
        asked = "within 3 dB" if high <= 17 else ""
        good = np.abs(ours).max() <= 3 if asked else None
        made_of = (np.quantile(real, (0, 0.5, 1)), np.quantile(ours, (0.1, 0.5, 0.9)))
        rows.append(_row(f"spectrum, {name} cycles", "dB", *made_of, asked, good))
    distances = zip(
        ("finest", "middle", "coarsest"),
        distribution.sliced_wasserstein(one, two, rng),
        distribution.sliced_wasserstein(made, two, rng),
        strict=True,
    )
    rows += [
        _row(f"sliced Wasserstein, {level}", "1/1000", (a,) * 3, (b,) * 3)
        for level, a, b in distances
    ]
    seen = [found for faces in (one, made, two) if (found := features(faces)) is not None]
    if seen:
        a, b = (distribution.frechet(found, seen[2]) for found in seen[:2])
        rows.append(_row("Frechet distance", "MTCNN", (a,) * 3, (b,) * 3))
    return rows


def _distances(what: str, real: ndarray, drawn: ndarray, test: str, passed: Any) -> dict[str, Any]:
    between, within = np.quantile(real, (0, 0.5, 1)), np.quantile(drawn, (0.1, 0.5, 0.9))
    return _row(what, "levels", between, within, test, passed)


def _model(model: FunctionDistribution, rng: Generator) -> list[dict[str, Any]]:
    latents = model.latents(16, rng)
    small, large = (model.raster(latents, (n, n)) for n in (64, 512))
    down = large.reshape(16, 64, 8, 64, 8, -1).mean((2, 4))
    match = 10 * np.log10(4 / ((down - small) ** 2).mean((1, 2, 3)))
    none, spent = (float("nan"),) * 3, []
    for _ in range(15):
        start = time.process_time()
        model.raster(model.latents(1, rng), (64, 64))
        spent.append(1000 * (time.process_time() - start))
    least = (match.min(), np.median(match), match.max())
    times = np.quantile(spent, (0.1, 0.5, 0.9))
    peak = raster.measure(model)["peak_mib"]
    return [
        _row("64x64 against 512x512", "dB", none, least, "at least 30 dB", match.min() >= 30),
        _row("processor time of one 64x64 face", "ms", none, times, "under 40 ms", times[1] < 40),
        _row("memory at 4096x4096", "MiB", none, (peak,) * 3, "at most 1024 MiB", peak <= 1024),
    ]


def _figure(held: Faces, drawn: Faces, trained: Faces, path: Path) -> None:
    """Spectra, and how far real and drawn faces are from the nearest of the training."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for faces, name in ((held, "real, held out"), (drawn, "drawn")):
        power = distribution.power_spectrum(faces)
        left.loglog(np.arange(1, len(power) + 1), power, label=name)
        near = distribution.nearest(faces, trained)[1]
        right.hist(near, np.arange(10, 90, 2.5), density=True, alpha=0.6, label=name)
    left.set(xlabel="cycles per picture", ylabel="power", title="spectrum")
    right.set(xlabel="rms difference, levels", title="to the nearest face of the training")
    for panel in (left, right):
        panel.legend()
    figure.savefig(path, dpi=110)


def _neighbours(drawn: Faces, trained: Faces, path: Path) -> None:
    """Draw faces above the nearest faces of the training.

    These are real people's: to look at, not to publish.
    """
    from PIL import Image

    near = trained[distribution.nearest(drawn, trained)[0]]
    rows = [
        np.concatenate(list(faces[start : start + 12]), 1)
        for start in range(0, len(drawn), 12)
        for faces in (drawn, near)
    ]
    Image.fromarray(np.concatenate(rows)).save(path)


def _sheet(faces: Faces, path: Path) -> None:
    """A sheet of the first faces, without selection."""
    from PIL import Image

    side = int(len(faces) ** 0.5)
    rows = faces[: side * side].reshape(side, side, *faces.shape[1:])
    Image.fromarray(rows.transpose(0, 2, 1, 3, 4).reshape(side * 64, side * 64, 3)).save(path)

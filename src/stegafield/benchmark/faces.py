"""How good generated faces are: against real ones that no model has seen, never against those it was trained on."""

import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from numpy.random import Generator

from ..core.extras import need
from ..errors import ConfigError
from ..metrics import distribution

Faces = UInt8[ndarray, "item 64 64 3"]
_FACENET = "pip install --no-deps facenet-pytorch"


def draw(model: Any, count: int, rng: Generator, batch: int = 50) -> Faces:
    """Noise-free faces of a model at 64x64."""
    parts = [
        model.raster(model.latents(min(batch, count - at), rng), (64, 64))
        for at in range(0, count, batch)
    ]
    return levels(np.concatenate(parts))


def levels(features: ndarray) -> UInt8[ndarray, "..."]:
    """Features in [-1, 1] as 8-bit levels."""
    return np.rint((features.clip(-1, 1) + 1) * 127.5).astype(np.uint8)


def measure(model: Any, held_out: Faces, trained_on: Faces, rng: Generator, count: int = 1000) -> dict[str, Any]:
    """Every figure of docs/generators.md about faces. The real figures are of halves of the held-out faces."""
    need("skimage", "bench")
    fake = draw(model, count, rng)
    half = len(held_out) // 2
    one, two = held_out[:half], held_out[half:]
    gain = 10 * np.log10(distribution.power_spectrum(fake) / distribution.power_spectrum(held_out))
    noise = 10 * np.log10(distribution.power_spectrum(one) / distribution.power_spectrum(two))
    spread = np.median(distribution.pairwise(held_out, rng))
    found: dict[str, Any] = {
        "faces": count,
        "cascade": {"real": detected(held_out), "generated": detected(fake)},
        "pairwise": {"real": float(spread), "generated": float(np.median(distribution.pairwise(fake, rng)))},
        "sliced_wasserstein": {
            "real": distribution.sliced_wasserstein(one, two, rng),
            "generated": distribution.sliced_wasserstein(fake[:half], two, rng),
        },
        "spectrum_db": {"real": noise.round(2).tolist(), "generated": gain.round(2).tolist()},
        "nearest_training_face": {
            "real": float(np.median(distribution.nearest(held_out, trained_on)[1])),
            "generated": float(np.median(distribution.nearest(fake, trained_on)[1])),
        },
        "agreement_64_512_db": agreement(model, rng),
        "milliseconds_64": _median(lambda: model.raster(model.latents(1, rng), (64, 64))),
    }
    if find_spec("facenet_pytorch") is not None:
        seen = features(two)
        found["frechet_onet"] = {
            "real": distribution.frechet(features(one), seen),
            "generated": distribution.frechet(features(fake[:half]), seen),
        }
    return found


def detected(faces: Faces) -> float:
    """The share in which scikit-image's cascade for frontal faces finds one, at twice the size, settings fixed."""
    from PIL import Image
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    cascade = Cascade(lbp_frontal_face_cascade_filename())
    hits = 0
    for face in faces:
        large = np.asarray(Image.fromarray(face).resize((128, 128), Image.Resampling.BICUBIC))
        large = np.pad(large, ((16, 16), (16, 16), (0, 0)), mode="edge")
        hits += bool(
            cascade.detect_multi_scale(
                img=large, scale_factor=1.2, step_ratio=1, min_size=(48, 48), max_size=(128, 128)
            )
        )
    return hits / len(faces)


def agreement(model: Any, rng: Generator, count: int = 16) -> float:
    """PSNR in dB between functions sampled at 64x64 and the same at 512x512, averaged down; the least of `count`."""
    latents = model.latents(count, rng)
    small, large = model.raster(latents, (64, 64)), model.raster(latents, (512, 512))
    down = large.reshape(count, 64, 8, 64, 8, -1).mean((2, 4))
    errors = ((down - small) ** 2).mean((1, 2, 3))
    return float(10 * np.log10(4 / errors.max()))


def features(faces: Faces) -> ndarray:
    """256 features of each face: the last hidden layer of MTCNN's output network, as facenet-pytorch ships it.

    Zhang et al. 2016; 48x48 inputs, PReLU, weights under MIT.
    """
    import torch
    from PIL import Image
    from torch.nn import functional as F

    spec = find_spec("facenet_pytorch")  # only its file is wanted: importing it wants torchvision
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("features", "need the weights in facenet-pytorch.", _FACENET)
    folder = Path(spec.submodule_search_locations[0], "data")
    w = torch.load(folder / "onet.pt", weights_only=True)
    small = np.stack([np.asarray(Image.fromarray(f).resize((48, 48), Image.Resampling.LANCZOS)) for f in faces])
    x = (torch.from_numpy(small).permute(0, 3, 1, 2).float() - 127.5) / 128
    with torch.inference_mode():
        for i, pool in enumerate((3, 3, 2, 0), 1):
            x = F.prelu(F.conv2d(x, w[f"conv{i}.weight"], w[f"conv{i}.bias"]), w[f"prelu{i}.weight"])
            if pool:
                x = F.max_pool2d(x, pool, 2, ceil_mode=True)
        x = x.permute(0, 3, 2, 1).flatten(1)
        return F.linear(x, w["dense5.weight"], w["dense5.bias"]).numpy().astype(np.float64)


def _median(action: Callable[[], Any], times: int = 15) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        spent.append(1000 * (time.perf_counter() - start))
    return float(np.median(spent))

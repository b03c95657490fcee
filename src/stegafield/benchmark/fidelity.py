"""What embedding costs, below `hide`: every window of a rung full of random bits, no header, through a real file."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from ..channels.picture import decode
from ..core.carrier import writer
from ..core.embed import embed
from ..core.engine import Engine
from ..core.extras import need
from ..core.plan import Plan
from ..errors import ConfigError, StegafieldError
from ..message.key import FileKey
from ..metrics import fidelity, recovery

COLUMNS = (
    *(
        "image",
        "bpp",
        "bpp_actual",
        "extractor",
        "method",
        "optimizer",
        "ber",
        "psnr",
        "psnr_luma",
        "ssim",
    ),
    *("bound", "milliseconds", "evaluations", "near_ends"),
)


def pictures(folder: str | os.PathLike[str]) -> list[Path]:
    """The files of a folder whose suffix Pillow knows, sorted."""
    known = Image.registered_extensions()
    return sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in known)


def measure(
    engine: Engine,
    images: Iterable[Path],
    rates: Iterable[float],
    *,
    crop: tuple[int, int] | None = None,
    **arguments: Any,
) -> Iterator[dict[str, Any]]:
    """One row per image and rate (bits per pixel). `crop` takes the central (height, width) of each image."""
    need("skimage", "bench")
    rates = list(rates)
    for path in images:
        for bpp in rates:
            plan = engine.plan(carrier="image", bpp=bpp, **arguments)
            try:
                row = measure_one(plan, path, crop, os.urandom(32))
            except StegafieldError as error:
                row = {"error": str(error)}
            yield {"image": path.name, "bpp": bpp, **row}


def measure_one(
    plan: Plan, path: Path, crop: tuple[int, int] | None, seed: bytes
) -> dict[str, Any]:
    """Embed in one picture, write the file, read it back, measure. The 32-byte seed decides extractor and bits."""
    cover = plan.carrier.open(path if crop is None else _crop(path, crop))
    rung = plan.rungs(cover)[0]
    extractor = plan.build(FileKey(seed), rung)
    rng = np.random.default_rng(list(seed))
    bits = rng.integers(0, 2, extractor.count(cover), dtype=np.uint8)
    if not bits.size:
        raise ConfigError("bpp", f"the extractor {extractor.name!r} carries nothing at this rate.")
    result = embed(cover, bits, extractor, plan.effort, plan.optimizer, rng)
    wrong = result.unrounded_errors
    unrounded = None if wrong is None else wrong / bits.size
    channel = writer(plan.carrier, cover)
    with TemporaryDirectory() as folder:
        written = Path(folder, "stego" + channel.suffixes[0])
        written.write_bytes(channel.write(cover, result.codes))
        read = next(iter(channel.read(written.read_bytes())))
    peak, shape = cover.peak or 1.0, cover.codes.shape
    low, high = int(np.min(cover.low)), int(np.max(cover.high))
    bound = fidelity.bound(cover.codes[cover.free], low, high, bits.size, peak)
    return {
        "bpp_actual": bits.size / (shape[1] * shape[2]),
        "extractor": extractor.name,
        "method": result.method,
        "optimizer": plan.optimizer.name
        if plan.optimizer and result.method == "optimize"
        else None,
        "ber": recovery.ber(bits, extractor.read(read.codes, read.free, read.spec)),
        "ber_unrounded": unrounded,
        "psnr": fidelity.psnr(cover.codes, read.codes, peak),
        "psnr_luma": fidelity.psnr_luma(cover.codes, read.codes, peak) if shape[0] == 3 else None,
        "ssim": fidelity.ssim(cover.codes, read.codes, peak) if min(shape[1:]) >= 7 else None,
        "bound": bound,
        "milliseconds": result.milliseconds,
        "evaluations": result.evaluations,
        "near_ends": float(((cover.codes <= low + 3) | (cover.codes >= high - 3)).mean()),
    }


def _crop(path: Path, size: tuple[int, int]) -> Image.Image:
    image = decode(path.read_bytes())
    top, left = (image.height - size[0]) // 2, (image.width - size[1]) // 2
    if top < 0 or left < 0:
        raise ConfigError("crop", f"{path.name} is only {image.height}x{image.width}.")
    return image.crop((left, top, left + size[1], top + size[0]))

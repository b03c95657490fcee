"""Solvers side by side: the same pictures, extractor, seed and bits for each, through a real file."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..core.engine import Engine
from ..core.extras import need
from ..core.plan import PRESETS
from ..errors import StegafieldError
from .fidelity import measure_one

ARMS: dict[str, dict[str, Any]] = {"lbfgs": {}, "adam": {}, "paper": PRESETS["paper"]["set"]}
"""What is compared: solvers, each with what belongs to it. The paper has its own loss and repairs no rounding."""
COLUMNS = ("image", "bpp", "optimizer", "ber", "psnr", "ssim", "evaluations", "milliseconds")


def compare(
    engine: Engine,
    images: Iterable[Path],
    rates: Iterable[float],
    *,
    crop: tuple[int, int] | None = None,
    extractor: str = "cnn",
    set: Mapping[str, Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """One row per image, rate and solver; the arms of one image and rate have seed and bits in common."""
    need("skimage", "bench")
    rates = list(rates)
    for path in images:
        for bpp in rates:
            seed = os.urandom(32)
            for optimizer, own in ARMS.items():
                plan = engine.plan(
                    carrier="image",
                    bpp=bpp,
                    extractor=extractor,
                    method="optimize",
                    optimizer=optimizer,
                    set={**own, **(set or {})},
                )
                try:
                    row = measure_one(plan, path, crop, seed)
                except StegafieldError as error:
                    row = {"optimizer": optimizer, "error": str(error)}
                yield {"image": path.name, "bpp": bpp, **row}

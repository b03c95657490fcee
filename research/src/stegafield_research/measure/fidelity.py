"""What embedding costs, below `hide`: every window of a rung is full of random bits.

There is no header, and the stego goes through a real file.
"""

import os
import time
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from numpy.random import Generator
from PIL import Image

from stegafield.channels.picture import decode
from stegafield.core.carrier import writer
from stegafield.core.channel import Channel
from stegafield.core.cover import Cover
from stegafield.core.rung import Rung
from stegafield.errors import ConfigError, StegafieldError
from stegafield.message.key import FileKey
from stegafield.metrics import fidelity, recovery
from stegafield.pipeline.choice import Offer
from stegafield.pipeline.embedding import embed
from stegafield.pipeline.engine import Engine
from stegafield.pipeline.plan import Plan

from .similarity import ssim

_EFFORT = ("milliseconds", "cpu_milliseconds", "evaluations", "near_ends")
COLUMNS = (
    *("image", "bpp", "bpp_actual", "extractor", "method", "optimizer", "ber", "ber_unrounded"),
    *("psnr", "psnr_luma", "ssim", "bound", *_EFFORT),
)
"""Of pictures."""
FIELD_COLUMNS = (
    *("cover", "bps", "bps_actual", "extractor", "method", "optimizer", "ber", "ber_unrounded"),
    *("rms", "rms_physical", "unit", "dbfs", "bound", *_EFFORT),
)
"""Columns of sounds and fields: changes in codes and in physical units.

They have no pixels, and mostly no full scale.
"""


def pictures(folder: str | os.PathLike[str]) -> list[Path]:
    """The files of a folder whose suffix Pillow knows, sorted."""
    known = Image.registered_extensions()
    return sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in known)


def measure(
    engine: Engine,
    covers: Iterable[Path],
    rates: Iterable[float],
    *,
    carrier: str = "image",
    unit: str = "bpp",
    crop: tuple[int, int] | None = None,
    **arguments: Any,
) -> Iterator[dict[str, Any]]:
    """One row per cover and rate.

    `unit` is "bpp" or "bps"; `crop` takes the central (height, width) of pictures. Rows of the
    carrier `image` have `COLUMNS`, those of others `FIELD_COLUMNS`; one that fails has `error`.
    """
    rates = list(rates)
    for path in covers:
        for rate in rates:
            plan = engine.plan(carrier=carrier, **{unit: rate}, **arguments)
            try:
                row = measure_one(plan, path, crop, os.urandom(32))
            except StegafieldError as error:
                row = {"error": str(error)}
            yield {"image" if carrier == "image" else "cover": path.name, unit: rate, **row}


def measure_one(
    plan: Plan,
    path: Path,
    crop: tuple[int, int] | None,
    seed: bytes,
    rung: Rung | None = None,
) -> dict[str, Any]:
    """Embed in one cover, write the file, read it back, measure.

    The 32-byte seed decides extractor and bits.

    `rung`: in place of the one that the engine would take for the rate of the plan.
    """
    cover = plan.carrier.open(path if crop is None else cropped(path, crop))
    return through_file(plan, cover, seed, rung)[0]


def through_file(
    plan: Plan, cover: Cover, seed: bytes, rung: Rung | None = None, *, repeats: int = 1
) -> tuple[dict[str, Any], Cover]:
    """`measure_one` of a cover that is open already: the row, and the cover read back.

    It embeds up to `repeats` times, while all of them together take less than a second: times are
    medians.
    """
    extractor, bits, rng = _filled(plan, cover, seed, rung)
    spent: list[tuple[float, float]] = []
    while True:
        start, ties = time.process_time(), deepcopy(rng)
        result = embed(cover, bits, extractor, plan.effort, plan.optimizer, ties)
        spent.append((result.milliseconds, 1000 * (time.process_time() - start)))
        if len(spent) == repeats or sum(clock for clock, _ in spent) > 1000:
            break
    clock, busy = (median(side) for side in zip(*spent, strict=True))
    wrong = result.unrounded_errors
    unrounded = None if wrong is None else wrong / bits.size
    read = reread(writer(plan.carrier, cover), cover, result.codes)
    distances = _of_pictures if plan.carrier.rate_unit == "bpp" else _of_fields
    low, high = int(np.min(cover.low)), int(np.max(cover.high))
    at_ends = (cover.codes <= low + 3) | (cover.codes >= high - 3)
    row = {
        "extractor": extractor.name,
        "method": result.method,
        "optimizer": plan.optimizer.name
        if plan.optimizer and result.method == "optimize"
        else None,
        "ber": recovery.ber(bits, extractor.read(read.codes, read.free, read.spec)),
        "ber_unrounded": unrounded,
        **distances(cover, read.codes, bits.size, low, high),
        "milliseconds": clock,
        "cpu_milliseconds": busy,
        "evaluations": result.evaluations,
        "near_ends": float(at_ends.mean()),
    }
    return row, read


def reread(channel: Channel, cover: Cover, codes: ndarray) -> Cover:
    """What is read back of a file with these codes."""
    with TemporaryDirectory() as folder:
        written = Path(folder, "stego" + channel.suffixes[0])
        written.write_bytes(channel.write(cover, codes))
        return _same_candidate(cover, channel.read(written.read_bytes()))


def prepared(
    plan: Plan,
    path: Path,
    crop: tuple[int, int] | None,
    seed: bytes,
    rung: Rung | None = None,
) -> tuple[Cover, Any, UInt8[ndarray, " bit"], Generator]:
    """The cover, extractor and bits of `measure_one`, and the generator as embedding finds it."""
    cover = plan.carrier.open(path if crop is None else cropped(path, crop))
    return cover, *_filled(plan, cover, seed, rung)


def _filled(
    plan: Plan, cover: Cover, seed: bytes, rung: Rung | None
) -> tuple[Any, UInt8[ndarray, " bit"], Generator]:
    if rung is None:  # the requested one, whether a cover bears it or not
        offer = Offer(plan, cover, blank=True)
        rung = offer.requested or offer.rungs[0]
    extractor = plan.build(FileKey(seed), rung)
    rng = np.random.default_rng(list(seed))
    bits = rng.integers(0, 2, extractor.count(cover), dtype=np.uint8)
    if not bits.size:
        raise ConfigError("rate", f"the extractor {extractor.name!r} carries nothing at this rate.")
    return extractor, bits, rng


def _of_pictures(cover: Cover, stego: ndarray, bits: int, low: int, high: int) -> dict[str, Any]:
    peak, shape = cover.peak or 1.0, cover.codes.shape
    return {
        "bpp_actual": bits / (shape[1] * shape[2]),
        "psnr": fidelity.psnr(cover.codes, stego, peak),
        "psnr_luma": fidelity.psnr_luma(cover.codes, stego, peak) if shape[0] == 3 else None,
        "ssim": ssim(cover.codes, stego, peak) if min(shape[1:]) >= 7 else None,
        "bound": fidelity.bound(cover.codes[cover.free], low, high, bits, peak),
    }


def _of_fields(cover: Cover, stego: ndarray, bits: int, low: int, high: int) -> dict[str, Any]:
    """The change of the free elements, and the bound on it.

    For sound also its level, where an amplitude of 1 is 0 dB.
    """
    before, after = cover.codes[cover.free], stego[cover.free]
    rms, bound = fidelity.rmse(before, after), fidelity.bound(before, low, high, bits, 1.0)
    return {
        "bps_actual": bits / before.size,
        "rms": rms,
        "rms_physical": rms * cover.step,
        "unit": cover.unit,
        "dbfs": -fidelity.psnr(before, after, cover.peak) if cover.peak else None,
        "bound": None if bound is None else 10 ** (-bound / 20),
    }


def _same_candidate(cover: Cover, candidates: Iterable[Cover]) -> Cover:
    """The candidate of the written file that the cover was in.

    It is the only one, or the one of the same variable.
    """
    own = getattr(cover.container, "variable", None)
    return next(c for c in candidates if getattr(c.container, "variable", None) == own)


def cropped(path: Path, size: tuple[int, int]) -> Image.Image:
    """The central (height, width) of a picture; `ConfigError` where it is smaller."""
    image = decode(path.read_bytes())
    top, left = (image.height - size[0]) // 2, (image.width - size[1]) // 2
    if top < 0 or left < 0:
        raise ConfigError("crop", f"{path.name} is only {image.height}x{image.width}.")
    return image.crop((left, top, left + size[1], top + size[0]))

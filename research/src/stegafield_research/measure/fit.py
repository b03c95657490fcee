"""How well functions fit: agreement with what they were fitted to and with what was held out."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from stegafield.core.registry import Registry
from stegafield.errors import ConfigError, StegafieldError
from stegafield.generators.fit import fit
from stegafield.generators.fitted import Fit, Samples, known_of

from .fidelity import cropped

COLUMNS = (
    *("cover", "size", "samples", "parameters", "share"),
    *("psnr", "psnr_fitted", "psnr_held_out", "held_out", "seconds"),
)


def measure(
    registry: Registry,
    covers: Iterable[Path],
    *,
    carrier: str = "image",
    crop: tuple[int, int] | None = None,
    settings: dict[str, Any] | None = None,
    share: float = 0.25,
    hold_out: float = 0.05,
    seed: int = 0,
) -> Iterator[dict[str, Any]]:
    """One row per cover; `error` says why no function could be fitted.

    Every cover is fitted twice: once to all its elements (`psnr`, `seconds` of processor time), and
    once with a share of its positions held out in all channels.
    """
    for path in covers:
        try:
            samples, peak = taken(registry, path, carrier, crop, settings)
            yield {"cover": path.name, **measure_one(samples, peak, share, hold_out, seed)}
        except StegafieldError as error:
            yield {"cover": path.name, "error": str(error)}


def taken(
    registry: Registry,
    path: Path,
    carrier: str,
    crop: tuple[int, int] | None = None,
    settings: dict[str, Any] | None = None,
) -> tuple[Samples, float]:
    """The elements of a file and their full scale.

    The scale is that of the medium, or their range where it has none.
    """
    kind = registry.get("carrier", carrier)
    if not hasattr(kind, "samples"):
        raise ConfigError("carrier", f"{carrier!r} fits no function to a cover.")
    medium: Any = kind(kind.Options(**(settings or {})))
    source = path if crop is None else cropped(path, crop)
    samples: Samples = medium.samples(source)
    peak = medium.open(source).peak if carrier == "image" else None
    if carrier == "audio":
        peak = 1.0
    return samples, peak or float(np.ptp(samples.values[known_of(samples)])) or 1.0


def measure_one(
    samples: Samples, peak: float, share: float, hold_out: float, seed: int
) -> dict[str, Any]:
    """Both fits of these `Samples`, as a row."""
    start = time.process_time()
    whole = fit(samples, share)
    seconds = time.process_time() - start
    known = known_of(samples)
    held = known & (np.random.default_rng(seed).random(known.shape[1:]) < hold_out)
    partial = fit(Samples(samples.values, samples.ends, known & ~held), share)
    return {
        "size": "x".join(map(str, samples.values.shape)),
        "samples": int(known.sum()),
        "parameters": whole.parameters,
        "share": whole.parameters / int(known.sum()),
        "psnr": _psnr(whole, samples, known, peak),
        "psnr_fitted": _psnr(partial, samples, known & ~held, peak),
        "psnr_held_out": _psnr(partial, samples, held, peak),
        "held_out": int(held.sum()),
        "seconds": round(seconds, 3),
    }


def draw(samples: Samples, peak: float, path: Path, seed: int = 0, hold_out: float = 0.05) -> None:
    """Save a figure of a detail of a picture or field.

    It shows the detail, its function at 4 times its size, and the errors where held out.
    """
    from matplotlib.figure import Figure

    if samples.values.ndim != 3:
        raise ConfigError("figure", "shows pictures and fields.", "Leave it away.")
    known = known_of(samples)
    function = fit(samples)
    held = np.random.default_rng(seed).random(known.shape[1:]) < hold_out
    partial = fit(Samples(samples.values, samples.ends, known & ~held))
    rows, columns = samples.values.shape[1:]
    side = min(64, rows, columns)
    top, left = (rows - side) // 2, (columns - side) // 2
    fine = function.raster((4 * rows, 4 * columns))
    figure = Figure(figsize=(13, 13.4), layout="constrained")
    panels = figure.subplots(2, 2).ravel()
    here = slice(top, top + side), slice(left, left + side)
    finer = tuple(slice(4 * part.start, 4 * part.stop) for part in here)
    shown = (
        (samples.values[:, *here], f"itself, {side}x{side} samples of it"),
        (
            function.nodes[:, *here],
            f"its function at the same size: {function.psnr(samples, peak):.1f} dB",
        ),
        (fine[:, *finer], "its function at 4 times the size"),
    )
    for panel, (values, title) in zip(panels, shown, strict=False):
        panel.imshow(
            _visible(values, samples.values, known, peak), cmap="gray", interpolation="nearest"
        )
        panel.set_title(title)
    error = np.where(held & known, partial.nodes - samples.values, 0)
    several = error[:, top : top + side, left : left + side].mean(0)
    reach = max(float(np.abs(several).max()), 1e-9)
    panels[3].imshow(several, cmap="RdBu", vmin=-reach, vmax=reach, interpolation="nearest")
    told = _psnr(partial, samples, held & known, peak)
    panels[3].set_title(f"errors where 5 % were held out, up to {reach:.3g}: {told:.1f} dB")
    for panel in panels:
        panel.set_axis_off()
    figure.savefig(path, dpi=80)


def _psnr(function: Fit, samples: Samples, where: ndarray, peak: float) -> float | None:
    """PSNR in dB over the elements of a mask.

    Values beyond the ends of what is fitted are cut off there, as in a file.
    """
    if not where.any():
        return None
    real = samples.values[where]
    known = samples.values[known_of(samples)]
    found = function.nodes[where].clip(known.min(), known.max())
    error = float(np.mean((found - real) ** 2))
    return float(10 * np.log10(peak**2 / error)) if error else None


def _visible(values: ndarray, whole: ndarray, known: ndarray, peak: float) -> ndarray:
    if len(values) == 3 and peak in (255.0, 65535.0):
        return (values / peak).clip(0, 1).transpose(1, 2, 0)
    low, high = whole[known].min(), whole[known].max()
    return (values[0] - low) / (high - low or 1)

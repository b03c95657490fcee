"""What embedding costs: `stegafield bench fidelity`, `optimizers`, `curve`, `fit` and `law`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stegafield.cli.arguments import Device, Settings
from stegafield.cli.edge import settings_of, size_of
from stegafield.errors import ConfigError

from .arguments import (
    Covers,
    Crop,
    ExtractorName,
    Images,
    Lines,
    MethodName,
    Optimizer,
    Preset,
    Rates,
)
from .rows import files_in, finish, pictures_in


def fidelity(
    covers: Covers,
    json_out: Lines,
    bpp: Annotated[list[float] | None, typer.Option(help="Bits per pixel, one or more.")] = None,
    bps: Annotated[list[float] | None, typer.Option(help="Bits per sample, one or more.")] = None,
    carrier: Annotated[str, typer.Option(help="The medium of the covers.")] = "image",
    extractor: ExtractorName = None,
    method: MethodName = None,
    optimizer: Optimizer = None,
    preset: Preset = "default",
    crop: Crop = None,
    settings: Settings = None,
    device: Device = "auto",
) -> None:
    """Fill all windows with random bits and read the file back: errors and distortion."""
    from stegafield.pipeline.writing import check_writable
    from stegafield.plugins.wiring import Engine

    from ..measure.fidelity import COLUMNS, FIELD_COLUMNS, measure

    if bool(bpp) == bool(bps):
        raise ConfigError("bpp", "or bps is needed, not both.", "Use --bpp for pictures.")
    if crop and carrier != "image":
        raise ConfigError("crop", f"is for pictures, not for the carrier {carrier!r}.")
    check_writable(json_out, force=True)
    found = pictures_in(covers) if carrier == "image" else files_in(covers)
    rates = bpp or bps or []
    rows = measure(
        Engine(device=device),
        found,
        rates,
        unit="bpp" if bpp else "bps",
        carrier=carrier,
        crop=size_of(crop),
        set=settings_of(settings),
        extractor=extractor,
        method=method,
        optimizer=optimizer,
        preset=preset,
    )
    columns = COLUMNS if carrier == "image" else FIELD_COLUMNS
    finish(rows, len(found) * len(rates), columns, json_out)


def optimizers(
    images: Images,
    bpp: Rates,
    json_out: Lines,
    extractor: Annotated[str, typer.Option(help="Who reads the bits.")] = "cnn",
    arm: Annotated[list[str] | None, typer.Option(help="What to compare, one or more.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Networks and messages per picture.")] = 1,
    crop: Crop = None,
    settings: Settings = None,
    device: Device = "auto",
) -> None:
    """Compare the solvers on the same pictures, extractor and bits."""
    from stegafield.pipeline.writing import check_writable
    from stegafield.plugins.wiring import Engine

    from ..measure.optimizers import COLUMNS, DEFAULT_ARMS, compare

    check_writable(json_out, force=True)
    found = pictures_in(images)
    rows = compare(
        Engine(device=device),
        found,
        bpp,
        crop=size_of(crop),
        extractor=extractor,
        seeds=seeds,
        arms=arm or DEFAULT_ARMS,
        set=settings_of(settings),
    )
    finish(rows, None, COLUMNS, json_out)


def curve(
    images: Images,
    json_out: Lines,
    figure: Annotated[Path | None, typer.Option(help="Draw the curves; needs matplotlib.")] = None,
    crop: Crop = None,
) -> None:
    """Measure `phase` from 0.05 to 4 bpp beside its bound, LSB matching, HILL and the paper."""
    from stegafield.figures.stego import check_figure
    from stegafield.pipeline.writing import check_apart, check_writable
    from stegafield.plugins.wiring import Engine

    from ..measure.curve import COLUMNS, draw, measure

    check_apart({"json": json_out, "figure": figure}, {})
    check_writable(json_out, force=True)
    found = pictures_in(images)
    if figure is not None:
        check_figure(figure)
    rows = finish(measure(Engine(device="cpu"), found, crop=size_of(crop)), None, COLUMNS, json_out)
    if figure is not None:
        draw(rows, figure)


def fit(
    covers: Covers,
    json_out: Lines,
    carrier: Annotated[str, typer.Option(help="The medium of the covers.")] = "image",
    crop: Crop = None,
    share: Annotated[float, typer.Option(min=0, max=1, help="Parameters for a sample.")] = 0.25,
    hold_out: Annotated[float, typer.Option(min=0, max=0.9, help="Share of the places.")] = 0.05,
    seed: Annotated[int, typer.Option(min=0, help="Of what is held out.")] = 0,
    settings: Settings = None,
    figure: Annotated[Path | None, typer.Option(help="Draw a detail of the first cover.")] = None,
) -> None:
    """Fit a function to each cover: PSNR on what it was fitted to, and on what was held out."""
    from stegafield.figures.stego import check_figure
    from stegafield.pipeline.writing import check_apart, check_writable
    from stegafield.plugins.discovery import registry

    from ..measure import fit as fits

    check_apart({"json": json_out, "figure": figure}, {})
    if crop and carrier != "image":
        raise ConfigError("crop", f"is for pictures, not for the carrier {carrier!r}.")
    check_writable(json_out, force=True)
    found = pictures_in(covers) if carrier == "image" else files_in(covers)
    if figure is not None:
        check_figure(figure)
    chosen = {name.removeprefix("carrier."): v for name, v in settings_of(settings).items()}
    given: Any = {"carrier": carrier, "crop": size_of(crop), "settings": chosen}
    rows = fits.measure(registry(), found, share=share, hold_out=hold_out, seed=seed, **given)
    finish(rows, len(found), fits.COLUMNS, json_out)
    if figure is not None:
        fits.draw(*fits.taken(registry(), found[0], **given), figure, seed, hold_out)


def law(
    samples: Annotated[list[int], typer.Option(help="Free samples of a file, one or more.")],
    sigma: Annotated[list[float], typer.Option(help="Noise in codes, one or more.")],
    json_out: Lines,
) -> None:
    """Print what the method `sample` costs: each rung's KL bound, and the least noise it needs."""
    from stegafield.pipeline.writing import check_writable

    from ..measure.law import COLUMNS, table

    check_writable(json_out, force=True)
    finish(table(samples, sigma), None, COLUMNS, json_out)

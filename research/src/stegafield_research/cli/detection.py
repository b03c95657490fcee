"""`stegafield bench detect`: how good detectors are."""

from pathlib import Path
from typing import Annotated

import typer

from stegafield.cli.arguments import Device, Settings
from stegafield.cli.detect import Detectors
from stegafield.cli.edge import settings_of, size_of
from stegafield.errors import ConfigError

from .arguments import Crop, Lines, MethodName, Optimizer
from .rows import files_in, finish, pictures_in


def detect(
    json_out: Lines,
    images: Annotated[
        list[Path] | None, typer.Option("--images", help="Folders of pictures, one or more.")
    ] = None,
    covers: Annotated[Path | None, typer.Option(help="Folder of other covers.")] = None,
    count: Annotated[int, typer.Option(min=8, help="Covers that the carrier draws.")] = 100,
    bpp: Annotated[list[float] | None, typer.Option(help="Bits per pixel, one or more.")] = None,
    bps: Annotated[list[float] | None, typer.Option(help="Bits per sample, one or more.")] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="Extractors, sample, project, optimize, lsb-matching, lsb-replacement, hill, "
            "s-uniward, wrong-sigma; one or more."
        ),
    ] = None,
    detector: Detectors = None,
    carrier: Annotated[str, typer.Option(help="The medium of the covers.")] = "image",
    method: MethodName = None,
    optimizer: Optimizer = None,
    crop: Crop = None,
    tiles: Annotated[int, typer.Option(min=1, help="Tiles of the size of --crop per picture.")] = 1,
    grey: Annotated[bool, typer.Option("--grey", help="Turn pictures to luminance first.")] = False,
    every: Annotated[int, typer.Option(min=1, help="Take every n-th file only.")] = 1,
    splits: Annotated[int, typer.Option(min=1, help="Random halvings of the sources.")] = 5,
    training: Annotated[
        int | None, typer.Option(min=4, help="Sources that train, instead of half of them.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of splits, training and simulations.")] = 0,
    settings: Settings = None,
    device: Device = "auto",
    models: Annotated[
        Path | None, typer.Option(help="Folder to save trained detectors in.")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="Folder to keep covers and stegos in, for another run.")
    ] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw ROC curves; needs matplotlib.")] = None,
) -> None:
    """Train and test detectors on covers and stegos: P_E, AUC, alarms, with 95 % intervals."""
    from stegafield.figures.stego import check_figure
    from stegafield.pipeline.writing import check_apart, check_writable
    from stegafield.plugins.wiring import Engine

    from ..measure import detection, evidence

    if bool(bpp) == bool(bps):
        raise ConfigError("bpp", "or bps is needed, not both.", "Use --bpp for pictures.")
    if images and (covers or carrier != "image"):
        raise ConfigError("images", "are for the carrier 'image', and exclude --covers.")
    if (crop or grey or tiles > 1) and not images:
        raise ConfigError("crop", "and tiles and grey are for --images.")
    if tiles > 1 and not crop:
        raise ConfigError("tiles", "needs the size of a tile.", "Give --crop.")
    check_apart({"json": json_out, "figure": figure}, {})
    check_writable(json_out, force=True)
    if figure is not None:
        check_figure(figure)
    engine = Engine(device=device)
    arguments = {
        "carrier": carrier,
        "method": method,
        "optimizer": optimizer,
        "set": settings_of(settings),
    }
    if images:
        paths = [path for folder in images for path in pictures_in(folder)][::every]
        sources = evidence.photographs(paths, size_of(crop), tiles, grey, seed)
    elif covers:
        sources = evidence.files(files_in(covers)[::every])
    else:
        sources = evidence.draws(engine.plan(**arguments), count, seed)
    names = detector or ["spam", "stegexpose", "rs", "sample-pairs", "weighted-stego"]
    setting = evidence.Setting(
        engine,
        [engine.registry.get("detector", name)() for name in dict.fromkeys(names)],
        list(dict.fromkeys(against or ["phase"])),
        bpp or bps or [],
        "bpp" if bpp else "bps",
        arguments,
    )
    rows = detection.measure(
        setting,
        sources,
        splits=splits,
        training=training,
        seed=seed,
        models=models,
        pairs=pairs,
    )
    done = finish(rows, None, detection.COLUMNS, json_out)
    if figure is not None:
        detection.draw(done, figure)

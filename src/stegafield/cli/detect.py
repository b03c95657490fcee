"""`stegafield detect` and `stegafield bench detect`: the opinion of detectors, and how good it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ConfigError
from .arguments import AsJson, Crop, Device, Lines, MethodName, Optimizer, Settings
from .bench import bench, finish, pictures_in
from .edge import different, print_rows, settings_of, size_of
from .program import Variadic

Detectors = Annotated[
    list[str] | None, typer.Option("--detector", help="Methods, one or more; `plugins` lists them.")
]


def detect(
    files: Annotated[list[Path], typer.Argument(help="Files of any installed format.")],
    detector: Detectors = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(help="Trained detectors, as `bench detect --models` writes them."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the scores of detectors: higher is more likely stego; those above their own threshold are named."""
    from ..benchmark.detection import load
    from ..plugins.discovery import registry

    known = registry()
    chosen = [load(known, path) for path in model or ()]
    if detector or not chosen:
        chosen += _untrained(detector)
    rows = [row for path in files for row in _scores(path, chosen)]
    print_rows(rows if as_json else [_marked(row, chosen) for row in rows], as_json)


def _scores(path: Path, detectors: list[Any]) -> Iterator[dict[str, Any]]:
    """A row for each cover in a file."""
    from ..benchmark.evidence import visible
    from ..core.detector import opinion
    from ..pipeline.candidates import candidates
    from ..plugins.discovery import registry

    for cover in candidates(registry(), path):
        variable = getattr(cover.container, "variable", None)
        row: dict[str, Any] = {"file": path.name if variable is None else f"{path.name}:{variable}"}
        codes = visible(cover, cover.codes)
        for one in detectors:
            row[one.name] = opinion(one, codes)
        row["stego"] = [
            one.name
            for one in detectors
            if one.threshold is not None and row[one.name] > one.threshold
        ]
        yield row


def _marked(row: dict[str, Any], detectors: list[Any]) -> dict[str, Any]:
    marks = {one.name: f"{row[one.name]:.3f}" for one in detectors}
    return {"file": row["file"], **marks, "stego, say": row["stego"]}


def _untrained(names: list[str] | None) -> list[Any]:
    """Detectors that have an opinion as they are: those named, or all that need no training."""
    from ..core.detector import TrainedDetector
    from ..plugins.discovery import registry

    found = (
        [registry().get("detector", name) for name in names]
        if names
        else registry().all("detector")
    )
    for one in found if names else ():
        if issubclass(one, TrainedDetector):
            raise one().untrained()
    return [one() for one in found if not issubclass(one, TrainedDetector)]


@bench.command("detect", cls=Variadic)
def bench_detect(
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
            help="Extractors, sample, project, optimize, lsb-matching, lsb-replacement, hill, s-uniward, "
            "wrong-sigma; one or more."
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
    """Train and test detectors on covers and stegos, split by source: P_E, AUC, false alarms, with 95 % intervals."""
    from ..benchmark import detection, evidence
    from ..figures.stego import check_figure
    from ..pipeline.writing import check_writable
    from ..plugins.wiring import Engine

    if bool(bpp) == bool(bps):
        raise ConfigError("bpp", "or bps is needed, not both.", "Use --bpp for pictures.")
    if images and (covers or carrier != "image"):
        raise ConfigError("images", "are for the carrier 'image', and exclude --covers.")
    if (crop or grey or tiles > 1) and not images:
        raise ConfigError("crop", "and tiles and grey are for --images.")
    if tiles > 1 and not crop:
        raise ConfigError("tiles", "needs the size of a tile.", "Give --crop.")
    different("json", "figure", paths=(json_out, figure))
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
        found = sorted(path for path in covers.iterdir() if path.is_file())[::every]
        sources = evidence.files(found)
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

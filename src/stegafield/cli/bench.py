"""The commands `stegafield bench ...`: each measures, writes JSON lines and prints a table."""

import json
from collections.abc import Iterable, Sequence
from functools import partial
from os.path import relpath
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ..errors import ConfigError
from .arguments import (
    Crop,
    Device,
    ExtractorName,
    Images,
    Lines,
    MethodName,
    Optimizer,
    Preset,
    Rates,
    Settings,
)
from .edge import print_rows, settings_of, size_of
from .program import Variadic, err

bench = typer.Typer(no_args_is_help=True, help="Measure.")


@bench.command(cls=Variadic)
def fidelity(
    images: Images,
    bpp: Rates,
    json_out: Lines,
    extractor: ExtractorName = None,
    method: MethodName = None,
    optimizer: Optimizer = None,
    preset: Preset = "default",
    crop: Crop = None,
    settings: Settings = None,
    device: Device = "auto",
) -> None:
    """Fill every window with random bits, write the file, read it back: errors and distortion per image and rate."""
    from ..benchmark.fidelity import COLUMNS, measure
    from ..plugins.wiring import Engine

    found = _pictures(images, json_out)
    rows = measure(
        Engine(device=device),
        found,
        bpp,
        crop=size_of(crop),
        set=settings_of(settings),
        extractor=extractor,
        method=method,
        optimizer=optimizer,
        preset=preset,
    )
    _finish(rows, len(found) * len(bpp), COLUMNS, json_out)


@bench.command(cls=Variadic)
def optimizers(
    images: Images,
    bpp: Rates,
    json_out: Lines,
    extractor: Annotated[str, typer.Option(help="Who reads the bits.")] = "cnn",
    crop: Crop = None,
    settings: Settings = None,
    device: Device = "auto",
) -> None:
    """Compare the solvers on the same pictures, extractor and bits."""
    from ..benchmark.optimizers import COLUMNS, compare
    from ..plugins.wiring import Engine

    found = _pictures(images, json_out)
    rows = compare(
        Engine(device=device),
        found,
        bpp,
        crop=size_of(crop),
        extractor=extractor,
        set=settings_of(settings),
    )
    _finish(rows, None, COLUMNS, json_out)


@bench.command()
def generators(
    data: Annotated[Path, typer.Option(help="Real fields, of which every 8th is held out.")],
    json_out: Lines,
    family: Annotated[Literal["weather"], typer.Option(help="Which generator.")] = "weather",
    count: Annotated[int, typer.Option(min=2, help="Draws for each real one.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Repeats the draws.")] = 0,
    figure: Annotated[Path | None, typer.Option(help="Picture of the distributions.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Picture of some samples.")] = None,
    page: Annotated[Path | None, typer.Option(help="Markdown with the tables.")] = None,
) -> None:
    """Compare what a generator draws with real fields that it was not trained on."""
    from rich.progress import track

    from ..benchmark import generators_weather
    from ..benchmark.figure import check_figure
    from ..benchmark.generators import COLUMNS
    from ..benchmark.generators import page as written
    from ..core.publish import check_writable, write_file

    families = {"weather": generators_weather}
    for path in (json_out, figure, sheet, page):
        if path is not None:
            check_writable(path, force=True)
    pictures = {"The distributions": figure, "Samples": sheet}
    for path in (figure, sheet):
        if path is not None:
            check_figure(path)
    quiet = not err.is_terminal
    bar = partial(track, description="drawing", console=err, transient=True, disable=quiet)
    found = families[family].measure(data, count, seed, bar)
    lines = "".join(json.dumps(row) + "\n" for row in found.rows())
    write_file(json_out, lines.encode(), force=True)
    if figure is not None:
        found.draw_figure(figure)
    if sheet is not None:
        found.draw_sheet(sheet)
    if page is not None:
        links = {name: relpath(path, page.parent) for name, path in pictures.items() if path}
        said = f"stegafield bench generators --family {family} --data {data.name}"
        said += f" --count {count} --seed {seed} --json ..."
        write_file(page, written(found, said, links).encode(), force=True)
    print_rows([{n: row[n] for n in ("kind", *COLUMNS)} for row in found.rows()], False)


def _pictures(images: Path, json_out: Path) -> list[Path]:
    """The pictures to measure on, once it is sure that the result can be written."""
    from ..benchmark.fidelity import pictures
    from ..core.publish import check_writable

    check_writable(json_out, force=True)
    found = pictures(images)
    if not found:
        raise ConfigError("images", f"there is no picture in {images}.")
    return found


def _finish(
    rows: Iterable[dict[str, Any]], total: int | None, columns: Sequence[str], json_out: Path
) -> None:
    """Measure with a progress bar, save every row and print those that are no errors."""
    from rich.progress import track

    from ..core.publish import write_file

    quiet = not err.is_terminal
    done = list(track(rows, "measuring", total, console=err, transient=True, disable=quiet))
    write_file(json_out, "".join(json.dumps(row) + "\n" for row in done).encode(), force=True)
    print_rows([{n: row.get(n) for n in columns} for row in done if "error" not in row], False)
    for row in done:
        if "error" in row:
            err.print(f"{row['image']}: {row['error']}", markup=False)

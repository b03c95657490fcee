"""The commands `stegafield bench ...`: each measures, writes JSON lines and prints a table."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

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


@bench.command(cls=Variadic)
def law(
    samples: Annotated[list[int], typer.Option(help="Free samples of a file, one or more.")],
    sigma: Annotated[list[float], typer.Option(help="Noise in codes, one or more.")],
    json_out: Lines,
) -> None:
    """Print what the method `sample` costs: the KL bound of each rung, and the least noise it needs."""
    from ..benchmark.law import COLUMNS, table
    from ..core.publish import check_writable

    check_writable(json_out, force=True)
    _finish(table(samples, sigma), None, COLUMNS, json_out)


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

"""The commands `stegafield bench ...`: each measures, writes JSON lines and prints a table."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stegafield.cli.arguments import (
    Covers,
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
from stegafield.cli.edge import different, print_rows, settings_of, size_of, sizes_of
from stegafield.cli.program import Variadic, err
from stegafield.errors import ConfigError

bench = typer.Typer(no_args_is_help=True, help="Measure.")


@bench.command(cls=Variadic)
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
    """Fill every window with random bits, write the file, read it back: errors and distortion per cover and rate."""
    from stegafield.plugins.wiring import Engine

    from ..measure.fidelity import COLUMNS, FIELD_COLUMNS, measure

    if bool(bpp) == bool(bps):
        raise ConfigError("bpp", "or bps is needed, not both.", "Use --bpp for pictures.")
    if crop and carrier != "image":
        raise ConfigError("crop", f"is for pictures, not for the carrier {carrier!r}.")
    found = _pictures(covers, json_out) if carrier == "image" else _files(covers, json_out)
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


@bench.command(cls=Variadic)
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
    from stegafield.plugins.wiring import Engine

    from ..measure.optimizers import COLUMNS, DEFAULT_ARMS, compare

    found = _pictures(images, json_out)
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


@bench.command(cls=Variadic)
def law(
    samples: Annotated[list[int], typer.Option(help="Free samples of a file, one or more.")],
    sigma: Annotated[list[float], typer.Option(help="Noise in codes, one or more.")],
    json_out: Lines,
) -> None:
    """Print what the method `sample` costs: the KL bound of each rung, and the least noise it needs."""
    from stegafield.pipeline.writing import check_writable

    from ..measure.law import COLUMNS, table

    check_writable(json_out, force=True)
    finish(table(samples, sigma), None, COLUMNS, json_out)


@bench.command()
def curve(
    images: Images,
    json_out: Lines,
    figure: Annotated[Path | None, typer.Option(help="Draw the curves; needs matplotlib.")] = None,
    crop: Crop = None,
) -> None:
    """Measure `phase` at every rung from 0.05 to 4 bits per pixel beside its bound, LSB matching, HILL, the paper."""
    from stegafield.figures.stego import check_figure
    from stegafield.plugins.wiring import Engine

    from ..measure.curve import COLUMNS, draw, measure

    different("json", "figure", paths=(json_out, figure))
    found = _pictures(images, json_out)
    if figure is not None:
        check_figure(figure)
    rows = finish(measure(Engine(device="cpu"), found, crop=size_of(crop)), None, COLUMNS, json_out)
    if figure is not None:
        draw(rows, figure)


@bench.command(cls=Variadic)
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
    from stegafield.plugins.discovery import registry

    from ..measure import fit as fits

    different("json", "figure", paths=(json_out, figure))
    if crop and carrier != "image":
        raise ConfigError("crop", f"is for pictures, not for the carrier {carrier!r}.")
    found = _pictures(covers, json_out) if carrier == "image" else _files(covers, json_out)
    if figure is not None:
        check_figure(figure)
    chosen = {name.removeprefix("carrier."): v for name, v in settings_of(settings).items()}
    given: Any = {"carrier": carrier, "crop": size_of(crop), "settings": chosen}
    rows = fits.measure(registry(), found, share=share, hold_out=hold_out, seed=seed, **given)
    finish(rows, len(found), fits.COLUMNS, json_out)
    if figure is not None:
        fits.draw(*fits.taken(registry(), found[0], **given), figure, seed, hold_out)


@bench.command(cls=Variadic)
def speed(
    json_out: Lines,
    size: Annotated[
        list[str] | None, typer.Option(metavar="HxW", help="Sizes of RGB pictures.")
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option(metavar="TxHxW", help="Sizes of packed fields.")
    ] = None,
    minutes: Annotated[
        list[float] | None, typer.Option(min=0.001, help="Lengths of 44.1 kHz stereo sound.")
    ] = None,
    carrier: Annotated[
        str | None, typer.Option(help="One that draws covers, of the sizes; instead of pictures.")
    ] = None,
    bpp: Annotated[float, typer.Option(help="Bits per pixel, of pictures.")] = 1.0,
    bps: Annotated[float, typer.Option(help="Bits per sample, of fields and sounds.")] = 1.0,
    repeats: Annotated[int, typer.Option(min=1, help="Of each, for medians.")] = 5,
    settings: Settings = None,
) -> None:
    """Time embedding, reading and the codec on covers that are made up, with peak memory and a linear fit."""
    from stegafield.core.carrier import draws
    from stegafield.pipeline.writing import check_writable
    from stegafield.plugins.discovery import registry

    from ..measure import speed as timing

    check_writable(json_out, force=True)
    asked = size or field or minutes
    sizes = sizes_of(size, 2) if asked else timing.SIZES
    if carrier is None:
        cases = timing.pictures(sizes, bpp)
    else:
        found = registry().get("carrier", carrier)
        if not draws(found):
            raise ConfigError("carrier", f"{carrier!r} draws no covers.", "Use celeba or era5.")
        rates = {"bpp": bpp, "bps": bps}
        cases = timing.drawn(carrier, sizes, found.rate_unit, rates[found.rate_unit])
    cases += [timing.field(one, bps) for one in sizes_of(field, 3)]
    cases += [timing.sound(one, bps) for one in minutes or ()]
    rows = finish(
        timing.measure(cases, repeats, settings_of(settings)), None, timing.COLUMNS, json_out
    )
    print_rows([row for row in rows if "ns_per_sample" in row], False)


@bench.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of JSON lines that bench wrote.")],
    out: Annotated[Path, typer.Option(help="The page to write, in Markdown.")],
    json_out: Annotated[
        Path | None, typer.Option("--json", metavar="OUT.jsonl", help="What the page needs, alone.")
    ] = None,
) -> None:
    """Write the page of all measurements in a folder: distributions over covers, or who was detected."""
    from stegafield.pipeline.writing import check_writable, write_file

    from ..pages import benchmarks, detection
    from ..pages.summary import read, summarise, understood

    different("out", "json", paths=(out, json_out))
    for path in (out, json_out):
        if path is not None:
            check_writable(path, force=True)
    with understood(folder):
        found = list(read(folder))
        if any("detector" in row for _, row in found):
            lines, made = [{"set": name, **row} for name, row in found], detection.page
        else:
            lines, made = summarise(found), benchmarks.page
        text = made(lines).encode()
    if json_out is not None:
        write_file(json_out, lines_of(lines), force=True)
    write_file(out, text, force=True)


@bench.command()
def risk(
    folder: Annotated[Path, typer.Argument(help="Folder of JSON lines that bench detect wrote.")],
    out: Annotated[Path, typer.Option(help="The table to write, as JSON.")],
) -> None:
    """Collect what was measured of the package's own methods: the table that `hide` tells risks from.

    Rows of carriers that are not installed are left out.
    """
    from stegafield.pipeline.writing import check_writable, write_file
    from stegafield.plugins.discovery import registry

    from ..measure.risk_table import collected
    from ..pages.summary import read, understood

    check_writable(out, force=True)
    known = registry().names("carrier")
    with understood(folder):
        measured = collected(row for _, row in read(folder))
    lines = [row.model_dump_json() for row in measured if row.carrier in known]
    if not lines:
        raise ConfigError("folder", f"{folder} has no rows that say how files were made.")
    write_file(out, ("[\n" + ",\n".join(lines) + "\n]\n").encode(), force=True)


def _pictures(images: Path, json_out: Path) -> list[Path]:
    """The pictures to measure on, once it is sure that the result can be written."""
    _files(images, json_out)
    return pictures_in(images)


def pictures_in(images: Path) -> list[Path]:
    """The pictures of a folder; `ConfigError` where there is none."""
    from ..measure.fidelity import pictures

    found = pictures(images)
    if not found:
        raise ConfigError("images", f"there is no picture in {images}.")
    return found


def _files(covers: Path, json_out: Path) -> list[Path]:
    """All files of a folder, once it is sure that the result can be written."""
    from stegafield.pipeline.writing import check_writable

    check_writable(json_out, force=True)
    found = sorted(path for path in covers.iterdir() if path.is_file())
    if not found:
        raise ConfigError("covers", f"there is no file in {covers}.")
    return found


def lines_of(rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def finish(
    rows: Iterable[dict[str, Any]], total: int | None, columns: Sequence[str], json_out: Path
) -> list[dict[str, Any]]:
    """Measure with a progress bar, save every row and print those that are no errors. Ctrl-C keeps what there is."""
    from rich.progress import track

    from stegafield.pipeline.writing import write_file

    quiet = not err.is_terminal
    done: list[dict[str, Any]] = []
    try:
        done.extend(track(rows, "measuring", total, console=err, transient=True, disable=quiet))
    finally:
        if done:
            write_file(json_out, lines_of(done), force=True)
    shown = [row for row in done if "error" not in row and columns[0] in row]
    print_rows([{name: row.get(name) for name in columns} for row in shown], False)
    for row in done:
        if "error" in row:
            name = row.get(columns[0]) or row.get("source")
            err.print(f"{name}: {row['error']}", markup=False)
    return done

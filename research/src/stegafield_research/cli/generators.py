"""`stegafield bench generators`: what models draw beside what is real."""

from functools import partial
from os.path import relpath
from pathlib import Path
from typing import Annotated, Literal

import typer

from stegafield.cli.edge import print_rows
from stegafield.cli.program import err
from stegafield.errors import ConfigError

from .arguments import Lines
from .rows import lines_of


def generators(
    data: Annotated[Path, typer.Option(help="Real fields or faces; those held out are compared.")],
    json_out: Lines,
    family: Annotated[
        Literal["weather", "faces"], typer.Option(help="Which generator.")
    ] = "weather",
    model: Annotated[Path | None, typer.Option(help="Folder of another model of faces.")] = None,
    beside: Annotated[
        str | None, typer.Option(metavar="NAME=FOLDER", help="Faces: a model for columns beside.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=2, help="Draws: faces, or fields for each real one.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Repeats the draws.")] = 0,
    figure: Annotated[Path | None, typer.Option(help="Picture of the distributions.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Picture of some samples.")] = None,
    neighbours: Annotated[
        Path | None, typer.Option(help="Faces: picture of the nearest ones of the training.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Markdown with the tables.")] = None,
) -> None:
    """Compare what a generator draws with real fields that it was not trained on."""
    from rich.progress import track

    from stegafield.figures.stego import check_figure
    from stegafield.pipeline.writing import check_writable, write_file

    from ..generators import faces, weather
    from ..generators.comparison import COLUMNS, OTHER
    from ..generators.comparison import page as written

    measure = {"weather": weather, "faces": faces}[family].measure
    count = count or {"weather": 50, "faces": 1000}[family]
    if model is not None or beside is not None:
        if family != "faces":
            raise ConfigError("model", f"there is no other model of {family}.")
        from stegafield.generators.checkpoint import from_pretrained

        if model is not None:
            measure = partial(measure, model=from_pretrained(model))
        if beside is not None:
            name, split, folder = beside.partition("=")
            if not (name and split and folder):
                raise ConfigError("beside", f"{beside!r} is no NAME=FOLDER.")
            measure = partial(measure, other=(name, from_pretrained(Path(folder))))
    for path in (json_out, figure, sheet, neighbours, page):
        if path is not None:
            check_writable(path, force=True)
    pictures = {"The distributions": figure, "Samples": sheet}
    for path in (figure, sheet, neighbours):
        if path is not None:
            check_figure(path)
    quiet = not err.is_terminal
    bar = partial(track, description="drawing", console=err, transient=True, disable=quiet)
    found = measure(data, count, seed, bar)
    write_file(json_out, lines_of(found.rows()), force=True)
    if figure is not None:
        found.draw_figure(figure)
    if sheet is not None:
        found.draw_sheet(sheet)
    if sheet is not None and found.draw_other is not None:
        besides = sheet.with_stem(f"{sheet.stem}-beside")
        found.draw_other(besides)
        pictures[f"Samples of {found.other}"] = besides
    if neighbours is not None and found.draw_neighbours is not None:
        found.draw_neighbours(neighbours)
    if page is not None:
        links = {name: relpath(path, page.parent) for name, path in pictures.items() if path}
        said = f"stegafield bench generators --family {family} --data {data.name}"
        said += f" --beside '{beside}'" if beside else ""
        said += f" --count {count} --seed {seed} --json ..."
        write_file(page, written(found, said, links).encode(), force=True)
    shown = ("kind", *COLUMNS, *(OTHER if found.other else ()))
    print_rows([{n: row[n] for n in shown} for row in found.rows()], False)

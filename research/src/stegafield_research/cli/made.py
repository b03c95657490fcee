"""`stegafield bench report` and `risk`: what is made from rows, pages and the table of risks."""

from pathlib import Path
from typing import Annotated

import typer

from stegafield.errors import ConfigError

from .rows import lines_of


def report(
    folder: Annotated[Path, typer.Argument(help="Folder of JSON lines that bench wrote.")],
    out: Annotated[Path, typer.Option(help="The page to write, in Markdown.")],
    json_out: Annotated[
        Path | None, typer.Option("--json", metavar="OUT.jsonl", help="What the page needs, alone.")
    ] = None,
) -> None:
    """Write the page of the measurements in a folder: distributions over covers, or detection."""
    from stegafield.pipeline.writing import check_apart, check_writable, write_file

    from ..pages import benchmarks, detection
    from ..pages.summary import read, summarise, understood

    check_apart({"out": out, "json": json_out}, {})
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


def risk(
    folder: Annotated[Path, typer.Argument(help="Folder of JSON lines that bench detect wrote.")],
    out: Annotated[Path, typer.Option(help="The table to write, as JSON.")],
) -> None:
    """Make the table that `hide` tells risks from, of what `bench detect` measured of its methods.

    Rows of carriers that are not installed are left out.
    """
    from stegafield.pipeline.writing import check_writable, write_file
    from stegafield.plugins.discovery import registry

    from ..measure.risk_table import collected
    from ..pages.summary import read, understood

    check_writable(out, force=True)
    known = registry().names("carrier")
    with understood(folder):
        measured = collected(read(folder))
    lines = [row.model_dump_json() for row in measured if row.carrier in known]
    if not lines:
        raise ConfigError("folder", f"{folder} has no rows that say how files were made.")
    write_file(out, ("[\n" + ",\n".join(lines) + "\n]\n").encode(), force=True)

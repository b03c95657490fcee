"""`stegafield bench files`: what happens to anyone's files."""

from pathlib import Path
from typing import Annotated

import typer

from stegafield.errors import ConfigError

from .arguments import Lines
from .rows import finish


def files(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of files, of any kind.")],
    json_out: Lines,
    page: Annotated[
        str | None, typer.Option(metavar="PAGE.md", help="Write the tables into this page.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Limit for each file.")] = 60.0,
) -> None:
    """Hide in each file of a folder and read it back: kept, noted, refused and why, escaped."""
    from stegafield.pipeline.writing import check_apart, check_writable, write_file

    from ..measure import files as field

    found = field.files_in(folder)
    if not found:
        raise ConfigError("folder", f"there is no file in {folder}.", "Name a folder of files.")
    for path in filter(None, (json_out, page)):
        check_writable(path, force=True)
    for one in found:
        check_apart({"json": json_out, "page": page}, {"file": one})
    rows = finish(field.measure(found, seconds), len(found), field.COLUMNS, json_out)
    if page is not None:
        text = Path(page).read_text(encoding="utf-8") if Path(page).exists() else ""
        write_file(page, field.written_into(text, field.page(rows)).encode(), force=True)

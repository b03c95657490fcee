"""What the commands of `bench` share: covers are found; rows are measured, saved and printed."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from stegafield.cli.edge import print_rows
from stegafield.cli.program import err
from stegafield.errors import ConfigError


def files_in(covers: Path) -> list[Path]:
    """All files of a folder; `ConfigError` where there is none."""
    found = sorted(path for path in covers.iterdir() if path.is_file())
    if not found:
        raise ConfigError("covers", f"there is no file in {covers}.")
    return found


def pictures_in(images: Path) -> list[Path]:
    """The pictures of a folder; `ConfigError` where there is none."""
    from ..measure.fidelity import pictures

    found = pictures(images)
    if not found:
        raise ConfigError("images", f"there is no picture in {images}.")
    return found


def lines_of(rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def finish(
    rows: Iterable[dict[str, Any]], total: int | None, columns: Sequence[str], json_out: Path
) -> list[dict[str, Any]]:
    """Measure with a progress bar, save every row, print those without an error.

    Ctrl-C keeps the rows that there are.
    """
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

"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", "-k", help="Key file made by `stegafield keygen`."),
]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", "-p", help="File that holds a passphrase.")
]
Size = Annotated[
    str | None, typer.Option(metavar="HxW", help="Size of a generated or resampled cover.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="PART.OPTION=VALUE", help="Further options.")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[
    str | None, typer.Option("--out", "-o", help="File to write; - is standard output.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]
"""Paths of files to write are text: a `Path` forgets the slash that names a folder."""
ConstantTime = Annotated[
    bool,
    typer.Option("--constant-time", help="Do the same work whatever is found; for services."),
]

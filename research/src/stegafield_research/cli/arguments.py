"""The options that several of these commands share."""

from pathlib import Path
from typing import Annotated

import typer

Images = Annotated[Path, typer.Option(help="Folder of pictures.")]
Covers = Annotated[Path, typer.Option("--images", "--covers", help="Folder of covers.")]
Rates = Annotated[list[float], typer.Option("--bpp", help="Bits per pixel, one or more.")]
Lines = Annotated[Path, typer.Option("--json", metavar="OUT.jsonl", help="One JSON line per row.")]
Crop = Annotated[str | None, typer.Option(metavar="HxW", help="Measure the central part only.")]
ExtractorName = Annotated[str | None, typer.Option(help="Who reads the bits; phase by default.")]
MethodName = Annotated[str | None, typer.Option(metavar="[project|sample|optimize]")]
Preset = Annotated[str, typer.Option(help="A named set of options.")]
Optimizer = Annotated[str | None, typer.Option(help="Solver for --method optimize.")]

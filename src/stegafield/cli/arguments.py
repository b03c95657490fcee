"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

KeyFile = Annotated[Path | None, typer.Option(help="Key file made by `stegafield keygen`.")]
PassphraseFile = Annotated[Path | None, typer.Option(help="File that holds a passphrase.")]
Size = Annotated[
    str | None, typer.Option(metavar="HxW", help="Size of a generated or resampled cover.")
]
Bpp = Annotated[float | None, typer.Option(help="Bits per pixel.")]
Bps = Annotated[float | None, typer.Option(help="Bits per element.")]
MaxRisk = Annotated[
    float | None,
    typer.Option(metavar="P_E", help="Refuse if detectors are expected to err less than this."),
]
CoverFile = Annotated[Path | None, typer.Option(help="Your own cover.")]
AsFunction = Annotated[
    bool, typer.Option("--as-function", help="Fit a function to --cover; use noisy samples of it.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="PART.OPTION=VALUE", help="Further options.")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[str | None, typer.Option(help="File to write; - is standard output.")]
ExtractorName = Annotated[str | None, typer.Option(help="Who reads the bits; phase by default.")]
MethodName = Annotated[str | None, typer.Option(metavar="[project|sample|optimize]")]
Preset = Annotated[str, typer.Option(help="A named set of options.")]
Optimizer = Annotated[str | None, typer.Option(help="Solver for --method optimize.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]
Images = Annotated[Path, typer.Option(help="Folder of pictures.")]
Covers = Annotated[Path, typer.Option("--images", "--covers", help="Folder of covers.")]
Rates = Annotated[list[float], typer.Option("--bpp", help="Bits per pixel, one or more.")]
Lines = Annotated[Path, typer.Option("--json", metavar="OUT.jsonl", help="One JSON line per row.")]
Crop = Annotated[str | None, typer.Option(metavar="HxW", help="Measure the central part only.")]

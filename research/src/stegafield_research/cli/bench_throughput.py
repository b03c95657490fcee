"""`stegafield bench throughput`: covers a second of the optimizer path, beside what the device could do."""

from typing import Annotated

import typer

from stegafield.cli.arguments import Device, Lines
from stegafield.cli.edge import sizes_of

from .bench import finish


def throughput(
    json_out: Lines,
    size: Annotated[list[str], typer.Option(metavar="HxW", help="Of the covers, one or more.")],
    batch: Annotated[list[int], typer.Option(min=1, help="Covers solved at once, one or more.")],
    bpp: Annotated[int, typer.Option(min=1, help="Bits per pixel.")] = 1,
    history: Annotated[
        int, typer.Option(min=1, max=100, help="Pairs that L-BFGS remembers; they are its memory.")
    ] = 10,
    device: Device = "auto",
) -> None:
    """Time `lbfgs` on `cnn` (norm=batch), batch by batch, beside the rates of products and copies on the device."""
    from stegafield.pipeline.writing import check_writable
    from stegafield.plugins.wiring import Engine

    from ..measure.throughput import COLUMNS, measure

    check_writable(json_out, force=True)
    rows = measure(Engine(device=device), sizes_of(size, 2), batch, bpp=bpp, history=history)
    finish(rows, len(size) * len(batch), COLUMNS, json_out)

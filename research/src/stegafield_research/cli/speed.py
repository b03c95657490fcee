"""`stegafield bench speed` and `throughput`: time for one cover, and for many at once."""

from typing import Annotated

import typer

from stegafield.cli.arguments import Device, Settings
from stegafield.cli.edge import print_rows, settings_of, sizes_of
from stegafield.errors import ConfigError

from .arguments import Lines
from .rows import finish


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
    """Time embedding, reading and the codec on made-up covers, with memory and a linear fit."""
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
    """Time `lbfgs` on `cnn` (norm=batch) in batches, beside what the device could do at most."""
    from stegafield.pipeline.writing import check_writable
    from stegafield.plugins.wiring import Engine

    from ..measure.throughput import COLUMNS, measure

    check_writable(json_out, force=True)
    rows = measure(Engine(device=device), sizes_of(size, 2), batch, bpp=bpp, history=history)
    finish(rows, len(size) * len(batch), COLUMNS, json_out)

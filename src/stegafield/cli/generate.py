"""The commands that draw covers, and that train what draws them: sample, train, convert."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ConfigError
from ..progress import report as progress
from .arguments import Device, Force, Settings, Size
from .asks import Asking, asks
from .edge import settings_of, size_of
from .program import Variadic, say
from .waiting import busy

generate = typer.Typer()

Data = Annotated[Path, typer.Option(help="Folder, archive or file with the training items.")]
RunFolder = Annotated[Path, typer.Option(help="Folder of the run.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Stop after this step.")]
Devices = Annotated[int, typer.Option(min=1, help="How many; data parallel.")]


@generate.command(cls=Asking)
@asks("SampleRequest", without=("format",))
def sample(
    out: Annotated[Path, typer.Option(help="Folder for the covers.")],
    wishes: dict[str, Any],
    figure: Annotated[str | None, typer.Option(help="Draw the first 64 on one sheet.")] = None,
    force: Force = False,
    device: Device = "auto",
) -> None:
    """Write plain covers: the files that `hide` would hide something in."""
    from ..core.carrier import formats
    from ..pipeline.medium import carrier_of
    from ..pipeline.request import SampleRequest
    from ..pipeline.writing import check_apart, check_folder, check_writable, write_file
    from ..plugins.wiring import Engine
    from . import front

    engine, cover, count = Engine(device=device), wishes["cover"], wishes["count"]
    front.check_cover(cover)
    if wishes["carrier"] is None and cover is not None:
        wishes["carrier"], wishes["cover"] = carrier_of(engine.registry, cover)
    if wishes["carrier"] is None:
        problem = "is missing."
        raise ConfigError("carrier", problem, 'Name one that draws covers: carrier="era5".')
    carrier = wishes["carrier"]
    if count < 1:
        raise ConfigError("count", f"{count} is none.", "Give one or more.")
    channels = formats(engine.registry.get("carrier", carrier))
    named = [c for c in channels if c.name == wishes["set"].get("carrier.format")] or channels
    width, suffix = len(str(count - 1)), named[0].suffixes[0]
    files = [out / f"{number:0{width}}{suffix}" for number in range(count)]
    check_apart({"figure": figure}, {"cover": cover})
    for file in files:
        check_apart({"out": file, "figure": figure}, {"cover": cover})
    if figure is not None:
        from ..figures.stego import check_figure

        check_writable(figure, force=force)
        check_figure(figure)
    check_folder(out)
    for file in files if out.exists() else ():
        check_writable(file, force=force)
    format = named[0].name if len(channels) > 1 else None  # what the files are called
    drawn = engine.sample(SampleRequest(**wishes, format=format))
    shown = []
    with busy("drawing"):
        for number, (file, (item, data)) in enumerate(zip(files, drawn, strict=True), 1):
            progress("covers", number, count)
            out.mkdir(parents=True, exist_ok=True)  # none is left where nothing could be drawn
            write_file(file, data, force=force)
            shown += [(item, data)] if len(shown) < 64 and figure is not None else []
    if figure is not None and carrier == "era5":
        from ..figures.maps import draw_files

        draw_files((data for _, data in shown), figure)
    elif figure is not None:
        from ..figures.stego import draw_sheet

        draw_sheet([item for item, _ in shown], figure)
    say(f"wrote {count} plain covers to {out}")


@generate.command(cls=Variadic)
def train(
    config: Annotated[str, typer.Option(help="celeba64, era5, ..., or a .toml file.")],
    data: Data,
    out: RunFolder,
    resume: Resume = False,
    steps: Steps = None,
    settings: Settings = None,
    device: Device = "auto",
    devices: Devices = 1,
) -> None:
    """Train a generator."""
    run_training(
        config,
        data,
        out,
        resume=resume,
        steps=steps,
        settings=settings,
        device=device,
        devices=devices,
    )


def run_training(
    config: str,
    data: Path,
    out: Path,
    *,
    resume: bool,
    steps: int | None,
    settings: list[str] | None,
    device: str,
    devices: int,
    **where: Any,
) -> None:
    """What `train` does; `where` says which recipes and configs there are, as for
    `training.config.read`."""
    from ..extras import need

    need("torch", "torch")
    need("safetensors", "torch")
    need("lightning_fabric", "train")
    from ..training import config as configs
    from ..training.data import load
    from ..training.loop import train as run

    first = os.environ.get("LOCAL_RANK", "0") == "0"  # Fabric starts one process for each device
    chosen = configs.read(config, settings_of(settings), **where)
    with busy("reading the data"):
        items = load(data, chosen)
    with busy("training") if first else nullcontext():
        done: Any = run(
            chosen,
            items,
            out,
            resume=resume,
            steps=steps,
            device=device,
            devices=devices,
        )
    if first:
        told = f"{done.step} steps on {len(items)} items in {done.seconds:.0f} s"
        say(f"{told}; the model is in {out / 'model'}")


@generate.command()
def convert(
    file: Annotated[Path, typer.Argument(help="model.pt of the official GASP code.")],
    out: Annotated[Path, typer.Option(help="Folder for the model.")],
    size: Size = None,
) -> None:
    """Convert an official GASP checkpoint; nothing in it is run."""
    from ..extras import need

    need("torch", "torch")
    need("safetensors", "torch")
    from ..generators.checkpoint import CONFIG, save_pretrained
    from ..generators.convert import from_official

    if (out / CONFIG).exists():
        raise ConfigError("out", f"there is a model in {out}.", "Choose another folder.")
    save_pretrained(from_official(file, size_of(size)), out)
    say(f"wrote {out}")

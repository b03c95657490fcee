"""The commands: each is a few lines over the Python API."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..errors import ConfigError, NoMessage
from .arguments import (
    AsFunction,
    AsJson,
    Bpp,
    Bps,
    CoverFile,
    Device,
    ExtractorName,
    Force,
    KeyFile,
    MaxRisk,
    MethodName,
    Optimizer,
    Out,
    PassphraseFile,
    Preset,
    Settings,
    Size,
)
from .detect import detect
from .edge import (
    busy,
    different,
    fitting,
    key_of,
    message_bytes,
    not_stream,
    print_rows,
    printable,
    save_report,
    settings_of,
    size_of,
    summary,
)
from .generate import generate
from .program import Program, Variadic, err

app = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it would print local variables, and they may hold keys
    help="Hide messages in pictures, weather and other fields, and reveal them.",
)
app.add_typer(generate)
app.command()(detect)


@app.callback()
def program(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Hide messages in pictures, weather and other fields, and reveal them."""
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def keygen(key_file: Path) -> None:
    """Write a fresh key to a new file that only you can read."""
    from ..message.key import Key

    not_stream("key-file", key_file)
    try:
        Key.generate().save(key_file)
    except FileExistsError:
        raise FileExistsError(f"{key_file} exists; a key is never overwritten") from None
    err.print(f"wrote {key_file}: whoever has it reads every message hidden with it", markup=False)


@app.command(cls=Variadic)
def hide(
    ctx: typer.Context,
    carrier: Annotated[str, typer.Option(help="The medium; `stegafield carriers` lists them.")],
    out: Annotated[str, typer.Option(help="File to write; - is standard output.")],
    message: Annotated[str | None, typer.Option(help="The message as text.")] = None,
    message_file: Annotated[
        str | None, typer.Option(help="File with the message; - is standard input.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="File name to hide with the message.")] = None,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    force: Force = False,
    cover: CoverFile = None,
    as_function: AsFunction = False,
    size: Size = None,
    bpp: Bpp = None,
    bps: Bps = None,
    extractor: ExtractorName = None,
    method: MethodName = None,
    optimizer: Optimizer = None,
    preset: Preset = "default",
    max_risk: MaxRisk = None,
    seed: Annotated[
        int | None, typer.Option(help="Repeat a generated cover but for its noise; for tests.")
    ] = None,
    settings: Settings = None,
    device: Device = "auto",
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw cover, stego and difference.")] = None,
) -> None:
    """Hide a message; the file is read back before it is written."""
    from ..core.carrier import format_of
    from ..pipeline.writing import check_writable, write_file
    from ..plugins.wiring import Engine

    engine, format = Engine(device=device), None
    if out == "-" and sys.stdout.isatty():
        raise ConfigError("out", "is a terminal.", "Redirect standard output, or give a file.")
    if out != "-":
        format = format_of(engine.registry.get("carrier", carrier), out)
        check_writable(out, force=force)
    for path in filter(None, (report, figure)):
        check_writable(path, force=force)
    if figure is not None:
        from ..figures.stego import check_figure

        check_figure(figure)
    for option, path in (("report", report), ("figure", figure), ("cover", cover)):
        not_stream(option, path)
    different("out", "report", "figure", paths=(out, report, figure))
    ctx.find_root().obj = lambda found: save_report(report, found)
    content = message_bytes(message, message_file)
    key = key_of(key_file, passphrase_file, confirm=True, stdin_taken=message_file == "-")
    with (fitting if as_function else busy)("hiding"):
        stego = engine.hide(
            content,
            carrier=carrier,
            key=key,
            cover=cover,
            name=name,
            size=size_of(size),
            format=format,
            as_function=as_function,
            bpp=bpp,
            bps=bps,
            extractor=extractor,
            method=method,
            optimizer=optimizer,
            preset=preset,
            max_risk=max_risk,
            seed=seed,
            set=settings_of(settings),
        )
    if out == "-":
        sys.stdout.buffer.write(stego.data)
        sys.stdout.buffer.flush()
    else:
        write_file(out, stego.data, force=force)
    save_report(report, stego.report)
    if figure is not None:
        from ..figures.stego import draw

        draw(stego, figure)
    summary(stego.report, "standard output" if out == "-" else out)


@app.command()
def reveal(
    file: str,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    out: Out = None,
    force: Force = False,
) -> None:
    """Print or save the message of a file."""
    from ..pipeline.writing import check_writable, write_file

    if out not in (None, "-"):
        check_writable(out, force=force)
    found = _reveal(file, key_file, passphrase_file)
    if found.name:
        err.print(f"file name hidden with the message: {found.name!r}", markup=False)
    if out not in (None, "-"):
        write_file(out, found, force=force)
    elif out is None and sys.stdout.isatty():
        if not printable(found):
            raise ConfigError(
                "out",
                f"the message is {len(found)} bytes that are not text.",
                "Save it with --out FILE.",
            )
        print(found.decode())
    else:
        sys.stdout.buffer.write(found)
        sys.stdout.buffer.flush()


@app.command()
def check(
    file: str,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Say whether the message is still in this copy (exit code 0) or not (3)."""
    try:
        found = _reveal(file, key_file, passphrase_file)
    except NoMessage:
        if as_json:
            print(json.dumps({"found": False}))
        raise
    if as_json:
        print(json.dumps({"found": True, "bytes": len(found), "name": found.name}))
    else:
        print(f"the message is there: {len(found)} bytes")


@app.command(cls=Variadic)
def capacity(
    carrier: Annotated[str, typer.Option(help="The medium.")],
    cover: CoverFile = None,
    as_function: AsFunction = False,
    size: Size = None,
    bpp: Bpp = None,
    bps: Bps = None,
    extractor: ExtractorName = None,
    method: MethodName = None,
    max_risk: MaxRisk = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Print the largest message in bytes, at a rate or at the most."""
    from ..plugins.wiring import Engine

    with (fitting if as_function else busy)("measuring"):
        room = Engine().capacity(
            carrier=carrier,
            cover=cover,
            size=size_of(size),
            as_function=as_function,
            bpp=bpp,
            bps=bps,
            extractor=extractor,
            method=method,
            max_risk=max_risk,
            set=settings_of(settings),
        )
    print(json.dumps({"bytes": room}) if as_json else room)


@app.command()
def carriers(as_json: AsJson = False) -> None:
    """List the media that are installed."""
    from ..core.carrier import draws, formats, opens
    from ..plugins.discovery import registry

    rows = [
        {
            "name": found.name,
            "takes_a_cover": opens(found),
            "draws_covers": draws(found),
            "writes": [suffix for channel in formats(found) for suffix in channel.suffixes],
            "options": list(found.Options.model_fields),
            "about": (found.__doc__ or "").partition("\n")[0],
        }
        for found in registry().all("carrier")
    ]
    print_rows(rows, as_json)


@app.command()
def plugins(as_json: AsJson = False) -> None:
    """List what is installed, and what is broken and why."""
    from ..plugins.discovery import registry

    found = registry()
    problems = {str(name): str(cause) for name, cause in found.broken.items()}
    clashes = [str(clash) for clash in found.duplicates()]
    rows = [
        {"plugin": owner, "kind": kind, "name": name} for owner, kind, name in sorted(found.owned())
    ]
    if as_json:
        print(json.dumps({"plugins": rows, "broken": problems, "duplicates": clashes}))
        return
    print_rows(rows, as_json=False)
    for name, cause in problems.items():
        print(f"broken: {name}: {cause}")
    for clash in clashes:
        print(f"duplicate: {clash}")


def _reveal(file: str, key_file: Path | None, passphrase_file: Path | None) -> Any:
    from ..plugins.wiring import Engine

    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    key = key_of(key_file, passphrase_file, confirm=False, stdin_taken=file == "-")
    with busy("revealing"):
        return Engine().reveal(data, key=key)

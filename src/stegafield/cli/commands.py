"""The commands: each is a few lines over the Python API."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..errors import ConfigError, NoMessage
from .arguments import AsJson, Device, Force, KeyFile, Out, PassphraseFile
from .asks import Asking, asks
from .detect import detect
from .edge import (
    busy,
    different,
    key_of,
    message_bytes,
    not_stream,
    print_rows,
    printable,
    save_report,
    summary,
)
from .generate import generate
from .program import Program, err

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
    told = f"wrote {key_file}: anyone who has it reads every message hidden with it"
    err.print(told, markup=False)


@app.command(cls=Asking)
@asks("Request", without=("message", "key", "rng", "format"))
def hide(
    ctx: typer.Context,
    out: Annotated[str, typer.Option(help="File to write; - is standard output.")],
    wishes: dict[str, Any],
    message: Annotated[str | None, typer.Option(help="The message as text.")] = None,
    message_file: Annotated[
        str | None, typer.Option(help="File with the message; - is standard input.")
    ] = None,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    force: Force = False,
    device: Device = "auto",
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw cover, stego and difference.")] = None,
) -> None:
    """Hide a message; the file is read back before it is written."""
    from ..core.carrier import format_of
    from ..pipeline.request import Request
    from ..pipeline.writing import check_writable, write_file
    from ..plugins.wiring import Engine

    engine, format = Engine(device=device), None
    if out == "-" and sys.stdout.isatty():
        raise ConfigError("out", "is a terminal.", "Redirect standard output, or give a file.")
    if out != "-":
        format = format_of(engine.registry.get("carrier", wishes["carrier"]), out)
        check_writable(out, force=force)
    for path in filter(None, (report, figure)):
        check_writable(path, force=force)
    if figure is not None:
        from ..figures.stego import check_figure

        check_figure(figure)
    for option, path in (("report", report), ("figure", figure)):
        not_stream(option, path)
    different("out", "report", "figure", paths=(out, report, figure))
    ctx.find_root().obj = lambda found: save_report(report, found)
    content = message_bytes(message, message_file)
    key = key_of(key_file, passphrase_file, confirm=True, stdin_taken=message_file == "-")
    with busy("hiding"):
        stego = engine.hide(Request(**wishes, message=content, key=key, format=format))
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


@app.command(cls=Asking)
@asks("CapacityRequest", without=("format",))
def capacity(wishes: dict[str, Any], as_json: AsJson = False) -> None:
    """Print the largest message in bytes, at a rate or at the most."""
    from ..pipeline.request import CapacityRequest
    from ..plugins.wiring import Engine

    with busy("measuring"):
        room = Engine().capacity(CapacityRequest(**wishes))
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

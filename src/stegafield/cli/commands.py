"""The commands: each is a few lines over the Python API."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..errors import ConfigError, NoMessage
from .arguments import (
    AsJson,
    ConstantTime,
    Device,
    Force,
    KeyFile,
    Out,
    PassphraseFile,
    Settings,
)
from .asks import Asking, asks
from .detect import detect
from .edge import print_rows, printable, save_report, settings_of, show_info, summary
from .generate import generate
from .keys import check_keys, key_of, keyless, not_stream, read_input
from .plugins import plugins
from .program import Program, say
from .waiting import busy

app = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    invoke_without_command=True,
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
def keygen(key_file: str) -> None:
    """Write a fresh key to a new file that only you can read."""
    from ..message.key import Key
    from ..pipeline.writing import check_file_name

    not_stream("key-file", key_file)
    check_file_name(key_file)
    try:
        Key.generate().save(key_file)
    except FileExistsError:
        raise FileExistsError(f"{key_file} exists; a key is never overwritten") from None
    say(f"wrote {key_file}: anyone who has it reads every message hidden with it")


@app.command(cls=Asking)
@asks("Request", without=("message", "key", "rng", "format"))
def hide(
    ctx: typer.Context,
    wishes: dict[str, Any],
    first: Annotated[str | None, typer.Argument(metavar="[COVER]", help="File to hide in.")] = None,
    second: Annotated[str | None, typer.Argument(metavar="[MESSAGE]", help="Text to hide.")] = None,
    out: Out = None,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="The message as text.")
    ] = None,
    message_file: Annotated[
        str | None,
        typer.Option("--message-file", "-f", help="File with the message; - is standard input."),
    ] = None,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    force: Force = False,
    device: Device = "auto",
    report: Annotated[str | None, typer.Option(help="Write the report as JSON.")] = None,
    figure: Annotated[str | None, typer.Option(help="Draw cover, stego and difference.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    """Hide a message: `stegafield hide photo.png "meet at dawn" --out out.png`.

    The file is read back before it is written.
    """
    from ..core.carrier import format_of
    from ..pipeline.medium import carrier_of
    from ..pipeline.request import CapacityRequest, Request
    from ..pipeline.writing import check_apart, check_writable, write_file
    from ..plugins.wiring import Engine
    from . import front

    engine, format, named = Engine(device=device), None, wishes["carrier"]
    carrier = None if named is None else engine.registry.get("carrier", named)
    given = front.words_of_hide([first, second], wishes["cover"], carrier, message, message_file)
    without_key = keyless(key_file, passphrase_file)
    front.check_complete(given, carrier, message_file, out, without_key)
    assert out is not None
    not_stream("cover", given.cover)
    taken = "message" if message_file == "-" else ""
    check_keys(key_file, passphrase_file, stdin_taken=taken)
    front.check_cover(given.cover)
    secrets = {"key file": key_file, "passphrase file": passphrase_file}
    for option, path in (("report", report), ("figure", figure)):
        not_stream(option, path)
    more, written = {"report": report, "figure": figure}, None if out == "-" else out
    check_apart({"out": written, **more}, {**secrets, "message file": message_file})
    check_apart(more, {"cover": given.cover})  # its own stego may replace a cover
    if out == "-" and sys.stdout.isatty():
        raise ConfigError("out", "is a terminal.", "Redirect standard output, or give a file.")
    wishes = {**wishes, "cover": given.cover}
    if named is None:
        wishes["carrier"], wishes["cover"] = carrier_of(engine.registry, given.cover)
    if out != "-":
        format = format_of(engine.registry.get("carrier", wishes["carrier"]), out)
    asked = {name: wishes[name] for name in CapacityRequest.model_fields if name in wishes}
    engine.plan(CapacityRequest(**asked, format=format))  # before a passphrase is typed
    for path in filter(None, (written, report, figure)):
        check_writable(path, force=force)
    if figure is not None:
        from ..figures.stego import check_figure

        check_figure(figure)
    ctx.find_root().obj = lambda found: save_report(report, found)
    content = _message(given.message, message_file)
    key = key_of(key_file, passphrase_file, confirm=True, stdin_taken=taken)
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
    if not quiet:
        where = "standard output" if out == "-" else out
        summary(stego.report, where, own=given.cover is not None, verbose=verbose)


@app.command()
def reveal(
    file: str,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    out: Out = None,
    force: Force = False,
    constant_time: ConstantTime = False,
) -> None:
    """Print or save the message of a file."""
    from ..pipeline.writing import check_apart, check_writable, write_file

    if out not in (None, "-"):
        secrets = {"key file": key_file, "passphrase file": passphrase_file}
        check_apart({"out": out}, {"stego": file, **secrets})
        check_writable(out, force=force)
    found = _reveal(file, key_file, passphrase_file, constant_time)
    if found.name:
        say(f"file name hidden with the message: {found.name!r}")
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
    constant_time: ConstantTime = False,
) -> None:
    """Say whether the message is still in this copy (exit code 0) or not (3)."""
    try:
        found = _reveal(file, key_file, passphrase_file, constant_time)
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
def capacity(
    wishes: dict[str, Any],
    word: Annotated[Path | None, typer.Argument(metavar="[COVER]", help="File to hide in.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the largest message in bytes, at a rate or at the most."""
    from ..pipeline.request import CapacityRequest
    from ..plugins.wiring import Engine
    from . import front

    wishes = {**wishes, "cover": front.one_cover(word, wishes["cover"])}
    not_stream("cover", wishes["cover"])
    front.check_cover(wishes["cover"])
    with busy("measuring"):
        room = Engine().capacity(CapacityRequest(**wishes))
    print(json.dumps({"bytes": room}) if as_json else room)


@app.command()
def info(
    file: Path,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Say what a file is as a cover, and how much fits in it; no key is needed.

    Nothing is said of whether something is hidden in it.
    """
    from ..pipeline.info import look
    from ..plugins.wiring import Engine
    from . import front

    not_stream("file", file)
    front.check_cover(file)
    with busy("looking"):
        found = look(Engine(), file, settings_of(settings))
    if as_json:
        print(json.dumps(found.model_dump()))
    else:
        show_info(str(file), found)


@app.command()
def carriers(as_json: AsJson = False) -> None:
    """List the media that are installed, and their options."""
    from ..core.carrier import draws, formats, opens
    from ..core.options import listed
    from ..plugins.discovery import registry

    found = registry().all("carrier")
    rows = [
        {
            "name": one.name,
            "takes_a_cover": opens(one),
            "draws_covers": draws(one),
            "writes": [suffix for channel in formats(one) for suffix in channel.suffixes],
            "options": listed(one.Options),
            "about": (one.__doc__ or "").partition("\n")[0],
        }
        for one in found
    ]
    if as_json:
        print_rows(rows, as_json)
        return
    print_rows([{k: v for k, v in row.items() if k != "options"} for row in rows], as_json=False)
    print()
    options = [
        {"option": f"carrier.{option.pop('name')}", "of": row["name"], **option}
        for row in rows
        for option in row["options"]
    ]
    print_rows(options, as_json=False)


app.command()(plugins)


def _message(text: str | None, file: str | None) -> bytes:
    """The message of --message or --message-file."""
    if text is not None:
        return text.encode("utf-8", "surrogateescape")  # the bytes that were typed
    return read_input(file or "", "message-file")


def _reveal(
    file: str, key_file: Path | None, passphrase_file: Path | None, constant_time: bool
) -> Any:
    from ..core.artefact import check_file
    from ..plugins.wiring import Engine

    taken = "file" if file == "-" else ""
    check_keys(key_file, passphrase_file, stdin_taken=taken)
    check_file(Path(file))
    data = read_input(file, "file")
    key = key_of(key_file, passphrase_file, confirm=False, stdin_taken=taken)
    with busy("revealing"):
        return Engine().reveal(data, key=key, constant_time=constant_time)

"""The command line. Each command is a few lines over the Python API; exit codes are listed in docs/cli.md."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperCommand, TyperGroup

from .errors import (
    CapacityError,
    ConfigError,
    EmbeddingFailed,
    FormatError,
    NoMessage,
    PluginError,
    StegafieldError,
)

_EXITS: list[tuple[type[BaseException], int]] = [
    (NoMessage, 3),
    (CapacityError, 4),
    (FormatError, 5),
    (EmbeddingFailed, 6),
    (ConfigError, 2),
    (PluginError, 2),
    (OSError, 7),
    (KeyboardInterrupt, 130),
]
_MANY = ("--set", "--bpp")

_err = Console(stderr=True, highlight=False, soft_wrap=True)


class _Program(TyperGroup):
    """Turns errors into one sentence on standard error and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except tuple(kind for kind, _ in _EXITS) as error:
            code = next(code for kind, code in _EXITS if isinstance(error, kind))
            if code != 130:
                _err.print(f"stegafield: {_sentence(error)}", markup=False)
            if isinstance(error, EmbeddingFailed) and ctx.obj:
                ctx.obj(error.report)
            raise typer.Exit(code) from None


class _Variadic(TyperCommand):
    """Lets `--bpp 1 2 3` stand for `--bpp 1 --bpp 2 --bpp 3`, and the same for `--set`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse."""
        many = [name for name in _MANY if any(p.multiple for p in self.params if name in p.opts)]
        out, current = [], None
        for word in args:
            if word.startswith("--") or word == "-":
                current = word if word in many else None
                out.append(word)
                continue
            if current and out[-1] != current:
                out.append(current)
            out.append(word)
        return super().parse_args(ctx, out)


app = typer.Typer(
    cls=_Program,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it would print local variables, and they may hold keys
    help="Hide messages in pictures, weather and other fields, and reveal them.",
)
bench = typer.Typer(no_args_is_help=True, help="Measure.")
app.add_typer(bench, name="bench")

KeyFile = Annotated[Path | None, typer.Option(help="Key file made by `stegafield keygen`.")]
PassphraseFile = Annotated[Path | None, typer.Option(help="File that holds a passphrase.")]
Size = Annotated[str | None, typer.Option(metavar="HxW", help="Size of a generated or resampled cover.")]
Bpp = Annotated[float | None, typer.Option(help="Bits per pixel.")]
Bps = Annotated[float | None, typer.Option(help="Bits per sample.")]
CoverFile = Annotated[Path | None, typer.Option(help="Your own cover.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="PART.OPTION=VALUE", help="Further options.")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[str | None, typer.Option(help="File to write; - is standard output.")]
ExtractorName = Annotated[str | None, typer.Option(help="Who reads the bits; phase by default.")]
MethodName = Annotated[str | None, typer.Option(metavar="[project|sample|optimize]")]
Preset = Annotated[str, typer.Option(help="A named set of options.")]


@app.command()
def keygen(key_file: Path) -> None:
    """Write a fresh key to a new file that only you can read."""
    from .message.key import Key

    try:
        Key.generate().save(key_file)
    except FileExistsError:
        raise FileExistsError(f"{key_file} exists; a key is never overwritten") from None
    _err.print(f"wrote {key_file}: whoever has it reads every message hidden with it", markup=False)


@app.command(cls=_Variadic)
def hide(
    ctx: typer.Context,
    carrier: Annotated[str, typer.Option(help="The medium; `stegafield carriers` lists them.")],
    out: Annotated[str, typer.Option(help="File to write; - is standard output.")],
    message: Annotated[str | None, typer.Option(help="The message as text.")] = None,
    message_file: Annotated[str | None, typer.Option(help="File with the message; - is standard input.")] = None,
    name: Annotated[str | None, typer.Option(help="File name to hide with the message.")] = None,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    cover: CoverFile = None,
    size: Size = None,
    bpp: Bpp = None,
    bps: Bps = None,
    extractor: ExtractorName = None,
    method: MethodName = None,
    optimizer: Annotated[str | None, typer.Option(help="Solver for --method optimize.")] = None,
    preset: Preset = "default",
    seed: Annotated[int | None, typer.Option(help="Repeat a generated cover; for tests.")] = None,
    settings: Settings = None,
    device: Device = "auto",
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw cover, stego and difference.")] = None,
) -> None:
    """Hide a message; the file is read back before it is written."""
    from .core.stego import check_writable, write_file
    from .plugins.wiring import Engine

    engine = Engine(device=device)
    if out != "-":
        engine.registry.get("carrier", carrier).channel().check_suffix(out)
        check_writable(out, force=force)
    for path in filter(None, (report, figure)):
        check_writable(path, force=True)
    ctx.find_root().obj = lambda found: _save_report(report, found)
    content = _message(message, message_file)
    key = _key(key_file, passphrase_file, confirm=True, stdin_taken=message_file == "-")
    with _busy("hiding"):
        stego = engine.hide(
            content,
            carrier=carrier,
            key=key,
            cover=cover,
            name=name,
            size=_size(size),
            bpp=bpp,
            bps=bps,
            extractor=extractor,
            method=method,
            optimizer=optimizer,
            preset=preset,
            seed=seed,
            set=_settings(settings),
        )
    if out == "-":
        sys.stdout.buffer.write(stego.data)
        sys.stdout.buffer.flush()
    else:
        write_file(out, stego.data, force=force)
    _save_report(report, stego.report)
    if figure is not None:
        from .benchmark.figure import draw

        draw(stego, figure)
    _summary(stego.report, "standard output" if out == "-" else out)


@app.command()
def reveal(
    file: str,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    out: Out = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Print or save the message of a file."""
    from .core.stego import check_writable, write_file

    if out not in (None, "-"):
        check_writable(out, force=force)
    found = _reveal(file, key_file, passphrase_file)
    if found.name:
        _err.print(f"file name hidden with the message: {found.name!r}", markup=False)
    if out not in (None, "-"):
        write_file(out, found, force=force)
    elif out is None and sys.stdout.isatty():
        if not _printable(found):
            raise ConfigError("out", f"the message is {len(found)} bytes that are not text.", "Save it with --out FILE.")
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


@app.command(cls=_Variadic)
def capacity(
    carrier: Annotated[str, typer.Option(help="The medium.")],
    cover: CoverFile = None,
    size: Size = None,
    bpp: Bpp = None,
    bps: Bps = None,
    extractor: ExtractorName = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Print the largest message in bytes, at a rate or at the most."""
    from .plugins.wiring import Engine

    with _busy("measuring"):
        room = Engine().capacity(
            carrier=carrier,
            cover=cover,
            size=_size(size),
            bpp=bpp,
            bps=bps,
            extractor=extractor,
            set=_settings(settings),
        )
    print(json.dumps({"bytes": room}) if as_json else room)


@app.command()
def carriers(as_json: AsJson = False) -> None:
    """List the media that are installed."""
    from .core.carrier import draws, opens
    from .plugins.discovery import registry

    rows = [
        {
            "name": found.name,
            "takes_a_cover": opens(found),
            "draws_covers": draws(found),
            "writes": list(found.channel.suffixes),
            "options": list(found.Options.model_fields),
            "about": (found.__doc__ or "").partition("\n")[0],
        }
        for found in registry().all("carrier")
    ]
    _print_rows(rows, as_json)


@app.command()
def plugins(as_json: AsJson = False) -> None:
    """List what is installed, and what is broken and why."""
    from .plugins.discovery import registry

    found = registry()
    problems = {str(name): str(cause) for name, cause in found.broken.items()}
    clashes = [str(clash) for clash in found.duplicates()]
    rows = [{"plugin": owner, "kind": kind, "name": name} for owner, kind, name in sorted(found.owned())]
    if as_json:
        print(json.dumps({"plugins": rows, "broken": problems, "duplicates": clashes}))
        return
    _print_rows(rows, as_json=False)
    for name, cause in problems.items():
        print(f"broken: {name}: {cause}")
    for clash in clashes:
        print(f"duplicate: {clash}")


@bench.command(cls=_Variadic)
def fidelity(
    images: Annotated[Path, typer.Option(help="Folder of pictures.")],
    bpp: Annotated[list[float], typer.Option(help="Bits per pixel, one or more.")],
    json_out: Annotated[Path, typer.Option("--json", metavar="OUT.jsonl", help="One JSON line per row.")],
    extractor: ExtractorName = None,
    method: MethodName = None,
    optimizer: Annotated[str | None, typer.Option(help="Solver for --method optimize.")] = None,
    preset: Preset = "default",
    crop: Annotated[str | None, typer.Option(metavar="HxW", help="Measure the central part only.")] = None,
    settings: Settings = None,
    device: Device = "auto",
) -> None:
    """Fill every window with random bits, write the file, read it back: errors and distortion per image and rate."""
    from rich.progress import track

    from .benchmark.fidelity import COLUMNS, measure, pictures
    from .core.stego import check_writable, write_file
    from .plugins.wiring import Engine

    check_writable(json_out, force=True)
    found = pictures(images)
    if not found:
        raise ConfigError("images", f"there is no picture in {images}.")
    arguments = {"extractor": extractor, "method": method, "optimizer": optimizer, "preset": preset}
    rows = measure(Engine(device=device), found, bpp, crop=_size(crop), set=_settings(settings), **arguments)
    total = len(found) * len(bpp)
    done = list(track(rows, "measuring", total, console=_err, transient=True, disable=not _err.is_terminal))
    write_file(json_out, "".join(json.dumps(row) + "\n" for row in done).encode(), force=True)
    _print_rows([{name: row.get(name) for name in COLUMNS} for row in done if "error" not in row], as_json=False)
    for row in done:
        if "error" in row:
            _err.print(f"{row['image']}: {row['error']}", markup=False)


def main() -> None:
    """The entry point of the command `stegafield`."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'file'}: {error.strerror}"
    return str(error)


@contextmanager
def _busy(what: str) -> Iterator[None]:
    """A spinner on a terminal, if it takes more than a second."""
    status = _err.status(f"{what} ...")
    timer = threading.Timer(1.0, status.start)
    if _err.is_terminal:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
        status.stop()


def _message(text: str | None, file: str | None) -> bytes:
    if (text is None) == (file is None):
        raise ConfigError("message", "needs exactly one of --message and --message-file.")
    if text is not None:
        return text.encode()
    return sys.stdin.buffer.read() if file == "-" else Path(file or "").read_bytes()


def _key(key_file: Path | None, passphrase_file: Path | None, *, confirm: bool, stdin_taken: bool) -> Any:
    """The key of the options, or a passphrase that is asked for (or read from a pipe)."""
    from getpass import getpass

    from .message.key import Key

    if key_file and passphrase_file:
        raise ConfigError("key", "needs one of --key-file and --passphrase-file, not both.")
    if key_file:
        return Key.load(key_file)
    if passphrase_file:
        return Key.passphrase(passphrase_file.read_bytes().decode("utf-8", "surrogateescape"))
    if stdin_taken:
        raise ConfigError("key", "cannot be asked for while the message comes from standard input.", "Use --key-file.")
    if not sys.stdin.isatty():
        return Key.passphrase(sys.stdin.readline())
    text = getpass("Passphrase: ")
    if confirm and text != getpass("Again: "):
        raise ConfigError("passphrase", "was not the same twice.")
    return Key.passphrase(text)


def _reveal(file: str, key_file: Path | None, passphrase_file: Path | None) -> Any:
    from .plugins.wiring import Engine

    source: Any = sys.stdin.buffer.read() if file == "-" else Path(file)
    if isinstance(source, Path) and not source.is_file():
        source.read_bytes()  # raises what is wrong before a passphrase is asked for
    key = _key(key_file, passphrase_file, confirm=False, stdin_taken=file == "-")
    with _busy("revealing"):
        return Engine().reveal(source, key=key)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    height, cross, width = text.lower().partition("x")
    if not (cross and height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise ConfigError("size", f"{text!r} is not HxW.", "As in --size 181x360.")
    return int(height), int(width)


def _settings(pairs: list[str] | None) -> dict[str, str]:
    out = {}
    for pair in pairs or ():
        path, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError("set", f"{pair!r} is not PART.OPTION=VALUE.")
        out[path] = value
    return out


def _printable(message: bytes) -> bool:
    try:
        text = message.decode()
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\n\t" for letter in text)


def _save_report(path: Path | None, report: Any) -> None:
    from .core.stego import write_file

    if path is not None:
        write_file(path, (report.model_dump_json(indent=2) + os.linesep).encode(), force=True)


def _summary(report: Any, out: str) -> None:
    rate = f"{report.bits_per_sample:.4g} bits per free sample"
    if report.bits_per_pixel is not None:
        rate = f"{report.bits_per_pixel:.4g} bits per pixel"
    cost = f"PSNR {report.psnr:.1f} dB" if report.psnr is not None else f"{report.rms_change_physical:.3g} {report.unit} RMS"
    _err.print(
        f"hid {report.message_bytes} bytes in {out} ({report.capacity_bytes} fit at this rate: {rate}; {cost}); "
        "read back from the file",
        markup=False,
    )
    for note in report.notes:
        _err.print(f"note: {note}", markup=False)


def _print_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows))
        return
    table = Table(box=None, pad_edge=False)
    for column in rows[0] if rows else ():
        table.add_column(column.replace("_", " "), no_wrap=column in ("name", "image", "plugin"))
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console(highlight=False, width=None if sys.stdout.isatty() else 200).print(table)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else ", ".join(value) if isinstance(value, list) else str(value)

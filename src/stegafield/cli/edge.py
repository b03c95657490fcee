"""Between the terminal and the Python API: options read, keys fetched, results shown."""

import json
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from ..errors import ConfigError
from .program import err


@contextmanager
def busy(what: str) -> Iterator[None]:
    """On a terminal, what is being done and how far it is, if that takes more than a second."""
    if not err.is_terminal:
        yield
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    from ..progress import watched

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn()
    bar = Progress(*columns, console=err, transient=True)
    task = bar.add_task(what, total=None)

    def show(stage: str, done: float, of: float | None) -> None:
        bar.update(task, completed=done, total=of, description=f"{what}: {stage}")

    timer = threading.Timer(1.0, bar.start)
    timer.start()
    try:
        with watched(show):
            yield
    finally:
        timer.cancel()
        bar.stop()


def message_bytes(text: str | None, file: str | None) -> bytes:
    """The message of --message or --message-file."""
    if (text is None) == (file is None):
        raise ConfigError("message", "needs exactly one of --message and --message-file.")
    if text is not None:
        return text.encode("utf-8", "surrogateescape")  # the bytes that were typed
    return sys.stdin.buffer.read() if file == "-" else Path(file or "").read_bytes()


def key_of(
    key_file: Path | None, passphrase_file: Path | None, *, confirm: bool, stdin_taken: bool
) -> Any:
    """The key of the options, or a passphrase, typed or read from a pipe."""
    from getpass import getpass

    from ..message.key import Key

    for option, path in (("key-file", key_file), ("passphrase-file", passphrase_file)):
        not_stream(option, path)
    if key_file and passphrase_file:
        raise ConfigError("key", "needs one of --key-file and --passphrase-file, not both.")
    if key_file:
        return Key.load(key_file)
    if passphrase_file:
        return Key.passphrase(passphrase_file.read_bytes().decode("utf-8", "surrogateescape"))
    if stdin_taken:
        raise ConfigError(
            "key",
            "cannot be typed while the message comes from standard input.",
            "Use --key-file.",
        )
    if not sys.stdin.isatty():
        return Key.passphrase(sys.stdin.readline())
    text = getpass("Passphrase: ")
    if confirm and text != getpass("Again: "):
        raise ConfigError("passphrase", "was not the same twice.")
    return Key.passphrase(text)


def not_stream(option: str, path: Path | None) -> None:
    """Raise `ConfigError` for "-" where a file is needed."""
    if str(path) == "-":
        raise ConfigError(
            option, "needs a file; - is no stream here.", "Use /dev/stdin or /dev/stdout."
        )


def different(*names: str, paths: tuple[str | Path | None, ...]) -> None:
    """Raise `ConfigError` where two outputs are one file."""
    seen: dict[Path, str] = {}
    for name, path in zip(names, paths, strict=True):
        if path is not None and str(path) != "-":
            other = seen.setdefault(Path(path).resolve(), name)
            if other != name:
                raise ConfigError(name, f"is the same file as --{other}: {path}.")


def size_of(text: str | None) -> tuple[int, int] | None:
    """(height, width) of "HxW"."""
    return None if text is None else sizes_of([text], 2)[0]


def sizes_of(texts: list[str] | None, axes: int) -> list[Any]:
    """Tuples of `axes` numbers, of "HxW" or "TxHxW"."""
    found = []
    for text in texts or ():
        parts = text.lower().split("x")
        sides = [part.isdecimal() and len(part) < 10 and int(part) > 0 for part in parts]
        if not (len(parts) == axes and all(sides)):
            flat = axes == 2
            form, example = ("HxW", "--size 181x360") if flat else ("TxHxW", "--field 24x721x1440")
            raise ConfigError("size", f"{text[:40]!r} is not {form}.", f"As in {example}.")
        found.append(tuple(map(int, parts)))
    return found


def settings_of(pairs: Sequence[str] | None) -> dict[str, str]:
    """The pairs of --set."""
    out = {}
    for pair in pairs or ():
        path, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError("set", f"{pair!r} is not PART.OPTION=VALUE.")
        out[path] = value
    return out


def printable(message: bytes) -> bool:
    """Whether a terminal may show it: text without control characters."""
    try:
        text = message.decode()
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\n\t" for letter in text)


def save_report(path: Path | None, report: Any) -> None:
    """Write a report as JSON, where a path is given."""
    from ..pipeline.writing import write_file

    if path is not None:
        write_file(path, (report.model_dump_json(indent=2) + os.linesep).encode(), force=True)


def summary(report: Any, out: str) -> None:
    """One sentence for people, on standard error."""
    rate = f"{report.bits_per_element:.4g} bits per free element"
    if report.bits_per_pixel is not None:
        rate = f"{report.bits_per_pixel:.4g} bits per pixel"
    if report.kl_bound_nats is not None:
        cost = f"KL bound {report.kl_bound_nats:.1e} nats"
    elif report.psnr is not None:
        cost = f"PSNR {report.psnr:.1f} dB"
    else:
        cost = f"{report.rms_change_physical:.3g} {report.unit} RMS"
    err.print(
        f"hid {report.message_bytes} bytes in {out} (up to {report.capacity_bytes} incompressible "
        f"ones fit at {rate}; {cost}); read back from the file",
        markup=False,
    )
    err.print(f"a warden: {_warden(report.expected)}", markup=False)
    for note in report.notes:
        err.print(f"note: {note}", markup=False)


def _warden(expected: list[Any]) -> str:
    """What detectors are expected to see, in one line."""
    if not expected:
        return "no detector was measured on such files"
    first = expected[0]
    if first.p_e is None:
        return f"{first.detector} was {first.note}"
    return (
        f"{first.detector} is expected to err {first.p_e:.3f} of the time "
        f"({first.low:.3f} at least; 0.5 is guessing); {first.note}"
    )


def print_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Rows as a table, or as JSON."""
    if as_json:
        print(json.dumps(rows))
        return
    from rich.table import Table

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
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    return "" if value is None else str(value)

"""Between the terminal and the Python API: options read, keys fetched, results shown."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from ..errors import ConfigError
from .program import plain, say
from .wording import spoken


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


def save_report(path: str | None, report: Any) -> None:
    """Write a report as JSON, where a path is given."""
    from ..pipeline.writing import write_file

    if path is not None:
        write_file(path, (report.model_dump_json(indent=2) + os.linesep).encode(), force=True)


def summary(report: Any, out: str, *, own: bool, verbose: bool) -> None:
    """What was done, for people, on standard error: a line, then what must not be missed."""
    say(f"hid {report.message_bytes} bytes in {out}; {_room(report)}")
    if own and report.kl_bound_nats is None:
        say("keep the original private: comparing both shows the change")
    for note in report.notes:
        say(spoken(f"note: {note}"))
    if verbose:
        say(f"read back from the file; {_rate(report)}; {_cost(report)}")
    if verbose or report.history:  # what the cover went through gives a change away
        say(spoken(f"risk: {report.risk}"))


def show_info(name: str, found: Any) -> None:
    """What a file is as a cover, for people."""
    print(plain(f"{name}: {found.format}, a cover of the carrier {found.carrier}"))
    print(f"{found.elements:,} elements, {found.free:,} of them free")
    for note in (*found.history, *found.notes):
        print(plain(spoken(f"note: {note}")))
    if not found.capacity:
        print("not even an empty message fits")
        return
    most = max(one.bytes for one in found.capacity)
    print(f"up to {found.capacity[0].bytes:,} bytes fit at the lowest rate, {most:,} at most\n")
    rows = [
        {
            "bits per element": one.bps,
            "bytes": one.bytes,
            "detectors err (0.5 is guessing)": "not measured" if one.p_e is None else one.p_e,
        }
        for one in found.capacity
    ]
    print_rows(rows, as_json=False)


def _room(report: Any) -> str:
    """How much more would fit: as quietly, and at all."""
    quiet, most = report.capacity_bytes, report.most_bytes
    told = f"up to {quiet:,} bytes fit this quietly"
    return told if most is None or most <= quiet else f"{told}, {most:,} at most"


def _rate(report: Any) -> str:
    if report.bits_per_pixel is not None:
        return f"{report.bits_per_pixel:.4g} bits per pixel"
    return f"{report.bits_per_element:.4g} bits per free element"


def _cost(report: Any) -> str:
    if report.kl_bound_nats is not None:
        return f"KL bound {report.kl_bound_nats:.1e} nats"
    if report.psnr is not None:
        return f"PSNR {report.psnr:.1f} dB"
    return f"{report.rms_change_physical:.3g} {report.unit} RMS"


_WHOLE = ("name", "image", "plugin", "option")
"""Columns that are never broken into lines."""


def print_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Rows as a table, or as JSON."""
    if as_json:
        print(json.dumps(rows))
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in rows[0] if rows else ():
        table.add_column(
            column.replace("_", " "), no_wrap=column in ("name", "image", "plugin", "option")
        )
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

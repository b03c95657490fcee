"""What happens to anyone's files: hidden in, read back, compared; or refused, and why.

Each file has a process of its own and a limit on its time, so that whatever a library does to it is
one row:

    file -> the carrier that takes it -> hide -> reveal == message? -> notes, bytes put back -> row
"""

import faulthandler
import json
import os
import re
import select
import signal
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from stegafield.errors import StegafieldError
from stegafield.message.key import Key
from stegafield.pipeline.info import look
from stegafield.pipeline.medium import carrier_of, identified
from stegafield.pipeline.stego import Stego
from stegafield.plugins.wiring import Engine

MESSAGE = b"meet at dawn"
COLUMNS = ("file", "kind", "outcome", "seconds")
MARK, END = "<!-- field run -->", "<!-- end of the field run -->"
OUTCOMES = {
    "kept": "hidden, read back, and nothing to note",
    "noted": "the same, with notes in the report",
    "refused": "refused in a sentence",
    "escaped": "any other error, a crash, or over the limit of time",
}
_HEAD = ("kind", "files", *OUTCOMES, "put back", "seconds, median", "most")
_HUGE = 1 << 20  # bytes that a row may have


def measure(paths: Sequence[Path], limit: float = 60.0) -> Iterator[dict[str, Any]]:
    """A row for each file: its kind, what came of it, notes or reason, and the time it took."""
    Engine().hide(MESSAGE, carrier="era5", size=(19, 36))  # loads what all need
    for path in paths:
        start = time.perf_counter()
        row = {"file": path.name, "kind": path.suffix[1:].lower() or "none", "notes": []}
        row |= _apart(path, limit)
        yield row | {"seconds": round(time.perf_counter() - start, 2)}


def _apart(path: Path, limit: float) -> dict[str, Any]:
    """What became of a file, in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        faulthandler.disable()  # a crash is a row, not a page of frames
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        try:
            os.write(writing, json.dumps(_tried(path)).encode()[:_HUGE])
        finally:
            os._exit(0)
    os.close(writing)
    data, end = b"", time.monotonic() + limit
    with os.fdopen(reading, "rb") as pipe:
        while select.select([pipe], [], [], max(0.0, end - time.monotonic()))[0]:
            part = os.read(pipe.fileno(), _HUGE)
            if not part:
                break
            data += part
        else:
            os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if data:
        return json.loads(data)
    reason = f"over {limit:g} s" if status == -signal.SIGKILL else f"the process ended by {status}"
    return {"outcome": "escaped", "reason": reason}


def _tried(path: Path) -> dict[str, Any]:
    """What became of a file: hidden in with a fresh key, read back, compared."""
    row: dict[str, Any] = {}
    engine, key = Engine(), Key.generate()
    try:
        carrier, _ = carrier_of(engine.registry, path)
        kind = engine.registry.get("carrier", carrier)
        row["kind"] = form = identified(kind, path.read_bytes()) or "damaged"
        own = form if form in [one.name for one in kind.channels] else None
        row["free"] = look(engine, path, {}).free
        stego = engine.hide(MESSAGE, carrier=carrier, cover=path, key=key, format=own)
        assert engine.reveal(stego.data, key=key) == MESSAGE
        row["notes"] = list(stego.report.notes)
        row["outcome"] = "noted" if row["notes"] else "kept"
        row["put_back"] = _put_back(stego) == path.read_bytes()
    except StegafieldError as error:
        row |= {"outcome": "refused", "reason": str(error).replace(str(path), path.name)}
    except BaseException as error:
        row |= {"outcome": "escaped", "reason": f"{type(error).__name__}: {error}"[:300]}
    return row


def _put_back(stego: Stego) -> bytes:
    """The stego with the elements of its cover: the cover itself, where all else was kept."""
    for found in stego.channel.read(stego.data):
        if found.codes.shape == stego.cover.codes.shape and (found.codes == stego.codes).all():
            return stego.channel.write(found, stego.cover.codes)
    return b""


def page(rows: Iterable[dict[str, Any]]) -> str:
    """The tables of a run, in Markdown."""
    rows = list(rows)
    kinds = sorted({row["kind"] for row in rows}, key=lambda kind: (-_count(rows, kind), kind))
    seconds = [row["seconds"] for row in rows]
    escaped = sum(row["outcome"] == "escaped" for row in rows)
    lines = [
        f"`bench files` on {len(rows)} files: a message of {len(MESSAGE)} bytes in each, every one",
        f"in a process of its own. {escaped} escaped; the median is "
        f"{statistics.median(seconds):.1f} s a file, the most {max(seconds):.0f} s. `put back` are",
        "the stegos that are their cover, byte for byte, once they have its elements again.",
        "",
        f"| {' | '.join(_HEAD)} |",
        "|---" * len(_HEAD) + "|",
    ]
    for kind in kinds:
        of = [row for row in rows if row["kind"] == kind]
        counts = [sum(row["outcome"] == outcome for row in of) for outcome in OUTCOMES]
        back = sum(bool(row.get("put_back")) for row in of)
        took = [row["seconds"] for row in of]
        cells = [kind, len(of), *counts, back, f"{statistics.median(took):.1f}", f"{max(took):.0f}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    for title, found in (
        ("Refused, and why", _sentences(rows, "refused")),
        ("Noted", _sentences(rows, "noted")),
        ("Escaped", _sentences(rows, "escaped")),
    ):
        if found:
            lines += ["", f"### {title}", "| files | what is said |", "|---|---|"]
            lines += [f"| {count} | {_cell(said)} |" for said, count in found]
    return "\n".join(lines)


def written_into(text: str, made: str) -> str:
    """A page with the tables between their marks."""
    before, mark, rest = text.partition(MARK)
    _, end, after = rest.partition(END)
    if not (mark and end):
        return f"{text.rstrip()}\n\n## Field run\n{MARK}\n{made}\n{END}\n"
    return f"{before}{mark}\n{made}\n{end}{after}"


def _count(rows: list[dict[str, Any]], kind: str) -> int:
    return sum(row["kind"] == kind for row in rows)


def _sentences(rows: list[dict[str, Any]], outcome: str) -> list[tuple[str, int]]:
    """What was said, with numbers and names left out, the most frequent first."""
    said = Counter(
        _alike(one)
        for row in rows
        if row["outcome"] == outcome
        for one in dict.fromkeys(row["notes"] if outcome == "noted" else [row["reason"]])
    )
    return sorted(said.items(), key=lambda item: (-item[1], item[0]))


def _alike(said: str) -> str:
    """A sentence without what differs from file to file."""
    said = re.sub(r"\([^()]*\)", "(...)", said)
    said = re.sub(r"'[^']*'|\"[^\"]*\"", "'...'", said)
    said = re.sub(r"\S+\.(png|jpe?g|tiff?|nc|wav|flac|bin|dcm)\b", "FILE", said)
    return re.sub(r"\d[\d,.x]*\d|\d", "N", said)[:240]


def _cell(said: str) -> str:
    return said.replace("|", "\\|").replace("\n", " ")


def files_in(folder: Path) -> list[Path]:
    """All files of a folder and its folders."""
    return sorted(path for path in folder.rglob("*") if path.is_file())

"""What was measured, on disk, so that a run that was stopped goes on where it was.

A row is a line of JSON, `{"inputs": ..., "found": ...}`. Its inputs say what was measured (`what`
is the kind of measurement) and are its key; `found` is what came out. Arrays and the like go into a
file beside the journal: the row's `payload` is the SHA-256 of that file.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from stegafield.errors import FormatError
from stegafield.pipeline.writing import write_file

Row = dict[str, Any]


class Journal:
    """The rows of a file, which the first `add` makes.

    A last line without its newline was cut off when a run was killed: it does not count. Two runs
    may share a journal: each reads what the other appended.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lines: dict[str, Row] = {}
        self._size = 0
        """Bytes of the file when it was last read or written."""
        self._whole = 0
        """Bytes of its whole lines."""
        self._read()

    def _read(self) -> None:
        """Read the file anew if it is not as long as it was."""
        if (self.path.stat().st_size if self.path.exists() else 0) == self._size:
            return
        data = self.path.read_bytes() if self.path.exists() else b""
        self._size, self._whole = len(data), data.rfind(b"\n") + 1
        self._lines = {}
        for number, text in enumerate(data[: self._whole].splitlines(), 1):
            try:
                line = json.loads(text)
                _ = line["inputs"]["what"], line["found"].keys()
                bytes.fromhex(line.get("payload", ""))
                self._lines[key(line["inputs"])] = line
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                problem = f"line {number} of {self.path.name} is no row"
                raise FormatError(problem, self.path.suffix) from None

    def done(self, inputs: Row) -> Row | None:
        """What was found, or None where it is still to be measured.

        A row with an `error`, or one whose payload is gone, is to be measured again.
        """
        self._read()
        line = self._lines.get(key(inputs))
        if line is None or "error" in line["found"]:
            return None
        if "payload" in line and not self._beside(line).is_file():
            return None
        return line["found"]

    def payload(self, inputs: Row) -> bytes:
        """The bytes that were added with a row that is done; `FormatError` where they changed."""
        line = self._lines[key(inputs)]
        path = self._beside(line)
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != line["payload"]:
            problem = f"{path.name} is damaged; remove it, and it is made again"
            raise FormatError(problem, path.suffix)
        return data

    def _beside(self, line: Row) -> Path:
        return self.path.with_name(f"{self.path.stem}-{line['payload'][:16]}.bin")

    def add(self, inputs: Row, found: Row, payload: bytes | None = None) -> None:
        """Append a row and have it on disk before going on; a payload is there before its row."""
        line: Row = {"inputs": inputs, "found": found}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if payload is not None:
            line["payload"] = hashlib.sha256(payload).hexdigest()
            write_file(self._beside(line), payload, force=True)
        self._read()
        if self._size > self._whole:
            os.truncate(self.path, self._whole)
        with self.path.open("ab") as file:
            file.write((json.dumps(line) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
            self._size = self._whole = file.tell()
        self._lines[key(inputs)] = line

    def __len__(self) -> int:
        """How many rows hold a result; those that failed are left out."""
        return sum("error" not in line["found"] for line in self._lines.values())

    def rows(self, what: str) -> list[Row]:
        """Results and inputs together, of one kind of measurement, in the order of the file."""
        lines = self._lines.values()
        return [line["found"] | line["inputs"] for line in lines if line["inputs"]["what"] == what]


def key(inputs: Row) -> str:
    """The same text for 1 and 1.0: a rate may come from a file or from a default."""
    return json.dumps(json.loads(json.dumps(inputs), parse_int=float), sort_keys=True)

"""Rows of measurements on disk, a JSON line each, keyed by what they were measured on: none is measured twice."""

import json
import os
from pathlib import Path
from typing import Any

from stegafield.errors import FormatError

Row = dict[str, Any]


class Journal:
    """Rows of a file, which is made if needed; a line that was cut off when a run was killed does not count."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._rows: dict[str, Row] = {}
        data = self.path.read_bytes() if self.path.exists() else b""
        self._whole = data.rfind(b"\n") + 1
        """Bytes of whole lines."""
        for number, line in enumerate(data[: self._whole].splitlines(), 1):
            try:
                row = json.loads(line)
                _ = row["inputs"]["what"], row["found"].keys()
                self._rows[key(row["inputs"])] = row
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                problem = f"line {number} of {self.path.name} is no row"
                raise FormatError(problem, self.path.suffix) from None

    def __contains__(self, inputs: Row) -> bool:
        """Whether it was measured; what failed is tried again."""
        return "error" not in self._rows.get(key(inputs), {"found": {"error": ""}})["found"]

    def __len__(self) -> int:
        """Rows of what was measured, those that failed left out."""
        return sum("error" not in row["found"] for row in self._rows.values())

    def add(self, inputs: Row, found: Row) -> None:
        """Append a row, and have it on disk before going on. Numbers that were found keep six digits."""
        row = {"inputs": inputs, "found": {name: _short(value) for name, value in found.items()}}
        line = (json.dumps(row) + "\n").encode()
        self.path.touch()
        with self.path.open("r+b") as file:
            file.truncate(self._whole)
            file.seek(self._whole)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._whole += len(line)
        self._rows[key(inputs)] = row

    def rows(self, what: str) -> list[Row]:
        """Findings and inputs together, of one kind of measurement, in the order of the file."""
        rows = self._rows.values()
        return [row["found"] | row["inputs"] for row in rows if row["inputs"]["what"] == what]


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def key(inputs: Row) -> str:
    """The same for 1 and 1.0: a rate may come from a file or from a default."""
    return json.dumps(json.loads(json.dumps(inputs), parse_int=float), sort_keys=True)

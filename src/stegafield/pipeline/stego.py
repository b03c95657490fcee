"""What `hide` returns: the file's bytes, the cover's own type back, and a report."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from jaxtyping import Int
from numpy import ndarray

from ..core.channel import Channel
from ..core.cover import Cover
from ..message.key import Key
from .report import Report
from .writing import write_file


@dataclass(frozen=True)
class Stego:
    """A file that carries a message, already read back from these very bytes."""

    data: bytes
    """The file."""
    value: Any
    """The stego as the type of the cover that was given (an array for an array), or the bytes."""
    report: Report
    cover: Cover = field(repr=False)
    codes: Int[ndarray, "channel *space"] = field(repr=False)
    channel: Channel = field(repr=False)
    key: Key = field(repr=False)
    """The key that reveals it: the one given, or the fresh one where none was."""

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the file whole or not at all.

        Lossy names are refused, and existing files without `force`.
        """
        self.channel.check_suffix(os.fspath(path))
        return write_file(path, self.data, force=force)

    def __bytes__(self) -> bytes:
        return self.data

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Stego holds its key, and is never pickled; keep its bytes")

    def __repr__(self) -> str:
        report = self.report
        return (
            f"<Stego {report.carrier}/{report.channel}: {len(self.data)} bytes of file, "
            f"{report.message_bytes} of {report.capacity_bytes} bytes of message, "
            f"{report.extractor} {report.method}>"
        )

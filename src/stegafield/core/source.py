"""What users hand over: a path, bytes, a file object, a stego, or an array; and the covers that may be in it."""

import os
from pathlib import Path
from typing import Any


def read_bytes(source: Any) -> bytes | None:
    """The bytes of a path, file object, stego or buffer; None for anything else (an array)."""
    if isinstance(source, str | os.PathLike):
        return Path(source).read_bytes()
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if hasattr(source, "read"):
        return source.read()
    if hasattr(source, "__bytes__"):  # a `Stego`
        return bytes(source)
    return None

"""What users give and get: named bytes.

Mostly one file; a store or a folder has many.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import FormatError


class Artefact(Mapping[str, bytes]):
    """Names and bytes, in order; bytes are read when they are first needed, once."""

    def __init__(self, parts: Mapping[str, bytes | Callable[[], bytes]]) -> None:
        self._parts = dict(parts)

    @classmethod
    def of(cls, source: Any) -> "Artefact | None":
        """A path, bytes, a file object, a `Stego` or a mapping of names to bytes; None for others.

        The bytes of a file object have no name ("").
        """
        if isinstance(source, Artefact):
            return source
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            return cls({path.name: lambda: _read(path)})
        if isinstance(source, bytes | bytearray | memoryview):
            return cls({"": bytes(source)})
        if hasattr(source, "read"):
            return cls({"": source.read})
        if hasattr(source, "__bytes__"):
            return cls({"": bytes(source)})
        if type(source) is dict and all(isinstance(part, bytes) for part in source.values()):
            return cls(source)
        return None

    @property
    def data(self) -> bytes:
        """The bytes of an artefact that is one file; `FormatError` for any other."""
        if len(self._parts) != 1:
            raise FormatError(f"these are {len(self._parts)} files, where one was expected")
        return self[next(iter(self._parts))]

    @property
    def suffix(self) -> str:
        """The suffix of the only file's name, "" where there is none."""
        return Path(next(iter(self._parts))).suffix if len(self._parts) == 1 else ""

    def __getitem__(self, name: str) -> bytes:
        part = self._parts[name]
        if callable(part):
            self._parts[name] = part = part()
        return part

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __bytes__(self) -> bytes:
        return self.data

    def __repr__(self) -> str:
        return f"Artefact({', '.join(map(repr, self._parts))})"


def read_bytes(source: Any) -> bytes | None:
    """The bytes of a path, file object, stego or buffer; None for anything else (an array)."""
    found = Artefact.of(source)
    return None if found is None else found.data


def size_of(source: Any) -> int | None:
    """The bytes of a path or buffer; None for what is no file, or was read already."""
    if isinstance(source, str | os.PathLike):
        return os.path.getsize(source)
    return len(source) if isinstance(source, bytes | bytearray | memoryview) else None


def check_file(path: Path) -> None:
    """Raise `FormatError` for a folder, with what it may be."""
    if not path.is_dir():
        return
    said = f"{path.name or path} is a folder, where one file is expected"
    if any((path / name).exists() for name in (".zgroup", ".zarray", ".zmetadata", "zarr.json")):
        way = 'xarray.open_zarr(FOLDER).to_netcdf("x.nc")'
        raise FormatError(f"{said}: it is a Zarr store. Make a NetCDF file of it first: {way}")
    raise FormatError(said)


def _read(path: Path) -> bytes:
    check_file(path)
    return path.read_bytes()

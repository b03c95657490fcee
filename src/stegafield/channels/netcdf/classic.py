"""NetCDF-3 (classic, 64-bit offset, 64-bit data): reads headers and values, and patches values."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ...errors import FormatError
from .model import Dimension, File, Variable

_TYPES = (None, ">i1", "S1", ">i2", ">i4", ">f4", ">f8", ">u1", ">u2", ">u4", ">i8", ">u8")
"""By the number that a header gives."""
_STREAMING = (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
"""The number of records of a file whose writer did not know it."""


class _Stored(NamedTuple):
    """Where the values of a variable are."""

    dimensions: tuple[str, ...]
    shape: tuple[int, ...]
    attributes: dict[str, Any]
    kind: np.dtype
    begin: int
    records: bool
    """Whether the first dimension is the unlimited one."""

    @property
    def record(self) -> int:
        """Bytes of all values, or of those of one record."""
        return self.kind.itemsize * math.prod(self.shape[self.records :])


class _Header(NamedTuple):
    variables: dict[str, _Stored]
    dimensions: set[str]
    attributes: dict[str, Any]
    stride: int
    """Bytes from one record to the next."""


def opened(data: bytes) -> File:
    """The variables of a file."""
    with _damaged():
        header = _header(data)
        found = {name: _variable(data, name, one, header) for name, one in header.variables.items()}
        return File(found, header.attributes, len(data))


def patched(data: bytes, name: str, values: ndarray) -> bytes:
    """A copy of a file with other values in one variable; every other byte stays."""
    with _damaged():
        header, out = _header(data), bytearray(data)
        _array(out, header.variables[name], header.stride)[...] = values
        return bytes(out)


@contextmanager
def _damaged() -> Iterator[None]:
    try:
        yield
    except (LookupError, ValueError, TypeError, OverflowError) as error:
        raise FormatError(f"the header of the NetCDF file is damaged ({error})", ".nc") from None


def _variable(data: bytes, name: str, one: _Stored, header: _Header) -> Variable:
    def values() -> ndarray:
        with _damaged():
            return _array(data, one, header.stride).copy()

    def axis(dimension: str) -> str | None:
        found = header.variables.get(dimension)
        return dimension if found is not None and found.dimensions == (dimension,) else None

    try:
        _array(data, one, header.stride)
        problem = None
    except ValueError:
        problem = "is longer than its file, which was cut short"
    return Variable(
        path=name,
        dimensions=tuple(Dimension(d, axis(d)) for d in one.dimensions),
        shape=one.shape,
        dtype=None if one.kind.kind == "S" else one.kind,
        attributes=one.attributes,
        values=values,
        dimension=name in header.dimensions,
        work=math.prod(one.shape),
        problem=problem,
    )


def _array(data: bytes | bytearray, one: _Stored, stride: int) -> ndarray:
    """The values of a variable, as a view of a file's bytes."""
    size = one.kind.itemsize
    strides = [size * math.prod(one.shape[i + 1 :]) for i in range(len(one.shape))]
    if one.records:
        strides[0] = stride
    return np.ndarray(one.shape, one.kind, data, one.begin, tuple(strides))


@dataclass
class _Cursor:
    """Reads a header from its front."""

    data: bytes
    at: int
    wide: bool
    """Whether counts have 8 bytes (CDF-5)."""

    def take(self, size: int) -> bytes:
        start, self.at = self.at, self.at + size
        if self.at > len(self.data):
            raise ValueError("it ends too early")
        return self.data[start : self.at]

    def number(self, size: int = 4) -> int:
        return int.from_bytes(self.take(size))

    def count(self) -> int:
        return self.number(8 if self.wide else 4)

    def entries(self) -> range:
        """One for each entry of a list; its tag is skipped."""
        self.number()
        return range(self.count())

    def padded(self, size: int) -> bytes:
        found = self.take(size)
        self.take(-size % 4)
        return found

    def name(self) -> str:
        return self.padded(self.count()).decode(errors="surrogateescape")

    def kind(self) -> np.dtype:
        found = _TYPES[self.number()]
        if found is None:
            raise ValueError("a type has the number 0")
        return np.dtype(found)

    def attributes(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in self.entries():
            name, kind = self.name(), self.kind()
            value = self.padded(self.count() * kind.itemsize)
            if kind.kind == "S":
                found[name] = value.decode(errors="replace").replace("\0", "")
            else:
                found[name] = np.frombuffer(value, kind).astype(kind.newbyteorder("="))
        return found


def _header(data: bytes) -> _Header:
    cursor = _Cursor(data, 4, data[3] == 5)
    records = cursor.count()
    lengths: list[tuple[str, int]] = []
    for _ in cursor.entries():
        lengths.append((cursor.name(), cursor.count()))
    attributes = cursor.attributes()
    found: dict[str, _Stored] = {}
    for _ in cursor.entries():
        name = cursor.name()
        dims = [lengths[cursor.count()] for _ in range(cursor.count())]
        own, kind = cursor.attributes(), cursor.kind()
        cursor.count()  # its bytes, which overflow in large files
        begin = cursor.number(4 if data[3] == 1 else 8)
        shape, recorded = tuple(size for _, size in dims), bool(dims) and dims[0][1] == 0
        names = tuple(name for name, _ in dims)
        found[name] = _Stored(names, shape, own, kind, begin, recorded)
    recorded = [one for one in found.values() if one.records]
    stride = sum(-(-one.record // 4) * 4 for one in recorded)
    if len(recorded) == 1:
        stride = recorded[0].record  # the only case without padding
    if records in _STREAMING:
        start = min((one.begin for one in recorded), default=len(data))
        records = max(0, len(data) - start) // stride if stride else 0
    for name, one in found.items():
        if one.records:
            found[name] = one._replace(shape=(records, *one.shape[1:]))
    return _Header(found, {name for name, _ in lengths}, attributes, stride)

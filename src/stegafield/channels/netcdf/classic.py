"""NetCDF-3 (classic, 64-bit offset, 64-bit data): finds a variable's values, to patch them."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from ...errors import FormatError

_SIZES = (0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8)  # bytes of a value by the number of its type


class _Variable(NamedTuple):
    shape: tuple[int, ...]
    size: int
    begin: int
    records: bool
    """Whether the first dimension is the unlimited one, whose length is not part of `shape`."""

    @property
    def record(self) -> int:
        """Bytes of all values, or of those of one record."""
        return self.size * math.prod(self.shape)


def patched(data: bytes, name: str, values: ndarray) -> bytes:
    """A copy of a file with other values in one variable; every other byte stays."""
    try:
        variables = _variables(data)
        one = variables[name]
        recorded = [variable for variable in variables.values() if variable.records]
        stride = sum(-(-variable.record // 4) * 4 for variable in recorded)
        if len(recorded) == 1:
            stride = recorded[0].record  # the only case without padding
        inner = [one.size * math.prod(one.shape[i + 1 :]) for i in range(len(one.shape))]
        strides = (stride, *inner) if one.records else tuple(inner)
        out = bytearray(data)
        kind = values.dtype.newbyteorder(">")
        np.ndarray(values.shape, kind, out, one.begin, strides)[...] = values
        return bytes(out)
    except (KeyError, IndexError, ValueError, UnicodeDecodeError, TypeError) as error:
        raise FormatError(f"the header of the NetCDF file is damaged ({error})", ".nc") from None


@dataclass
class _Cursor:
    """Reads a header from its front."""

    data: bytes
    at: int
    wide: bool
    """Whether counts have 8 bytes (CDF-5)."""

    def number(self, size: int = 4) -> int:
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at])

    def count(self) -> int:
        return self.number(8 if self.wide else 4)

    def entries(self) -> range:
        """One for each entry of a list; its tag is skipped."""
        self.number()
        return range(min(self.count(), len(self.data)))

    def name(self) -> str:
        size = self.count()
        start, self.at = self.at, self.at + -(-size // 4) * 4
        return self.data[start : start + size].decode()

    def pass_attributes(self) -> None:
        for _ in self.entries():
            self.name()
            size = _SIZES[self.number()]
            count = self.count()
            self.at += -(-count * size // 4) * 4


def _variables(data: bytes) -> dict[str, _Variable]:
    cursor = _Cursor(data, 4, data[3] == 5)
    cursor.count()  # records
    lengths = []
    for _ in cursor.entries():
        cursor.name()
        lengths.append(cursor.count())
    cursor.pass_attributes()
    found = {}
    for _ in cursor.entries():
        name = cursor.name()
        shape = [lengths[cursor.count()] for _ in range(cursor.count())]
        cursor.pass_attributes()
        size = _SIZES[cursor.number()]
        cursor.count()  # its bytes, which overflow in large files
        begin = cursor.number(4 if data[3] == 1 else 8)
        records = bool(shape) and shape[0] == 0
        found[name] = _Variable(tuple(shape[records:]), size, begin, records)
    return found

"""A NetCDF file as both families of files have it: variables with their attributes, read by need.

`classic` makes it from NetCDF-3, `hdf5` from NetCDF-4 and other HDF5 files. Neither asks the NetCDF
library, which crashes on types and links that it does not know.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy import ndarray

from ...core.channel import most_samples

FILLS = {
    **{"i1": -127, "u1": 255, "i2": -32767, "u2": 65535, "i4": -2147483647, "u4": 4294967295},
    **{"i8": -9223372036854775806, "u8": 18446744073709551614},
    **dict.fromkeys(("f4", "f8"), 9.969209968386869e36),
}
"""What the NetCDF library fills variables with that declare no `_FillValue`, by type."""


@dataclass(frozen=True)
class Dimension:
    """A dimension of a variable."""

    name: str
    axis: str | None = None
    """The path of its coordinate variable; None where it has none."""


@dataclass(frozen=True)
class Variable:
    """What a file says about a variable; its values are read only when they are needed."""

    path: str
    """The name; of a variable in a group the path, as in /PRODUCT/methane."""
    dimensions: tuple[Dimension, ...]
    shape: tuple[int, ...]
    dtype: np.dtype | None
    """As stored, with its byte order; None where it is no integer and no float."""
    attributes: Mapping[str, Any]
    values: Callable[[], ndarray]
    """Reads the stored values; `FormatError` where they are damaged."""
    dimension: bool = False
    """Whether it has the name of a dimension."""
    bits: int | None = None
    """How many bits of a stored integer are in use, where that is less than all."""
    work: int = 0
    """How many elements have to be held to read it."""
    problem: str | None = None
    """Why its values cannot be read, in words."""
    same: str | None = None
    """The path of the variable that this is another name of."""

    @property
    def size(self) -> int:
        """How many elements it has."""
        return int(np.prod(self.shape, dtype=object)) if self.shape else 1

    @property
    def group(self) -> str:
        """The path of its group, which ends in a slash; "" for the root."""
        return self.path.rpartition("/")[0] + "/" if "/" in self.path else ""

    def text(self, name: str) -> str:
        """An attribute that is text; "" where it is none."""
        found = self.attributes.get(name, "")
        return found if isinstance(found, str) else ""


@dataclass(frozen=True)
class File:
    """All variables of a file, by path and in the file's order."""

    variables: Mapping[str, Variable]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Of the root group."""
    size: int = 0
    """Bytes of the file."""

    @property
    def most(self) -> int:
        """How many elements all variables that are read may have together."""
        return max(most_samples(self.size), 64 * self.size)

    def find(self, name: str, group: str = "") -> Variable | None:
        """The variable of a name or path, seen from a group and then from those around it."""
        if name.startswith("/"):
            return self.variables.get(name) or self.variables.get(name[1:])
        while True:
            found = self.variables.get(group + name)
            if found is not None:
                return found
            if not group:
                return self.variables.get("/" + name)
            group = group.rstrip("/").rpartition("/")[0] + "/"
            group = "" if group == "/" else group

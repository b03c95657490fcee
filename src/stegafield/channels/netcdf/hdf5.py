"""NetCDF-4 and other HDF5 files: what is in them.

HDF5 can store the data of a variable in other files, and links can lead to other files: to read
such a file is to read somebody else's, and to patch it is to write there. Groups can contain each
other, and types and references can be of any depth: only what is a plain number is looked at, each
object once.
"""

import math
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ...core.foreign import foreign
from ...errors import FormatError
from .model import Dimension, File, Variable

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_HEAP = b"GCOL\x01\0\0\0"
_FILTERS = {
    **{1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset"},
    **{307: "bzip2", 32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle"},
    **{32013: "zfp", 32015: "zstd", 32017: "sz", 32018: "fcidecomp", 32026: "blosc2"},
}
"""Names of filters by the numbers that The HDF Group has given them."""
_NOT_COORDINATE = "_nc4_non_coord_"
_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable"
_UNWRITTEN = 1 << 20
"""Of more elements than this most have to be stored: a few bytes can declare gigabytes."""
_ATTRIBUTE = 1 << 20  # bytes: longer attributes are not read


def begins(data: bytes) -> bool:
    """Whether these are HDF5 bytes: the signature stands at 0, 512, 1024, 2048, ..."""
    at = 0
    while at < len(data):
        if data.startswith(SIGNATURE, at):
            return True
        at = 2 * at or 512
    return False


def check_heaps(data: bytes) -> None:
    """Raise `FormatError` for a heap of variable-length values that goes round in circles.

    HDF5 reads such a heap object by object, and one of size 0 again and again, for ever. An object
    has 16 bytes of its own before what it holds; the free rest (number 0) counts them in.
    """
    at = data.find(_HEAP)
    while at >= 0:
        (size,) = struct.unpack_from("<Q", data.ljust(at + 16), at + 8)
        here, end = at + 16, min(at + size, len(data))
        while here + 16 <= end:
            number, _, _, size = struct.unpack_from("<HHIQ", data, here)
            size = size if number == 0 else 16 + -(-size // 8) * 8
            if not 16 <= size <= end - here:  # HDF5 adds sizes up, and they wrap around
                raise FormatError("the HDF5 file is damaged: a heap of its goes in circles", ".nc")
            here += size
        at = data.find(_HEAP, at + 1)


def opened(data: bytes) -> File:
    """The variables of a file.

    `FormatError` where it holds less than all of its data (external links, external storage, a
    virtual layout), and where a group is in a file twice.
    """
    import h5py

    plug_in()
    check_heaps(data)
    with foreign("not a readable HDF5 file", ".nc"):
        file = h5py.File(BytesIO(data), "r")  # open for as long as a variable of it is there
        walk = Walk(file)
        found: dict[str, Variable] = {}
        for one in walk.datasets:
            if not one.bare:
                found[one.path] = _variable(one, walk)
        for path, address in walk.others.items():
            same = walk.paths.get(address, "")
            if same in found:
                found[path] = replace(found[same], path=path, same=same)
        return File(found, _attributes(file.id), len(data))


@contextmanager
def stored_in(data: bytes) -> Iterator[Any]:
    """The HDF5 file of some bytes, open for reading."""
    import h5py

    plug_in()
    with h5py.File(BytesIO(data), "r") as file:
        yield file


_plugged = threading.Lock()
_plugins: list[str] = []


def plug_in() -> None:
    """Makes HDF5 find the filters that the packages netCDF4 and hdf5plugin bring."""
    import h5py

    with _plugged:
        if _plugins:
            return
        _plugins.append("")
        for package in ("netCDF4", "hdf5plugin"):
            found = find_spec(package)
            folder = Path(found.origin).parent / "plugins" if found and found.origin else None
            if folder is not None and folder.is_dir():
                h5py.h5pl.append(str(folder).encode())


def filters(dataset: Any) -> list[tuple[int, str]]:
    """The numbers and names of a dataset's filters, in order."""
    plist = dataset.id.get_create_plist()
    found = [plist.get_filter(i) for i in range(plist.get_nfilters())]
    return [
        (number, _FILTERS.get(number) or name.decode(errors="replace") or "unnamed")
        for number, _, _, name in found
    ]


class _Dataset(NamedTuple):
    path: str
    group: str
    id: Any
    address: int
    scale: bool
    """Whether it is a dimension."""
    bare: bool
    """Whether it is a dimension without values."""
    number: int | None
    """Of a dimension, as the NetCDF library counts them."""


def _low() -> Any:
    """The package h5py: its low-level modules have no types."""
    import h5py

    return h5py


class Walk:
    """Every dataset of a file once."""

    def __init__(self, file: Any) -> None:
        h5py = _low()

        self.file = file
        self.datasets: list[_Dataset] = []
        self.paths: dict[int, str] = {}
        """The path of the dataset at an address."""
        self.others: dict[str, int] = {}
        """Further paths, and the addresses that they lead to."""
        groups = {_address(file.id)}
        todo: list[tuple[str, Any]] = [("", file.id)]
        while todo:
            group, here = todo.pop(0)
            for name in here:
                kind = here.links.get_info(name).type
                path = group + name.decode(errors="surrogateescape")
                if kind == h5py.h5l.TYPE_SOFT:
                    self._follow(here, name, path)
                    continue
                if kind != h5py.h5l.TYPE_HARD:
                    raise FormatError(f"the link {path!r} leads out of the file", ".nc")
                found = h5py.h5o.open(here, name)
                address = _address(found)
                if isinstance(found, h5py.h5g.GroupID):
                    if address in groups:
                        problem = f"the group {path!r} is in this file twice"
                        raise FormatError(f"{problem}, which NetCDF does not allow", ".nc")
                    groups.add(address)
                    todo.append((("/" if not group else "") + path + "/", found))
                elif isinstance(found, h5py.h5d.DatasetID):
                    self._add(path, group, found, address)

    @cached_property
    def scales(self) -> dict[int, "_Dataset"]:
        """The dimensions of the file by address."""
        return {one.address: one for one in self.datasets if one.scale}

    @cached_property
    def numbered(self) -> dict[int | None, "_Dataset"]:
        """The dimensions of the file by number."""
        return {one.number: one for one in self.datasets if one.scale}

    def _add(self, path: str, group: str, found: Any, address: int) -> None:
        import h5py

        if address in self.paths:
            self.others[path] = address
            return
        plist = found.get_create_plist()
        if plist.get_external_count() or plist.get_layout() == h5py.h5d.VIRTUAL:
            raise FormatError(f"the variable {path} is stored in other files", ".nc")
        scale = _attribute(found, b"CLASS") == "DIMENSION_SCALE"
        bare = scale and str(_attribute(found, b"NAME")).startswith(_NO_VARIABLE)
        number = _attribute(found, b"_Netcdf4Dimid") if scale else None
        number = int(np.ravel(number)[0]) if isinstance(number, ndarray) and number.size else None
        self.paths[address] = path
        self.datasets.append(_Dataset(path, group, found, address, scale, bare, number))

    def _follow(self, here: Any, name: bytes, path: str) -> None:
        """A soft link to a variable is another name of it; what leads elsewhere is passed over."""
        h5py = _low()

        try:
            found = h5py.h5o.open(here, name)
        except (KeyError, OSError, RuntimeError, ValueError):
            return
        if isinstance(found, h5py.h5d.DatasetID):
            self.others[path] = _address(found)


def _address(found: Any) -> int:
    return _low().h5o.get_info(found).addr


def _variable(one: _Dataset, walk: Walk) -> Variable:
    import h5py

    dataset = h5py.Dataset(one.id)
    shape = tuple(map(int, dataset.shape or ()))
    dtype, bits = (None, None) if dataset.shape is None else _number(one.id)
    path = one.path

    def values() -> ndarray:
        with foreign(f"the variable {path} cannot be read", ".nc"):
            assert walk.file  # closed files have no data sets
            return np.asarray(dataset[...])

    size, work, written = math.prod(shape), math.prod(shape), math.prod(shape)
    if dataset.chunks is not None:
        chunk = math.prod(dataset.chunks)
        written, work = one.id.get_num_chunks() * chunk if size else 0, max(size, chunk)
    elif size and not one.id.get_storage_size():
        written = 0
    problem = None
    if size > _UNWRITTEN and 2 * written < size:
        problem = f"was hardly written: {written:,} of {size:,} values are stored"
    for number, name in filters(dataset):
        if not h5py.h5z.filter_avail(number):
            needed = "Install hdf5plugin to read it" if number in _FILTERS else "HDF5 cannot read"
            problem = f"is compressed with {name} (filter {number}), which is missing. {needed}"
    return Variable(
        path=path,
        dimensions=_dimensions(one, shape, walk),
        shape=shape,
        dtype=dtype,
        attributes=_attributes(one.id),
        values=values,
        dimension=one.scale or _NOT_COORDINATE in path,
        bits=bits,
        work=work,
        problem=problem,
    )


def _number(found: Any) -> tuple[np.dtype | None, int | None]:
    """The type of a dataset of plain numbers, and the bits of an integer that has fewer than it."""
    import h5py

    kind = found.get_type()
    if kind.get_class() not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT):
        return None, None
    dtype = kind.dtype
    if dtype.kind not in "iuf" or dtype.itemsize not in (1, 2, 4, 8) or dtype == np.float16:
        return None, None
    bits = kind.get_precision()
    if dtype.kind == "f" or bits == 8 * dtype.itemsize:
        return (dtype, None) if bits == 8 * dtype.itemsize else (None, None)
    return dtype, bits


def _dimensions(one: _Dataset, shape: tuple[int, ...], walk: Walk) -> tuple[Dimension, ...]:
    """The dimensions of a dataset: those that it lists, itself, or by number, or nameless ones."""
    if one.scale and len(shape) == 1:
        return (_dimension(one, walk),)
    listed = _references(one.id, len(shape), walk)
    if listed is None:
        numbers = _attribute(one.id, b"_Netcdf4Coordinates")
        counted = np.ravel(numbers).tolist() if isinstance(numbers, ndarray) else []
        listed = [walk.numbered.get(number) for number in counted]
    if len(listed) != len(shape):
        listed = [None] * len(shape)
    return tuple(
        Dimension(f"phony_dim_{i}") if other is None else _dimension(other, walk)
        for i, other in enumerate(listed)
    )


def _dimension(one: _Dataset, walk: Walk) -> Dimension:
    import h5py

    flat = len(h5py.Dataset(one.id).shape or ()) == 1
    return Dimension(one.path.rpartition("/")[2], one.path if flat and not one.bare else None)


def _references(found: Any, count: int, walk: Walk) -> list[_Dataset | None] | None:
    """The dimensions that the attribute DIMENSION_LIST refers to; None where there is none."""
    import h5py

    if not h5py.h5a.exists(found, b"DIMENSION_LIST"):
        return None
    attribute = h5py.h5a.open(found, b"DIMENSION_LIST")
    kind = attribute.get_type()
    if kind.get_class() != h5py.h5t.VLEN or kind.get_super().get_class() != h5py.h5t.REFERENCE:
        return None
    if attribute.shape != (count,):
        return None
    listed: list[_Dataset | None] = []
    try:
        lists: Any = h5py.Dataset(found).attrs["DIMENSION_LIST"]
        for references in lists:
            target = h5py.h5r.dereference(references[0], walk.file.id) if len(references) else None
            listed.append(walk.scales.get(_address(target)) if target else None)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError):
        return None
    return listed


def _attributes(found: Any) -> Mapping[str, Any]:
    """The attributes of an object that are text or numbers."""
    import h5py

    names: list[bytes] = []
    h5py.h5a.iterate(found, lambda name, *_: names.append(name))
    read = {name.decode(errors="replace"): _attribute(found, name) for name in names}
    return {name: value for name, value in read.items() if value is not None}


def _attribute(found: Any, name: bytes) -> Any:
    """Text, or an array of numbers; None for what is neither, damaged, too long or not there."""
    import h5py

    try:
        if not h5py.h5a.exists(found, name):
            return None
        attribute = h5py.h5a.open(found, name)
        kind = attribute.get_type().get_class()
        if kind not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING):
            return None
        if attribute.get_storage_size() > _ATTRIBUTE:
            return None
        value: Any = h5py.AttributeManager(_Holder(found))[name]
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, MemoryError):
        return None
    if isinstance(value, h5py.Empty):
        return None
    if kind != h5py.h5t.STRING:
        return np.ravel(value)
    if isinstance(value, ndarray):
        value = value.ravel()[0] if value.size == 1 else b""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return value.replace("\0", "") if isinstance(value, str) else None


class _Holder(NamedTuple):
    """What `h5py.AttributeManager` asks of its parent."""

    id: Any

"""What NetCDF-4 needs below the NetCDF library: whole files, and patches that leave no old data.

HDF5 can store the data of a variable in other files, and links can lead to other files: to read
such a file is to read somebody else's, and to patch it is to write there. And HDF5 never erases: a
chunk that is rewritten and no longer fits moves, and its old bytes, the cover's own values, stay in
the file for anyone to compare.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from ...errors import FormatError

SIGNATURE = b"\x89HDF\r\n\x1a\n"


def check_whole(data: bytes) -> None:
    """Raise `FormatError` where a file holds less than all of its data.

    That is: external links, external storage or a virtual layout.
    """
    import h5py

    try:
        with h5py.File(BytesIO(data), "r") as file:
            for dataset in _datasets(file):
                plist = dataset.id.get_create_plist()
                if plist.get_external_count() or plist.get_layout() == h5py.h5d.VIRTUAL:
                    raise FormatError(
                        f"the variable {dataset.name} is stored in other files", ".nc"
                    )
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise FormatError(f"not a readable HDF5 file ({error})", ".nc") from None


def patch(data: bytes, name: str, stored: Shaped[ndarray, "*shape"]) -> bytes:
    """The file with other values in a variable of the root group, and zeros in its old chunks."""
    import h5py

    memory = BytesIO(data)
    with h5py.File(memory, "r+") as file:
        dataset: Any = file[name]
        before = _chunks(dataset)
        dataset[...] = stored
    patched = bytearray(memory.getvalue())
    with h5py.File(BytesIO(bytes(patched)), "r") as file:
        alive = sorted(span for dataset in _datasets(file) for span in _chunks(dataset))
    for start, stop in _without(before, alive):
        patched[start:stop] = bytes(stop - start)
    return bytes(patched)


def _datasets(file: Any) -> Iterator[Any]:
    """Every dataset of a file once.

    `FormatError` at a link that leads out of the file, or to anything but an object.
    """
    import h5py

    seen: set[Any] = set()
    todo: list[Any] = [file]
    while todo:
        here = todo.pop()
        for name in here:
            if not isinstance(here.get(name, getlink=True), h5py.HardLink):
                raise FormatError(f"the link {name!r} leads out of the file", ".nc")
            found = here[name]
            if found.id in seen:  # equal for every path to one object
                continue
            seen.add(found.id)
            if isinstance(found, h5py.Group):
                todo.append(found)
            elif isinstance(found, h5py.Dataset):
                yield found


def _chunks(dataset: Any) -> list[tuple[int, int]]:
    """Where the raw bytes of a dataset are: (start, stop) of every chunk, or of the whole."""
    offset = dataset.id.get_offset()
    if offset is not None:
        return [(offset, offset + dataset.id.get_storage_size())]
    if dataset.chunks is None:
        return []
    found: list[tuple[int, int]] = []
    dataset.id.chunk_iter(
        lambda chunk: found.append((chunk.byte_offset, chunk.byte_offset + chunk.size))
    )
    return found


def _without(
    spans: list[tuple[int, int]], alive: list[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """The parts of `spans` that no span of `alive` covers."""
    starts = np.array([start for start, _ in alive])
    for start, stop in spans:
        at = start
        for live_start, live_stop in alive[max(0, int(np.searchsorted(starts, start)) - 1) :]:
            if live_start >= stop:
                break
            if live_start > at:
                yield at, live_start
            at = max(at, live_stop)
        if at < stop:
            yield at, stop

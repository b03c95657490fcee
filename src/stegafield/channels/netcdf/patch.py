"""Writes one variable of an HDF5 file, and leaves no old data.

HDF5 never erases: a chunk that is rewritten and no longer fits moves, and its old bytes, the
cover's own values, stay in the file for anyone to compare.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from ...core.foreign import foreign
from ...errors import FormatError
from . import hdf5
from .model import Variable


def patched(data: bytes, variable: Variable, stored: Shaped[ndarray, "*shape"]) -> bytes:
    """The file with other values in a variable.

    Chunks whose values stay keep their bytes. What has no filter is written in its place; other
    chunks go through the filters of the variable, and their old bytes become zeros.
    """
    path, before = variable.path, variable.values()
    stored = stored.astype(before.dtype)
    with foreign(f"{path} cannot be written", ".nc"):
        out = _in_place(data, path, stored, before)
        if out is not None and _holds(out, path, stored):
            return out
        out, names = _rewritten(data, path, stored, before)
        if not _holds(out, path, stored):
            problem = f"its filters ({', '.join(names) or 'none'}) do not keep every value"
            raise FormatError(f"{path} cannot be written: {problem}", ".nc")
        return out


def _in_place(
    data: bytes, path: str, stored: Shaped[ndarray, "*shape"], before: Shaped[ndarray, "*shape"]
) -> bytes | None:
    """The file with new values where the old ones are; None where filters are in between."""
    out = bytearray(data)
    with hdf5.stored_in(data) as file:
        dataset = _dataset(file, path)
        if hdf5.filters(dataset):
            return None
        offset = dataset.id.get_offset()
        if offset is not None:
            out[offset : offset + stored.nbytes] = stored.tobytes()
            return bytes(out)
        if dataset.chunks is None:
            return None
        for corner, start, size in _chunks(dataset):
            piece = _piece(corner, dataset.chunks)
            if not _same(stored[piece], before[piece]):
                whole = np.frombuffer(out[start : start + size], stored.dtype).copy()
                whole = whole.reshape(dataset.chunks)
                whole[tuple(slice(n) for n in stored[piece].shape)] = stored[piece]
                out[start : start + size] = whole.tobytes()
    return bytes(out)


def _rewritten(
    data: bytes, path: str, stored: Shaped[ndarray, "*shape"], before: Shaped[ndarray, "*shape"]
) -> tuple[bytes, list[str]]:
    """The file with new values, written by HDF5, and the names of the filters in between."""
    import h5py

    memory = BytesIO(data)
    with h5py.File(memory, "r+") as file:
        dataset = _dataset(file, path)
        names = [name for _, name in hdf5.filters(dataset)]
        old = _spans(dataset)
        if dataset.chunks is None:
            dataset[...] = stored
        else:
            for corner, _, _ in _chunks(dataset):
                piece = _piece(corner, dataset.chunks)
                if not _same(stored[piece], before[piece]):
                    dataset[piece] = stored[piece]
    out = bytearray(memory.getvalue())
    with hdf5.stored_in(bytes(out)) as file:
        alive = sorted(span for found in _all(file) for span in _spans(found))
    for start, stop in _without(old, alive):
        out[start:stop] = bytes(stop - start)
    return bytes(out), names


def _holds(data: bytes, path: str, stored: Shaped[ndarray, "*shape"]) -> bool:
    """Whether a variable of a file has these values, bit by bit."""
    with hdf5.stored_in(data) as file:
        return _same(np.asarray(_dataset(file, path)[...]), stored)


def _same(one: ndarray, other: ndarray) -> bool:
    """Whether two arrays of one type have the same bits."""
    bits = f"u{one.dtype.itemsize}"
    return np.array_equal(np.asarray(one).view(bits), np.asarray(other).view(bits))


def _dataset(file: Any, path: str) -> Any:
    return file[path.encode(errors="surrogateescape")]


def _all(file: Any) -> Iterator[Any]:
    import h5py

    return (h5py.Dataset(found.id) for found in hdf5.Walk(file).datasets)


def _piece(corner: tuple[int, ...], chunks: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(at, at + size) for at, size in zip(corner, chunks, strict=True))


def _chunks(dataset: Any) -> list[tuple[tuple[int, ...], int, int]]:
    """The corner of every stored chunk, where its bytes begin, and how many they are."""
    found: list[tuple[tuple[int, ...], int, int]] = []
    dataset.id.chunk_iter(
        lambda chunk: found.append((chunk.chunk_offset, chunk.byte_offset, chunk.size))
    )
    return found


def _spans(dataset: Any) -> list[tuple[int, int]]:
    """Where the raw bytes of a dataset are: (start, stop) of every chunk, or of the whole."""
    offset = dataset.id.get_offset()
    if offset is not None:
        return [(offset, offset + dataset.id.get_storage_size())]
    if dataset.chunks is None:
        return []
    return [(start, start + size) for _, start, size in _chunks(dataset)]


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

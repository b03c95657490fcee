"""Where salt, header and payload stand among the free samples."""

import hashlib

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from ..coding.ladder import bootstrap_rung
from ..core import tiles
from ..core.cover import Cover
from ..core.rung import Rung
from ..message import place
from ..message.key import SALT_BYTES, FileKey
from ..message.place import permutation
from .header import HEADER_BYTES

LEAST_FREE = 8 * (SALT_BYTES + HEADER_BYTES)
"""Fewer free samples than this carry nothing."""


_PUBLIC = hashlib.sha256(b"stegafield/1/salt").digest()


def salt_windows(free: Bool[ndarray, "channel *space"]) -> Int[ndarray, "byte sample"]:
    """Flat positions of the salt, which everybody can compute. Shape (0, n) where the cover is too small."""
    first = _first_tile(free)
    samples = bootstrap_rung(tiles.count(free)).samples
    if first.size < (SALT_BYTES + HEADER_BYTES) * samples:
        return np.empty((0, samples), np.int64)
    return first[permutation(_PUBLIC, first.size)[: SALT_BYTES * samples]].reshape(SALT_BYTES, -1)


def header_windows(
    free: Bool[ndarray, "channel *space"], key: FileKey
) -> Int[ndarray, "byte sample"]:
    """Flat positions of the header, from the file key, among what the salt leaves of the first tile."""
    salt = salt_windows(free)
    rest = np.setdiff1d(_first_tile(free), salt, assume_unique=True)
    order = permutation(key.derive("header-positions"), rest.size)
    return rest[order[: HEADER_BYTES * salt.shape[1]]].reshape(HEADER_BYTES, -1)


def payload_free(cover: Cover, key: FileKey) -> Bool[ndarray, "channel *space"]:
    """The free samples that salt and header leave to the payload."""
    free = cover.free.copy()
    free.flat[salt_windows(cover.free)] = False
    free.flat[header_windows(cover.free, key)] = False
    return free


def payload_rate(rung: Rung, free: int) -> float:
    """Bits of payload for each of `free` samples at a rung."""
    bootstrap = (SALT_BYTES + HEADER_BYTES) * bootstrap_rung(free).samples
    return rung.rate * max(0, free - bootstrap) / free


def _first_tile(free: Bool[ndarray, "channel *space"]) -> Int[ndarray, " position"]:
    """Flat positions of the free samples in the first tile."""
    _, tile = next(place.tiles(tiles.count(free)))
    return tiles.first(free, tile.stop)

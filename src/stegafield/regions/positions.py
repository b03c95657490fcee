"""Where salt, header and payload stand among the free elements of a cover (docs/format.md, section
6).

    free -> `public`: the salt, which anyone can compute -> `keyed`: header and payload of one file

Each permutation is computed once: reading and writing of a file share one `Positions`.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from ..coding.ladder import bootstrap_rung
from ..core import tiles
from ..core.rung import Rung
from ..message import frame, place
from ..message.key import SALT_BYTES, FileKey
from .header import HEADER_BYTES, Profile

LEAST_FREE = 8 * (SALT_BYTES + HEADER_BYTES)
"""Fewer free elements than this carry nothing."""
_PUBLIC = hashlib.sha256(b"stegafield/1/salt").digest()


@dataclass(frozen=True, slots=True, eq=False)
class PublicPositions:
    """What anyone can compute of a cover: where the salt stands."""

    free: Bool[ndarray, "channel *space"]
    """The free elements of the cover."""
    rung: Rung
    """Of the windows of salt and header: a byte in each."""
    salt: Int[ndarray, "salt_byte sample"]
    """Flat positions of the salt."""
    rest: Int[ndarray, " position"]
    """Flat positions of what the salt leaves of the first tile, in storage order."""

    def keyed(self, key: FileKey) -> "Positions":
        """All positions of the file of this key."""
        order = place.permutation(key.derive("header-positions"), self.rest.size)
        header = self.rest[order[: HEADER_BYTES * self.rung.elements]].reshape(HEADER_BYTES, -1)
        payload = self.free.copy()
        payload.flat[self.salt] = False
        payload.flat[header] = False
        return Positions(self.free, self.rung, self.salt, header, payload)


@dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """Where the regions of one file stand."""

    free: Bool[ndarray, "channel *space"]
    """The free elements of the cover: those of all three regions."""
    rung: Rung
    """Of the windows of salt and header: a byte in each."""
    salt: Int[ndarray, "salt_byte sample"]
    """Flat positions of the salt."""
    header: Int[ndarray, "header_byte sample"]
    """Flat positions of the header."""
    payload: Bool[ndarray, "channel *space"]
    """The free elements that salt and header leave to the payload."""


def public(free: Bool[ndarray, "channel *space"]) -> PublicPositions | None:
    """The public positions of a cover with these free elements; None where it is too small."""
    count = tiles.count(free)
    rung = bootstrap_rung(count)
    _, tile = next(place.tiles(count))
    first = tiles.first(free, tile.stop)
    if first.size < (SALT_BYTES + HEADER_BYTES) * rung.elements:
        return None
    salt = place.permutation(_PUBLIC, first.size)[: SALT_BYTES * rung.elements]
    left = np.ones(first.size, bool)
    left[salt] = False
    return PublicPositions(free, rung, first[salt].reshape(SALT_BYTES, -1), first[left])


def least(needed: int, profile: Profile) -> int:
    """The fewest free elements whose file carries a message of `needed` bytes with a profile."""
    coded = 0
    while (short := needed - frame.capacity(profile.correction.room(coded))) > 0:
        coded += short
    windows = -(-8 * coded // profile.rung.bits)
    payload = free = windows * profile.rung.elements
    while (free_needed := payload + _bootstrap(free)) > free:
        free = free_needed
    return free


def _bootstrap(free: int) -> int:
    """How many elements salt and header take."""
    return (SALT_BYTES + HEADER_BYTES) * bootstrap_rung(free).elements


def payload_rate(rung: Rung, free: int) -> float:
    """Bits of payload for each of `free` elements at a rung."""
    return rung.rate * max(0, free - _bootstrap(free)) / free

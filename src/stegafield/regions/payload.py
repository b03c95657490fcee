"""The payload: a frame as the masked bits of a whole file, and back.

One pair of functions, so that they agree.
"""

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from ..message import frame, place
from ..message.frame import Frame
from ..message.key import FileKey
from .header import Header


def extractor_seed(key: FileKey, tag: bytes) -> bytes:
    """The 32 bytes that an extractor gets: derived for it alone, and for this file alone."""
    return key.derive("extractor/" + tag.hex())


def to_bits(body: bytes, header: Header, key: FileKey, count: int) -> UInt8[ndarray, " bit"] | None:
    """`count` masked bits: the packed frame sealed and coded, zeros for the last few; None where it
    does not fit."""
    correction, coded = header.profile.correction, count // 8
    if frame.needed(body) > frame.capacity(correction.room(coded)):
        return None
    sealed = frame.seal(body, correction.room(coded), key.derive("seal"), header.pack())
    packed = correction.encode(sealed, coded).ljust(-(-count // 8), b"\0")
    return np.unpackbits(place.masked(packed, key.derive("mask")), count=count)


def from_bits(bits: UInt8[ndarray, " bit"], header: Header, key: FileKey) -> Frame | None:
    """The frame in masked bits, or None where there is none."""
    plain = place.masked(np.packbits(bits[: bits.size // 8 * 8]), key.derive("mask"))
    sealed = header.profile.correction.decode(plain.tobytes())
    if sealed is None or len(sealed) < frame.TAG_BYTES:
        return None
    return frame.unseal(sealed, key.derive("seal"), header.pack())

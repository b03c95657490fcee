"""The sealed frame: message and file name, compressed if that is shorter, padded, authenticated.

body   = flags, [name length, name], content, 0x80, 0x00 ... up to the capacity
sealed = ChaCha20-Poly1305(body): nonce zero (the key is used once), associated data: the header
"""

import zlib
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

TAG_BYTES = 16
_COMPRESSED, _NAMED = 1, 2
_NONCE = bytes(12)
_LARGEST = 1 << 30


class Frame(NamedTuple):
    """What a frame holds: the user's bytes, and the original file name if one was given."""

    message: bytes
    name: str | None = None


def capacity(sealed: int) -> int:
    """The largest incompressible, nameless message that fits into `sealed` bytes.

    Negative if not even an empty message fits.
    """
    return sealed - TAG_BYTES - 2


def needed(body: bytes) -> int:
    """The bytes of capacity that a packed frame takes.

    Those are the bytes of the message, unless it is named or compressed.
    """
    return len(body) - 2


def seal(body: bytes, sealed: int, key: bytes, header: bytes) -> bytes:
    """A packed frame as exactly `sealed` uniformly random-looking bytes.

    The caller has checked that it fits.
    """
    padded = body + bytes(sealed - TAG_BYTES - len(body))
    return ChaCha20Poly1305(key).encrypt(_NONCE, padded, header)


def unseal(sealed: bytes, key: bytes, header: bytes) -> Frame | None:
    """The frame, or None where the authentication tag does not hold."""
    try:
        body = ChaCha20Poly1305(key).decrypt(_NONCE, sealed, header)
    except InvalidTag:
        return None
    body = body.rstrip(b"\0")
    if len(body) < 2 or body[-1] != 0x80 or body[0] & ~(_COMPRESSED | _NAMED):
        return None
    flags, rest, name = body[0], body[1:-1], None
    try:  # the sender had the key, but may still have written nonsense
        if flags & _NAMED:
            stop = 1 + rest[0]
            if stop > len(rest):
                return None
            name, rest = rest[1:stop].decode(), rest[stop:]
        if flags & _COMPRESSED:
            rest = _inflate(rest)
    except (IndexError, UnicodeDecodeError, zlib.error):
        return None
    return Frame(rest, name)


def _inflate(packed: bytes) -> bytes:
    """The content; `zlib.error` where it is incomplete, or larger than any genuine message."""
    unpacker = zlib.decompressobj(wbits=-15)
    content = unpacker.decompress(packed, _LARGEST)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise zlib.error("incomplete or too large")
    return content


def pack(frame: Frame) -> bytes:
    """Flags, name, content and the end mark, before padding."""
    flags, content = 0, frame.message
    packer = zlib.compressobj(level=9, wbits=-15)
    packed = packer.compress(content) + packer.flush()
    if len(packed) < len(content):
        flags, content = flags | _COMPRESSED, packed
    if frame.name is not None:
        name = frame.name.encode()[:255]
        flags, content = flags | _NAMED, bytes([len(name)]) + name + content
    return bytes([flags]) + content + b"\x80"

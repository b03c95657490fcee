"""Keyed positions and the keystream: where bits go and how they look, by ChaCha20."""

from collections.abc import Iterator

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from jaxtyping import Int, UInt8
from numpy import ndarray

TILE = 65_536


def keystream(key: bytes, count: int, index: int = 0) -> bytes:
    """`count` bytes of ChaCha20.

    RFC 8439: the block counter starts at 0, and the 12-byte little-endian nonce is `index`.
    """
    nonce = bytes(4) + index.to_bytes(12, "little")
    return Cipher(algorithms.ChaCha20(key, nonce), mode=None).encryptor().update(bytes(count))


def masked(packed: bytes | UInt8[ndarray, " byte"], key: bytes) -> UInt8[ndarray, " byte"]:
    """Bytes, XORed with the keystream of the key; its own inverse."""
    plain = np.frombuffer(packed, np.uint8)
    return plain ^ np.frombuffer(keystream(key, plain.size), np.uint8)


def permutation(key: bytes, count: int, index: int = 0) -> Int[ndarray, " position"]:
    """A keyed permutation of range(count): the stable argsort of 64-bit keystream words.

    The words are little-endian.
    """
    words = np.frombuffer(keystream(key, 8 * count, index), "<u8")
    # A word whose lowest bits are replaced by its position sorts like the word, and brings its
    # position along: a plain sort, four times faster than a stable argsort. Only words that agree
    # in all other bits could come out of order.
    below = np.uint64(max(1, count - 1).bit_length())
    packed = words >> below << below | np.arange(count, dtype=np.uint64)
    packed.sort()
    ordered = packed >> below
    if (ordered[1:] == ordered[:-1]).any():
        return np.argsort(words, kind="stable")
    return (packed & ((np.uint64(1) << below) - np.uint64(1))).astype(np.int64)


def tiles(count: int) -> Iterator[tuple[int, slice]]:
    """The tiles of `count` elements in storage order: 65,536 each, and the last takes the rest."""
    number = max(1, count // TILE)
    for index in range(number):
        stop = count if index == number - 1 else (index + 1) * TILE
        yield index, slice(index * TILE, stop)

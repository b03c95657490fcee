"""Read a message from an 8-bit PNG without stegafield: docs/format.md, as code.

    python reveal_png.py FILE.png KEYFILE

Covers 8-bit grey and RGB, with or without alpha, and the extractor "phase". Needs NumPy, Pillow
and cryptography.
"""

import base64
import hashlib
import re
import sys
import unicodedata
import zlib
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from PIL import Image

PUBLIC = bytes.fromhex("91129f5acdfcca0b9e05728a3c3137e3ccbf8a0cf066623b109fb17fcf8e5f75")
PHASE = bytes.fromhex("397eaf12")
TILE = 65536
FIRST_15 = "13 14 42 78 80 99 117 124 10 30 86 91 33 64 70"
NESTED = [*map(int, FIRST_15.split())]
NESTED += [tap for tap in range(1, 129) if tap not in NESTED]


def ladder():
    """(k, n, taps) of each rung, from the tables in format.md; (n, h) taps of the trellis form."""
    text = Path(__file__).with_name("format.md").read_text(encoding="utf-8")
    rungs = {}
    row = r"^\| (\d+) \| (\d+) \| (\d+) \| [\d.]+ \| ([\d. ]+?) \|$"
    for index, one, two, numbers in re.findall(row, text, re.MULTILINE):
        if not 19 <= int(index) <= 30:
            listed = range(1, int(two) + 1) if ".." in numbers else map(int, numbers.split())
            rungs[int(index)] = int(one), int(two), np.array([*listed])
        else:
            packed = np.array([*map(int, numbers.split())])
            rungs[int(index)] = 2, int(one), packed[:, None] // 4 ** np.arange(int(two)) % 4
    return rungs


def symbols_of(windows, k, taps):
    """The symbol of each window of a tile, in the form that the taps have."""
    if taps.ndim == 1:
        return windows @ taps % 2**k
    size = max(1, 16384 // len(taps))
    runs, found = max(1, len(windows) // size), np.zeros(len(windows), np.int64)
    for number in range(runs):
        stop = len(windows) if number == runs - 1 else (number + 1) * size
        for b in range(number * size, stop):
            for i in range(min(b - number * size + 1, taps.shape[1])):
                found[b] += windows[b - i] @ taps[:, i]
    return found % 4


def master_key(text_form):
    """The 32 bytes in a key file."""
    raw = base64.urlsafe_b64decode(text_form.strip())
    if len(raw) != 36 or hashlib.sha256(b"stegafield/1/key" + raw[:32]).digest()[:4] != raw[32:]:
        raise ValueError("not a key")
    return raw[:32]


def passphrase_key(text, salt):
    """The 32 bytes that a passphrase becomes for one salt."""
    text = unicodedata.normalize("NFC", text).removesuffix("\n").removesuffix("\r")
    return Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=65536).derive(
        text.encode()
    )


def keystream(key, count, nonce=0):
    """ChaCha20 from block 0."""
    start = bytes(4) + nonce.to_bytes(12, "little")
    return Cipher(algorithms.ChaCha20(key, start), mode=None).encryptor().update(bytes(count))


def permutation(key, count, nonce=0):
    """The stable argsort of keystream words."""
    return np.argsort(np.frombuffer(keystream(key, 8 * count, nonce), "<u8"), kind="stable")


def free_elements(path):
    """The free elements of a PNG in storage order (section 1.1)."""
    image = Image.open(path)
    planes = np.atleast_3d(np.asarray(image)).transpose(2, 0, 1).astype(np.int64)
    if image.mode in ("LA", "RGBA"):
        return planes[:-1, planes[-1] > 0].ravel()
    return planes.ravel()


def forms(values):
    """The free elements in steps of their lattice, if they have one, and as they are (1.5)."""
    inner = values[(values > 0) & (values < 255)]
    step = int(np.gcd.reduce(inner - inner[0])) if inner.size else 0
    if step > 1:
        offset = inner[0] % step
        yield (values[(values - offset) % step == 0] - offset) // step
    yield values


def reveal_from(path, key):
    """(message, name) of a PNG, or None."""
    found = (reveal(values, key) for values in forms(free_elements(path)))
    return next((one for one in found if one is not None), None)


def reveal(values, key):
    """(message, name), or None. `values`: free elements. `key`: 32 bytes, or a passphrase."""
    count = values.size
    n = min(max(count // 384, 8), 128)
    taps = np.array(NESTED[:n])
    first = count if count < 2 * TILE else TILE
    if first < 24 * n:
        return None
    salt_at = permutation(PUBLIC, first)[: 16 * n]
    salt = (values[salt_at].reshape(16, n) @ taps % 256).astype(np.uint8).tobytes()
    master = passphrase_key(key, salt) if isinstance(key, str) else key
    file_key = HKDF(SHA256(), 32, salt, b"stegafield/1/file").derive(master)

    def derive(label):
        return HKDFExpand(SHA256(), 32, b"stegafield/1/" + label.encode()).derive(file_key)

    rest = np.delete(np.arange(first), salt_at)
    header_at = rest[permutation(derive("header-positions"), rest.size)[: 8 * n]]
    masked = (values[header_at].reshape(8, n) @ taps % 256).astype(np.uint8)
    header = (masked ^ np.frombuffer(keystream(derive("header-mask"), 8), np.uint8)).tobytes()
    rungs = ladder()
    if (
        header[0] != 1
        or header[6:] != bytes(2)
        or header[1] & 63 not in rungs
        or header[1] >> 6 > 1
    ):
        return None
    if header[2:6] != PHASE or header[1] >> 6:
        raise NotImplementedError("another extractor, or error correction")
    k, n, taps = rungs[header[1] & 63]
    payload, symbols, seed = (
        np.delete(values, [*salt_at, *header_at]),
        [],
        derive("extractor/" + PHASE.hex()),
    )
    tiles = max(1, payload.size // TILE)
    for index in range(tiles):
        tile = payload[index * TILE : payload.size if index == tiles - 1 else (index + 1) * TILE]
        windows = tile.size // n
        order = permutation(seed, tile.size, index)[: windows * n]
        symbols.append(symbols_of(tile[order].reshape(windows, n), k, taps))
    bits = (np.concatenate(symbols)[:, None] >> np.arange(k)[::-1]).astype(np.uint8).ravel() & 1
    coded = np.packbits(bits[: bits.size // 8 * 8])  # most significant bit first
    sealed = (coded ^ np.frombuffer(keystream(derive("mask"), coded.size), np.uint8)).tobytes()
    try:
        body = ChaCha20Poly1305(derive("seal")).decrypt(bytes(12), sealed, header)
    except (InvalidTag, ValueError):
        return None
    body = body.rstrip(b"\0")
    if len(body) < 2 or body[-1] != 0x80 or body[0] > 3:
        return None
    flags, content, name = body[0], body[1:-1], None
    if flags & 2:
        name, content = content[1 : 1 + content[0]].decode(), content[1 + content[0] :]
    return zlib.decompress(content, wbits=-15) if flags & 1 else content, name


if __name__ == "__main__":
    found = reveal_from(sys.argv[1], master_key(Path(sys.argv[2]).read_text()))
    sys.exit("no message was found with this key") if found is None else sys.stdout.buffer.write(
        found[0]
    )

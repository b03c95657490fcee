"""Keys: 32 random bytes, or a passphrase that becomes 32 bytes once the salt of a file is known."""

import base64
import hashlib
import hmac
import os
import unicodedata
from typing import NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from ..errors import ConfigError

SALT_BYTES = 16
LONGEST = 16 << 20
"""The bytes that a passphrase in a file may have."""
_LABEL = b"stegafield/1/"


class Key:
    """The secret that hides and reveals. Make one with `generate`, `load`, `parse` or `passphrase`.

    The text form is 48 characters (base64url of the 32 bytes and a 4-byte checksum against typing
    errors). `repr` shows nothing, keys cannot be pickled, and comparison takes constant time.
    """

    __slots__ = ("_passphrase", "_secret")

    def __init__(self, secret: bytes, *, _passphrase: bool = False) -> None:
        if not _passphrase and len(secret) != 32:
            raise ConfigError("key", f"is {len(secret)} bytes long; a key has 32.")
        self._secret, self._passphrase = bytes(secret), _passphrase

    @classmethod
    def generate(cls) -> "Key":
        """A fresh key of 32 bytes from the system's randomness."""
        return cls(os.urandom(32))

    @classmethod
    def passphrase(cls, text: str) -> "Key":
        """A key from a passphrase: NFC-normalised, one trailing newline stripped.

        Argon2id turns it into 32 bytes, for each file anew (`file_key`).
        """
        text = unicodedata.normalize("NFC", text).removesuffix("\n").removesuffix("\r")
        if not text:
            raise ConfigError(
                "passphrase", "is empty.", "Give at least one character; many are better."
            )
        try:
            return cls(text.encode(), _passphrase=True)
        except UnicodeEncodeError:
            raise ConfigError("passphrase", "is not UTF-8 text.") from None

    @classmethod
    def parse(cls, text: str) -> "Key":
        """The key that `text()` wrote down."""
        hint = "A key is the 48 characters that `stegafield keygen` wrote."
        try:
            raw = base64.b64decode(text.strip(), altchars=b"-_", validate=True)
        except ValueError:
            raise ConfigError("key", "is not a key in text form.", hint) from None
        if len(raw) != 36 or not hmac.compare_digest(raw[32:], _checksum(raw[:32])):
            raise ConfigError("key", "is not complete or has a typing error.", hint)
        return cls(raw[:32])

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Key":
        """The key in a key file."""
        with open(path, "rb") as file:  # it may have no end
            data = file.read(4096)
        return cls.parse(data.decode("ascii", errors="replace"))

    def text(self) -> str:
        """The key as 48 characters to keep. Anyone who has it can read every message."""
        if self._passphrase:
            raise ConfigError("key", "is a passphrase and has no text form.")
        return base64.urlsafe_b64encode(self._secret + _checksum(self._secret)).decode()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the text form to a new file that only its owner can read; never overwrites."""
        text = self.text()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text + "\n")

    def file_key(self, salt: bytes) -> "FileKey":
        """The key of one file, from the file's 16 salt bytes.

        For a passphrase this runs Argon2id once (64 MiB, t = 3, p = 4).
        """
        master = self._secret
        if self._passphrase:
            master = Argon2id(
                salt=salt, length=32, iterations=3, lanes=4, memory_cost=64 * 1024
            ).derive(master)
        return FileKey(HKDF(SHA256(), 32, salt, _LABEL + b"file").derive(master))

    def __repr__(self) -> str:
        return "Key(...)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Key):
            return NotImplemented
        same = hmac.compare_digest(self._secret, other._secret)
        return same and self._passphrase == other._passphrase

    def __hash__(self) -> int:
        return hash((self._secret, self._passphrase))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Key is never pickled; hand over its text form on purpose")


class FileKey:
    """The key of one file; `derive` gives 32 independent bytes for each use."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def derive(self, use: str) -> bytes:
        """32 bytes for one use; the label of the use is part of the format."""
        return HKDFExpand(SHA256(), 32, _LABEL + use.encode()).derive(self._secret)

    def __repr__(self) -> str:
        return "FileKey(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a FileKey is never pickled")


def read_passphrase(path: str | os.PathLike[str]) -> Key:
    """The key of a passphrase that is the whole content of a file."""
    with open(path, "rb") as file:
        data = file.read(LONGEST + 1)
    if len(data) > LONGEST:
        problem = f"is longer than {LONGEST >> 20} MiB."
        raise ConfigError("passphrase-file", problem, "Give the file that holds the passphrase.")
    return Key.passphrase(data.decode("utf-8", "surrogateescape"))


def _checksum(secret: bytes) -> bytes:
    return hashlib.sha256(_LABEL + b"key" + secret).digest()[:4]

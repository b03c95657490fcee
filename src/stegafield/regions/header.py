"""The header: eight bytes that say how to read the payload."""

from dataclasses import dataclass

from ..coding.ladder import LADDER
from ..core.rung import Rung
from ..message.correction import CODES, Code
from ..message.key import FileKey
from ..message.place import keystream

FORMAT = 1


HEADER_BYTES = 8


@dataclass(frozen=True)
class Profile:
    """What a header's profile byte names: a rung of the ladder and the error correction of the payload."""

    rung: Rung
    code: Code

    @property
    def byte(self) -> int:
        """The index of the rung in the low six bits, of the code in the high two."""
        return LADDER.index(self.rung) | CODES.index(self.code) << 6

    @classmethod
    def of(cls, byte: int) -> "Profile | None":
        """The profile of a byte, or None where this version of the ladder has no such row."""
        rung, code = byte & 63, byte >> 6
        return cls(LADDER[rung], CODES[code]) if rung < len(LADDER) and code < len(CODES) else None


@dataclass(frozen=True)
class Header:
    """Eight bytes: format, profile, extractor tag (4), reserved (2, zero)."""

    profile: Profile
    tag: bytes

    def pack(self) -> bytes:
        """The eight bytes, before masking."""
        return bytes([FORMAT, self.profile.byte]) + self.tag + bytes(2)

    @classmethod
    def unpack(cls, raw: bytes) -> "Header | None":
        """The header, or None where these bytes are not one."""
        profile = Profile.of(raw[1])
        return (
            cls(profile, raw[2:6]) if raw[0] == FORMAT and raw[6:] == bytes(2) and profile else None
        )


def _header_mask(raw: bytes, key: FileKey) -> bytes:
    stream = keystream(key.derive("header-mask"), HEADER_BYTES)
    return bytes(a ^ b for a, b in zip(raw, stream, strict=True))

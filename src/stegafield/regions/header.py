"""The header: eight bytes that say how to read the payload (docs/format.md, section 7)."""

from dataclasses import dataclass

from ..coding.ladder import LADDER
from ..core.rung import Rung
from ..message.correction import CORRECTIONS, Correction
from ..message.key import FileKey
from ..message.place import keystream

FORMAT = 1
HEADER_BYTES = 8


@dataclass(frozen=True)
class Profile:
    """What a header's profile byte names: a rung of the ladder and the payload's correction."""

    rung: Rung
    correction: Correction

    @property
    def byte(self) -> int:
        """The index of the rung in the low six bits, of the correction in the high two."""
        return LADDER.index(self.rung) | CORRECTIONS.index(self.correction) << 6

    @classmethod
    def of(cls, byte: int) -> "Profile | None":
        """The profile of a byte, or None where this version has no such rung or correction."""
        rung, correction = byte & 63, byte >> 6
        if rung < len(LADDER) and correction < len(CORRECTIONS):
            return cls(LADDER[rung], CORRECTIONS[correction])
        return None


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
        if raw[0] == FORMAT and raw[6:] == bytes(2) and profile:
            return cls(profile, raw[2:6])
        return None


def masked(raw: bytes, key: FileKey) -> bytes:
    """The eight bytes, XORed with the keystream of the file key; its own inverse."""
    stream = keystream(key.derive("header-mask"), HEADER_BYTES)
    return bytes(a ^ b for a, b in zip(raw, stream, strict=True))

"""What goes along with a picture, from one file format into another, and what cannot.

A file is taken apart by its own rules, not by Pillow's: all bytes are copied as they are.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple


class Resolution(NamedTuple):
    """Pixels a unit of length; exact."""

    x: Fraction
    y: Fraction
    unit: str
    """ "inch" or "metre"; "" where only the shape of a pixel is known."""


@dataclass(frozen=True)
class Metadata:
    """What a picture has beside its samples, as bytes and exact numbers."""

    exif: bytes = b""
    """A TIFF structure ("II*" or "MM" first) with sub-directories, as JPEG, PNG and WebP hold it:
    offsets count from its first byte."""
    xmp: bytes = b""
    """The packet."""
    icc: bytes = b""
    """The colour profile."""
    photoshop: bytes = b""
    """Photoshop's image resources ("8BIM" first), IPTC among them: tag 34377 of a TIFF."""
    iptc: bytes = b""
    """IPTC data that stand by themselves: tag 33723 of a TIFF."""
    resolution: Resolution | None = None
    text: tuple[tuple[str, bytes], ...] = ()
    """Keywords and texts in UTF-8: of PNG, comments of JPEG and GIF."""
    colour: tuple[tuple[bytes, bytes], ...] = ()
    """Kinds and data of a PNG's chunks that say what its colours are."""
    other: tuple[str, ...] = ()
    """What no other format holds, in words for a note."""

"""The contract of a carrier: a medium that has covers."""

from abc import ABC
from collections.abc import Iterator
from typing import Any, ClassVar

from numpy.random import Generator

from ..errors import ConfigError
from . import options
from .channel import Channel
from .cover import Cover


class Carrier(ABC):
    """A medium. It draws covers (`covers`), or opens the user's own (`open`), or both; override at least one.

    A carrier knows nothing of keys, bits, extractors, epsilon, optimizers or output paths.
    """

    name: ClassVar[str]
    channel: ClassVar[type[Channel]]
    """The file format that its stego is written in."""
    rate_unit: ClassVar[str] = "bps"
    """"bpp" where users think in pixels: a pixel is all channels of one position."""

    Options: ClassVar[type[options.Options]] = options.Options
    """What the user may set with ``--set carrier.OPTION=VALUE``: a nested subclass."""

    def __init__(self, options: Any = None) -> None:
        self.options: Any = options or type(self).Options()

    def covers(self, count: int, rng: Generator) -> list[Cover]:
        """`count` fresh covers, drawn with `rng` alone."""
        raise ConfigError(
            "cover", f"the carrier {self.name!r} generates no covers.", "Give one with --cover."
        )

    def open(self, source: Any) -> Cover:
        """The user's own cover: a path, bytes, a file object, or an array type of this medium."""
        raise ConfigError(
            "cover", f"the carrier {self.name!r} draws its own covers and takes none."
        )

    def candidates(self, source: Any) -> Iterator[Cover]:
        """Every cover in a source that a message may be in: for `reveal` from an array type of this medium."""
        yield self.open(source)

    def blank(self) -> Cover:
        """A cover of the asked size whose content does not matter: what `capacity` measures when none is given."""
        raise ConfigError(
            "cover",
            f"the capacity of {self.name!r} depends on the cover.",
            "Give one with --cover.",
        )

    def value(self, source: Any, data: bytes) -> Any:
        """The stego file as the type of `source` (an array for an array); the bytes themselves where it has none."""
        return data


def opens(carrier: Carrier | type[Carrier]) -> bool:
    """Whether this carrier takes the user's own covers."""
    owner = carrier if isinstance(carrier, type) else type(carrier)
    return owner.open is not Carrier.open


def draws(carrier: Carrier | type[Carrier]) -> bool:
    """Whether this carrier generates covers."""
    owner = carrier if isinstance(carrier, type) else type(carrier)
    return owner.covers is not Carrier.covers

"""The contract of a carrier: a medium that has covers."""

from abc import ABC
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, ClassVar

from numpy.random import Generator

from ..errors import ConfigError
from . import options
from .blame import entering
from .channel import Channel, check_suffix
from .cover import Costs, Cover
from .history import Past


class Carrier(ABC):
    """A medium.

    It draws covers (`covers`), or opens the user's own (`open`), or both; override at least one.

    A carrier knows nothing of keys, bits, extractors, epsilon, optimizers or output paths.
    """

    name: ClassVar[str]
    api_version: ClassVar[int] = 1
    """The version of this contract that the class was written for (`core.registry`)."""
    channel: ClassVar[type[Channel]]
    """The file format that its stego is written in; of several, the one that is written where none
    is requested."""
    channels: ClassVar[tuple[type[Channel], ...]] = ()
    """All its file formats, where there are several: then `Options` has a `format`, and covers name
    their channel."""
    rate_unit: ClassVar[str] = "bps"
    """"bpp" where users think in pixels: a pixel is all channels of one position."""

    Options: ClassVar[type[options.Options]] = options.Options
    """What the user may set with ``--set carrier.OPTION=VALUE``: a nested subclass."""

    def __init__(self, options: Any = None) -> None:
        self.options: Any = options or type(self).Options()

    def covers(self, count: int, rng: Generator) -> list[Cover]:
        """`count` fresh covers, drawn with `rng` alone."""
        raise ConfigError(
            "cover", f"the carrier {self.name!r} generates no covers.", "Give one: cover=..."
        )

    def open(self, source: Any) -> Cover:
        """The user's own cover: a path, bytes, a file object, or an array type of this medium."""
        raise ConfigError(
            "cover", f"the carrier {self.name!r} draws its own covers and takes none."
        )

    @classmethod
    def identify(cls, data: bytes) -> str:
        """The name of a file's format, as in "png" or "jpeg", where it is of this medium; else "".

        So the medium is found where none is requested. As it is, the name of the first channel that
        recognizes the file. Override it where `open` takes more formats than are written.
        """
        return next((one.name for one in formats(cls) if one.recognizes(data)), "")

    def candidates(self, source: Any) -> Iterator[Cover]:
        """Every cover in a source that a message may be in: for `reveal` from an array type of this
        medium."""
        yield self.open(source)

    def blank(self) -> Cover:
        """A cover of the requested size whose content does not matter: what `capacity` measures
        when none is given."""
        raise ConfigError(
            "cover",
            f"the capacity of {self.name!r} depends on the cover.",
            "Give one: cover=...",
        )

    def costs(self, cover: Cover) -> Costs | None:
        """What changes of the user's own cover cost in this medium, for adaptive embedding; None:
        all the same.

        A function of codes, range, free elements and geometry. `stegafield.costs` has maps for
        pictures, sound, fields.
        """
        return None

    def history(self, cover: Cover) -> tuple[Past, ...]:
        """What the elements of the user's own cover say of its past, beside what `Cover.past` says.

        Looked at by the sender alone, once for a cover. `stegafield.history` has checks for
        pictures and sound; values that a cover never takes are found in every medium.
        """
        return ()

    def value(self, source: Any, data: bytes) -> Any:
        """The stego file as the type of `source` (an array for an array); the bytes themselves
        where it has none."""
        return data


def formats(carrier: Carrier | type[Carrier]) -> tuple[type[Channel], ...]:
    """The channels that this carrier writes."""
    return carrier.channels or (carrier.channel,)


def writer(carrier: Carrier | type[Carrier], cover: Cover | None = None) -> Channel:
    """The channel that writes a cover of this carrier."""
    named = cover.channel if cover is not None else ""
    found = next((c for c in formats(carrier) if c.name == named), carrier.channel)
    with entering(found):
        return found()


def writes(carrier: Carrier | type[Carrier], cover: Cover) -> bool:
    """Whether a cover has a file that this carrier writes; where it does not name its channel, that
    is believed."""
    known = [channel.name for channel in formats(carrier)]
    return cover.container is not None and cover.channel in (
        [*known, ""] if len(known) == 1 else known
    )


def format_of(carrier: type[Carrier], path: str) -> str | None:
    """The format that a file name asks for; None where it has no suffix or there is no choice.

    `ConfigError` else.
    """
    found = formats(carrier)
    check_suffix(path, [suffix for channel in found for suffix in channel.suffixes])
    suffix = PurePath(path).suffix.lower()
    return next((c.name for c in carrier.channels if suffix in c.suffixes), None)


def opens(carrier: Carrier | type[Carrier]) -> bool:
    """Whether this carrier takes the user's own covers."""
    owner = carrier if isinstance(carrier, type) else type(carrier)
    return owner.open is not Carrier.open


def draws(carrier: Carrier | type[Carrier]) -> bool:
    """Whether this carrier generates covers."""
    owner = carrier if isinstance(carrier, type) else type(carrier)
    return owner.covers is not Carrier.covers

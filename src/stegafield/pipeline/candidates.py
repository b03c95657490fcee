"""The covers that may be in what users hand over."""

from collections.abc import Iterator
from typing import Any

from ..core.artefact import Artefact
from ..core.blame import entering
from ..core.channel import Channel
from ..core.cover import Cover
from ..core.registry import Registry
from ..errors import FormatError, StegafieldError

_LOSSY = (
    (b"\xff\xd8\xff", "a JPEG"),
    (b"GIF8", "a GIF"),
    (b"OggS", "an Ogg file"),
    (b"ID3", "an MP3"),
    (b"GRIB", "a GRIB file"),
)


def candidates(registry: Registry, source: Any) -> Iterator[Cover]:
    """Every cover that installed channels (for arrays: carriers) see in a source."""
    artefact = Artefact.of(source)
    if artefact is None:
        yield from _arrays(registry, source)
        return
    known, data = False, artefact.data
    for channel in registry.all("channel"):
        try:
            for cover in _read(channel, data):
                known = True
                yield cover
            known = True
        except FormatError:
            continue
    if not known:
        for clash in registry.duplicates():
            raise clash
        raise FormatError(_unopened(registry, data), artefact.suffix)


def _unopened(registry: Registry, data: bytes) -> str:
    """What could not be opened, by whom, and the likely reason."""
    names = ", ".join(registry.names("channel")) or "none"
    said = f"no installed channel ({names}) can open these {len(data)} bytes"
    for magic, kind in _LOSSY:
        if data.startswith(magic):
            said += f": it is {kind}, and a lossy copy has lost its message"
    if registry.broken:
        said += f"; broken plugins, see `stegafield plugins`: {', '.join(registry.broken)}"
    return said


def _read(channel: type[Channel], data: bytes) -> Iterator[Cover]:
    """A channel's covers; one that fails on foreign bytes has not opened them."""
    try:
        for cover in channel().read(data):
            if not isinstance(cover, Cover):
                raise FormatError(f"{channel.name} yields a {type(cover).__name__}")
            yield cover
    except FormatError:
        raise
    except Exception as error:
        raise FormatError(f"{channel.name}: {type(error).__name__}") from None


def _arrays(registry: Registry, source: Any) -> Iterator[Cover]:
    known = False
    for carrier in registry.all("carrier"):
        try:
            with entering(carrier):
                for cover in carrier().candidates(source):
                    known = True
                    yield cover
        except StegafieldError:
            continue
    if not known:
        raise FormatError(f"no installed carrier takes a {type(source).__name__}")

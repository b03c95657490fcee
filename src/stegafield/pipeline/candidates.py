"""The covers that may be in what users hand over."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ..core.artefact import Artefact
from ..core.blame import entering, expect, named, third_party
from ..core.channel import Channel
from ..core.cover import Cover, sound
from ..core.registry import Registry
from ..errors import BrokenPlugin, FormatError, StegafieldError

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
    known, data, way = False, artefact.data, ""
    for channel in registry.each("channel"):
        try:
            for cover in _read(channel, data):
                known = True
                yield cover
            known = True
        except FormatError as error:
            way = way or (str(error) if error.convert else "")
    if not known:
        for clash, claimants in registry.contested("channel"):
            if any(_opens(channel, data) for channel in claimants):
                raise clash
        raise FormatError(_unopened(registry, data, way), artefact.suffix)


def reread(
    registry: Registry, channel: Channel, data: bytes, codes: Int[ndarray, "channel *space"]
) -> str | None:
    """Why nothing can be read from the file that a channel has just written with these codes.

    None where its own reading is in order. `BrokenPlugin` where a third party's channel fails: no
    other cover and no other salt would help.
    """
    for clash, _ in registry.contested("channel"):
        if clash.name == channel.name:
            raise clash
    if channel.name not in registry.names("channel"):
        problem = "it is not registered, so nobody could read its files: add register_channels()"
        raise BrokenPlugin(f"{named(channel)}: {problem}")
    try:
        with entering(channel):
            seen, same = False, False
            for cover in expect("read()", channel.read(data), Iterable):  # one in memory at a time
                seen, found = True, sound(expect("read()", cover, Cover)).codes
                same = same or np.array_equal(found, codes)
        problem = None if seen else "read() yields no cover of the file that write() gave"
        if seen and not same:
            problem = "read() gives other codes than write() was given"
    except FormatError as error:
        problem = f"read() refuses the file that write() gave: {error}"
    registered = type(channel) is registry.get("channel", channel.name)
    if problem is not None and registered and third_party(channel):
        raise BrokenPlugin(f"{named(channel)} breaks its contract: {problem}")
    return problem


def _unopened(registry: Registry, data: bytes, way: str) -> str:
    """What could not be opened, by whom, and the likely reason."""
    names = ", ".join(registry.names("channel")) or "none"
    said = f"no installed channel ({names}) can open these {len(data)} bytes"
    for magic, kind in _LOSSY:
        if data.startswith(magic):
            said += f": it is {kind}, and a lossy copy has lost its message"
            way = ""
    said += f": {way}" if way else ""
    return said + told(registry, data)


def told(registry: Registry, data: bytes) -> str:
    """What else is to be said of bytes that nothing opens."""
    if registry.broken:
        return f"; broken plugins, see `stegafield plugins`: {', '.join(registry.broken)}"
    return ""


def _read(channel: type[Channel], data: bytes) -> Iterator[Cover]:
    """A channel's covers; one that fails on foreign bytes has not opened them."""
    try:
        with entering(channel):
            covers = iter(channel().read(data))
        while (cover := _next(channel, covers)) is not None:
            yield cover
    except FormatError:
        raise
    except Exception as error:
        raise FormatError(f"{channel.name}: {type(error).__name__}") from None


def _next(part: type, covers: Iterator[Any]) -> Cover | None:
    """The next cover that a part sees, looked at; None after the last."""
    with entering(part):
        cover = next(covers, None)
        return cover if cover is None else sound(expect("read()", cover, Cover))


def _opens(channel: type[Channel], data: bytes) -> bool:
    """Whether a channel takes these bytes for its own."""
    try:
        for _ in _read(channel, data):
            break
    except FormatError:
        return False
    return True


def _arrays(registry: Registry, source: Any) -> Iterator[Cover]:
    known = False
    for carrier in registry.each("carrier"):
        try:
            with entering(carrier, source):
                covers = iter(carrier().candidates(source))
            while (cover := _next(carrier, covers)) is not None:
                known = True
                yield cover
        except StegafieldError:
            continue
    if not known:
        raise FormatError(f"no installed carrier takes a {type(source).__name__}")

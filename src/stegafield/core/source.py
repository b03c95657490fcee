"""What users hand over: a path, bytes, a file object, a stego, or an array; and the covers that may be in it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import FormatError, StegafieldError
from .blame import blamed
from .channel import Channel
from .cover import Cover
from .registry import Registry
from .stego import Stego

_LOSSY = (
    (b"\xff\xd8\xff", "a JPEG"),
    (b"GIF8", "a GIF"),
    (b"OggS", "an Ogg file"),
    (b"ID3", "an MP3"),
    (b"GRIB", "a GRIB file"),
)


def read_bytes(source: Any) -> bytes | None:
    """The bytes of a path, file object, stego or buffer; None for anything else (an array)."""
    if isinstance(source, Stego):
        return source.data
    if isinstance(source, str | os.PathLike):
        return Path(source).read_bytes()
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if hasattr(source, "read"):
        return source.read()
    return None


def candidates(registry: Registry, source: Any) -> Iterator[Cover]:
    """Every cover that the installed channels (or, for arrays, carriers) see in a source, by content, not by name."""
    data = read_bytes(source)
    if data is None:
        yield from _arrays(registry, source)
        return
    known = False
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
        suffix = Path(source).suffix if isinstance(source, str | os.PathLike) else ""
        raise FormatError(_unopened(registry, data), suffix)


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
    """A channel's covers; a stranger's channel that fails on foreign bytes has not opened them."""
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
            with blamed(carrier):
                for cover in carrier().candidates(source):
                    known = True
                    yield cover
        except StegafieldError:
            continue
    if not known:
        raise FormatError(f"no installed carrier takes a {type(source).__name__}")

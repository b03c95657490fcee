"""From a source to its message: every candidate cover is tried with the key.

source -> Artefact -> channel.read -> salt -> file key -> header -> extractor -> correction -> frame
"""

from typing import Any

from pydantic import BaseModel

from ..core import lattice, options
from ..core.cover import Cover
from ..core.extractor import Extractor, suited
from ..core.registry import Registry
from ..errors import NoMessage, UnknownPlugin
from ..message.frame import Frame
from ..message.key import Key
from ..regions import bootstrap, payload
from . import calls
from .candidates import candidates


class Message(bytes):
    """The revealed bytes. `name` is the file name that was hidden with them, if one was."""

    name: str | None = None


def reveal(registry: Registry, source: Any, key: Key) -> Frame:
    """The frame in a source.

    Raises:
        NoMessage, FormatError, UnknownPlugin: as `Engine.reveal` says.
    """
    missing = None
    for cover in (form for one in candidates(registry, source) for form in lattice.forms(one)):
        try:
            found = _reveal_from(registry, cover, key)
        except UnknownPlugin as error:
            missing = error
            continue
        if found is not None:
            return found
    raise missing or NoMessage()


def _reveal_from(registry: Registry, cover: Cover, key: Key) -> Frame | None:
    """The frame in one candidate cover, or None."""
    found = bootstrap.opened(cover, key)
    if found is None or found.header is None:
        return None
    header = found.header
    named = _named(registry, header.tag)
    if named is None:
        return None
    kind, chosen = named
    seed = payload.extractor_seed(found.key, header.tag)
    extractor = calls.build(kind, chosen, seed, header.profile.rung)
    bits = calls.read(extractor, suited(extractor, cover).codes, found.at.payload, cover.spec)
    return payload.from_bits(bits, header, found.key)


def _named(registry: Registry, wanted: bytes) -> tuple[type[Extractor], BaseModel] | None:
    """The extractor and options of a tag; `UnknownPlugin` where it is not installed.

    None for a tag one byte away from an installed one: that is damage, not another plugin.
    """
    near = False
    for extractor in registry.each("extractor"):
        for chosen in options.variants(extractor.Options):
            tag = options.tag(extractor.name, chosen)
            if tag == wanted:
                return extractor, chosen
            near |= sum(a != b for a, b in zip(tag, wanted, strict=True)) == 1
    if near:
        return None
    for clash, claimants in registry.contested("extractor"):
        for extractor in claimants:
            if any(
                options.tag(clash.name, o) == wanted for o in options.variants(extractor.Options)
            ):
                raise clash
    known, broken = registry.names("extractor"), registry.broken
    note = " (a tag in the header: its plugin is not installed, or the file is damaged)"
    raise UnknownPlugin("extractor", wanted.hex(), known, broken, note)

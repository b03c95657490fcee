"""From a source to its message: every candidate cover is tried with the key.

source -> Artefact -> channel.read -> salt -> file key -> header -> extractor -> correction -> frame
"""

from typing import Any

from pydantic import BaseModel

from ..coding.ladder import PROJECTED
from ..core import lattice, options, tiles
from ..core.cover import Cover
from ..core.extractor import Extractor, suited
from ..core.registry import Registry
from ..errors import NoMessage, PluginError, UnknownPlugin
from ..message import frame
from ..message.correction import CORRECTIONS
from ..message.frame import Frame
from ..message.key import Key
from ..regions import bootstrap, payload
from ..regions.header import Header, Profile
from ..regions.positions import Positions
from . import calls
from .candidates import candidates


class Message(bytes):
    """The revealed bytes. `name` is the file name that was hidden with them, if one was."""

    name: str | None = None


def reveal(registry: Registry, source: Any, key: Key, *, constant_time: bool = False) -> Frame:
    """The frame in a source.

    With `constant_time` the same work is done whatever is found: every candidate is read to its
    end, one without a header as if it had one.

    Raises:
        NoMessage, FormatError, UnknownPlugin: as `Engine.reveal` says.
    """
    missing, first = None, None
    for cover in (form for one in candidates(registry, source) for form in lattice.forms(one)):
        try:
            found = _reveal_from(registry, cover, key, constant_time)
        except PluginError as error:  # a header may come by chance: the message may be further on
            missing = missing or error
            continue
        first = found if first is None else first
        if first is not None and not constant_time:
            break
    if first is None:
        raise missing or NoMessage()
    return first


def _reveal_from(registry: Registry, cover: Cover, key: Key, constant_time: bool) -> Frame | None:
    """The frame in one candidate cover, or None."""
    found = bootstrap.opened(cover, key)
    if found is None:
        return None
    likely = _likely(registry, found.at) if constant_time else None
    header, problem = found.header or likely, None
    try:
        named = None if header is None else _named(registry, header.tag)
    except PluginError as error:
        if likely is None:
            raise
        problem = error
        header, named = likely, _named(registry, likely.tag)
    if header is None or named is None:
        return None
    kind, chosen = named
    seed = payload.extractor_seed(found.key, header.tag)
    extractor = calls.build(kind, chosen, seed, header.profile.rung)
    bits = calls.read(extractor, suited(extractor, cover).codes, found.at.payload, cover.spec)
    opened = payload.from_bits(bits, header, found.key)  # None, where the header is a stand-in
    if problem is not None:
        raise problem
    return opened


def _likely(registry: Registry, at: Positions) -> Header | None:
    """The header of a short message, as most files have it; None where it has no room for one."""
    free = tiles.count(at.payload)
    if "phase" not in registry.names("extractor"):
        return None
    extractor = registry.get("extractor", "phase")
    for rung in sorted(PROJECTED, key=lambda rung: rung.rate):
        if frame.capacity(free // rung.elements * rung.bits // 8) >= 0:
            profile = Profile(rung, CORRECTIONS[0])
            return Header(profile, options.tag(extractor.name, extractor.Options()))
    return None


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

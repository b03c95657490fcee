"""What a file is as a cover: `stegafield info`. Says nothing of whether something is hidden."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ..core import tiles
from ..core.blame import blamed
from ..core.carrier import formats
from ..core.cover import Cover
from ..errors import ConfigError
from .candidates import candidates
from .choice import Offer
from .engine import Engine
from .medium import carrier_of, identified
from .request import CapacityRequest


class Fitting(BaseModel):
    """What fits at one rate."""

    bps: float
    """Bits per free element."""
    bytes: int
    p_e: float | None
    """How often the most dangerous detector is expected to err; None: not measured."""


class Info(BaseModel):
    """What a file is as a cover."""

    carrier: str
    format: str
    """Of the file; a stego is written in the same, where the carrier writes it."""
    elements: int
    free: int
    capacity: list[Fitting]
    """What each rate comes to, lowest first."""
    notes: list[str]
    """What would not be kept, and what shows."""
    history: list[str]
    """What the file went through before, as far as its elements tell."""


def look(engine: Engine, source: Any, settings: Mapping[str, Any]) -> Info:
    """What a file is as a cover of the carrier that takes it."""
    name, source = carrier_of(engine.registry, source)
    carrier = engine.registry.get("carrier", name)
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    form = identified(carrier, data)
    own = form if form in [one.name for one in carrier.channels] else None
    wishes = CapacityRequest(carrier=name, cover=source, format=own, set=settings)
    notes: list[str] = []
    try:
        cover = engine.plan(wishes).open(source)
    except ConfigError as error:  # several variables, and none is named
        known = {one.name for one in formats(carrier)}
        found = next((c for c in candidates(engine.registry, data) if _whose(c, known)), None)
        if found is None or not error.field.startswith("carrier."):
            raise
        cover, notes = found, [str(error)]
        wishes = wishes.model_copy(update={"cover": cover})
    plan = engine.plan(wishes)
    with blamed(plan.carrier, plan.extractor):
        offer = Offer(plan, cover)
        rooms, past = offer.rooms(), offer.past
    return Info(
        carrier=name,
        format=form or "unknown",
        elements=cover.codes.size,
        free=tiles.count(cover.free),
        capacity=[Fitting(**room._asdict()) for room in rooms],
        notes=[*notes, *cover.notes],
        history=[one.told + (f"; {one.advice}" if one.advice else "") for one in past],
    )


def _whose(cover: Cover, known: set[str]) -> bool:
    return not cover.channel or cover.channel in known

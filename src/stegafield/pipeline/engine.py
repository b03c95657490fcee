"""The engine: one straight line from a message to a file that reads back, and from there back.

Request -> Plan -> Offer (method, rung) -> Draft (salt, header in place) -> Method.embed -> codes
   -> channel.write -> Artefact -> reveal(Artefact) == message? -> Stego, Report
   new salt or cover, then EmbeddingFailed <--------- no
"""

import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..core.blame import entering, expect
from ..core.carrier import draws, writer
from ..core.channel import written
from ..core.cover import Cover, sound
from ..core.registry import Registry
from ..errors import ConfigError
from ..message.key import Key
from . import revealing
from .choice import Offer, Room
from .hiding import hide_all
from .medium import with_carrier
from .plan import Plan
from .planning import make_plan
from .request import BatchRequest, CapacityRequest, CoverRequest, Request, SampleRequest
from .revealing import Message
from .stego import Stego
from .takes import First, takes


class Engine:
    """Hides messages in fields and reveals them. Keeps no keys and no state but its registry."""

    def __init__(self, registry: Registry, *, device: str = "auto") -> None:
        if device not in ("auto", "cpu") and not device.startswith("cuda"):
            raise ConfigError("device", f"{device!r} is unknown.", "Use auto, cpu or cuda.")
        self.registry, self.device = registry, device

    @takes(Request, First[bytes | str]("message"))
    def hide(self, request: Request) -> Stego:
        """Hide a message and return the stego, after reading it back from the file's own bytes.

        Raises:
            ConfigError, CapacityError, FormatError, UnknownPlugin: before anything was done. A
                message that only flat or clipped places of the user's own cover could carry is a
                `CapacityError`; `effort.flat` allows it.
            EmbeddingFailed: no attempt read back; its `report` says why.
        """
        request = with_carrier(self.registry, request)
        plan = make_plan(self.registry, self.device, request)
        return hide_all(self.registry, plan, [request])[0]

    @takes(BatchRequest, First[Iterable[bytes | str]]("messages"))
    def hide_many(self, request: BatchRequest) -> list[Stego]:
        """`hide` for each message (and each cover, where the carrier takes them), with own salts.

        Runs of covers of one shape are optimised together, up to `effort.batch` elements at once.
        With `rng` the files are those of single calls that share it, where no attempt has to be
        repeated. The first item that fails ends it; a note of the error says which one that was.
        """
        request = with_carrier(self.registry, request)
        plan = make_plan(self.registry, self.device, request)
        return hide_all(self.registry, plan, request.single(), numbered=True)

    def reveal(self, source: Any, *, key: Key, constant_time: bool = False) -> Message:
        """The message in a file (path, bytes, file object, `Stego`) or in an array of a known
        medium.

        With `constant_time` a wrong key, a file without a message and a damaged one take the same
        work as far as Python allows: for services that answer for files that others send.

        Raises:
            NoMessage: wrong key, damaged file and innocent file alike.
            FormatError: no installed channel can open these bytes.
            UnknownPlugin: there is a message for this key, by an extractor that is not installed.
        """
        if not isinstance(key, Key):
            hint = "Use Key.load(path), Key.parse(text) or Key.passphrase(text)."
            raise ConfigError("key", f"is a {type(key).__name__}, not a Key.", hint)
        found = revealing.reveal(self.registry, source, key, constant_time=constant_time)
        result = Message(found.message)
        result.name = found.name
        return result

    @takes(SampleRequest, First[int]("count"))
    def sample(self, request: SampleRequest) -> Iterator[tuple[Cover, bytes]]:
        """Plain covers and their files, drawn and written as `hide` does, with nothing hidden.

        The carrier draws covers, or fits a function to `cover` (`as_function`), of which so many
        noisy samples are drawn.
        """
        request = with_carrier(self.registry, request)
        plan, cover = make_plan(self.registry, self.device, request), request.cover
        if cover is not None and not request.as_function:
            raise ConfigError("cover", "is drawn from only as a function.", "Use as_function=True.")
        if cover is not None and request.seed is not None:
            raise ConfigError("seed", "repeats generated covers; it does nothing to your own.")
        if cover is None and not draws(plan.carrier):
            hint = "Use one that does, or as_function=True and cover=... besides."
            raise ConfigError("carrier", f"{request.carrier!r} draws no covers.", hint)
        return self._sampled(request, plan)

    def _sampled(self, request: SampleRequest, plan: Plan) -> Iterator[tuple[Cover, bytes]]:
        fresh = np.random.default_rng(int.from_bytes(os.urandom(32)))
        for number in range(request.count):
            seed = request.seed
            rng = fresh if seed is None else np.random.default_rng(seed + number)
            item = plan.draw(rng) if request.cover is None else plan.open(request.cover)
            channel = writer(plan.carrier, item)
            with entering(channel):
                data = written(channel, item, item.codes)
            yield item, data

    @takes(CapacityRequest)
    def capacity(self, request: CapacityRequest) -> int:
        """The largest message in bytes that this cover (or a cover of this size) carries.

        At a requested rate, or at the most. For covers that are drawn from a law, that is within
        the KL bound, unless `method` says otherwise; for the user's own, what leaves flat and
        clipped places alone, unless `effort.costs` or `effort.flat` say otherwise.
        """
        request = with_carrier(self.registry, request)
        plan = make_plan(self.registry, self.device, request)
        return _offer(plan, request.cover).capacity()

    @takes(CapacityRequest)
    def capacities(self, request: CapacityRequest) -> list[Room]:
        """What this cover carries at each rate, lowest first: bits per element, bytes, P_E.

        The largest of them is its `capacity`. Empty where not even an empty message fits.
        """
        request = with_carrier(self.registry, request)
        plan = make_plan(self.registry, self.device, request)
        return _offer(plan, request.cover).rooms()

    @takes(CapacityRequest)
    def plan(self, request: CoverRequest) -> Plan:
        """The plan of a request; every mistake that does not depend on a cover surfaces here."""
        return make_plan(self.registry, self.device, with_carrier(self.registry, request))


def _offer(plan: Plan, cover: Any) -> Offer:
    """What a plan offers for a cover, or for one of the requested size."""
    if cover is not None:
        return Offer(plan, plan.open(cover))
    with entering(plan.carrier):
        blank = sound(expect("blank()", plan.carrier.blank(), Cover))
    return Offer(plan, blank, blank=True)

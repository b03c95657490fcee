"""What a plan comes to for one cover: method, costs, rungs, room, risk; or a refusal."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from ..coding import feasible, prices
from ..coding.offer import at_least
from ..core import tiles
from ..core.blame import entering, expect
from ..core.carrier import opens
from ..core.cover import Cover
from ..core.extractor import suited, supports
from ..core.history import Past
from ..core.rung import Rung
from ..errors import CapacityError, ConfigError, StegafieldError
from ..history import levels
from ..message import frame
from ..message.key import FileKey
from ..regions import bootstrap, positions
from . import calls, risk
from .methods import choose
from .plan import Plan
from .risk import Expectation

_FLAT = (
    "flat or clipped places, or values that the cover never takes, where it shows; "
    'set={"effort.flat": True} allows that'
)
_ANYBODY = FileKey(bytes(32))  # positions of a typical file, for capacities


class Choice(NamedTuple):
    """What a plan comes to for one cover and message."""

    cover: Cover
    rung: Rung
    expected: list[Expectation]
    """What detectors are expected to make of it; empty: not measured."""
    room: int
    """The largest message in bytes at this rung."""
    most: int
    """The largest message in bytes at any rate within the limits."""


class Room(NamedTuple):
    """What one rate comes to in a cover."""

    bps: float
    """Bits per free element."""
    bytes: int
    """The largest message."""
    p_e: float | None
    """How often the most dangerous detector is expected to err; None: not measured."""
    risk: str
    """What is known of the risk, in one sentence: proven, measured or unknown."""


class Offer:
    """What a plan offers for one cover; of a `blank` one the content does not matter.

    Raises `ConfigError` where the requested method is impossible here.
    """

    def __init__(self, plan: Plan, cover: Cover, *, blank: bool = False) -> None:
        self.plan = plan
        self.method = choose(cover, plan.extractor, plan.effort.method)
        self.given, self.blank = cover, blank
        self.cover = cover if blank else self.method.priced(cover, plan)
        self.public = positions.public(self.cover.free)
        """None where the cover is too small for any message."""

    @property
    def rungs(self) -> Sequence[Rung]:
        """The rungs that may be used, lowest rate first: of a requested rate, one.

        Where changes have costs, only those that the cover bears, and with a limit on the risk,
        only those within it: of a requested rate, the highest that is both.
        """
        return self._allowed if self.plan.rate is None else self._allowed[-1:]

    @property
    def _allowed(self) -> Sequence[Rung]:
        """The rungs within the limits, up to the requested one."""
        if self.requested is None:
            return self._within
        return [rung for rung in self._within if rung.rate <= self.requested.rate]

    def _room(self, rest: Cover, rung: Rung) -> int:
        """The largest message in bytes that the payload holds at a rung; negative: not any."""
        extractor = self.plan.build(_ANYBODY, rung)
        coded = calls.count(extractor, suited(extractor, rest)) // 8
        return max(-1, frame.capacity(self.plan.profile(rung).correction.room(coded)))

    def capacity(self) -> int:
        """The largest message in bytes, at the requested rate or at the most.

        Raises:
            CapacityError: where not even an empty one fits.
        """
        rest = self._rest(0)
        self.method.refuse(self.plan.effort, self.plan.optimizer)
        room = max((self._room(rest, rung) for rung in self.rungs), default=-1)
        if room < 0:
            raise self._refusal(rest, 0, room)
        return room

    def rooms(self) -> list[Room]:
        """What each rate comes to, lowest first; empty where not even an empty message fits."""
        self.method.refuse(self.plan.effort, self.plan.optimizer)
        if self.public is None:
            return []
        rest, found = self._rest(0), list[Room]()
        for rung in self._allowed:
            room = self._room(rest, rung)
            if room >= 0:
                expected = self.expected(rung)
                p_e = expected[0].p_e if expected else None
                found.append(Room(rung.rate, room, p_e, risk.summed(expected)))
        return found

    def most(self, rest: Cover) -> int:
        """The largest message in bytes at any rate within the limits; negative: not any.

        `rest` has only the payload's elements free.
        """
        room, free = -1, tiles.count(rest.free)
        for rung in reversed(self._within):
            if rung.rate * free / 8 > room:  # no rung reads more bits than that
                room = max(room, self._room(rest, rung))
        return room

    def choose(self, needed: int, below: Rung | None = None) -> Choice:
        """The lowest rung that carries `needed` bytes (of lower rates than `below`, if one does).

        Raises:
            CapacityError: where none does.
            ConfigError: for a wish that the method would ignore.
        """
        rest = self._rest(needed)
        self.method.refuse(self.plan.effort, self.plan.optimizer)
        room, rungs = -1, self._allowed
        lower = [rung for rung in rungs if below is not None and rung.rate < below.rate]
        for some in (lower, rungs):
            for rung in some if self.plan.rate is None else some[-1:]:
                here = self._room(rest, rung)
                if here >= needed:
                    expected, most = self.expected(rung), self.most(rest)
                    return Choice(self._noted(rung), rung, expected, here, most)
                room = max(room, here)
        raise self._refusal(rest, needed, room)

    def expected(self, rung: Rung) -> list[Expectation]:
        """What detectors are expected to make of this cover with a rung; empty: not measured."""
        unknown = risk.unmeasured(self.past)
        if unknown:
            return unknown
        return self.method.expected(self.cover, rung, self.plan) if self._usual else []

    @cached_property
    def past(self) -> tuple[Past, ...]:
        """What the user's own cover went through, known from its file or found in its elements."""
        if self.blank or self.given.law is not None or not opens(self.plan.carrier):
            return ()
        plain = self.given.lattice.plain if self.given.lattice else self.given
        with entering(self.plan.carrier):
            found = expect("history()", self.plan.carrier.history(plain), tuple)
            found = [expect("history()", one, Past) for one in found]
        every = [*plain.past, *found, *levels.past(self.given)]
        return tuple({one.kind: one for one in reversed(every)}.values())[::-1]

    def _rest(self, needed: int) -> Cover:
        """The cover with only the payload's elements free, for a typical key.

        Not kept: the mask of an hour of stereo is 300 MiB.

        Raises:
            CapacityError: where nothing is left, of a message that needs so many bytes.
        """
        if self.public is None:
            raise CapacityError(needed, -1, self._small(needed))
        return self.cover.with_free(self.public.keyed(_ANYBODY).payload)

    @cached_property
    def _usual(self) -> bool:
        """Whether files of such covers were measured: none is flooded, and the salt has room."""
        bearable = self.public is None or bootstrap.bearable(self.cover, self.public)
        return not prices.drowned(self.cover) and bearable

    @cached_property
    def _offered(self) -> Sequence[Rung]:
        """The method's rungs."""
        rungs = self.method.offers(self.cover, self.plan.extractor)
        if not rungs:
            raise ConfigError("method", "no rung is possible on this cover.", self.method.top)
        return rungs

    @cached_property
    def requested(self) -> Rung | None:
        """The rung of the requested rate, whatever the cover bears."""
        if self.plan.rate is None:
            return None
        unit, rate = self.plan.rate
        return at_least(rate, unit, self._per(unit), self._offered, self.method.top)

    @cached_property
    def _fitting(self) -> Sequence[Rung]:
        """Those of the offered rungs that the cover carries, whatever it costs."""
        every, found = feasible.ranges(self.cover), self._offered
        if every:
            found = [rung for rung in found if self.method.bears(self.cover, rung, every)]
        if supports(self.plan.extractor, "bears") and not self.plan.effort.doubtful:
            rest = suited(self.plan.extractor, self._rest(0))
            built = ((rung, self.plan.build(_ANYBODY, rung)) for rung in found)
            found = [rung for rung, extractor in built if calls.bears(extractor, rest)]
        return found

    @cached_property
    def _borne(self) -> Sequence[Rung]:
        """Those of them that it carries at a finite cost.

        Rates that cannot follow costs change everything: only where nothing much is barred.
        """
        if self.cover.costs is None:
            return self._fitting
        ways = feasible.ways(self.cover)
        adapted = [rung for rung in self._offered if calls.adapts(self.plan.extractor, rung)]
        borne = [rung for rung in adapted if feasible.bears(rung, ways)]
        if len(borne) == len(adapted):
            return self._fitting
        return [rung for rung in borne if rung in self._fitting]

    @cached_property
    def _safe(self) -> int:
        """How many of the borne rungs, from the lowest on, stay within the limit on the risk."""
        limit = self.plan.max_risk
        if limit is None:
            return len(self._borne)
        for number, rung in enumerate(self._borne):
            found = self.expected(rung)
            if not found or any(one.low is None or one.low < limit for one in found):
                return number
        return len(self._borne)

    @property
    def _risky(self) -> bool:
        """Whether the limit on the risk leaves out a rung up to the requested one."""
        most = self.requested.rate if self.requested else float("inf")
        return self._safe < len(self._borne) and self._borne[self._safe].rate <= most

    @property
    def _within(self) -> Sequence[Rung]:
        """The borne rungs within the limit on the risk."""
        return self._borne[: self._safe]

    def _per(self, unit: str) -> int:
        """How many elements a unit of the rate has: a pixel, all channels of a place."""
        return self.cover.codes.shape[0] if unit == "bpp" else 1

    def _noted(self, rung: Rung) -> Cover:
        """The cover with a note, where a rung is below the requested rate."""
        if self.plan.rate is None or rung == self.requested:
            return self.cover
        why = self._limit
        if self._risky:
            why = f"P_E is to be {self.plan.max_risk:g} at least"
        unit, rate = self.plan.rate
        here = rung.rate * self._per(unit)
        note = f"the rate is {here:.3g} {unit}, not the requested {rate:g}: {why}"
        return replace(self.cover, notes=(*self.cover.notes, note))

    def _refusal(self, rest: Cover, needed: int, room: int) -> StegafieldError:
        """Why no rung will do, and what would."""
        if self._risky:
            return self._too_risky(needed, room)
        most = self.most(rest)
        if len(self._borne) < len(self._offered) and most == room:
            return CapacityError(needed, room, self._limit, most)
        hint = self._small(needed)
        if most > room:
            hint = "a higher rate or a larger cover holds more"
        elif room >= 0:
            hint = "a larger cover holds more"
        return CapacityError(needed, room, hint, most)

    @property
    def _limit(self) -> str:
        """Why rungs that are offered are not borne."""
        narrowed = self.cover.low is not self.given.low  # by values that the cover never takes
        if narrowed or len(self._borne) < len(self._fitting):
            return f"more would be in {_FLAT}"
        if supports(self.plan.extractor, "bears"):
            name = self.plan.extractor.name
            mostly = f"at more, {name!r} mostly does not read back from such a cover"
            return mostly + '; set={"effort.doubtful": True} tries it'
        return "at more, some bits would have no code within reach"

    def _small(self, needed: int) -> str:
        """How many free elements a message of so many bytes takes, at the highest rate."""
        rung, free = max(self._offered, key=lambda rung: rung.rate), tiles.count(self.cover.free)
        least = positions.least(needed, self.plan.profile(rung))
        short = f"at least {least} free elements are needed, and it has {free}"
        return f"it is too small for any message: {short}"

    def _too_risky(self, needed: int, room: int) -> StegafieldError:
        """The error of a limit on the risk that no rung keeps."""
        limit = self.plan.max_risk or 0.0
        first = self.expected(self._borne[self._safe])
        drawn = "or use a carrier that draws its covers, with method 'sample'"
        if not first or first[0].low is None:
            what = first[0].note if first else "nothing was measured for such files"
            if not self._safe:
                problem = f"cannot be promised: {what}."
                return ConfigError("max_risk", problem, f"Leave it out, {drawn}.")
        else:
            what = f"{first[0].detector} may err as little as {first[0].low:.3f} at more"
        hint = f"P_E is to be {limit:g} at least ({what}): hide less, take a larger cover, {drawn}"
        return CapacityError(needed, room, hint)

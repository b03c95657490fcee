"""What was asked of `hide` or `capacity`, and what it comes to for a cover: costs, rung, room, risk."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from numpy.random import Generator

from ..coding import bound, feasible, prices
from ..coding.ladder import LADDER_BY_RATE
from ..coding.offer import at_least
from ..core import options, tiles
from ..core.carrier import Carrier, writes
from ..core.cover import Cover, depth
from ..core.extractor import Extractor, suited
from ..core.optimizer import Optimizer
from ..core.rung import Rung
from ..errors import CapacityError, ConfigError, StegafieldError
from ..message import correction, frame
from ..message.key import FileKey
from ..regions import bootstrap, positions
from ..regions.header import Profile
from ..regions.payload import extractor_seed
from . import risk
from .embed import Effort, Method, choose_method
from .risk import Expectation, Situation

_FLAT = "flat or clipped places, where it shows; --set effort.flat=true allows that"
_ANYBODY = FileKey(bytes(32))  # positions of a typical file, for capacities


class Choice(NamedTuple):
    """What a plan comes to for one cover and message."""

    cover: Cover
    rung: Rung
    expected: list[Expectation]
    """What detectors are expected to make of it; empty: not measured."""


@dataclass(frozen=True)
class Plan:
    """Everything that was asked for, resolved and validated, before a cover is touched."""

    carrier: Carrier
    extractor: type[Extractor]
    extractor_options: Any
    effort: Effort
    optimizer: Optimizer | None
    rate: tuple[str, float] | None
    """("bpp" or "bps", number), or None for the smallest rung that carries the message."""
    max_risk: float | None = None
    """The least P_E that detectors may be expected to have."""

    @property
    def parts(self) -> tuple[object, ...]:
        """All that may be a stranger's."""
        return self.carrier, self.extractor, self.optimizer

    def build(self, key: FileKey, rung: Rung) -> Extractor:
        """The extractor of one file."""
        seed = extractor_seed(key, self.tag)
        return self.extractor(self.extractor_options, seed=seed, rate=rung)

    @property
    def tag(self) -> bytes:
        """What a header calls this extractor."""
        return options.tag(self.extractor.name, self.extractor_options)

    def profile(self, rung: Rung) -> Profile:
        """The profile of a rung: exact readers need no error correction."""
        return Profile(rung, correction.CODES[0 if self.extractor.exact else 1])

    def method(self, cover: Cover) -> Method:
        """How the bits get into a cover."""
        return choose_method(cover, self.extractor, self.effort.method)

    def open(self, source: Any) -> Cover:
        """The user's own cover, or one that the carrier drew before, with what changes cost."""
        if not isinstance(source, Cover):
            return self._priced(self.carrier.open(source))
        if not writes(self.carrier, source):
            raise ConfigError("cover", f"is a Cover of another medium than {self.carrier.name!r}.")
        return self._priced(source)

    def draw(self, rng: Generator) -> Cover:
        """A fresh cover, with what changes cost, if anything."""
        return self._priced(self.carrier.covers(1, rng)[0])

    def _priced(self, cover: Cover) -> Cover:
        """A cover with what changes cost, where they are wanted, known and of use."""
        cover = replace(cover, costs=None)  # those of another plan
        wanted = self.effort.costs and cover.law is None and bool(cover.free.any())
        if not wanted or self.method(cover) != "project":
            return cover
        if tiles.count(cover.free) < positions.LEAST_FREE:
            return cover  # it carries nothing, and may be empty: nobody's costs need to know
        costs = self.carrier.costs(cover)
        if costs is None:
            return cover
        cover = replace(cover, costs=prices.settled(costs, cover))
        return prices.flooded(cover) if self.effort.flat else cover

    def rungs(self, cover: Cover) -> Sequence[Rung]:
        """The rungs that may be used on a cover, lowest rate first: of a rate asked for, one.

        Where changes have costs, only those that the cover bears, and with a limit on the risk, only those within it:
        of a rate asked for, the highest that is both.
        """
        rungs = self._within(cover)
        return rungs if self.rate is None else rungs[-1:]

    def _within(self, cover: Cover) -> Sequence[Rung]:
        """The rungs up to the one asked for that a cover bears, within the limit on the risk."""
        rungs = self._borne(cover, self._offered(cover))
        return rungs[: self._safe(cover, rungs)]

    def _offered(self, cover: Cover) -> Sequence[Rung]:
        """The extractor's rungs for a cover, up to the one asked for."""
        method, hint = self.method(cover), ""
        if method == "sample":
            bound.check_law(cover)
            hint = f"More would cost over {bound.BUDGET:g} nats; --method project has no bound."
        rungs = self.extractor.offers(cover, method)
        if rungs is None:
            rungs = bound.rungs(cover) if method == "sample" else LADDER_BY_RATE
        if not rungs:
            raise ConfigError("method", "no rung is possible on this cover.", hint)
        if self.rate is None:
            return rungs
        unit, rate = self.rate
        asked = at_least(rate, unit, cover.codes.shape[0] if unit == "bpp" else 1, rungs, hint)
        return rungs[: list(rungs).index(asked) + 1]

    def _borne(self, cover: Cover, rungs: Sequence[Rung]) -> Sequence[Rung]:
        """Those of some rungs that a cover carries at a finite cost.

        Rates that cannot follow costs change everything: only where nothing much is barred.
        """
        if cover.costs is None:
            return rungs
        ways = feasible.ways(cover)
        adapted = [rung for rung in rungs if self.extractor.adapts(rung)]
        borne = [rung for rung in adapted if feasible.bears(rung, ways)]
        return rungs if len(borne) == len(adapted) else borne

    def _safe(self, cover: Cover, rungs: Sequence[Rung]) -> int:
        """How many of some rungs, from the lowest on, stay within the limit on the risk."""
        if self.max_risk is None:
            return len(rungs)
        number = 0
        for rung in rungs if _usual(cover) else ():
            found = self._foretold(cover, rung)
            if not found or any(one.low is None or one.low < self.max_risk for one in found):
                break
            number += 1
        return number

    def expected(self, cover: Cover, rung: Rung) -> list[Expectation]:
        """What detectors are expected to make of a cover that carries a rung."""
        return self._foretold(cover, rung) if _usual(cover) else []

    def _foretold(self, cover: Cover, rung: Rung) -> list[Expectation]:
        method, free = self.method(cover), tiles.count(cover.free)
        if method == "sample" and cover.law is not None:
            return [risk.drawn(bound.file_nats(rung, cover.law.sigma, free))]
        situation = Situation(
            carrier=self.carrier.name,
            channels=int(cover.free.reshape(len(cover.free), -1).any(axis=1).sum()),
            extractor=self.extractor.name,
            method=method,
            costs=cover.costs is not None and self.extractor.adapts(rung),
            bits=depth(cover),
        )
        return risk.expected(situation, positions.payload_rate(rung, free), free)

    def room(self, rest: Cover, rung: Rung) -> int:
        """The largest message in bytes that the payload region holds at a rung; negative: not even an empty one."""
        coded = self.build(_ANYBODY, rung).count(suited(self.extractor, rest)) // 8
        return max(-1, frame.capacity(self.profile(rung).code.room(coded)))

    def capacity(self, cover: Cover) -> int:
        """The largest message in bytes, at the rate asked for or at the most; `CapacityError` where not even none."""
        rest = _payload_region(cover)
        room = max((self.room(rest, rung) for rung in self.rungs(cover)), default=-1)
        if room < 0:
            raise self._refusal(cover, rest, 0, room)
        return room

    def choice(self, cover: Cover, needed: int, below: Rung | None = None) -> Choice:
        """The lowest rung that carries `needed` bytes (of lower rates than `below`, if one does).

        Raises:
            CapacityError: where none does.
        """
        room, rest, method = -1, _payload_region(cover), self.method(cover)
        if self.optimizer is not None and method != "optimize":
            raise ConfigError("optimizer", f"is not used by the method {method!r}.")
        if self.effort.least_psnr is not None and method == "sample":
            hint = "Drawing again until a cover pleases would change its law."
            raise ConfigError("effort.least_psnr", "is not used by the method 'sample'.", hint)
        rungs = self._within(cover)
        lower = [rung for rung in rungs if below is not None and rung.rate < below.rate]
        for some in (lower, rungs):
            for rung in some if self.rate is None else some[-1:]:
                room = max(room, self.room(rest, rung))
                if room >= needed:
                    return Choice(self._noted(cover, rung), rung, self.expected(cover, rung))
        raise self._refusal(cover, rest, needed, room)

    def _noted(self, cover: Cover, rung: Rung) -> Cover:
        """The cover with a note, where a rung is below the rate that was asked for."""
        offered = self._offered(cover)
        if self.rate is None or rung == offered[-1]:
            return cover
        why, borne = f"more would be in {_FLAT}", self._borne(cover, offered)
        if self._safe(cover, borne) < len(borne):
            why = f"P_E is to be {self.max_risk:g} at least"
        unit, rate = self.rate
        here = rung.rate * (cover.codes.shape[0] if unit == "bpp" else 1)
        note = f"the rate is {here:.3g} {unit}, not the {rate:g} that were asked for: {why}"
        return replace(cover, notes=(*cover.notes, note))

    def _refusal(self, cover: Cover, rest: Cover, needed: int, room: int) -> StegafieldError:
        """Why no rung will do, and what would."""
        offered = self._offered(cover)
        borne = self._borne(cover, offered)
        if self._safe(cover, borne) < len(borne):
            return self._too_risky(cover, borne, needed, room)
        if len(borne) < len(offered):
            return CapacityError(needed, room, f"more would be in {_FLAT}")
        hint = ""
        if room >= 0:
            higher = "a higher rate or " if self.rate else ""
            hint = f"{higher}a larger cover holds more"
        elif any(self.room(rest, rung) >= 0 for rung in LADDER_BY_RATE):
            hint = "not even an empty message fits at this rate"
        return CapacityError(needed, room, hint)

    def _too_risky(
        self, cover: Cover, offered: Sequence[Rung], needed: int, room: int
    ) -> StegafieldError:
        """The error of a limit on the risk that no rung keeps."""
        limit, allowed = self.max_risk or 0.0, self._safe(cover, offered)
        first = self.expected(cover, offered[allowed])
        drawn = "or use a carrier that draws its covers, with method 'sample'"
        if not first or first[0].low is None:
            what = first[0].note if first else "nothing was measured for such files"
            if not allowed:
                return ConfigError(
                    "max_risk", f"cannot be promised: {what}.", f"Leave it out, {drawn}."
                )
        else:
            what = f"{first[0].detector} may err as little as {first[0].low:.3f} at more"
        return CapacityError(
            needed,
            room,
            f"P_E is to be {limit:g} at least ({what}): hide less, take a larger cover, {drawn}",
        )


def _usual(cover: Cover) -> bool:
    """Whether files of such covers were measured: none is flooded, and the salt has rough samples."""
    return not prices.drowned(cover) and bootstrap.bearable(cover)


def _payload_region(cover: Cover) -> Cover:
    """The cover with only the payload's samples free, for a typical key; `CapacityError` where it is too small."""
    if tiles.count(cover.free) < positions.LEAST_FREE:
        raise CapacityError(0, -1)
    return cover.with_free(positions.payload_free(cover, _ANYBODY))

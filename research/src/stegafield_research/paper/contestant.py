"""Who is compared: the paper's procedure, our default, the baselines, and others.

The others are all further extractors that are installed. Nothing in the report knows a contestant
by name, except that the paper's numbers stand beside the one they are of.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from stegafield.core.cover import Cover
from stegafield.core.extractor import supports
from stegafield.core.registry import Registry
from stegafield.pipeline.engine import Engine
from stegafield.pipeline.plan import Plan
from stegafield.pipeline.request import PRESETS

from ..baselines import BASELINES, EXTRACTORS, Baseline
from ..journal import Row
from ..measure.fidelity import through_file
from . import covers
from .covers import Subject
from .published import PAPER

OURS = "phase"
"""The extractor that `hide` takes by default."""
REPEATS = 5
"""How often a contestant that does not optimise embeds, for the median of its times."""


@dataclass(frozen=True)
class Contestant:
    """Embeds random bits in a cover, at a rate in bits per pixel, through a file."""

    name: str
    role: str
    """"paper", "ours", "other", or "variant": of another one, and in no table of all."""
    plan: Callable[[float, int], Plan]
    """Of a rate in bits per pixel and the number of a seed: how the engine would embed."""
    seeds: int = 1
    """How many numbers of seeds make sense: networks, or settings that are tried in turn."""
    rates: tuple[float, ...] = ()
    """Bits per pixel that it has; all if empty."""

    @property
    def slow(self) -> bool:
        """Whether it optimises: then it gets fewer covers."""
        return self._usual().optimizer is not None

    def _usual(self) -> Plan:
        return self.plan(self.rates[0] if self.rates else 1, 0)

    def has(self, bpp: float) -> bool:
        """Whether it carries so many bits per pixel."""
        return not self.rates or bpp in self.rates

    def settings(self, seed: int) -> Row:
        """Extractor, effort and optimizer, with the options that are not their defaults.

        They are the key of its rows.
        """
        plan = self.plan(self.rates[0] if self.rates else 1, seed)
        solver = plan.optimizer
        return {
            "extractor": plan.extractor.name,
            "options": _changed(plan.extractor_options),
            "effort": _changed(plan.effort),
            "optimizer": None if solver is None else solver.name,
            "optimizer_options": None if solver is None else _changed(solver.options),
        }

    def embed(self, subject: Subject, bpp: float, seed: int) -> tuple[Row, Cover]:
        """What `bench fidelity` measures, and the cover that was read back.

        Short embeddings are repeated, for the median of their times. Cover and number of the seed
        decide network and bits.
        """
        bits = covers.seeds(subject.name, seed)
        return through_file(self.plan(bpp, seed), subject.cover, bits, repeats=REPEATS)


def contestants(registry: Registry, device: str) -> tuple[Engine, list[Contestant]]:
    """All contestants, and the engine that knows them; the paper's procedure comes first.

    It has two entries, one for each reading of its network. The registry must have the baselines:
    `stegafield_research.engine.registry` gives one.
    """
    baselines = {one.name for one in EXTRACTORS}
    installed = [name for name in registry.names("extractor") if name not in baselines]
    engine = Engine(registry, device=device)
    by_name = {one.label: one for one in BASELINES}
    own = by_name.pop(PAPER)
    found = [
        _baseline(engine, own, "paper"),
        paper(engine, f"{PAPER}, normalised", {"extractor.norm": "batch"}),
        Contestant("stegafield", "ours", lambda bpp, seed: engine.plan(carrier="image", bpp=bpp)),
    ]
    found += [_baseline(engine, one, "other") for one in by_name.values()]
    for name in installed:
        extractor = registry.get("extractor", name)
        if name != OURS and (supports(extractor, "project") or supports(extractor, "objective")):
            found.append(Contestant(f"extractor {name}", "other", _default(engine, name)))
    return engine, found


def paper(engine: Engine, name: str, changes: Mapping[str, Any], role: str = "paper") -> Contestant:
    """The paper's procedure with some options changed."""
    chosen = PRESETS["paper"]["set"] | dict(changes)
    asked: dict[str, Any] = {"carrier": "image", "preset": "paper", "set": chosen}
    return Contestant(name, role, lambda bpp, seed: engine.plan(bpp=bpp, **asked), seeds=10)


def _baseline(engine: Engine, one: Baseline, role: str) -> Contestant:
    tried = one.attempts

    def plan(bpp: float, seed: int) -> Plan:
        return engine.plan(carrier="image", bpp=bpp, **one.arguments(tried[seed % len(tried)]))

    seeds = 10 if role == "paper" else len(tried)
    return Contestant(one.label, role, plan, seeds, () if role == "paper" else one.rates)


def _default(engine: Engine, name: str) -> Callable[[float, int], Plan]:
    return lambda bpp, seed: engine.plan(carrier="image", extractor=name, bpp=bpp)


def _changed(options: BaseModel) -> Row:
    return options.model_dump(mode="json", exclude_defaults=True)

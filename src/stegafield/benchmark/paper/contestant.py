"""Who is compared: the paper's procedure, our default, the baselines, and every other extractor that is installed.

Nothing in the report knows a contestant by name, except that the paper's numbers stand beside the one they are of.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator
from pydantic import BaseModel

from ...baselines import lsb_matching, lsb_replacement
from ...channels.picture.png import PngChannel
from ...core.cover import Cover
from ...core.engine import Engine
from ...core.extractor import supports
from ...core.plan import PRESETS, Plan
from ...metrics import fidelity
from ..fidelity import reread, through_file
from .journal import Row
from .published import PAPER

OURS = "phase"
"""The extractor that `hide` takes by default."""
REPEATS, SECONDS = 5, 1.0
"""Embedding is repeated for its time: so often at most, and as long as all repeats take less than this."""
_TIMES = ("milliseconds", "cpu_milliseconds")


class Contestant(Protocol):
    """Embeds random bits in a cover, at a rate in bits per pixel, through a file."""

    name: str
    role: str
    """"paper", "ours", "other", or "variant": of another one, and in no table of all."""
    slow: bool
    """Whether it optimises: then it gets fewer covers."""

    def settings(self) -> Row:
        """All that decides what it does, for the key of a row."""
        ...

    def embed(self, cover: Cover, bpp: float, seed: bytes) -> tuple[Row, Cover]:
        """What `bench fidelity` measures, and the cover that was read back; the seed decides network and bits."""
        ...


@dataclass(frozen=True)
class Planned:
    """An extractor with a plan: how the engine would embed."""

    name: str
    role: str
    plan: Callable[[float], Plan]
    """Of a rate in bits per pixel."""

    @property
    def slow(self) -> bool:
        """Whether it optimises."""
        return self.plan(1).optimizer is not None

    def settings(self) -> Row:
        """Extractor, effort and optimizer, with the options that are not their defaults."""
        plan = self.plan(1)
        solver = plan.optimizer
        return {
            "extractor": plan.extractor.name,
            "options": _changed(plan.extractor_options),
            "effort": _changed(plan.effort),
            "optimizer": None if solver is None else solver.name,
            "optimizer_options": None if solver is None else _changed(solver.options),
        }

    def embed(self, cover: Cover, bpp: float, seed: bytes) -> tuple[Row, Cover]:
        """One embedding, repeated for its time where that is short."""
        plan, spent = self.plan(bpp), []
        while True:
            row, read = through_file(plan, cover, seed)
            spent.append([row[name] for name in _TIMES])
            if len(spent) == REPEATS or sum(clock for clock, _ in spent) > 1000 * SECONDS:
                break
        return row | dict(zip(_TIMES, map(median, zip(*spent, strict=True)), strict=True)), read


@dataclass(frozen=True)
class Simulated:
    """Changes codes as if they carried bits at a rate; nothing is read back."""

    name: str
    simulate: Callable[..., Any]
    role: str = "other"
    slow: bool = False

    def settings(self) -> Row:
        """That it is simulated."""
        return {"simulated": True}

    def embed(self, cover: Cover, bpp: float, seed: bytes) -> tuple[Row, Cover]:
        """Distances alone: a simulation has no bits, and so no errors and no time."""
        low, high = int(np.min(cover.low)), int(np.max(cover.high))
        rng: Generator = np.random.default_rng(list(seed))
        codes = self.simulate(cover.codes, low, high, bpp / len(cover.codes), rng)
        read = reread(PngChannel(), cover, codes)
        peak = cover.peak or 1.0
        row = {
            "method": "simulated",
            "ber": None,
            "ber_unrounded": None,
            "psnr": fidelity.psnr(cover.codes, read.codes, peak),
            "psnr_luma": fidelity.psnr_luma(cover.codes, read.codes, peak),
            "ssim": fidelity.ssim(cover.codes, read.codes, peak),
        }
        return row, read


def contestants(engine: Engine) -> list[Contestant]:
    """The paper's procedure in both readings of its network, ours, baselines, other extractors, simulations."""
    found: list[Contestant] = [
        paper(engine, PAPER),
        paper(engine, f"{PAPER}, normalised", {"extractor.norm": "batch"}),
        Planned("stegafield", "ours", lambda bpp: engine.plan(carrier="image", bpp=bpp)),
    ]
    for name in engine.registry.names("extractor"):
        extractor = engine.registry.get("extractor", name)
        embeds = any(supports(extractor, how) for how in ("project", "objective"))
        if name != OURS and embeds:
            found.append(Planned(f"extractor {name}", "other", _default(engine, name)))
    found += [
        Simulated("LSB matching", lsb_matching.simulate),
        Simulated("LSB replacement", lsb_replacement.simulate),
    ]
    return found


def paper(
    engine: Engine, name: str, changes: Mapping[str, Any] | None = None, role: str = "paper"
) -> Planned:
    """The paper's procedure, with some options changed."""
    chosen = PRESETS["paper"]["set"] | dict(changes or {})
    return Planned(
        name,
        role,
        lambda bpp: engine.plan(carrier="image", preset="paper", bpp=bpp, set=chosen),
    )


def _default(engine: Engine, name: str) -> Callable[[float], Plan]:
    return lambda bpp: engine.plan(carrier="image", extractor=name, bpp=bpp)


def _changed(options: BaseModel) -> Row:
    return options.model_dump(mode="json", exclude_defaults=True)

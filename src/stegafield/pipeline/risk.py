"""What is known of a file's risk: proven, by KL bounds; measured, by rows that ship with the
package; or unknown, which is the default.

P_E is the mean of false alarms and missed stegos, for one file that is a stego half of the time:
0.5 is guessing.

    measured P_E -> deflection d = -2 quantile(P_E)
                 -> straight lines over rate * sqrt(elements) -> P_E

By the square-root law (A. Ker, T. Pevny, J. Kodovsky, J. Fridrich, "The square root law of
steganographic capacity", MM&Sec 2008) what a detector can tell grows with the changes over the
square root of the elements. Nothing is told beyond the largest rate * sqrt(elements) that was
measured, nor for media, methods or extractors without rows, nor for covers with a past that was not
measured. Below half of the smallest there is no figure, but the interval at that half holds: fewer
changes are not easier to see. No interval is narrower than the pairs behind it allow.
"""

import json
import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources
from statistics import NormalDist
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, computed_field

from ..core.history import Past

_NORMAL = NormalDist()
_SIZES = 2.0
"""A size that differs from every measured one by more than this factor is named an extrapolation.
"""

CONTROLS = ("rs", "sample-pairs", "weighted-stego", "stegexpose", "primary-sets", "chi-square")
"""Detectors of LSB replacement, which is not used: what they make of a file is no evidence for it.
"""
PASTS = ("jpeg-compatibility",)
"""Detectors of what covers went through before: of those, `history` speaks."""
_SPREAD = 1.96 / math.sqrt(8)
"""Over the square root of the pairs: half the 95 % interval of P_E from so many covers and stegos,
where both errors are about 1/2."""
_TRACE = 0.01
"""The total variation up to which files are counted as safe together."""

Basis = Literal["proven", "measured", "unknown"]


class Situation(BaseModel):
    """What detectors are measured on: how a file was made."""

    model_config = ConfigDict(frozen=True)

    carrier: str
    channels: int
    """That may change: 1 for luminance, 3 for colour."""
    extractor: str
    method: str
    costs: bool
    bits: int | None = None
    """Of a code at full scale: what is seen in 8 bits says nothing of 16.

    None where the medium has no full scale.
    """


class Measured(Situation):
    """One measured row: what one detector made of files at one rate and size."""

    detector: str
    payload: float
    """Bits per free element, of the payload."""
    elements: float
    """Free elements of a file."""
    pairs: int
    p_e: float
    low: float
    high: float
    """The 95 % interval of P_E over sources."""
    source: str = ""
    """What the covers were."""


class Expectation(BaseModel):
    """What one detector is expected to make of one file, or what any could."""

    detector: str
    """"any": whatever the detector."""
    p_e: float | None
    """0.5 is guessing; None where nothing can be told."""
    low: float | None
    """The lower end of the 95 % interval of P_E; for a bound, the bound."""
    high: float | None = None
    """The upper end, 0.5 at most; None for a bound."""
    basis: Basis = "unknown"
    """What `low` rests on."""
    pairs: int | None = None
    """Covers and stegos behind the figure."""
    source: str = ""
    """What the covers were."""
    nats: float | None = None
    """The KL bound behind a proof."""
    note: str

    @computed_field
    @property
    def sentence(self) -> str:
        """What is known, in one sentence that begins with proven, measured or unknown."""
        if self.basis == "proven":
            files = f"{int(2 * _TRACE**2 / self.nats):,}" if self.nats else "any number of"
            return (
                f"proven: no detector tells this file from a plain one of its carrier with P_E "
                f"below {self.low:.4f} (0.5 is guessing; {self.nats:.2g} nats; {files} such files "
                f"stay below a total variation of {100 * _TRACE:.0f} %)"
            )
        if self.basis == "unknown" or self.low is None:
            return f"unknown: {self.note}"
        figure = "errs no less than" if self.p_e is None else f"errs {self.p_e:.2f} of the time,"
        most = "" if self.p_e is None else f" to {self.high:.2f}"
        return (
            f"measured: {self.detector} {figure} {self.low:.2f}{most} (0.5 is guessing; "
            f"{self.pairs} pairs of {self.source or 'other covers'}; {self.note}); "
            "better detectors were not tried"
        )


def bounded(nats: float) -> float:
    """The least P_E of any test, from KL(stego || plain) in nats.

    P_E >= (1 - V) / 2 with the total variation V. Pinsker: V <= sqrt(nats / 2), so P_E >= 1/2 -
    sqrt(nats / 8). Bretagnolle and Huber: V <= sqrt(1 - exp(-nats)), which is the smaller one for
    large nats.
    """
    variation = min(math.sqrt(nats / 2), math.sqrt(-math.expm1(-nats)))
    return (1 - variation) / 2


def expected(
    situation: Situation,
    payload: float,
    elements: int,
    table: Sequence[Measured] | None = None,
) -> list[Expectation]:
    """What each measured detector is expected to make of a file, the most dangerous first; empty:
    not measured."""
    rows = [row for row in table if _fits(row, situation)] if table is not None else []
    if table is None:
        rows = [row for row in shipped() if _fits(row, situation)]
    by_detector: dict[str, list[Measured]] = {}
    for row in (row for row in rows if row.detector not in (*CONTROLS, *PASTS)):
        by_detector.setdefault(row.detector, []).append(row)
    found = [_expect(name, alike, payload, elements) for name, alike in by_detector.items()]
    return sorted(found, key=lambda one: -1.0 if one.low is None else one.low)


def drawn(nats: float) -> Expectation:
    """The statement for a file that was drawn from its law, whatever the detector."""
    least = bounded(nats)
    note = f"no test errs less: KL bound of {nats:.2g} nats"
    return Expectation(detector="any", p_e=least, low=least, basis="proven", nats=nats, note=note)


def unmeasured(past: Sequence[Past]) -> list[Expectation]:
    """The statement for a cover whose past was not measured; empty where all of it was."""
    return [
        Expectation(
            detector="any", p_e=None, low=None, note=f"{one.told}; {one.advice}".rstrip("; ")
        )
        for one in past
        if not one.measured
    ]


def summed(expected: Sequence[Expectation]) -> str:
    """What is known of a file, in one sentence: that of the most dangerous."""
    if not expected:
        return "unknown: no detector was measured on such files"
    return expected[0].sentence


@lru_cache(maxsize=1)
def shipped() -> tuple[Measured, ...]:
    """The rows that ship with the package; `stegafield bench risk` makes them from those of `bench
    detect`."""
    text = resources.files("stegafield.pipeline").joinpath("risk.json").read_text()
    return tuple(Measured(**row) for row in json.loads(text))


def _fits(row: Measured, situation: Situation) -> bool:
    return all(getattr(row, name) == value for name, value in situation)


def _expect(name: str, rows: list[Measured], payload: float, elements: int) -> Expectation:
    rows = sorted(rows, key=_strength)
    strengths = [0.0, *map(_strength, rows)]
    here, pairs = payload * math.sqrt(elements), min(row.pairs for row in rows)
    source = "; ".join(dict.fromkeys(row.source for row in rows if row.source))
    if here > strengths[-1] * (1 + 1e-9):
        top = rows[-1]
        note = (
            f"{name} was not measured beyond {top.payload:.3g} bits an element in "
            f"{top.elements:.0f} elements"
        )
        return Expectation(detector=name, p_e=None, low=None, source=source, note=note)
    least = strengths[1] / 2
    told = max(here, least)

    def between(values: Iterable[float]) -> float:
        # More payload is never harder to see: what lies above it by chance is taken down.
        deflections = np.maximum.accumulate([0.0, *map(_deflection, values)])
        return _NORMAL.cdf(-float(np.interp(told, strengths, deflections)) / 2)

    p_e = between(row.p_e for row in rows)
    low = min(between(row.low for row in rows), p_e - _SPREAD / math.sqrt(pairs))
    high = max(between(row.high for row in rows), p_e + _SPREAD / math.sqrt(pairs))
    sizes = [row.elements for row in rows]
    note = ""
    if here < least:
        note = f"for fewer changes than were measured, the least at {rows[0].payload / 2:.3g} bits"
    elif not min(sizes) / _SIZES <= elements <= max(sizes) * _SIZES:
        note = f"on {min(sizes):.0f} elements; by the square-root law at {elements}"
    note = note or f"up to {rows[-1].payload:.3g} bits an element"
    return Expectation(
        detector=name,
        p_e=None if here < least else round(p_e, 4),
        low=round(max(0.0, low), 4),
        high=round(min(0.5, high), 4),
        basis="measured",
        pairs=pairs,
        source=source,
        note=note,
    )


def _strength(row: Measured) -> float:
    return row.payload * math.sqrt(row.elements)


def _deflection(p_e: float) -> float:
    """The distance of two normal laws of one width whose best test errs this often."""
    return max(0.0, -2 * _NORMAL.inv_cdf(min(max(p_e, 1e-6), 1 - 1e-6)))

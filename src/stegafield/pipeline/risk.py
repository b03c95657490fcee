"""What detectors are expected to see of a file: from measured rows that ship with the package, and
from KL bounds.

P_E is the mean of false alarms and missed stegos, for one file that is a stego half of the time:
0.5 is guessing.

    measured P_E -> deflection d = -2 quantile(P_E)
                 -> straight lines over rate * sqrt(elements) -> P_E

By the square-root law (A. Ker, T. Pevny, J. Kodovsky, J. Fridrich, "The square root law of
steganographic capacity", MM&Sec 2008) what a detector can tell grows with the changes over the
square root of the elements. Nothing is told beyond the largest rate * sqrt(elements) that was
measured, nor for media, methods or extractors without rows.
"""

import json
import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources
from statistics import NormalDist

import numpy as np
from pydantic import BaseModel, ConfigDict

_NORMAL = NormalDist()
_SIZES = 2.0
"""A size that differs from every measured one by more than this factor is named an extrapolation.
"""


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
    """The 95 % interval of P_E."""


class Expectation(BaseModel):
    """What one detector is expected to make of one file."""

    detector: str
    p_e: float | None
    """0.5 is guessing; None where nothing can be told."""
    low: float | None
    """The lower end of the 95 % interval of P_E; for a bound, the bound."""
    note: str


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
    for row in rows:
        by_detector.setdefault(row.detector, []).append(row)
    found = [_expect(name, alike, payload, elements) for name, alike in by_detector.items()]
    return sorted(found, key=lambda one: -1.0 if one.low is None else one.low)


def drawn(nats: float) -> Expectation:
    """The statement for a file that was drawn from its law, whatever the detector."""
    least = bounded(nats)
    note = f"no test errs less: KL bound of {nats:.2g} nats"
    return Expectation(detector="any", p_e=least, low=least, note=note)


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
    here = payload * math.sqrt(elements)
    if here > strengths[-1] * (1 + 1e-9):
        top = rows[-1]
        note = (
            f"not measured beyond {top.payload:.3g} bits an element in {top.elements:.0f} elements"
        )
        return Expectation(detector=name, p_e=None, low=None, note=note)

    def between(values: Iterable[float]) -> float:
        # More payload is never harder to see: what lies above it by chance is taken down.
        deflections = np.maximum.accumulate([0.0, *map(_deflection, values)])
        return _NORMAL.cdf(-float(np.interp(here, strengths, deflections)) / 2)

    p_e, low = between(row.p_e for row in rows), between(row.low for row in rows)
    sizes = [row.elements for row in rows]
    note = f"measured on {min(row.pairs for row in rows)} pairs"
    if not min(sizes) / _SIZES <= elements <= max(sizes) * _SIZES:
        note += f" of {min(sizes):.0f} elements; by the square-root law at {elements}"
    return Expectation(detector=name, p_e=round(p_e, 4), low=round(low, 4), note=note)


def _strength(row: Measured) -> float:
    return row.payload * math.sqrt(row.elements)


def _deflection(p_e: float) -> float:
    """The distance of two normal laws of one width whose best test errs this often."""
    return max(0.0, -2 * _NORMAL.inv_cdf(min(max(p_e, 1e-6), 1 - 1e-6)))

"""D6: contract tests raise AssertionError with the law that broke, whatever a plugin does."""

from typing import ClassVar

import numpy as np
import pytest

from stegafield.coding.ladder import LADDER, LADDER_BY_RATE
from stegafield.core import (
    Costs,
    Cover,
    Extractor,
    GridSpec,
    Optimizer,
    Rung,
    Solution,
)
from stegafield.extractors.phase import Phase
from stegafield.testing import (
    check_carrier,
    check_channel,
    check_costs,
    check_cover,
    check_detector,
    check_extractor,
    check_optimizer,
)
from tests.plugins.broken import MAGIC, GoodCarrier, GoodChannel, GoodDetector

CODES = np.random.default_rng(0).integers(60, 190, (1, 40, 30)).astype(np.int32)
COVER = Cover(CODES, 0, 255, np.ones(CODES.shape, bool), GridSpec(("y", "x"), (False, False)))
SAMPLE = MAGIC + bytes(range(256)) * 4
RUNGS = [rung for rung in LADDER_BY_RATE if rung.rate in (0.125, 1.0)]


def _of(base, **members):
    return type("Broken", (base,), {"__module__": __name__, **members})


def _gives(value):
    return lambda *_, **__: value


def _fails(*_, **__):
    raise ZeroDivisionError("boom")


def _leaves(*_, **__):
    raise SystemExit(0)


NONSENSE = {
    "none": _gives(None),
    "text": _gives("x"),
    "number text": _gives("0.5"),
    "bytes": _gives(b"x"),
    "list": _gives([1]),
    "nan": _gives(float("nan")),
    "object": _gives(object()),
    "array": _gives(np.full((3, 3), np.nan)),
    "fails": _fails,
    "leaves": _leaves,
}


def _later(old, change):
    """A method that changes what another returns."""
    return lambda self, *args, **given: change(old(self, *args, **given))


def _count():
    count = iter(range(10**9))
    return lambda *_, **__: float(next(count))


def test_what_is_in_order_passes():
    check_channel(GoodChannel, SAMPLE)
    check_carrier(GoodCarrier)
    check_detector(GoodDetector, CODES)
    check_extractor(Phase, COVER, RUNGS)


CHANNELS = {
    **{f"read {what}": {"read": found} for what, found in NONSENSE.items()},
    **{f"write {what}": {"write": found} for what, found in NONSENSE.items()},
    "a cover": {"read": lambda self, data: next(GoodChannel.read(self, data))},
    "codes": {"read": lambda self, data: iter([next(GoodChannel.read(self, data)).codes])},
    "nothing": {"read": lambda self, data: iter([])},
    "ValueError": {"read": lambda self, data: iter([COVER]) if MAGIC in data else int(data)},
    "everything": {"read": lambda self, data: iter([COVER])},
    "floats": {"read": _later(GoodChannel.read, lambda found: (c.codes * 1.0 for c in found))},
}


@pytest.mark.parametrize("what", CHANNELS)
def test_channels(what):
    with pytest.raises(AssertionError, match=r"read\(\)|write\(\)|codes"):
        check_channel(_of(GoodChannel, **CHANNELS[what])(), SAMPLE)


@pytest.mark.parametrize("given", [None, "x", 7, object()])
def test_a_sample_that_is_none(given):
    with pytest.raises(AssertionError):
        check_channel(GoodChannel(), given)
    with pytest.raises(AssertionError):
        check_cover(given)


CARRIERS = {
    **{f"covers {what}": {"covers": found} for what, found in NONSENSE.items()},
    **{f"blank {what}": {"blank": found} for what, found in NONSENSE.items()},
    "one for all": {"covers": lambda self, count, rng: [self._one(rng)] * count},
    "one too few": {"covers": lambda self, count, rng: [self._one(rng)] * (count - 1)},
    "of its own dice": {
        "covers": lambda self, count, rng: GoodCarrier.covers(self, count, np.random.default_rng())
    },
    "a generator": {"covers": lambda self, count, rng: (self._one(rng) for _ in range(count))},
}


@pytest.mark.parametrize("what", CARRIERS)
def test_carriers(what):
    with pytest.raises(AssertionError):
        check_carrier(_of(GoodCarrier, **CARRIERS[what])())


SOURCES = {
    **{f"open {what}": {"open": found} for what, found in NONSENSE.items()},
    **{f"value {what}": {"value": f} for what, f in NONSENSE.items() if what != "bytes"},
    **{f"costs {what}": {"costs": f} for what, f in NONSENSE.items() if what != "none"},
}


@pytest.mark.parametrize("what", SOURCES)
def test_carriers_of_sources(what):
    opens = {"open": lambda self, source: next(GoodChannel().read(source))}
    data = MAGIC + np.random.default_rng(1).integers(0, 256, 4000, np.uint8).tobytes()
    check_carrier(_of(GoodCarrier, **opens)(), [data])
    with pytest.raises(AssertionError):
        check_carrier(_of(GoodCarrier, **{**opens, **SOURCES[what]})(), [data])


@pytest.mark.parametrize("price", [np.nan, -1.0, 1j])
def test_costs(price):
    full = _gives(Costs._make([np.full(CODES.shape, price)] * 2))
    for costs in (full, _count()):
        with pytest.raises(AssertionError, match=r"costs\(\)"):
            check_costs(_of(GoodCarrier, costs=costs)(), COVER)


DETECTORS = {
    **{f"score {what}": {"score": found} for what, found in NONSENSE.items()},
    **{f"judges {what}": {"judges": classmethod(found)} for what, found in NONSENSE.items()},
    "another each time": {"score": _count()},
    "its input": {"score": lambda self, codes: float(codes.sort() is None)},
    "of no kind": {"kinds": ("planes",)},
    "not of its kinds": {"judges": classmethod(lambda cls, spec: spec.kind == "plane")},
    "yes": {"score": _gives(True)},
}


@pytest.mark.parametrize("what", DETECTORS)
def test_detectors(what):
    with pytest.raises(AssertionError, match=r"score\(\)|judges\(\)|kinds"):
        check_detector(_of(GoodDetector, **DETECTORS[what])(), CODES.copy())


def _solution(change):
    def solve(self, objective, box):
        items = len(box.lower)
        zero = np.zeros(items)
        return Solution(change(box), zero, zero.astype(int), ("done",) * items)

    return solve


OPTIMIZERS = {
    **NONSENSE,
    "gives up": _solution(lambda box: np.zeros(box.lower.shape)),
    "leaves the box": _solution(lambda box: box.upper + 1),
    "not a number": _solution(lambda box: np.full(box.lower.shape, np.nan)),
    "of another shape": _solution(lambda box: np.zeros(3)),
    "a list": _solution(lambda box: [0.0] * len(box.lower)),
}


@pytest.mark.parametrize("what", OPTIMIZERS)
def test_optimizers(what):
    with pytest.raises(AssertionError):
        check_optimizer(_of(Optimizer, name="broken", solve=OPTIMIZERS[what]))


EXTRACTORS = {
    **{f"read {what}": {"read": found} for what, found in NONSENSE.items()},
    **{f"count {what}": {"count": found} for what, found in NONSENSE.items()},
    **{f"project {what}": {"project": found} for what, found in NONSENSE.items()},
    **{
        f"offers {what}": {"offers": classmethod(f)}
        for what, f in NONSENSE.items()
        if what != "none"
    },
    "rungs of its own": {"offers": classmethod(_gives([Rung(1, 8)]))},
    "falling rungs": {"offers": classmethod(_gives([LADDER_BY_RATE[5], LADDER_BY_RATE[3]]))},
    "bools": {"read": lambda self, *a: Phase.read(self, *a).astype(bool)},
    "no key": {"read": lambda self, codes, free, spec: (codes[free] & 1).astype(np.uint8)},
    "by the codes": {"read": lambda self, codes, *a: np.zeros(int(codes.flat[0]), np.uint8)},
    "floats": {"project": lambda self, *a: Phase.project(self, *a) + 0.25},
    "lazy": {"project": lambda self, cover, bits, rng: cover.codes.copy()},
}


@pytest.mark.parametrize("what", EXTRACTORS)
def test_extractors(what):
    with pytest.raises(AssertionError):
        check_extractor(_of(Phase, name="broken", **EXTRACTORS[what]), COVER, RUNGS)


class Sums(Extractor):
    """The sign of a keyed sum of eight elements: real, and easy for a solver."""

    name = "sums"
    rungs: ClassVar = [rung for rung in LADDER if rung.bits == 7 and rung.elements == 64]

    @classmethod
    def offers(cls, cover):
        """One rung."""
        return cls.rungs

    def read(self, codes, free, spec):
        """Whether each sum is above the middle."""
        return (self._sums((codes - 125.0).reshape(1, -1), free)[0] > 0).astype(np.uint8)

    def _sums(self, values, free):
        rng = np.random.default_rng(list(self.seed))
        where = rng.permutation(np.flatnonzero(free))
        where = where[: where.size // 8 * 8].reshape(-1, 8)
        sign = np.where(rng.random(where.shape) < 0.5, -1.0, 1.0)
        return (values[:, where] * self._like(sign, values)).sum(-1)

    def _like(self, sign, values):
        if isinstance(values, np.ndarray):
            return sign
        import torch

        return torch.from_numpy(sign).to(values)

    def objective(self, cover, bits):
        """A hinge on each sum."""
        import torch

        wanted = torch.from_numpy(2.0 * bits - 1)
        codes = torch.from_numpy(cover.codes - 125.0)

        def loss(change):
            here = (codes + change).reshape(len(change), -1)
            return self._loss(self._sums(here, cover.free) * wanted)

        return loss

    def _loss(self, margins):
        return (12 - margins).clamp(min=0).sum(-1)


def _objective(change):
    """Another loss, made of the right one."""

    def objective(self, cover, bits):
        loss = Sums.objective(self, cover, bits)
        return lambda given: change(loss, given)

    return {"objective": objective}


def _wrong_way(loss, given):
    found = loss(given)
    return found + 2 * (found.detach() - found)


OBJECTIVES = {
    **{what: {"objective": found} for what, found in NONSENSE.items()},
    **{f"gives {what}": _objective(lambda loss, x, f=f: f()) for what, f in NONSENSE.items()},
    "one number": _objective(lambda loss, given: loss(given).sum()),
    "not differentiable": _objective(lambda loss, given: loss(given).detach()),
    "another gradient": _objective(lambda loss, g: 0.3 * loss(g) + 0.7 * loss(g).detach()),
    "the other way": _objective(_wrong_way),
    "flat": _objective(lambda loss, given: 0 * loss(given)),
    "items mixed": _objective(lambda loss, given: loss(given) + loss(given.flip(0)) / 2),
    "for another message": {
        "objective": lambda self, cover, bits: Sums.objective(self, cover, 1 - bits)
    },
}


def test_an_objective_in_order_passes():
    """D6: it is differentiated, lowered, rounded, read back, and a message makes the trip."""
    pytest.importorskip("torch")
    check_extractor(Sums, COVER, Sums.rungs, embed=False)


@pytest.mark.parametrize("what", OBJECTIVES)
def test_objectives(what):
    """D6."""
    pytest.importorskip("torch")
    with pytest.raises(AssertionError, match=r"objective|wrong after lbfgs|lowered|message"):
        check_extractor(_of(Sums, **OBJECTIVES[what]), COVER, Sums.rungs)

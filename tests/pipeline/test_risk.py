"""What detectors are expected to see: bounds, between measured rows, the limit that refuses."""

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest

from stegafield.errors import CapacityError, ConfigError
from stegafield.pipeline import risk
from stegafield.pipeline.risk import Measured, Situation
from tests.priced import textured

HERE = Situation(
    carrier="image", channels=1, extractor="phase", method="project", costs=True, bits=8
)
PICTURE = textured((1, 128, 128))[0].astype(np.uint8)


def _row(payload, p_e, elements=10_000, detector="one", **other):
    fields = HERE.model_dump() | {"detector": detector, "pairs": 100, "elements": elements} | other
    return Measured(**fields, payload=payload, p_e=p_e, low=p_e - 0.02, high=p_e + 0.02)


@pytest.mark.parametrize("distance", [1e-4, 0.01, 0.3, 1.0, 3.0])
def test_no_test_errs_less_than_the_bound(distance):
    """Two normal laws d apart: the best test errs Phi(-d/2) of the time, and KL is d^2 / 2."""
    best = NormalDist().cdf(-distance / 2)
    assert 0 < risk.bounded(distance**2 / 2) <= best
    if distance < 0.1:
        assert risk.bounded(distance**2 / 2) > best - distance
    assert risk.bounded(1e-5) == pytest.approx(0.5 - math.sqrt(1e-5 / 8))


def test_measured_rows_are_met_and_nothing_is_told_beyond_them():
    table = [_row(0.1, 0.45), _row(0.4, 0.2), _row(0.2, 0.4), _row(0.4, 0.3, detector="two")]
    for row in table[:3]:
        found = {one.detector: one for one in risk.expected(HERE, row.payload, 10_000, table)}
        assert found["one"].p_e == pytest.approx(row.p_e, abs=1e-3)
        assert found["one"].low == pytest.approx(row.low, abs=1e-3)
    first = risk.expected(HERE, 0.4, 10_000, table)[0]
    assert first.detector == "one"  # the most dangerous
    beyond = risk.expected(HERE, 0.41, 10_000, table)
    assert all(one.p_e is None and "not measured beyond" in one.note for one in beyond)
    # four times the samples at half the rate: the square root law, and it says so
    other = risk.expected(HERE, 0.1, 40_000, table)[0]
    assert other.p_e == pytest.approx(0.4, abs=1e-3) and "square-root law" in other.note
    assert risk.expected(HERE.model_copy(update={"carrier": "tide"}), 0.1, 10_000, table) == []


def test_more_payload_is_never_told_to_be_safer():
    table = [_row(0.1, 0.4), _row(0.2, 0.45), _row(0.4, 0.3)]
    found = [risk.expected(HERE, x, 10_000, table)[0].p_e for x in np.linspace(0, 0.4, 30)]
    assert found[0] == 0.5 and all(a >= b for a, b in itertools.pairwise(found))
    assert risk.expected(HERE, 0.2, 10_000, table)[0].p_e == pytest.approx(0.4, abs=1e-3)


def test_hide_tells_and_refuses(engine, key, monkeypatch):
    size = PICTURE.size
    table = tuple(_row(x, p, elements=size) for x, p in ((0.1, 0.48), (0.3, 0.4)))
    monkeypatch.setattr(risk, "shipped", lambda: table)
    given = {"carrier": "image", "cover": PICTURE, "key": key}
    stego = engine.hide(b"m", **given)
    assert 0.46 < stego.report.expected[0].p_e <= 0.5
    assert engine.reveal(engine.hide(b"m", **given, max_risk=0.45).data, key=key) == b"m"
    least, most = (
        engine.capacity(**given_, max_risk=limit)
        for given_, limit in (
            ({"carrier": "image", "cover": PICTURE}, 0.45),
            ({"carrier": "image", "cover": PICTURE}, 0.39),
        )
    )
    assert 0 < least < most < engine.capacity(carrier="image", cover=PICTURE)
    long = np.random.default_rng(0).bytes(least + 20)
    with pytest.raises(CapacityError, match="hide less, take a larger cover") as caught:
        engine.hide(long, **given, max_risk=0.45)
    assert caught.value.available == least
    assert engine.hide(long, **given).report.expected  # without a limit it is told only
    plain = {**given, "set": {"effort.costs": False}}
    with pytest.raises(ConfigError, match="nothing was measured"):
        engine.hide(b"m", **plain, max_risk=0.45)
    with pytest.raises(ConfigError, match="not a P_E"):
        engine.hide(b"m", **given, max_risk=0.6)


def test_the_sampler_keeps_any_limit_that_its_bound_does(engine, key):
    given = {"carrier": "era5", "size": (31, 60), "key": key}
    stego = engine.hide(b"m", **given, max_risk=0.498)
    found = stego.report.expected[0]
    assert found.detector == "any" and 0.498 < found.low < 0.5
    assert stego.report.expected == [
        risk.drawn(stego.report.kl_bound_nats)
    ]  # one bound, that of this file
    with pytest.raises(CapacityError, match="0.5 at least"):
        engine.hide(b"m", **given, max_risk=0.5)


def test_nothing_is_told_of_depths_that_were_not_measured(engine, key):
    """Rows are of 8-bit greys and 16-bit sound: 8-bit sound is louder, 16-bit greys are finer."""
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, 12_000)
    covers = {
        "image": (
            PICTURE,
            PICTURE * np.uint16(256) + rng.integers(256, size=PICTURE.shape, dtype=np.uint16),
        ),
        "audio": (
            np.rint(sound * 32768).astype(np.int16),
            np.rint(128 + sound * 128).astype(np.uint8),
        ),
    }
    for carrier, (measured, other) in covers.items():
        given = {"carrier": carrier, "key": key}
        assert engine.hide(b"m", cover=measured, **given).report.expected
        assert engine.hide(b"m", cover=other, **given).report.expected == []
        with pytest.raises(ConfigError, match="nothing was measured"):
            engine.hide(b"m", cover=other, max_risk=0.1, **given)


def test_fields_that_era5_draws_and_project_changes_were_measured(engine):
    """Rows of `--against project` are named by the method, but are the default extractor's."""
    asked = {"carrier": "era5", "size": (181, 360), "method": "project"}
    found = engine.hide(b"m", bps=0.5, **asked).report.expected
    assert "sphere" in {one.detector for one in found}
    assert all(one.p_e is not None for one in found)

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
    fields = HERE.model_dump() | {"detector": detector, "pairs": 40_000} | other
    ends = {"low": p_e - 0.02, "high": p_e + 0.02, "elements": elements}
    return Measured(**fields, **ends, payload=payload, p_e=p_e)


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
    assert {one.basis for one in beyond} == {"unknown"} and first.basis == "measured"
    # four times the samples at half the rate: the square root law, and it says so
    other = risk.expected(HERE, 0.1, 40_000, table)[0]
    assert other.p_e == pytest.approx(0.4, abs=1e-3) and "square-root law" in other.note
    assert risk.expected(HERE.model_copy(update={"carrier": "tide"}), 0.1, 10_000, table) == []


def test_more_payload_is_never_told_to_be_safer():
    table = [_row(0.1, 0.4), _row(0.2, 0.45), _row(0.4, 0.3)]
    found = [risk.expected(HERE, x, 10_000, table)[0].p_e for x in np.linspace(0.05, 0.4, 30)]
    assert 0.4 < found[0] < 0.5 and all(a >= b for a, b in itertools.pairwise(found))
    assert risk.expected(HERE, 0.2, 10_000, table)[0].p_e == pytest.approx(0.4, abs=1e-3)


def test_hide_tells_and_refuses(engine, key, monkeypatch):
    size = PICTURE.size
    table = tuple(_row(x, p, elements=size) for x, p in ((0.1, 0.48), (0.3, 0.4)))
    monkeypatch.setattr(risk, "shipped", lambda: table)
    given = {"carrier": "image", "cover": PICTURE, "key": key}
    stego = engine.hide(b"m", bpp=0.1, **given)
    assert 0.46 < stego.report.expected[0].p_e <= 0.5
    assert stego.report.risk.startswith("measured: one errs 0.4")
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


@pytest.mark.parametrize("pairs", [20, 103, 412, 4000])
def test_intervals_are_as_wide_as_the_pairs_behind_them(pairs):
    """B13: 103 pairs cannot tell P_E closer than .07, however close the rows say they do."""
    table = [_row(x, 0.5, pairs=pairs).model_copy(update={"low": 0.4997}) for x in (0.1, 0.4)]
    for payload in (0.06, 0.1, 0.2, 0.4):
        (found,) = risk.expected(HERE, payload, 10_000, table)
        assert found.p_e - found.low >= 0.69 / math.sqrt(pairs) and found.pairs == pairs
        assert found.low >= 0 and found.high <= 0.5
    (found,) = risk.expected(HERE, 0.1, 10_000, [_row(0.1, 0.5, pairs=103)])
    assert found.p_e - found.low == pytest.approx(0.07, abs=0.003)


def test_there_is_no_figure_below_half_of_what_was_measured():
    """B13: fewer changes are not easier to see, so the interval holds, and no more is told."""
    table = [_row(0.1, 0.45), _row(0.4, 0.2)]
    half = risk.expected(HERE, 0.051, 10_000, table)[0]
    assert half.p_e is not None
    for payload in (0.0, 0.001, 0.049):
        (found,) = risk.expected(HERE, payload, 10_000, table)
        assert found.p_e is None and found.low == pytest.approx(half.low, abs=2e-3)
        assert "fewer changes than were measured" in found.sentence


def test_controls_are_no_evidence():
    """B13: detectors of LSB replacement, which is not used."""
    table = [_row(0.1, 0.5, detector=name) for name in risk.CONTROLS]
    assert risk.expected(HERE, 0.1, 10_000, table) == []
    assert not {row.detector for row in risk.shipped()} & set(risk.CONTROLS)


def test_every_shipped_row_says_what_its_covers_were():
    """B13: "measured on photographs decoded from JPEG" is another statement than "measured"."""
    assert all(row.source for row in risk.shipped())
    assert {"JPEG" in row.source for row in risk.shipped() if row.carrier == "image"} == {True}


def test_a_sentence_says_what_it_rests_on():
    """B13: proven, measured or unknown; unknown is the default."""
    proven = risk.drawn(9e-11)
    assert proven.basis == "proven" and "2,222,222 such files" in proven.sentence
    row = _row(0.1, 0.45, source="drawings")
    (measured,) = risk.expected(HERE, 0.1, 10_000, [row])
    assert measured.sentence.startswith("measured: one errs 0.45 of the time, 0.43 to 0.47")
    assert "40000 pairs of drawings" in measured.sentence
    assert risk.Expectation(detector="any", p_e=None, low=None, note="x").basis == "unknown"
    assert risk.summed([]).startswith("unknown: ")

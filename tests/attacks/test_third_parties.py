"""Plugins that give nonsense, or fail: `BrokenPlugin` or a failure names them; never a bad file."""

from dataclasses import replace

import jaxtyping
import numpy as np
import pytest

from stegafield.carriers.image import ImageCarrier
from stegafield.channels.picture.png import PngChannel
from stegafield.coding.ladder import LADDER_BY_RATE
from stegafield.core.blame import blamed
from stegafield.core.cover import Costs, GridSpec
from stegafield.core.detector import Detector, judged, opinion
from stegafield.core.optimizer import Optimizer
from stegafield.core.registry import Registry
from stegafield.core.rung import Rung
from stegafield.errors import (
    BrokenPlugin,
    CapacityError,
    EmbeddingFailed,
    FormatError,
    StegafieldError,
)
from stegafield.extractors.phase import Phase
from stegafield.pipeline.engine import Engine
from tests.attacks.conftest import noise, png

PICTURE = noise(40, 40, 3)


class Plain(ImageCarrier):
    """Writes PNG files alone."""

    channels = ()


def _fails(*_, **__):
    raise RuntimeError("boom")


def _gives(value):
    return lambda *_, **__: value


NONSENSE = {
    "none": _gives(None),
    "number": _gives(7),
    "text": _gives("x"),
    "nothing": _gives([]),
    "empty": _gives(np.zeros(0)),
    "nan": _gives(np.full((3, 40, 40), np.nan)),
    "small": _gives(np.zeros((3, 5, 5), int)),
    "fails": _fails,
}


def _engine(kind, third_party, *others):
    registry = Registry()
    for one_kind, one in (("channel", PngChannel), ("extractor", Phase), *others):
        registry.add(one_kind, one, "ours")
    registry.add(kind, third_party, "third-party")
    return Engine(registry, device="cpu")


def _third_party(base, **methods):
    return type("ThirdParty", (base,), {"name": "third-party", "__module__": __name__, **methods})


def _costs(price):
    return lambda _, cover: Costs._make([price(cover.codes.shape)] * 2)  # past our own checks


PRICES = {
    "nan": lambda shape: np.full(shape, np.nan),
    "one-nan": lambda shape: np.where(np.arange(np.prod(shape)).reshape(shape) == 5, np.nan, 1.0),
    "negative": lambda shape: np.full(shape, -1.0),
    "minus-infinity": lambda shape: np.full(shape, -np.inf),
    "flat": lambda shape: np.ones(np.prod(shape)),
    "broadcast": lambda shape: np.ones(shape[-1]),
    "complex": lambda shape: np.full(shape, 1j),
    "text": lambda shape: np.full(shape, "x"),
    "objects": lambda shape: np.full(shape, None),
}


@pytest.mark.parametrize("price", PRICES)
def test_costs_that_are_none(key, price):
    carrier = _third_party(ImageCarrier, costs=_costs(PRICES[price]))
    with pytest.raises(BrokenPlugin, match="costs"):
        _engine("carrier", carrier).hide(b"m", carrier="third-party", cover=PICTURE, key=key)


@pytest.mark.parametrize("what", [n for n in NONSENSE if n != "none"])
def test_costs_that_are_not_even_costs(key, what):
    carrier = _third_party(ImageCarrier, costs=NONSENSE[what])
    for act in ("hide", "capacity"):
        given = {"key": key} if act == "hide" else {}
        with pytest.raises(BrokenPlugin):
            getattr(_engine("carrier", carrier), act)(carrier="third-party", cover=PICTURE, **given)


@pytest.mark.slow
@pytest.mark.parametrize("price", [0.0, np.inf, 1e300, 1e-300, True])
@pytest.mark.parametrize("bps", [0.1, 0.5])
def test_costs_that_are_odd_but_costs(key, price, bps):
    """What is beyond all prices is not for sale, unless that is requested."""
    carrier = _third_party(ImageCarrier, costs=_costs(lambda shape: np.full(shape, price)))
    engine = _engine("carrier", carrier)
    given = {"carrier": "third-party", "cover": PICTURE, "key": key, "bps": bps}
    if price == np.inf:
        with pytest.raises(CapacityError, match="effort.flat"):
            engine.hide(b"m", **given)
        given["set"] = {"effort.flat": True}
    assert engine.reveal(engine.hide(b"m", **given).data, key=key) == b"m"


@pytest.mark.parametrize("what", NONSENSE)
def test_carriers_and_channels(key, what):
    opens = _third_party(Plain, open=NONSENSE[what])
    writes = _third_party(PngChannel, write=NONSENSE[what])

    def open_(self, source):
        return replace(super(ours, self).open(source), channel="third-party")

    ours = type("Ours", (Plain,), {"name": "ours", "channel": writes, "open": open_})
    with pytest.raises(BrokenPlugin):
        _engine("carrier", opens).hide(b"m", carrier="third-party", cover=PICTURE, key=key)
    engine = _engine("channel", writes, ("carrier", ours))
    with pytest.raises(BrokenPlugin):
        engine.hide(b"m", carrier="ours", cover=png(PICTURE), key=key)


@pytest.mark.parametrize("what", NONSENSE)
@pytest.mark.parametrize("method", ["read", "project", "count", "__init__"])
def test_extractors(key, method, what):
    engine = _engine(
        "extractor", _third_party(Phase, **{method: NONSENSE[what]}), ("carrier", ImageCarrier)
    )
    if (method, what) == ("__init__", "none"):
        pytest.skip("an object without a seed; what it does then is tried below")
    with pytest.raises(StegafieldError) as caught:
        engine.hide(b"m", carrier="image", cover=PICTURE, key=key, extractor="third-party")
    told = isinstance(caught.value, BrokenPlugin) or method in ("read", "count")
    assert told and "boom" in str(caught.value) if what == "fails" else told


def test_codes_that_are_no_integers_are_not_rounded_in_silence(key):
    def project(self, cover, bits, rng):
        return Phase.project(self, cover, bits, rng) + 0.25

    engine = _engine("extractor", _third_party(Phase, project=project), ("carrier", ImageCarrier))
    with pytest.raises((EmbeddingFailed, BrokenPlugin)):
        engine.hide(b"m", carrier="image", cover=PICTURE, key=key, extractor="third-party")


@pytest.mark.parametrize("what", NONSENSE)
def test_optimizers(key, what):
    pytest.importorskip("torch")
    from stegafield.extractors.cnn import Cnn

    engine = _engine(
        "optimizer",
        _third_party(Optimizer, solve=NONSENSE[what]),
        ("carrier", ImageCarrier),
        ("extractor", Cnn),
    )
    with pytest.raises(BrokenPlugin, match="third-party"):
        engine.hide(
            b"m",
            carrier="image",
            cover=PICTURE,
            key=key,
            extractor="cnn",
            optimizer="third-party",
            bpp=1,
            set={"effort.doubtful": True},
        )


@pytest.mark.parametrize("what", NONSENSE)
def test_detectors(what):
    detector, codes = _third_party(Detector, score=NONSENSE[what])(), PICTURE.astype(np.int32)
    if what == "number":
        assert opinion(detector, codes) == 7
        return
    with pytest.raises(BrokenPlugin, match="third-party"):
        opinion(detector, codes)


def test_a_carrier_that_fails_on_a_third_partys_array_stops_nobody(key):
    engine = _engine("carrier", _third_party(Plain, open=_fails), ("carrier", ImageCarrier))
    stego = engine.hide(b"m", carrier="image", cover=PICTURE, key=key)
    assert engine.reveal(stego.value, key=key) == b"m"
    with pytest.raises(FormatError):
        engine.reveal(7, key=key)


def test_our_own_faults_stay_bugs_and_errors_of_ours_stay_what_they_are():
    with pytest.raises(RuntimeError), blamed(ImageCarrier, Phase, None):
        _fails()
    for error in (OSError("disk"), EmbeddingFailed("no", None), MemoryError()):
        with pytest.raises(type(error)), blamed(_third_party(Plain)):
            raise error
    with pytest.raises(BrokenPlugin, match="boom.*test_third_parties.py, line") as caught:
        with blamed(_third_party(Plain), ImageCarrier):
            _fails()
    assert isinstance(caught.value.__cause__, RuntimeError) and "ImageCarrier" not in str(caught)


RUNGS = {
    "not of the ladder": [Rung(1, 8)],
    "falling": [LADDER_BY_RATE[5], LADDER_BY_RATE[3]],
    "numbers": [1, 2],
    "one": 7,
}


@pytest.mark.parametrize("what", RUNGS)
def test_rungs_that_cannot_be_used(key, what):
    offers = classmethod(lambda cls, cover: RUNGS[what])
    engine = _engine("extractor", _third_party(Phase, offers=offers), ("carrier", ImageCarrier))
    given = {"carrier": "image", "cover": PICTURE, "extractor": "third-party"}
    with pytest.raises(BrokenPlugin, match=r"third-party.*offers"):
        engine.hide(b"m", key=key, **given)


COVERS = {
    "float codes": lambda cover: replace(cover, codes=cover.codes.astype(float)),
    "free of numbers": lambda cover: replace(cover, free=cover.free.astype(int)),
    "free of another shape": lambda cover: replace(cover, free=cover.free[:, :5]),
    "weight": lambda cover: replace(cover, weight=np.ones(3)),
    "axes": lambda cover: replace(cover, spec=GridSpec(("y",), (False,))),
    "notes": lambda cover: replace(cover, notes="abc"),
}


@pytest.mark.parametrize("what", COVERS)
def test_covers_whose_parts_do_not_fit(key, what):
    """Built past the run-time types of the tests, as a plugin would."""

    def open_(self, source):
        jaxtyping.config.update("jaxtyping_disable", True)
        try:
            return COVERS[what](ImageCarrier.open(self, source))
        finally:
            jaxtyping.config.update("jaxtyping_disable", False)

    carrier = _third_party(ImageCarrier, open=open_)
    with pytest.raises(BrokenPlugin, match="third-party"):
        _engine("carrier", carrier).hide(b"m", carrier="third-party", cover=PICTURE, key=key)


def test_a_detector_that_fails_at_its_geometry_is_named():
    detector = _third_party(Detector, judges=classmethod(_fails), score=_gives(1.0))()
    with pytest.raises(BrokenPlugin, match=r"third-party.*boom"):
        judged(detector, GridSpec(("y", "x"), (False, False)), PICTURE.astype(np.int32))

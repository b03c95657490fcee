"""Detectors against planted embedding, against slow definitions, and on hostile codes."""

import json
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from typer.testing import CliRunner

from stegafield.cli.commands import app
from stegafield.core.detector import TrainedDetector
from stegafield.detectors.lsb.chi_square import ChiSquare, chi_square_tail
from stegafield.detectors.lsb.primary_sets import PrimarySets
from stegafield.detectors.lsb.rs import Rs
from stegafield.detectors.lsb.sample_pairs import SamplePairs
from stegafield.detectors.lsb.stegexpose import StegExpose
from stegafield.detectors.lsb.weighted_stego import WeightedStego
from stegafield.detectors.residual.ensemble import Ensemble
from stegafield.detectors.residual.line import Line
from stegafield.detectors.residual.rich import Rich, _orbits
from stegafield.detectors.residual.spam import Spam
from stegafield.detectors.residual.sphere import Sphere
from stegafield.detectors.xunet import XuNet
from stegafield.errors import ConfigError, FormatError
from stegafield.metrics import detection
from stegafield.plugins.discovery import registry
from stegafield.testing import check_detector

ESTIMATORS = [Rs, SamplePairs, WeightedStego, PrimarySets]
UNTRAINED = [*ESTIMATORS, ChiSquare, StegExpose]
TRAINED = [Spam, Rich, Line, Sphere]


@pytest.fixture(scope="module")
def pictures():
    """256x256 corners of the colour photographs that scikit-image ships."""
    from skimage import data

    names = ("astronaut", "chelsea", "coffee", "rocket")
    return {
        name: getattr(data, name)()[:256, :256, :3].transpose(2, 0, 1).astype(np.int32)
        for name in names
    }


def planted(codes, rate, seed=0):
    """LSB replacement: random bits in a share of the samples."""
    rng, stego = np.random.default_rng(seed), codes.ravel().copy()
    places = rng.permutation(codes.size)[: round(rate * codes.size)]
    stego[places] = (stego[places] & ~1) | rng.integers(0, 2, places.size)
    return stego.reshape(codes.shape)


@pytest.mark.parametrize("detector", ESTIMATORS)
def test_planted_lsb_replacement_is_estimated(detector, pictures):
    for name in ("astronaut", "chelsea", "coffee"):
        for rate in (0, 0.1, 0.25, 0.5):
            found = detector().score(planted(pictures[name], rate))
            assert found == pytest.approx(rate, abs=0.05), (name, rate)
        # At the full rate the equations lose their second term, so only its size is left.
        full = detector().score(planted(pictures[name], 1))
        assert 0.85 < full < (1.7 if detector is Rs else 1.05), name


def test_a_picture_without_noise_is_hard_for_weighted_stego_only(pictures):
    for rate in (0, 0.1, 0.25, 0.5):
        stego = planted(pictures["rocket"], rate)
        for detector in (Rs, SamplePairs, PrimarySets):
            assert detector().score(stego) == pytest.approx(rate, abs=0.03)
        assert rate - 0.03 < WeightedStego().score(stego) < 2 * rate + 0.03


def test_chi_square_finds_how_much_was_written_in_order():
    rng = np.random.default_rng(2)
    cover = np.rint(rng.normal(0, 12, (1, 200, 200))).astype(np.int32) * 2 + (
        rng.random((1, 200, 200)) < 0.1
    )
    cover = cover.astype(np.int32)
    assert ChiSquare().score(cover) < 0.02
    for share in (0.3, 0.6, 1):
        stego, end = cover.copy().ravel(), round(share * cover.size)
        stego[:end] = (stego[:end] & ~1) | rng.integers(0, 2, end)
        assert ChiSquare().score(stego.reshape(cover.shape)) == pytest.approx(share, abs=0.06)


def test_the_tail_of_chi_square():
    for freedom, close in ((1, 0.05), (3, 0.015), (10, 0.01), (127, 0.005)):
        for statistic in np.linspace(0, 3 * freedom, 20):
            exact = stats.chi2.sf(statistic, freedom)
            assert chi_square_tail(float(statistic), freedom) == pytest.approx(exact, abs=close)


def test_the_fusion_is_the_mean_of_its_four(pictures):
    stego = planted(pictures["coffee"], 0.5)
    parts = [d().score(stego) for d in (PrimarySets, ChiSquare, SamplePairs, Rs)]
    assert StegExpose().score(stego) == pytest.approx(np.mean(parts))
    assert StegExpose().score(stego) > StegExpose.threshold > StegExpose().score(pictures["coffee"])


def test_the_fusion_follows_planted_rates(pictures):
    """Bits at random places: three parts estimate the rate, the chi-square attack says less."""
    for name in ("astronaut", "chelsea", "coffee"):
        clean = StegExpose().score(pictures[name])
        for rate in (0.1, 0.25, 0.5):
            found = StegExpose().score(planted(pictures[name], rate)) - clean
            assert 0.75 * rate - 0.05 < found < rate + 0.05, (name, rate)


HOSTILE = [
    np.zeros((1, 1, 1), np.int32),
    np.zeros((3, 0, 0), np.int32),
    np.full((3, 40, 40), 255, np.int32),
    np.arange(3 * 2 * 5, dtype=np.int32).reshape(3, 2, 5),
    np.zeros((1, 1), np.int64),
    np.random.default_rng(0).integers(0, 65536, (1, 50, 50)).astype(np.int32),
    np.random.default_rng(0).integers(-(2**40), 2**40, (2, 500)),
    np.random.default_rng(0).integers(-9, 9, (1, 2, 6, 40, 44)).astype(np.int32),
]


@pytest.mark.parametrize("detector", UNTRAINED)
@pytest.mark.parametrize("codes", HOSTILE, ids=lambda codes: str(codes.shape))
def test_untrained_detectors_have_a_finite_opinion_of_anything(detector, codes):
    check_detector(detector(), codes)


@pytest.mark.parametrize("detector", [*TRAINED, XuNet])
@pytest.mark.parametrize("codes", HOSTILE, ids=lambda codes: str(codes.shape))
def test_features_are_finite_or_refused(detector, codes):
    try:
        found = detector().features(codes)
    except ConfigError as error:
        assert "detector" in str(error)
    else:
        assert np.isfinite(found).all()
        assert found.shape == detector().features(codes).shape


def test_spam_is_its_definition(pictures):
    plane = pictures["chelsea"][0][40:64, 40:70]
    rows, columns = plane.shape
    wanted = []
    for directions in (((0, 1), (0, -1), (1, 0), (-1, 0)), ((1, 1), (-1, -1), (1, -1), (-1, 1))):
        total = np.zeros((7, 7, 7))
        for dy, dx in directions:
            counts = np.zeros((7, 7, 7))
            for y in range(rows):
                for x in range(columns):
                    ends = y + 3 * dy, x + 3 * dx
                    if 0 <= ends[0] < rows and 0 <= ends[1] < columns:
                        values = [int(plane[y + k * dy, x + k * dx]) for k in range(4)]
                        steps = [min(3, max(-3, a - b)) + 3 for a, b in pairwise(values)]
                        counts[tuple(steps)] += 1
            total += counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)
        wanted.append(total.ravel() / 4)
    assert np.allclose(Spam().features(plane[None]), np.concatenate(wanted))


def test_features_have_the_symmetries_they_claim(pictures):
    picture = pictures["coffee"][:, :80, :90]
    flipped = np.ascontiguousarray(picture[:, ::-1, ::-1])
    for detector in (Spam, Rich):
        assert np.allclose(detector().features(picture), detector().features(flipped))
    turned = np.ascontiguousarray(np.rot90(picture, axes=(1, 2)))
    assert np.allclose(Rich().features(picture), Rich().features(turned))
    sound = picture.reshape(3, -1)
    assert np.allclose(
        Line().features(sound), Line().features(np.ascontiguousarray(sound[:, ::-1]))
    )
    rolled = np.roll(picture, 17, axis=2)
    assert np.allclose(Sphere().features(picture), Sphere().features(rolled))


def test_sizes_of_features(pictures):
    picture = pictures["coffee"]
    assert Spam().features(picture).shape == (686,)
    assert np.unique(_orbits(True)).size == 169 and np.unique(_orbits(False)).size == 325
    assert Rich().features(picture).shape == (6 * 169 + 2 * 325,)
    assert Line().features(picture.reshape(3, -1)).shape == (4 * 343,)
    assert Sphere().features(picture).shape == (2 * 3 * 343,)


def _tiles(pictures, size, channels):
    """Tiles of all pictures, mixed."""
    codes = [p[c] for p in pictures.values() for c in range(channels)]
    places = [(y, x) for y in range(0, 256, size) for x in range(0, 256, size)]
    tiles = np.stack(
        [plane[None, y : y + size, x : x + size] for plane in codes for y, x in places]
    )
    return np.random.default_rng(2).permutation(tiles)


@pytest.mark.slow
@pytest.mark.parametrize("detector", TRAINED)
def test_training_finds_what_it_was_shown(detector, pictures, tmp_path):
    covers = _tiles(pictures, 64, 2)
    if detector is Line:
        covers = covers.reshape(len(covers), 1, -1)
    rng = np.random.default_rng(3)
    stegos = covers + rng.integers(-2, 3, covers.shape, covers.dtype)
    one, other = detector(), detector()
    features = [np.stack([one.features(codes) for codes in part]) for part in (covers, stegos)]
    half = len(covers) // 2
    for each in (one, other):
        each.train(features[0][:half], features[1][:half], 5)
    cover, stego = (one.judge(part[half:]) for part in features)
    assert detection.auc(cover, stego) > 0.85
    assert np.array_equal(cover, other.judge(features[0][half:])), "a seed gives one result"
    one.save(tmp_path / "model.npz")
    again = detector.load(tmp_path / "model.npz")
    assert np.array_equal(again.judge(features[1]), one.judge(features[1]))
    check_detector(again, stegos[0])


@pytest.mark.slow
@pytest.mark.parametrize("detector", TRAINED)
def test_training_finds_planted_lsb_replacement(detector, pictures):
    covers = _tiles(pictures, 64, 2)
    if detector is Line:
        covers = covers.reshape(len(covers), 1, -1)
    bits = np.random.default_rng(5).integers(0, 2, covers.shape, covers.dtype)
    stegos = covers & ~np.array(1, covers.dtype) | bits
    one, half = detector(), len(covers) // 2
    features = [np.stack([one.features(codes) for codes in part]) for part in (covers, stegos)]
    one.train(features[0][:half], features[1][:half], 5)
    assert detection.auc(*(one.judge(part[half:]) for part in features)) > 0.8


@pytest.mark.slow
def test_the_network_learns_and_is_saved(pictures, tmp_path):
    covers = _tiles(pictures, 64, 1).astype(np.float32)[..., :32, :32]
    change = np.random.default_rng(4).integers(-6, 7, covers.shape)
    stegos = (covers + change).astype(np.float32)
    one, other = (XuNet(epochs=12, batch=8) for _ in range(2))
    for each in (one, other):
        each.train(covers[:40], stegos[:40], 7)
    cover, stego = one.judge(covers[40:]), one.judge(stegos[40:])
    assert detection.auc(cover, stego) > 0.85 and (stego > 0.5).mean() > 0.7 > (cover > 0.5).mean()
    assert np.allclose(cover, other.judge(covers[40:]), atol=1e-3)
    one.save(tmp_path / "model.npz")
    again = XuNet.load(tmp_path / "model.npz")
    assert np.allclose(again.judge(covers), one.judge(covers), atol=1e-6)
    check_detector(again, covers[0].astype(np.int32))


def test_an_untrained_or_foreign_model_says_so(pictures, tmp_path):
    for name in registry().names("detector"):
        detector = registry().get("detector", name)
        if issubclass(detector, TrainedDetector):
            codes = pictures["coffee"].reshape(3, -1) if name == "line" else pictures["coffee"]
            with pytest.raises(ConfigError, match="not trained"):
                detector().score(codes)
            with pytest.raises(ConfigError, match="not trained"):
                detector().save(tmp_path / "none.npz")
    for content in (b"", b"PK\x03\x04", b"\x93NUMPY", b"text"):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(FormatError):
            Spam.load(tmp_path / "bad.npz")
    np.savez(tmp_path / "empty.npz", detector=np.array("spam"))
    with pytest.raises(FormatError, match="lacks"):
        Spam.load(tmp_path / "empty.npz")
    np.savez(
        tmp_path / "shape.npz",
        detector=np.array("spam"),
        state_weights=np.ones(3),
        state_offsets=np.ones(2),
    )
    with pytest.raises(FormatError, match="ensemble"):
        Spam.load(tmp_path / "shape.npz")
    with pytest.raises(FormatError, match="xunet"):
        XuNet().restore({"weights": np.ones(3, np.float32)})
    with pytest.raises(ConfigError, match="model of 'spam'"):
        Rich.load(tmp_path / "empty.npz")


def test_an_ensemble_on_gaussians_is_near_the_best_rule():
    rng = np.random.default_rng(6)
    covers, stegos = rng.normal(0, 1, (2, 600, 40))
    stegos[:, :10] += 0.6
    ensemble = Ensemble.train(covers[:300], stegos[:300], 1)
    scores = [ensemble.judge(part[300:]) for part in (covers, stegos)]
    best = stats.norm.sf(0.6 * np.sqrt(10) / 2)
    found = detection.least_error(*scores)[0]
    assert best - 0.04 < found < best + 0.06
    assert ensemble.out_of_bag == pytest.approx(best, abs=0.08)
    noise = Ensemble.train(covers[:300], rng.normal(0, 1, (300, 40)), 1)
    assert noise.out_of_bag == pytest.approx(0.5, abs=0.08)
    with pytest.raises(ConfigError, match="pairs"):
        Ensemble.train(covers[:2], stegos[:2], 0)
    with pytest.raises(ConfigError, match="features"):
        ensemble.judge(covers[:, :7])


def test_constant_features_do_no_harm():
    same = np.ones((20, 30))
    ensemble = Ensemble.train(same, same, 0)
    assert np.isfinite(ensemble.judge(same)).all() and ensemble.out_of_bag == pytest.approx(0.5)


def test_measures_of_detection():
    rng = np.random.default_rng(8)
    cover, stego = rng.integers(0, 9, 300).astype(float), rng.integers(3, 12, 200).astype(float)
    pairs = np.sign(stego[:, None] - cover[None]) / 2 + 0.5
    assert detection.auc(cover, stego) == pytest.approx(pairs.mean())
    assert detection.auc(stego, cover) == pytest.approx(1 - pairs.mean())
    alarms, hits = detection.roc(cover, stego)
    assert (alarms[0], hits[0], alarms[-1], hits[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(hits, alarms) == pytest.approx(pairs.mean())
    least, threshold = detection.least_error(cover, stego)
    errors = [((cover > t).mean() + (stego <= t).mean()) / 2 for t in np.arange(-1, 13)]
    assert least == pytest.approx(min(errors))
    assert ((cover > threshold).mean() + (stego <= threshold).mean()) / 2 == pytest.approx(least)
    assert detection.least_error(stego, cover)[0] == 0.5


def test_intervals_cover_the_truth():
    hits = 0
    for trial in range(60):
        values = np.random.default_rng(trial).normal(0, 1, 50)
        found = detection.intervals(
            lambda counts, v=values: {"mean": counts @ v / 50}, 50, seed=trial
        )
        hits += found["mean"][0] < 0 < found["mean"][1]
    assert 49 <= hits <= 60


@pytest.mark.parametrize("detector", UNTRAINED)
@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64])
def test_codes_of_any_width_ask_for_no_more_memory(detector, kind):
    """C5: differences of codes at both ends overflowed, and 16 GiB were taken."""
    ends = np.iinfo(kind)
    codes = np.where(np.indices((1, 40, 50)).sum(axis=0) % 3, ends.min, ends.max).astype(kind)
    assert np.isfinite(detector().score(codes))


def test_what_no_detector_judges_is_said(tmp_path):
    """D8: a sound, and a picture of 16 bits for detectors of 8, get a sentence and empty cells."""
    import soundfile

    path = tmp_path / "sound.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 4000), 8000)
    told = CliRunner().invoke(app, ["detect", str(path)])
    assert told.exit_code == 0
    assert "sound.wav: no detector here judges this kind of file" in told.stderr.replace("\n", " ")
    deep = tmp_path / "deep.png"
    grey = np.random.default_rng(0).integers(0, 65536, (64, 64), dtype=np.uint16)
    Image.fromarray(grey).save(deep)
    told = CliRunner().invoke(app, ["detect", str(deep), "--detector", "stegexpose", "--json"])
    assert json.loads(told.stdout)[0]["stegexpose"] is None
    assert "deep.png: no detector" in told.stderr

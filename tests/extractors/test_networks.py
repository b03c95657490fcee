"""The extractors that need an optimizer: weights, geometry, batches, and messages through files."""

import hashlib

import numpy as np
import pytest
import torch

from stegafield import Key
from stegafield.carriers.image import ImageCarrier
from stegafield.coding import weights
from stegafield.coding.ladder import LADDER_BY_RATE
from stegafield.coding.offer import at_least
from stegafield.core.cover import Cover, GridSpec
from stegafield.errors import CapacityError, ConfigError, EmbeddingFailed
from stegafield.extractors.cnn import PASSES, Cnn, network
from stegafield.extractors.phase_conv import PhaseConv
from stegafield.optimizers.lbfgs import Lbfgs
from stegafield.pipeline.effort import Effort
from stegafield.pipeline.embedding import embed
from stegafield.solving.batch import Moved
from tests.datasets import packed
from tests.devices import count_questions

torch.set_num_threads(1)  # two workers share two cores

SEED = bytes(range(32))
RGB = np.random.default_rng(0).integers(40, 216, (24, 24, 3), dtype=np.uint8)
ONE = at_least(1.0, "bps")
WORDS = [3015097961, 1996368619, 1456921425]
CNN = "ac701db1458782959fb3012d37442459137403fd4f4446e1b68e13baf374f324"
TAPS = "d2132fe3914412e9b6a53933194f2ff1cca6f037c24f6bb5ca8368126c982026"
BATCH = "da206e2e6be6dad830b85476031da7e8eaf913ee3289588f2683e19a4920a578"


def _cnn(norm="none", rate=ONE, seed=SEED):
    return Cnn(Cnn.Options(norm=norm), seed=seed, rung=rate)


def _conv(rate=ONE):
    return PhaseConv(None, seed=SEED, rung=rate)


def _field(shape, periodic, channels=1):
    codes = np.random.default_rng(1).integers(0, 256, (channels, *shape)).astype(np.int32)
    spec = GridSpec(tuple("abc"[: len(shape)]), periodic)
    return Cover(codes, 0, 255, np.ones(codes.shape, bool), spec, peak=255.0)


def test_known_answers():
    """Weights are part of the format: on every machine and release the same bytes."""
    assert weights.words(SEED, "x", (2, 3)).ravel()[:3].tolist() == WORDS
    found = _cnn(rate=at_least(1 / 3, "bps")).weights(3, 2)
    assert [w.shape for w in found] == [
        (128, 3, 3, 3),
        (128, 128, 3, 3),
        (128, 128, 3, 3),
        (1, 128, 3, 3),
    ]
    assert hashlib.sha256(b"".join(w.astype("<f4").tobytes() for w in found)).hexdigest() == CNN
    assert found[0].dtype == np.float32 and 0.18 < np.abs(found[0]).max() <= 27**-0.5
    even = _cnn("batch", at_least(1 / 3, "bps")).weights(3, 2)
    assert hashlib.sha256(b"".join(w.astype("<f4").tobytes() for w in even)).hexdigest() == BATCH
    assert all(np.abs(w.astype(float).sum(axis=(2, 3))).max() < 1e-6 for w in even)
    taps = PhaseConv(None, seed=SEED, rung=at_least(1 / 3, "bps")).taps(3, 2)
    assert hashlib.sha256(taps.astype("<i8").tobytes()).hexdigest() == TAPS
    assert taps.shape == (1, 3, 3, 3) and np.abs(taps).max() <= 48


@pytest.mark.parametrize("build", [_cnn, _conv])
def test_depth_is_rate_times_channels(build):
    cover = ImageCarrier().open(RGB)
    depths = [build(rate=rung).count(cover) / 576 for rung in LADDER_BY_RATE]
    assert {(r.bits, r.elements): d for r, d in zip(LADDER_BY_RATE, depths, strict=True) if d} == {
        (5, 15): 1,
        (12, 18): 2,
        (12, 12): 3,
        (12, 9): 4,
        (8, 4): 6,
        (9, 3): 9,
        (4, 1): 12,
    }


@pytest.mark.parametrize("build", [_cnn, _conv])
@pytest.mark.parametrize(
    ("shape", "periodic"),
    [((90,), (False,)), ((12, 14), (False, True)), ((6, 7, 8), (True, False, False))],
)
def test_every_rank_and_periodic_axes(build, shape, periodic):
    cover, extractor = _field(shape, periodic), build()
    bits = extractor.read(cover.codes, cover.free, cover.spec).reshape(shape)
    assert 0 < bits.mean() < 1 and bits.size == extractor.count(cover)
    for axis, wraps in enumerate(periodic):
        turned = np.roll(cover.codes, 5, axis + 1)
        found = extractor.read(turned, cover.free, cover.spec).reshape(shape)
        assert np.array_equal(found, np.roll(bits, 5, axis)) == wraps, axis


def test_positions_with_a_bound_channel_carry_nothing():
    cover = ImageCarrier().open(RGB)
    free = cover.free.copy()
    free[1, 3, 4] = free[2, 20] = False
    for extractor in (_cnn(), PhaseConv(None, seed=SEED, rung=ONE)):
        whole = extractor.read(cover.codes, cover.free, cover.spec).reshape(3, 24, 24)
        where = free.all(axis=0)
        assert where.sum() == 576 - 25
        assert np.array_equal(
            extractor.read(cover.codes, free, cover.spec), whole[:, where].ravel()
        )
        assert extractor.count(cover.with_free(free)) == 3 * where.sum()


def test_the_scale_of_codes_changes_no_bit():
    """No biases: brightness times two, or 16 bits instead of 8, is the same to the network."""
    cover = ImageCarrier().open(RGB)
    cover = cover.with_codes(cover.codes.astype(np.int32))
    plain = _cnn().read(cover.codes, cover.free, cover.spec)
    assert (_cnn().read(cover.codes * 2, cover.free, cover.spec) == plain).mean() > 0.999
    batch = _cnn("batch").read(cover.codes, cover.free, cover.spec)
    assert (_cnn("batch").read(cover.codes * 256, cover.free, cover.spec) == batch).mean() > 0.999
    assert (plain != batch).any()


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_items_of_a_batch_do_not_see_each_other(norm, device):
    cover, extractor = ImageCarrier().open(RGB), _cnn(norm)
    bits = np.random.default_rng(2).integers(0, 2, extractor.count(cover), dtype=np.uint8)
    loss = extractor.objective(cover, bits)
    change = torch.randn(3, 3, 24, 24, generator=torch.Generator().manual_seed(0)).to(device)
    together, alone = loss(change), torch.cat([loss(one[None]) for one in change])
    assert torch.allclose(together, alone, rtol=1e-3)
    assert loss.errors(change).tolist() == [int(loss.errors(one[None])) for one in change]
    still = torch.zeros(1, 3, 24, 24, device=device)
    wrong = (extractor.read(cover.codes, cover.free, cover.spec) != bits).sum()
    assert abs(int(loss.errors(still)) - wrong) <= 1


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("periodic", [(False, False), (True, True)])
def test_bands_change_nothing(norm, periodic, monkeypatch):
    """A large cover is evaluated band by band: the same outputs and gradient, but for rounding."""
    cover = _field((13, 11), periodic)
    extractor = _cnn(norm)
    bits = np.random.default_rng(4).integers(0, 2, extractor.count(cover), dtype=np.uint8)
    change = torch.randn(2, 1, 13, 11, generator=torch.Generator().manual_seed(0))

    def evaluate():
        loss = extractor.objective(cover, bits, "bce")
        leaf = change.clone().requires_grad_()
        (slope,) = torch.autograd.grad(loss(leaf).sum(), leaf)
        return loss.target.outputs(change) / loss.target.spread, slope / slope.std(), bits_of()

    def bits_of():
        return extractor.read(cover.codes, cover.free, cover.spec)

    whole = evaluate()
    assert len(network._bands((13, 11), periodic[0])) == 1
    monkeypatch.setattr(network, "BAND", 3 * 11)
    assert len(network._bands((13, 11), periodic[0])) == 5
    banded = evaluate()
    assert torch.allclose(banded[0], whole[0], atol=1e-4)
    assert torch.allclose(banded[1], whole[1], atol=1e-3)
    assert np.array_equal(banded[2], whole[2])


def test_tightening_asks_for_what_falls_short():
    """Bits that are right by the margin need nothing more; the others as much as they lack."""
    cover, extractor = ImageCarrier().open(RGB), _cnn("batch")
    bits = np.random.default_rng(2).integers(0, 2, extractor.count(cover), dtype=np.uint8)
    loss = extractor.objective(cover, bits)
    change = torch.randn(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    lack = (loss.margin - loss.target.agreement(change) / loss.target.step).relu()
    once = loss.tightened(change)
    assert 0.2 < float((lack == 0).float().mean()) < 0.8
    assert torch.allclose(once.short, lack) and loss.short == 0.0
    assert torch.allclose(once.tightened(change).short, 2 * lack, atol=1e-4)
    moved = loss.nearness * change.flatten(1).square().sum(1)
    assert torch.allclose(loss(change), loss.weight * lack.square().sum((1, 2)) + moved)
    assert (once(change) > loss(change)).all()


@pytest.mark.slow
@pytest.mark.parametrize("level", [0, 2, 128, 255])
def test_a_flat_cover_is_made_rougher(level):
    """A single code moves an output as far as bits are apart: a search starts from noise."""
    noise = np.random.default_rng(1).integers(-1, 2, (32, 32, 3))
    cover = ImageCarrier().open(np.clip(level + noise, 0, 255).astype(np.uint8))
    extractor = _cnn("batch", at_least(1 / 3, "bps"))
    bits = np.random.default_rng(2).integers(0, 2, extractor.count(cover), dtype=np.uint8)
    loss, rng = extractor.objective(cover, bits), np.random.default_rng(3)
    plain = extractor._target(cover, cover.codes, bits)
    assert plain.roughness < 1 < 1.2 < loss.target.roughness
    assert (loss.origin == np.rint(loss.origin)).all() and np.abs(loss.origin).max() < 11
    assert not loss.origin[cover.codes + loss.origin < 0].any()
    assert loss(torch.from_numpy(loss.origin)[None]) < loss(torch.zeros(1, *cover.codes.shape))
    found = embed(cover, bits, extractor, Effort(), Lbfgs(None), rng)
    assert found.errors == 0 and found.evaluations <= 110
    rough = _cnn("batch").objective(ImageCarrier().open(RGB), bits.repeat(3)[: RGB[..., 0].size])
    assert not rough.origin.any() and not extractor.objective(cover, bits, "bce").origin.any()


def test_an_objective_counted_from_elsewhere_is_tightened_there():
    cover, extractor = ImageCarrier().open(RGB), _cnn("batch")
    bits = np.random.default_rng(2).integers(0, 2, extractor.count(cover), dtype=np.uint8)
    loss, origin = extractor.objective(cover, bits), np.full((1, *cover.codes.shape), 2.0)
    origin[..., ::2] = 0
    still, moved = torch.zeros(origin.shape), torch.from_numpy(origin).float()
    elsewhere = Moved(loss, origin)
    assert torch.equal(elsewhere.tightened(still)(still), loss.tightened(moved)(moved))
    assert not hasattr(Moved(lambda change: change, origin), "tightened")


def test_a_loss_asks_the_device_for_nothing(monkeypatch):
    """Host and device do not wait for each other: evaluation, gradient, between rounds."""
    cover, extractor = ImageCarrier().open(RGB), _cnn("batch")
    bits = np.random.default_rng(2).integers(0, 2, extractor.count(cover), dtype=np.uint8)
    losses = [extractor.objective(cover, bits, kind) for kind in Cnn.losses]
    losses.append(_conv().objective(cover, bits))
    asked = count_questions(monkeypatch)
    leaf = torch.zeros(1, 3, 24, 24).requires_grad_()
    for loss in losses:
        torch.autograd.grad(loss(leaf).sum(), leaf)
    losses[0].tightened(leaf.detach())
    assert not asked
    leaf.sum().item()
    assert asked == ["item"], "the counter counts"


@pytest.mark.parametrize("wrong", [1, 20])
def test_the_finish_repairs_what_is_wrong(wrong):
    """From codes that read right, with single samples moved until some bits are wrong."""
    cover, extractor = ImageCarrier().open(RGB), _cnn("batch", at_least(1 / 3, "bps"))
    rng = np.random.default_rng(6)
    bits = extractor.read(cover.codes, cover.free, cover.spec)
    codes = cover.codes.copy()
    while (extractor.read(codes, cover.free, cover.spec) != bits).sum() < wrong:
        codes.flat[rng.integers(codes.size, size=wrong)] += rng.choice([-3, 3])
    low, high = codes - 20, codes + 20
    found, evaluations = extractor.finish(cover, codes, bits, low, high, rng)
    left = (extractor.read(found, cover.free, cover.spec) != bits).sum()
    assert left <= wrong // 20 and 0 < evaluations <= PASSES
    assert (np.abs(found - codes) <= 20).all()


def test_autocast_does_not_reach_the_network():
    cover, extractor = ImageCarrier().open(RGB), _cnn("batch")
    plain = extractor.read(cover.codes, cover.free, cover.spec)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert np.array_equal(extractor.read(cover.codes, cover.free, cover.spec), plain)


CASES = {
    "cnn": {"extractor": "cnn", "set": {"extractor.norm": "batch"}, "bpp": 1},
    "phase-conv": {"extractor": "phase-conv", "bpp": 1},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_message_through_a_png(engine, key, name):
    picture = np.tile(RGB, (2, 2, 1))[:32, :32]
    options = CASES[name] | {"carrier": "image", "cover": picture}
    room = engine.capacity(**options)
    message = np.random.default_rng(3).bytes(room)
    stego = engine.hide(message, key=key, optimizer="lbfgs", **options)
    assert engine.reveal(stego.data, key=key) == message
    report = stego.report
    assert (report.extractor, report.optimizer, report.bit_errors) == (name, "lbfgs", 0)
    assert report.correction == ("none" if name == "phase-conv" else "rs")
    assert report.psnr > (50 if name == "phase-conv" else 20)


@pytest.mark.slow
def test_a_batch_is_as_good_as_single_calls(engine, key):
    """Same errors, PSNR within 0.1 dB: items share the call alone, not even what they draw."""
    covers = [RGB, np.ascontiguousarray(RGB[::-1]), np.ascontiguousarray(RGB[:, ::-1])]
    settings = {"extractor.norm": "batch", "optimizer.evaluations": 40}
    options = {"carrier": "image", "extractor": "cnn", "set": settings, "bpp": 1, "key": key}
    batch = engine.hide_many([b""] * 3, covers=covers, rng=np.random.default_rng(5), **options)
    rng = np.random.default_rng(5)
    for stego, cover in zip(batch, covers, strict=True):
        single = engine.hide(b"", cover=cover, rng=rng, **options).report
        assert engine.reveal(stego.data, key=key) == b""
        assert stego.report.optimizer == "lbfgs", "which need not be named"
        assert stego.report.attempts == 1 and stego.report.bit_errors == single.bit_errors == 0
        assert stego.report.psnr == pytest.approx(single.psnr, abs=0.1) and single.psnr > 20
        assert stego.report.evaluations <= 40 + PASSES, "of the solver, and of the finish"


def test_an_optimizer_need_not_be_named(engine):
    def solver(**given):
        return engine.plan(carrier="image", **given).optimizer

    assert solver(extractor="cnn").name == solver(extractor="phase-conv").name == "lbfgs"
    assert solver(extractor="cnn", set={"optimizer.evaluations": 7}).options.evaluations == 7
    assert solver(extractor="cnn", optimizer="adam").name == "adam"
    assert solver() is None and solver(preset="paper").name == "paper"
    with pytest.raises(ConfigError, match="optimizer"):
        engine.plan(carrier="image", set={"optimizer.evaluations": 7})


@pytest.mark.slow
def test_a_message_through_a_weather_file(engine, key):
    """Three time steps are three channels; longitude wraps: the last column is beside the first."""
    data = packed(times=3, rows=19, columns=37)
    options = {"carrier": "dataset", "cover": data, "extractor": "phase-conv", "bps": 1 / 3}
    stego = engine.hide("meet at dawn", key=key, optimizer="lbfgs", **options)
    assert engine.reveal(stego.data, key=key) == b"meet at dawn"
    assert stego.cover.spec.periodic == (False, True)


def test_rungs_without_a_whole_depth_are_skipped(engine, key):
    options = {"carrier": "image", "cover": RGB, "extractor": "phase-conv"}
    stego = engine.hide(b"", key=key, optimizer="lbfgs", **options)
    assert (stego.report.window_bits, stego.report.window_elements) == (5, 15)
    with pytest.raises(CapacityError):
        engine.hide(b"", key=key, optimizer="lbfgs", bps=0.1, **options)


def test_the_preset_of_the_paper_is_its_procedure(engine):
    """The paper's section 1; docs/decisions.md for the scale of its loss. The caller's wins."""
    plan = engine.plan(carrier="image", preset="paper")
    assert (plan.extractor.name, plan.extractor_options.norm) == ("cnn", "none")
    assert (plan.effort.method, plan.effort.loss) == ("optimize", "bce-normal")
    assert (plan.effort.epsilon, plan.effort.least_psnr, plan.effort.finish) == (0.3, 20, False)
    chosen = plan.optimizer.options
    assert (plan.optimizer.name, chosen.rounds, chosen.iterations) == ("paper", 100, 10)
    assert chosen.rate == 0.1
    given = {"optimizer.rate": 0.5, "effort.loss": "bce"}
    other = engine.plan(carrier="image", preset="paper", set=given)
    assert (other.optimizer.options.rate, other.effort.loss) == (0.5, "bce")


def test_the_preset_of_the_paper_fails_aloud(engine):
    """One short round is not enough: the report tells of each attempt, and nothing is returned."""
    short = {"optimizer.rounds": 1, "effort.attempts": 2, "optimizer.iterations": 2}
    options = {"key": Key.generate(), "carrier": "image", "cover": np.tile(RGB, (2, 2, 1))}
    with pytest.raises(EmbeddingFailed) as caught:
        engine.hide(b"m", bpp=1, preset="paper", set=short, **options)
    report = caught.value.report
    assert (report.extractor, report.method, report.optimizer) == ("cnn", "optimize", "paper")
    assert report.evaluations == 2 * 2 and report.bit_errors > 0 and len(report.failures) == 2
    assert all("bits wrong before writing" in failure for failure in report.failures)
    assert all("before rounding" in failure for failure in report.failures)


def test_the_preset_of_the_paper_takes_another_seed_below_20_dB(engine, monkeypatch):
    """Far too long steps end at the edge of epsilon; there the PSNR is 10.5 dB."""
    drawn, draw = set(), Cnn.weights
    monkeypatch.setattr(
        Cnn, "weights", lambda self, *shape: drawn.add(self.seed) or draw(self, *shape)
    )
    steep = {"optimizer.rounds": 1, "effort.attempts": 2, "optimizer.rate": 3.0}
    options = {"key": Key.generate(), "carrier": "image", "cover": RGB}
    with pytest.raises(EmbeddingFailed) as caught:
        engine.hide(b"", bpp=2, preset="paper", set=steep, **options)
    failures = caught.value.report.failures
    assert len(failures) == 2 and all("dB is too little" in failure for failure in failures)
    assert len(drawn) == 2, "another salt is another network"
    assert 10.4 < caught.value.report.psnr < 15, "epsilon holds, and binds"


def test_an_attempt_below_the_least_psnr_is_given_up(engine):
    settings = {"effort.least_psnr": 90, "effort.attempts": 2}
    with pytest.raises(EmbeddingFailed) as caught:
        engine.hide(b"m", carrier="image", cover=RGB, set=settings)
    assert all("dB is too little" in failure for failure in caught.value.report.failures)
    assert len(caught.value.report.failures) == 2


def test_a_loss_that_is_not_offered_is_refused(engine):
    options = {"carrier": "image", "cover": RGB, "bpp": 1, "optimizer": "lbfgs"}
    with pytest.raises(ConfigError, match="effort.loss"):
        engine.hide(b"", extractor="phase-conv", set={"effort.loss": "bce"}, **options)


def test_without_torch_the_line_to_type_is_given(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    cover, extractor = ImageCarrier().open(RGB), _cnn()
    with pytest.raises(ConfigError, match=r'pip install "stegafield\[torch\]"'):
        extractor.read(cover.codes, cover.free, cover.spec)
    conv = PhaseConv(None, seed=SEED, rung=ONE)
    assert conv.read(cover.codes, cover.free, cover.spec).size == conv.count(cover)

"""What the literature does: trained networks that ship, fixed networks, last bits."""

import json

import numpy as np
import pytest
import torch

from stegafield import Engine
from stegafield.coding.ladder import LADDER_BY_RATE
from stegafield.coding.offer import at_least
from stegafield.core.cover import Cover, GridSpec
from stegafield.errors import CapacityError, ConfigError, FormatError
from stegafield.generators import zoo as cards
from stegafield.generators.checkpoint import from_pretrained, save_pretrained
from stegafield.optimizers.paper import Paper
from stegafield.pipeline.effort import Effort
from stegafield.pipeline.embedding import embed
from stegafield.plugins.discovery import discover
from stegafield.plugins.discovery import registry as usual
from stegafield.training import config as configs
from stegafield.training.loop import train
from stegafield_research import baselines
from stegafield_research.baselines.learned import zoo
from stegafield_research.baselines.learned.fnns import SEEDS, FnnsD, FnnsDE, FnnsR
from stegafield_research.baselines.learned.network import Coder, CoderConfig
from stegafield_research.baselines.learned.steganogan import SteganoGan
from stegafield_research.baselines.lsb.matching import LsbMatching
from stegafield_research.baselines.lsb.replacement import LsbReplacement
from stegafield_research.engine import registry as registered

RATES = {bpp: at_least(bpp, "bpp", 3, LADDER_BY_RATE) for bpp in (1, 2, 3, 4)}
SPEC = GridSpec(("y", "x"), (False, False))
SHIPPED = sorted(zoo.names())
SEED = bytes(range(32))


@pytest.fixture(scope="session")
def face(engine):
    """A generated 64x64 face: no training image is shipped."""
    (found, _), *_ = engine.sample(carrier="celeba", size=(64, 64), seed=3)
    return found


@pytest.fixture(scope="session")
def tools():
    """An engine that has the baselines."""
    return Engine(registered(), device="cpu")


def of(cover, kind, bpp, rng, **options):
    extractor = kind(kind.Options(**options), seed=SEED, rung=RATES[bpp])
    return extractor, rng.integers(0, 2, extractor.count(cover), dtype=np.uint8)


def paper(**settings):
    return Paper(Paper.Options(**settings), device="cpu")


def test_a_registry_without_plugins_has_no_baseline():
    added = set(registered().names("extractor")) - set(usual().names("extractor"))
    assert added == {kind.name for kind in baselines.EXTRACTORS}


def test_the_plugin_brings_each_baseline_once(monkeypatch):
    """Discovery finds it where the environment allows it.

    Then nothing is added a second time.
    """
    monkeypatch.setenv("STEGAFIELD_PLUGINS", "stegafield-research")
    found = discover()
    owned = [row for row in found.owned() if row[0] == "stegafield-research"]
    assert [name for _, _, name in owned] == sorted(kind.name for kind in baselines.EXTRACTORS)
    assert not found.broken and list(registered().owned()) == list(found.owned())


def test_every_baseline_has_a_plan_at_each_of_its_rates(tools):
    for baseline in baselines.BASELINES:
        for attempt in baseline.attempts:
            for bpp in baseline.rates:
                plan = tools.plan(carrier="image", bpp=bpp, **baseline.arguments(attempt))
                assert plan.effort.epsilon <= 0.3
    assert [b.label for b in baselines.BASELINES if len(b.attempts) > 1] == ["FNNS-R"]


@pytest.mark.parametrize("kind, moved", [(LsbMatching, (-1, 0, 1)), (LsbReplacement, (-1, 0, 1))])
@pytest.mark.parametrize("bpp", [1, 3])
def test_last_bits_change_half_of_the_carriers_by_one(face, rng, kind, moved, bpp):
    extractor, bits = of(face, kind, bpp, rng)
    assert bits.size == bpp * 64 * 64
    codes = extractor.project(face, bits, rng)
    np.testing.assert_array_equal(extractor.read(codes, face.free, face.spec), bits)
    change = codes - face.codes
    assert set(np.unique(change)) <= set(moved)
    assert np.count_nonzero(change) == pytest.approx(bits.size / 2, rel=0.1)
    if kind is LsbReplacement:
        assert (codes >> 1 == face.codes >> 1).all()


def test_last_bits_stay_in_range_and_where_codes_are_free(rng):
    codes = rng.choice(np.array([0, 255], np.int32), (3, 20, 20))
    free = rng.random(codes.shape) < 0.8
    cover = Cover(codes, 0, 255, free, SPEC, peak=255.0)
    extractor, bits = of(cover, LsbMatching, 3, rng)
    found = extractor.project(cover, bits, rng)
    assert bits.size == np.count_nonzero(free)
    assert found.min() >= 0 and found.max() <= 255 and (found == codes)[~free].all()
    np.testing.assert_array_equal(extractor.read(found, free, SPEC), bits)


def test_last_bits_offer_no_more_than_one_bit_a_sample(tools, face):
    assert LsbMatching.offers(face)[-1].rate == 1
    with pytest.raises(ConfigError, match="rate|bpp"):
        tools.hide(b"x", carrier="celeba", size=(64, 64), bpp=4, extractor="lsb-matching")


def test_a_message_goes_through_a_baseline(tools, key, photographs):
    wish = {"carrier": "image", "cover": photographs["coffee"], "bpp": 1, "key": key}
    wish["extractor"] = "lsb-matching"
    with pytest.raises(CapacityError, match="never takes"):  # others enter such values
        tools.hide(b"as others do", **wish)
    stego = tools.hide(b"as others do", **wish, set={"effort.costs": False})
    assert tools.reveal(stego.data, key=key) == b"as others do"


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_encoder_is_read_by_its_decoder(name, face, rng):
    """Wrong bits as the card says, and some; chance is one half."""
    architecture, depth = name.rsplit("-", 1)
    extractor, bits = of(face, SteganoGan, int(depth), rng, architecture=architecture)
    assert bits.size == int(depth) * 64 * 64
    codes = extractor.project(face, bits, rng)
    wrong = np.mean(extractor.read(codes, face.free, face.spec) != bits)
    card = cards.card(name, zoo.SHIPPED)
    assert wrong < 2 * card.metrics["ber"] + 0.05 < 0.45
    assert wrong == pytest.approx(
        np.mean(extractor.decoded(extractor.encoded(face, bits, rng), face.free) != bits), abs=0.05
    )
    chance = rng.integers(0, 2, bits.size)
    assert np.mean(extractor.read(face.codes, face.free, face.spec) != chance) > 0.45


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_are_small_and_have_a_card(name):
    folder = zoo.SHIPPED / name
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1 << 19
    card = cards.card(name, zoo.SHIPPED)
    assert card.items == 8500 and "research" in card.licence and card.steps > 0
    assert {"ber", "psnr"} <= set(card.metrics)


def test_reading_does_not_depend_on_the_other_items(face):
    """Statistics are those of training: a batch, another order, a repeated item change nothing."""
    decoder = zoo.shipped("dense", 4).decoder
    picture = torch.from_numpy(face.codes.astype(np.float32))[None] / 127.5 - 1
    with torch.no_grad():
        alone = decoder(picture)[0]
        beside = decoder(torch.cat([picture, -picture, 0 * picture]))[0]
    torch.testing.assert_close(alone, beside, rtol=1e-4, atol=1e-4)


def test_samples_that_are_not_free_stay_and_carry_nothing(face, rng):
    free = face.free.copy()
    free[0, :8] = False
    cover = face.with_free(free)
    extractor, bits = of(cover, SteganoGan, 2, rng)
    assert bits.size == 2 * 56 * 64
    codes = extractor.project(cover, bits, rng)
    assert (codes == cover.codes)[~free].all()
    assert np.mean(extractor.read(codes, free, cover.spec) != bits) < 0.4


def test_grey_pictures_and_sounds_carry_nothing(rng):
    for spec, shape in ((SPEC, (1, 16, 16)), (GridSpec(("t",), (False,), "line"), (2, 500))):
        codes = rng.integers(0, 256, shape, dtype=np.int32)
        cover = Cover(codes, 0, 255, np.ones(shape, bool), spec)
        extractor = SteganoGan(SteganoGan.Options(), seed=SEED, rung=RATES[3])
        assert extractor.count(cover) == 0
        assert extractor.read(codes, cover.free, spec).size == 0


def test_fnns_de_starts_where_the_encoder_ends(face, rng):
    """The first point that the solver sees is the encoder's picture, cut to the box.

    It is zero evaluations away.
    """
    extractor, bits = of(face, FnnsDE, 4, rng)

    class Still(Paper):
        def solve(self, objective, box):
            seen.append(objective.errors(np.zeros_like(box.lower))[0])
            return super().solve(objective, box)

    seen: list = []
    embed(
        face,
        bits,
        extractor,
        Effort(epsilon=1, finish=False),
        Still(Paper.Options(rounds=1), device="cpu"),
        rng,
    )
    encoder = SteganoGan(SteganoGan.Options(), seed=SEED, rung=RATES[4])
    codes = encoder.project(face, bits, rng)
    assert int(seen[0]) == np.count_nonzero(encoder.read(codes, face.free, face.spec) != bits)


@pytest.mark.parametrize("kind", [FnnsD, FnnsDE])
def test_epsilon_counts_from_the_cover_and_holds_in_the_codes(face, rng, kind):
    extractor, bits = of(face, kind, 4, rng)
    effort = Effort(epsilon=0.02, finish=False)
    found = embed(face, bits, extractor, effort, paper(rounds=2, iterations=4), rng)
    assert np.abs(found.codes - face.codes).max() == int(0.02 * 255)


@pytest.mark.parametrize("kind", [FnnsD, FnnsDE])
def test_a_trained_decoder_is_searched_to_the_end(face, rng, kind):
    extractor, bits = of(face, kind, 1, rng)
    found = embed(face, bits, extractor, Effort(finish=False), paper(rounds=30), rng)
    assert found.unrounded_errors == 0 and found.errors / bits.size < 0.032


def test_fnns_r_is_the_network_of_the_notebook(rng):
    """NumPy's global generator, kernel then scale of each block.

    Batch normalisation is in training mode, of one item.
    """
    codes = rng.integers(0, 256, (3, 16, 16), dtype=np.int32)
    cover = Cover(codes, 0, 255, np.ones(codes.shape, bool), SPEC, peak=255.0)
    extractor, bits = of(cover, FnnsR, 2, rng, seed=22222)
    state = np.random.get_state()
    np.random.seed(22222)
    layers: list = []
    for before in (3, 128, 128):
        layers += [
            torch.nn.Conv2d(before, 128, 3, padding=1),
            torch.nn.LeakyReLU(),
            torch.nn.BatchNorm2d(128),
        ]
    layers.append(torch.nn.Conv2d(128, 2, 3, padding=1))
    for layer in layers:
        if not isinstance(layer, torch.nn.LeakyReLU):
            drawn = np.random.normal(0, 1, layer.weight.shape)
            layer.weight.data = torch.tensor(drawn).float()
            layer.bias.data.zero_()
    np.random.set_state(state)
    picture = torch.from_numpy(codes / 255).float()[None]
    with torch.no_grad():
        wanted = torch.nn.Sequential(*layers)(picture)[0].numpy()
    clear = np.abs(wanted).ravel() > 1e-2
    read = extractor.read(codes, cover.free, SPEC)
    np.testing.assert_array_equal(read[clear], (wanted.ravel() > 0)[clear])
    assert clear.mean() > 0.99
    loss = extractor.objective(cover, bits)(torch.zeros(1, 3, 16, 16)).item()
    target = torch.from_numpy(bits.reshape(2, 16, 16).astype(np.float32))
    same = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.from_numpy(wanted), target, reduction="sum"
    )
    assert loss == pytest.approx(float(same), rel=1e-3)


def test_fnns_r_searches_a_small_picture(rng):
    codes = rng.integers(60, 190, (3, 12, 12), dtype=np.int32)
    cover = Cover(codes, 0, 255, np.ones(codes.shape, bool), SPEC, peak=255.0)
    extractor, bits = of(cover, FnnsR, 1, rng)
    before = np.count_nonzero(extractor.read(codes, cover.free, SPEC) != bits)
    found = embed(cover, bits, extractor, Effort(finish=False), paper(rounds=4), rng)
    assert found.unrounded_errors < before / 2
    assert len(SEEDS) == 10 and len(set(SEEDS)) == 10


TINY = {
    "family": "steganogan",
    "batch": 5,
    "size": [16, 16],
    "crop": 12,
    "steps": 30,
    "rate": 5e-3,
    "nearness": 0.5,
    "log_every": 1,
    "save_every": 15,
    "network": {"hidden": 8, "depth": 1},
}


@pytest.fixture(scope="session")
def items():
    return np.random.default_rng(2).integers(0, 256, (32, 16, 16, 3)).astype(np.uint8)


@pytest.mark.slow
def test_training_lowers_its_loss_and_resumes_to_the_same_bits(items, tmp_path):
    config = configs.parse(TINY, baselines.TRAININGS)
    train(config, items, tmp_path / "a", device="cpu", steps=30)
    lines = [json.loads(line) for line in (tmp_path / "a" / "log.jsonl").read_text().splitlines()]
    first, last = (np.mean([line["bits"] for line in part]) for part in (lines[:3], lines[-3:]))
    assert last < 0.9 * first and lines[-1]["wrong"] < lines[0]["wrong"]
    train(config, items, tmp_path / "b", device="cpu", steps=15)
    train(config, items, tmp_path / "b", device="cpu", steps=30, resume=True)
    one, two = (zoo.read(tmp_path / run / "model").state_dict() for run in "ab")
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_run_starts_from_a_model_of_another_depth(items, tmp_path):
    deep = Coder(CoderConfig(hidden=8, depth=3))
    save_pretrained(deep, tmp_path / "deep")
    config = configs.parse(
        {**TINY, "start": str(tmp_path / "deep"), "rate": 1e-9}, baselines.TRAININGS
    )
    train(config, items, tmp_path / "run", device="cpu", steps=1)
    taken = zoo.read(tmp_path / "run" / "model")
    torch.testing.assert_close(taken.decoder.leave.weight, deep.decoder.leave.weight[:1])
    torch.testing.assert_close(taken.encoder.leave.weight, deep.encoder.leave.weight[:, :25])


@pytest.mark.parametrize("architecture", ["basic", "dense"])
def test_a_coder_is_written_and_read(architecture, tmp_path):
    coder = Coder(CoderConfig(architecture=architecture, depth=2, hidden=4)).eval()
    save_pretrained(coder, tmp_path)
    cover, message = torch.zeros(1, 3, 8, 8), torch.ones(1, 2, 8, 8)
    found = zoo.read(tmp_path)
    torch.testing.assert_close(
        found.encoder(cover, message), coder.encoder(cover, message).detach()
    )
    assert found.decoder(cover).shape == (1, 2, 8, 8) and not found.training
    with pytest.raises(FormatError, match="family"):
        from_pretrained(tmp_path)

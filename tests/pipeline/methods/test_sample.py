"""What the engine makes of the sampler: rates, seeds, files like plain ones, and failures."""

from io import BytesIO

import numpy as np
import pytest

from stegafield import Key
from stegafield.carriers.era5 import SIGMA, Era5Carrier
from stegafield.channels.picture.png import PngChannel, parse
from stegafield.coding import bound
from stegafield.errors import CapacityError, ConfigError, EmbeddingFailed
from tests.datasets import parsed
from tests.noisy import Noisy, noisy_engine


@pytest.mark.parametrize(("bpp", "window"), [(1, (1, 3)), (2, (2, 3)), (3, (1, 1)), (4, (4, 3))])
def test_pictures_at_one_to_four_bits_per_pixel(bpp, window):
    engine, key = noisy_engine(), Key.generate()
    stego = engine.hide(b"meet at dawn", carrier="noisy", key=key, bpp=bpp)
    report = stego.report
    assert engine.reveal(stego.data, key=key) == b"meet at dawn"
    assert (report.method, report.window_bits, report.window_elements) == ("sample", *window)
    assert 0 < report.kl_bound_nats < bound.BUDGET and report.psnr is None is report.changed_share
    assert abs((stego.codes - stego.cover.law.value).std() - 2.25) < 0.1
    assert engine.capacity(carrier="noisy", bpp=bpp) == report.capacity_bytes


def test_less_noise_offers_lower_rates_only():
    engine = noisy_engine()
    top = [
        engine.capacity(carrier="noisy", set={"carrier.sigma": s}) for s in (0.7, 1.0, 1.5, 2.25)
    ]
    assert top == sorted(set(top))
    with pytest.raises(ConfigError, match=r"bpp: 4 .* 1e-05 nats.*method=.project"):
        engine.hide(b"", carrier="noisy", bpp=4, set={"carrier.sigma": 1.5})
    free = engine.hide(b"", carrier="noisy", bpp=4, set={"carrier.sigma": 1.5}, method="project")
    assert free.report.method == "project" and free.report.kl_bound_nats is None
    with pytest.raises(CapacityError):
        engine.hide(
            bytes(np.random.default_rng(0).bytes(top[2] + 1)),
            carrier="noisy",
            set={"carrier.sigma": 1.5},
        )
    with pytest.raises(ConfigError, match="too little"):
        engine.hide(b"", carrier="noisy", set={"carrier.sigma": 0.4})


def test_weather_is_drawn_by_default_and_one_bit_per_sample_is_offered(engine, key):
    stego = engine.hide(b"m", carrier="era5", size=(37, 72), key=key, bps=1)
    report = stego.report
    assert report.method == "sample" and report.bits_per_element > 0.8
    assert report.kl_bound_nats < 1e-6
    assert engine.reveal(stego.data, key=key) == b"m"
    assert bound.file_nats(bound.offered(SIGMA, 719 * 1440)[-1], SIGMA, 719 * 1440) < bound.BUDGET
    assert bound.offered(SIGMA, 719 * 1440)[-1].rate == 1


def test_a_seed_repeats_f_but_never_noise(engine, key):
    one, two = (engine.hide(b"m", carrier="era5", size=(37, 72), key=key, seed=7) for _ in range(2))
    assert np.array_equal(one.cover.law.value, two.cover.law.value)
    assert (one.codes != two.codes).mean() > 0.5
    assert (one.cover.codes != two.cover.codes).mean() > 0.5
    carrier = Era5Carrier(Era5Carrier.Options(size=(9, 16)))
    drawn = [carrier.covers(1, np.random.default_rng(7))[0].codes for _ in range(20)]
    assert len({tuple(codes[0, [0, -1], 0]) for codes in drawn}) > 1, "poles are noisy, too"


def test_a_cover_that_was_drawn_before_gives_its_function_only(key):
    engine = noisy_engine()
    cover = Noisy().covers(1, np.random.default_rng(0))[0]
    one, two = (engine.hide(b"m", carrier="noisy", key=key, cover=cover) for _ in range(2))
    assert one.report.method == "sample" and engine.reveal(two.data, key=key) == b"m"
    for codes in (one.codes, two.codes):
        assert np.abs(codes - cover.law.value).max() < 10 * 2.25
        noise = (codes - cover.law.value).ravel()
        assert abs(np.corrcoef(noise, (cover.codes - cover.law.value).ravel())[0, 1]) < 0.06
    assert (one.codes != two.codes).mean() > 0.5
    with pytest.raises(ConfigError, match="seed"):
        engine.hide(b"m", carrier="noisy", cover=cover, seed=1)


def test_stego_and_plain_files_differ_in_samples_alone(engine, key):
    """The same f: names, attributes, packing, layout and size are those of a plain cover."""
    carrier = Era5Carrier(Era5Carrier.Options(size=(37, 72)))
    plain = carrier.covers(1, np.random.default_rng(7))[0]
    data = carrier.channel().write(plain, plain.codes)
    stego = engine.hide(b"m" * 40, carrier="era5", size=(37, 72), key=key, seed=7)
    one, two = parsed(data), parsed(stego.data)
    for found in (one, two):
        codes = np.array(found["t2m"][-1])
        assert (codes[0, [0, -1]] == codes[0, [0, -1], :1]).all(), "a pole is one point"
        found["t2m"] = found["t2m"][:-1]
    assert one == two and len(data) == len(stego.data)
    raw = [np.frombuffer(d, np.uint8) for d in (data, stego.data)]
    moved = np.flatnonzero(raw[0] != raw[1])
    assert np.ptp(moved) < 2 * plain.codes.size  # all within the variable


def test_stego_and_plain_pictures_have_one_layout():
    engine = noisy_engine()
    sizes, layouts = ([], []), set()
    for number in range(6):
        plain = Noisy().covers(1, np.random.default_rng(number))[0]
        files = [PngChannel().write(plain, plain.codes)]
        files.append(engine.hide(b"m" * 40, carrier="noisy", bpp=3, seed=number).data)
        for data, size in zip(files, sizes, strict=True):
            chunks, end = parse(data)
            layouts.add((tuple(c.raw for c in chunks if c.kind != b"IDAT"), data[end:]))
            size.append(len(data))
    assert len(layouts) == 1
    spread = np.std(np.subtract(*sizes)) / 6**0.5
    assert abs(np.mean(np.subtract(*sizes))) < 8 * spread + 8


class Broken(PngChannel):
    """Writes something else than it was given."""

    name = "png"

    def write(self, cover, codes):
        return super().write(cover, np.bitwise_xor(codes, 1))


def test_a_failure_is_an_error_and_no_second_draw():
    class Carrier(Noisy):
        channel = Broken

    with pytest.raises(EmbeddingFailed) as caught:
        noisy_engine(Carrier).hide(b"m", carrier="noisy")
    assert caught.value.report.attempts == 1
    engine = noisy_engine()
    with pytest.raises(ConfigError, match="least_psnr"):
        engine.hide(b"m", carrier="noisy", set={"effort.least_psnr": 20})


def test_a_law_without_headroom_is_refused(monkeypatch):
    """And were it not, the bound of the file itself would say so."""
    engine, settings = noisy_engine(), {"carrier.headroom": 0}
    with pytest.raises(ConfigError, match="headroom"):
        engine.hide(b"m", carrier="noisy", set=settings)
    with pytest.raises(ConfigError, match="headroom"):
        engine.capacity(carrier="noisy", set=settings)
    monkeypatch.setattr(bound, "check_law", lambda cover: None)
    with pytest.raises(EmbeddingFailed, match="nats are more than allowed"):
        engine.hide(b"m", carrier="noisy", bpp=4, set=settings)


def test_pictures_are_files_that_pillow_reads():
    from PIL import Image

    stego = noisy_engine().hide(b"m", carrier="noisy", set={"carrier.size": (32, 48)})
    assert np.asarray(Image.open(BytesIO(stego.data))).shape == (32, 48, 3)

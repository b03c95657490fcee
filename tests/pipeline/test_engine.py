"""The straight line: round trips, capacities, batches, covers of many types, plans."""

import os
from io import BytesIO

import jaxtyping
import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stegafield import Engine, Key
from stegafield.coding.ladder import LADDER_BY_RATE
from stegafield.coding.offer import with_costs
from stegafield.core.registry import Registry
from stegafield.errors import (
    CapacityError,
    ConfigError,
    EmbeddingFailed,
    NoMessage,
    StegafieldError,
    UnknownPlugin,
)
from tests.datasets import packed, parsed

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (40, 41), dtype=np.uint8)
RGB = RNG.integers(0, 256, (33, 40, 3), dtype=np.uint8)
RGBA = np.dstack([RGB, RNG.choice([0, 128, 255], (33, 40)).astype(np.uint8)])
DEEP = RNG.integers(0, 65536, (50, 33), dtype=np.uint16)
COVERS = [
    ("image", GREY),
    ("image", RGB),
    ("image", RGBA),
    ("image", RGBA[..., [0, 3]]),
    ("image", DEEP),
    ("dataset", packed(rows=37, columns=40)),
    ("dataset", packed(model="NETCDF3_64BIT_OFFSET", times=2)),
    ("dataset", packed(dtype="u2", fill=65535, times=2)),
    ("dataset", packed(dtype="i1", fill=-128, times=2)),
]


@pytest.mark.slow
@given(st.data())
@settings(max_examples=200, deadline=None)
def test_two_hundred_random_round_trips(data):
    """Messages, covers, rates, keys and channels at random: none lost."""
    engine = Engine(device="cpu")
    carrier, cover = data.draw(st.sampled_from(COVERS))
    key = Key(data.draw(st.binary(min_size=32, max_size=32)))
    rate = data.draw(st.sampled_from([None, *(rung.rate for rung in LADDER_BY_RATE)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    try:
        room = engine.capacity(carrier=carrier, cover=cover, bps=rate)
    except CapacityError:
        return
    message = data.draw(st.binary(max_size=min(room, 300)))
    name = data.draw(st.none() | st.just("a"))
    if name and len(message) + 2 > room:
        name = None
    stego = engine.hide(
        message, carrier=carrier, cover=cover, key=key, bps=rate, rng=rng, name=name
    )
    found = engine.reveal(stego.data, key=key)
    assert found == message and found.name == name
    assert stego.report.attempts == 1 and stego.report.bit_errors == 0
    with pytest.raises(NoMessage):
        engine.reveal(stego.data, key=Key.generate())


@pytest.mark.parametrize("size", [(19, 36), (46, 90), (181, 360)])
def test_generated_weather(engine, size):
    stego = engine.hide("grüße", carrier="era5", size=size, bps=1)
    assert engine.reveal(stego, key=stego.key).decode() == "grüße"


def test_a_seed_repeats_the_cover_but_never_the_salt(engine, key):
    one, two = (engine.hide(b"", carrier="era5", size=(19, 36), key=key, seed=7) for _ in range(2))
    assert np.array_equal(one.cover.law.value, two.cover.law.value)
    assert one.data != two.data


def test_injected_randomness_repeats_everything(engine, key):
    make = [
        engine.hide(b"m", carrier="image", cover=RGB, key=key, rng=np.random.default_rng(3)).data
        for _ in range(2)
    ]
    assert make[0] == make[1]


def test_batches_equal_single_calls(engine, key):
    messages = [b"a", b"bb", b"ccc"]
    covers = [RGB, GREY, DEEP]
    batch = engine.hide_many(
        messages, carrier="image", covers=covers, key=key, rng=np.random.default_rng(1)
    )
    rng = np.random.default_rng(1)
    for stego, message, cover in zip(batch, messages, covers, strict=True):
        single = engine.hide(message, carrier="image", cover=cover, key=key, rng=rng)
        assert single.data == stego.data
        assert engine.reveal(stego.data, key=key) == message
    assert [
        s.key for s in engine.hide_many([b"", b""], carrier="era5", set={"carrier.size": (19, 36)})
    ]
    with pytest.raises(ConfigError, match="covers"):
        engine.hide_many([b"a"], carrier="image", covers=[], key=key)


@pytest.mark.parametrize(
    ("messages", "covers"),
    [
        ([b"", b"", os.urandom(10**5)], [RGB, RGB, RGB]),  # does not fit
        ([b"", b"", b""], [RGB, RGB, b"no picture"]),  # is none
    ],
)
def test_many_say_which_one_failed(engine, key, messages, covers):
    with pytest.raises(StegafieldError) as caught:
        engine.hide_many(messages, carrier="image", covers=covers, key=key)
    assert caught.value.__notes__ == ["This was item 2, counted from 0."]
    with pytest.raises(StegafieldError) as caught:
        engine.hide(messages[2], carrier="image", cover=covers[2], key=key)
    assert not getattr(caught.value, "__notes__", [])


def test_passphrases(engine):
    stego = engine.hide(b"m", carrier="image", cover=RGB, key=Key.passphrase("correct horse"))
    assert engine.reveal(stego.data, key=Key.passphrase("correct horse\n")) == b"m"
    with pytest.raises(NoMessage):
        engine.reveal(stego.data, key=Key.passphrase("incorrect horse"))


def test_what_goes_in_comes_out(engine, key, tmp_path):
    assert isinstance(engine.hide(b"", carrier="image", cover=RGB, key=key).value, np.ndarray)
    column = RGB[..., :1]
    assert engine.hide(b"", carrier="image", cover=column, key=key).value.shape == column.shape
    picture = engine.hide(b"m", carrier="image", cover=Image.fromarray(RGB), key=key).value
    assert isinstance(picture, Image.Image) and engine.reveal(picture, key=key) == b"m"
    path = tmp_path / "x.nc"
    path.write_bytes(packed())
    dataset = xarray.load_dataset(path)
    stego = engine.hide(b"m", carrier="dataset", cover=dataset, key=key)
    assert isinstance(stego.value, xarray.Dataset) and engine.reveal(stego.value, key=key) == b"m"
    assert stego.value.t2m.attrs == dataset.t2m.attrs
    array = engine.hide(b"m", carrier="dataset", cover=dataset["t2m"], key=key).value
    assert isinstance(array, xarray.DataArray) and array.name == "t2m"
    assert isinstance(engine.hide(b"", carrier="dataset", cover=path, key=key).value, bytes)
    with path.open("rb") as file:
        assert engine.hide(b"", carrier="dataset", cover=file, key=key)


def test_only_the_samples_of_a_png_change(engine, key):
    out = BytesIO()
    info = Image.new("RGB", (1, 1)).getexif()
    info[0x010E] = "a description"
    Image.fromarray(RGB).save(out, "PNG", exif=info, dpi=(300, 300), icc_profile=b"profile" * 20)
    data = out.getvalue() + b"trailing bytes"
    stego = engine.hide(b"m", carrier="image", cover=data, key=key)

    from stegafield.channels.picture.png import parse

    def others(file):
        chunks, end = parse(file)
        return [chunk.raw for chunk in chunks if chunk.kind != b"IDAT"], file[end:]

    assert others(stego.data) == others(data)
    assert np.abs(np.asarray(Image.open(BytesIO(stego.data))).astype(int) - RGB).max() <= 2


@pytest.mark.parametrize(
    "model", ["NETCDF4", "NETCDF4_CLASSIC", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET"]
)
def test_only_one_variable_of_a_netcdf_file_changes(engine, key, model):
    data = packed(names=("t2m", "u10"), model=model, times=2)
    stego = engine.hide(
        b"m", carrier="dataset", cover=data, key=key, set={"carrier.variable": "u10"}
    )
    assert engine.reveal(stego.data, key=key) == b"m"
    before, after = parsed(data), parsed(stego.data)
    assert list(before) == list(after)
    different = [name for name in before if before[name] != after[name]]
    assert different == ["u10"] and before["u10"][:-1] == after["u10"][:-1]
    change = np.array(after["u10"][-1]) - np.array(before["u10"][-1])
    assert np.abs(change).max() <= 2 and not change[:, [0, -1]].any(), "pole rows stay"


@pytest.mark.slow
def test_capacity_is_exact(engine, key):
    for carrier, cover in COVERS:
        for bps in (0.3, 1, 2):
            room = engine.capacity(carrier=carrier, cover=cover, bps=bps)
            message = np.random.default_rng(1).bytes(room)
            stego = engine.hide(message, carrier=carrier, cover=cover, key=key, bps=bps)
            assert engine.reveal(stego.data, key=key) == message
            assert stego.report.capacity_bytes == room
            with pytest.raises(CapacityError) as caught:
                engine.hide(message + b"x", carrier=carrier, cover=cover, key=key, bps=bps)
            assert (caught.value.needed, caught.value.available) == (room + 1, room)


def test_the_smallest_sufficient_rung_is_taken(engine, key):
    rates = []
    for length in (0, 10, 100, 400):
        message = np.random.default_rng(0).bytes(length)
        report = engine.hide(message, carrier="image", cover=RGB, key=key).report
        rates.append(report.window_bits / report.window_elements)
        lower = [rung for rung in with_costs(RGB.size) if rung.rate < rates[-1] - 1e-9]
        if lower:
            try:
                assert engine.capacity(carrier="image", cover=RGB, bps=lower[-1].rate) < length
            except CapacityError:
                pass
    assert rates == sorted(rates) and rates[0] < rates[-1]


def test_sizes_without_a_cover(engine):
    assert engine.capacity(carrier="image", size=(64, 64), bpp=1) == engine.capacity(
        carrier="image",
        cover=np.zeros((64, 64, 3), np.uint8),
        bpp=1,
        set={"effort.costs": False},
    )
    assert engine.capacity(carrier="era5", size=(46, 90)) > 500
    for carrier in ("image", "dataset"):
        with pytest.raises(ConfigError):
            engine.capacity(carrier=carrier)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bpp": 1, "bps": 1}, ["bpp", "bps"]),
        ({"bpp": 0}, ["bpp", "positive"]),
        ({"bps": 9}, ["bps", "top of the ladder"]),
        ({"preset": "papper"}, ["preset", "default"]),
        ({"method": "guess"}, ["method", "sample"]),
        ({"method": "sample"}, ["method", "project"]),
        ({"set": {"carier.size": 1}}, ["PART.OPTION", "carrier"]),
        ({"set": {"carrier.sise": 1}}, ["carrier.sise", "carrier.size"]),
        ({"set": {"effort.epsilon": 7}}, ["effort.epsilon"]),
        ({"set": {"optimizer.lr": 7}}, ["optimizer"]),
        ({"cover": object()}, ["object"]),
    ],
)
def test_mistakes_are_named(engine, arguments, words):
    with pytest.raises(ValueError) as caught:
        engine.hide(b"", **{"carrier": "image", "cover": RGB, **arguments})
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_unknown_names_suggest_the_close_one(engine):
    with pytest.raises(UnknownPlugin, match="did you mean 'era5'"):
        engine.hide(b"", carrier="era6")
    with pytest.raises(UnknownPlugin, match="phase"):
        engine.hide(b"", carrier="era5", extractor="fase")
    with pytest.raises(UnknownPlugin, match="did you mean 'lbfgs'"):
        engine.hide(b"", carrier="era5", optimizer="l-bfgs")
    with pytest.raises(ConfigError, match="device"):
        Engine(Registry(), device="tpu")


def test_a_missing_graphics_card_is_named(key):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is one")
    picture = np.full((32, 32), 100, np.uint8)
    with pytest.raises(ConfigError, match="no CUDA device"):
        Engine(device="cuda").hide(
            b"m",
            carrier="image",
            cover=picture,
            extractor="cnn",
            key=key,
            set={"effort.doubtful": True},
        )


def test_a_missing_extractor_is_named_to_the_key_holder_only(engine, key):
    stego = engine.hide(b"m", carrier="image", cover=RGB, key=key)
    poor = Registry()
    poor.add("channel", engine.registry.get("channel", "png"), "test")
    with pytest.raises(UnknownPlugin, match="extractor"):
        Engine(poor).reveal(stego.data, key=key)
    with pytest.raises(NoMessage):
        Engine(poor).reveal(stego.data, key=Key.generate())


def test_reports_hold_numbers_only(engine, key):
    stego = engine.hide(b"attack at dawn", carrier="image", cover=RGB, key=key)
    text = stego.report.model_dump_json() + repr(stego)
    assert "attack" not in text and key.text() not in text and bytes(range(32)).hex() not in text
    assert stego.report.message_bytes == 14 and stego.report.psnr > 50


def test_the_lazy_default_engine():
    import stegafield

    assert stegafield.engine is stegafield.engine
    stego = stegafield.engine.hide(carrier="era5")
    assert stegafield.engine.reveal(stego, key=stego.key) == b""
    with pytest.raises(AttributeError):
        _ = stegafield.nothing


def test_dimensions_named_like_axes_need_no_coordinates(engine, key):
    data = packed(grid=False)
    stego = engine.hide(b"m", carrier="dataset", cover=data, key=key)
    assert engine.reveal(stego.data, key=key) == b"m" and stego.cover.spec.kind == "plane"


def test_every_variable_of_a_dataset_is_looked_at(engine, key, tmp_path):
    path = tmp_path / "x.nc"
    path.write_bytes(packed(names=("t2m", "u10")))
    stego = engine.hide(
        b"m",
        carrier="dataset",
        cover=xarray.load_dataset(path),
        key=key,
        set={"carrier.variable": "u10"},
    )
    assert engine.reveal(stego.value, key=key) == b"m"


@pytest.fixture
def unchecked():
    """Without the run-time type checks of the tests, as users call it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("unchecked")
def test_wrong_types_are_refused(engine, key):
    for message in (5, None, ["m"], "\udcff"):
        with pytest.raises(ConfigError, match="message"):
            engine.hide(message, carrier="era5")
    for wrong in (b"k" * 32, key.text()):
        with pytest.raises(ConfigError, match="Key"):
            engine.hide(b"m", carrier="era5", key=wrong)
        with pytest.raises(ConfigError, match="Key"):
            engine.reveal(b"", key=wrong)
    with pytest.raises(ConfigError, match="seed"):
        engine.hide(b"m", carrier="era5", seed=-1)
    with pytest.raises(ConfigError, match="name"):
        engine.hide(b"m", carrier="era5", name="\udcff")


def test_seeded_batches_have_different_covers(engine):
    one, two = engine.hide_many([b"a", b"b"], carrier="era5", seed=7, size=(19, 36))
    assert not np.array_equal(one.cover.codes, two.cover.codes)


def test_a_low_rate_is_not_called_a_hopeless_cover(engine):
    with pytest.raises(CapacityError, match="not even an empty message, at this rate"):
        engine.hide(b"", carrier="image", cover=GREY, bps=0.001)
    with pytest.raises(CapacityError, match="too small for any message"):
        engine.hide(b"", carrier="image", cover=GREY[:9, :9])


def test_a_second_message_of_one_key_in_one_file(engine, key):
    first = engine.hide(
        b"a",
        carrier="dataset",
        cover=packed(names=("t2m", "u10")),
        key=key,
        set={"carrier.variable": "t2m"},
    )
    again = {"carrier": "dataset", "cover": first.data, "set": {"carrier.variable": "u10"}}
    other = Key.generate()
    both = engine.hide(b"b", key=other, **again)
    assert engine.reveal(both.data, key=key) == b"a" and engine.reveal(both.data, key=other) == b"b"
    with pytest.raises(EmbeddingFailed, match="hidden earlier with this key"):
        engine.hide(b"b", key=key, **again)


def test_a_remark_of_ones_own_is_in_the_report_and_not_in_the_file(engine, key):
    given = {"carrier": "era5", "size": (19, 36), "key": key, "note": "for the archive"}
    stego = engine.hide(b"m", **given)
    assert stego.report.notes[-1] == "for the archive" and b"archive" not in stego.data
    both = engine.hide_many([b"one", b"two"], **given)
    assert all(one.report.notes[-1] == "for the archive" for one in both)

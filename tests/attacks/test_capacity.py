"""Too much, by one byte; covers that hold nothing; samples that cannot move."""

import json

import numpy as np
import pytest

from stegafield.coding.ladder import LADDER_BY_RATE
from stegafield.errors import CapacityError, ConfigError, EmbeddingFailed
from tests.attacks.conftest import noise, png
from tests.datasets import packed

RATES = [None, *(rung.rate for rung in LADDER_BY_RATE[5::3])]
COVERS = {
    "image": lambda: {"cover": noise(96, 90, 3)},
    "dataset": lambda: {"cover": packed(rows=121, columns=180)},
    "era5": lambda: {"size": (121, 180), "method": "project"},
    "audio": lambda: {"cover": noise(9000, dtype=np.int16)},
}


@pytest.mark.slow
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("carrier", COVERS)
def test_the_last_byte_fits_and_one_more_does_not(engine, key, rng, carrier, rate):
    arguments = {"carrier": carrier, "bps": rate, **COVERS[carrier]()}
    room = engine.capacity(**arguments)
    most = rng.bytes(room)
    assert engine.reveal(engine.hide(most, key=key, **arguments).data, key=key) == most
    with pytest.raises(CapacityError) as caught:
        engine.hide(rng.bytes(room + 1), key=key, **arguments)
    assert (caught.value.needed, caught.value.available) == (room + 1, room)
    assert f"{room + 1} bytes" in str(caught.value) and f"holds {room}" in str(caught.value)
    assert "larger cover" in str(caught.value)


@pytest.mark.parametrize("rate", [{}, {"bps": 0.05}, {"bps": 1}, {"max_risk": 0.4}, {"bps": 2}])
def test_generated_faces_hold_what_is_said_before_one_is_drawn(engine, key, rng, rate):
    """What is drawn from a law holds less than the ladder's top: the blank cover needs the law."""
    pytest.importorskip("safetensors")
    try:
        room = engine.capacity(carrier="celeba", **rate)
    except ConfigError:
        assert rate == {"bps": 2}
        with pytest.raises(ConfigError, match="above the top"):
            engine.hide(b"", carrier="celeba", key=key, **rate)
        return
    stego = engine.hide(rng.bytes(room), carrier="celeba", key=key, **rate)
    assert stego.report.method == "sample"
    with pytest.raises(CapacityError):
        engine.hide(rng.bytes(room + 1), carrier="celeba", key=key, **rate)


def test_one_byte_too_many_leaves_the_old_file_alone(engine, refused, hide_png, folder):
    room = engine.capacity(carrier="image", cover=folder / "cover.png", bpp=1)
    (folder / "message").write_bytes(np.random.default_rng(0).bytes(room + 1))
    (folder / "old.png").write_bytes(b"keep me")
    words = (*hide_png, "--message-file", "message", "--bpp", "1")
    says = [str(room + 1), str(room), "higher rate or a larger cover"]
    refused(4, *words, "--out", "new.png", says=says)
    refused(4, *words, "--out", "old.png", "--force", "--report", "r.json", says=says)


@pytest.mark.parametrize("shape", [(1, 1), (13, 14), (13, 15), (7, 9, 3)])
def test_a_picture_too_small_for_any_message(engine, key, shape):
    for rate in (None, 4):
        for act in (engine.capacity, engine.hide):
            with pytest.raises(CapacityError, match="too small for any message") as caught:
                act(carrier="image", cover=noise(*shape), bps=rate)
            assert caught.value.available < 0


def test_a_field_too_small_for_any_message(refused, folder):
    (folder / "small.nc").write_bytes(packed(rows=5, columns=20))
    cover = ("--carrier", "dataset", "--cover", "small.nc")
    says = ["too small for any message"]
    refused(4, "capacity", *cover, says=says)
    refused(4, "hide", *cover, "--message", "", "--key-file", "key", "--out", "x.nc", says=says)


def test_a_file_name_takes_room_too(engine, key, rng):
    cover = noise(32, 32, 3)
    room = engine.capacity(carrier="image", cover=cover)
    with pytest.raises(CapacityError) as caught:
        engine.hide(rng.bytes(room), carrier="image", cover=cover, key=key, name="a.txt")
    assert caught.value.needed > room == caught.value.available


def test_samples_that_cannot_move_fail_with_a_report_and_no_file(engine, key, refused, folder, cli):
    """Every value is the only valid one: whatever is tried, nothing is written into this field."""
    still = packed(
        rows=61,
        columns=90,
        attributes={"valid_range": np.array([5, 5], "i2")},
        change=lambda c: 0 * c + 5,
    )
    (folder / "still.nc").write_bytes(still)
    with pytest.raises((EmbeddingFailed, CapacityError)) as caught:
        engine.hide(b"x", carrier="dataset", cover=still, key=key)
    expected = 6 if isinstance(caught.value, EmbeddingFailed) else 4
    words = (
        "hide",
        "--carrier",
        "dataset",
        "--cover",
        "still.nc",
        "--message",
        "x",
        "--key-file",
        "key",
    )
    reason = str(caught.value).partition(";")[0]
    assert "cover" in str(caught.value), "what could the sender do?"
    refused(expected, *words, "--out", "x.nc", says=[reason])
    if expected == 6:
        assert cli(*words, "--out", "x.nc", "--report", "r.json").code == 6
        report = json.loads((folder / "r.json").read_text())
        assert report["attempts"] == len(report["failures"]) == 4
        assert not (folder / "x.nc").exists()


def test_the_cover_itself_is_never_touched(engine, key, folder):
    array, data = noise(40, 40, 3), png(noise(40, 40, 3))
    (folder / "c.png").write_bytes(data)
    before = array.copy()
    engine.hide(b"x", carrier="image", cover=array, key=key, bpp=4)
    engine.hide(b"x", carrier="image", cover=folder / "c.png", key=key, bpp=4)
    assert (array == before).all() and (folder / "c.png").read_bytes() == data

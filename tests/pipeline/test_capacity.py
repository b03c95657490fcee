"""`capacity` is what `hide` can do: promises of bytes, and the numbers of refusals."""

import numpy as np
import pytest

from stegafield import engine
from stegafield.errors import CapacityError
from tests.sounds import sound

NOISE = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)


def test_capacities_are_what_each_rate_comes_to():
    rooms = engine.capacities(carrier="image", cover=NOISE)
    assert [room.bps for room in rooms] == sorted(room.bps for room in rooms)
    assert max(room.bytes for room in rooms) == engine.capacity(carrier="image", cover=NOISE)
    for room in rooms[::5]:
        assert engine.capacity(carrier="image", cover=NOISE, bps=room.bps) == room.bytes
    assert engine.capacities(carrier="image", cover=NOISE[:9, :9]) == []


def test_b8_both_numbers_are_told_at_this_rate_and_at_most():
    """B8: hiding, its refusal and capacity name the same two numbers."""
    wish = {"carrier": "image", "cover": NOISE, "bps": 0.1}
    room, most = engine.capacity(**wish), engine.capacity(**{**wish, "bps": None})
    report = engine.hide(b"m", **wish).report
    assert (report.capacity_bytes, report.most_bytes) == (room, most)
    with pytest.raises(CapacityError, match=f"{room}, at this rate, and {most} at most") as caught:
        engine.hide(bytes(range(256)), **wish)
    assert (caught.value.available, caught.value.most) == (room, most)


def carried(carrier, values):
    """A cover of a medium with these samples in one row."""
    if carrier == "audio":
        return sound(values=np.asarray(values, np.int16)[:, None])
    return np.asarray(values, np.uint8)[None]


@pytest.mark.parametrize(
    ("carrier", "size"),
    [("audio", 0), *((c, n) for c in ("audio", "image") for n in (1, 100, 227))],
)
def test_b6_a_cover_that_is_too_small_says_how_many_elements_a_message_takes(carrier, size):
    """B6: "needs 0 bytes" where 12 were given, and no word of how many elements they take."""
    message = bytes([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8])
    values = np.random.default_rng(1).integers(90, 160, 252)
    wish = {"carrier": carrier, "set": {"effort.costs": False}}
    with pytest.raises(CapacityError, match=f"at least 252 .* it has {size}") as caught:
        engine.hide(message, cover=carried(carrier, values[:size]), **wish)
    assert (caught.value.needed, caught.value.available, caught.value.most) == (12, -1, -1)
    engine.hide(message, cover=carried(carrier, values), **wish)

"""Keys, frames, positions, mask and error correction."""

import os
import pickle
import stat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield.errors import ConfigError
from stegafield.message import correction, frame, place
from stegafield.message.frame import Frame
from stegafield.message.key import Key

SALT = bytes(range(16))
KEY = Key(bytes(range(32)))


def test_text_form_is_short_and_checked():
    key = Key.generate()
    assert len(key.text()) == 48
    assert Key.parse(key.text() + "\n") == key
    for i in (0, 20, 47):
        wrong = "A" if key.text()[i] != "A" else "B"
        with pytest.raises(ConfigError, match=r"typing error|text form"):
            Key.parse(key.text()[:i] + wrong + key.text()[i + 1 :])


def test_key_files_are_private_and_never_overwritten(tmp_path):
    path = tmp_path / "key"
    KEY.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Key.load(path) == KEY
    with pytest.raises(FileExistsError):
        Key.generate().save(path)
    assert Key.load(path) == KEY


def test_keys_show_nothing():
    for key in (KEY, Key.passphrase("correct horse"), KEY.file_key(SALT)):
        assert "..." in repr(key) and len(repr(key)) < 20
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


def test_passphrases_are_normalised_and_lose_one_newline():
    assert Key.passphrase("caf\u00e9\n") == Key.passphrase("cafe\u0301")
    assert Key.passphrase("a\r\n") == Key.passphrase("a")
    assert Key.passphrase("a\n\n") != Key.passphrase("a")
    assert Key.passphrase("a" * 32) != Key(b"a" * 32)
    with pytest.raises(ConfigError, match="empty"):
        Key.passphrase("\n")


def test_each_use_and_each_salt_has_its_own_bytes():
    uses = ["header-positions", "header-mask", "mask", "seal", "extractor/00000000"]
    keys = [KEY.file_key(SALT), KEY.file_key(bytes(16)), Key.generate().file_key(SALT)]
    assert len({key.derive(use) for key in keys for use in uses}) == len(keys) * len(uses)


@given(st.binary(max_size=2000), st.none() | st.text(max_size=60), st.integers(0, 50))
def test_frames_round_trip(message, name, spare):
    body = frame.pack(Frame(message, name))
    sealed = frame.needed(body) + 2 + frame.TAG_BYTES + spare
    assert frame.capacity(sealed) == frame.needed(body) + spare
    data = frame.seal(body, sealed, bytes(32), b"header")
    assert len(data) == sealed
    found = frame.unseal(data, bytes(32), b"header")
    assert found is not None and found.message == message
    assert found.name == name
    assert frame.unseal(data, bytes(32), b"Header") is None
    assert frame.unseal(data, b"\1" + bytes(31), b"header") is None


def test_incompressible_messages_need_their_own_length():
    message = os.urandom(1000)
    assert frame.needed(frame.pack(Frame(message))) == 1000
    assert frame.needed(frame.pack(Frame(bytes(1000)))) < 30


def test_sealed_nonsense_is_no_frame():
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    for body in (
        b"",
        b"\0",
        b"\x80",
        b"\4\x80",
        b"\2\x80",
        b"\2\xffab\x80",
        b"\1zzz\x80",
        b"\2\1\xff\x80",
    ):
        sealed = ChaCha20Poly1305(bytes(32)).encrypt(bytes(12), body, b"")
        assert frame.unseal(sealed, bytes(32), b"") is None


@given(st.integers(1, 3 * place.TILE))
@settings(max_examples=30)
def test_tiles_cover_everything_once(count):
    stops = [0]
    for index, tile in place.tiles(count):
        assert tile.start == stops[-1] == index * place.TILE
        assert min(count, place.TILE) <= tile.stop - tile.start < 2 * place.TILE
        stops.append(tile.stop)
    assert stops[-1] == count


def test_permutations_are_the_stable_argsort_of_the_keystream():
    words = np.frombuffer(place.keystream(bytes(32), 8 * 1000, 3), "<u8")
    assert np.array_equal(place.permutation(bytes(32), 1000, 3), np.argsort(words, kind="stable"))


def test_equal_words_keep_their_order(monkeypatch):
    monkeypatch.setattr(
        place, "keystream", lambda key, count, index=0: bytes(range(2)) * (count // 2)
    )
    assert np.array_equal(place.permutation(b"", 5000), np.arange(5000))


@given(st.binary(min_size=1, max_size=200))
def test_masking_twice_is_nothing(data):
    once = place.masked(data, SALT * 2)
    assert place.masked(once, SALT * 2).tobytes() == data


@pytest.mark.parametrize("coded", [33, 34, 100, 255, 256, 510, 511, 3000])
def test_reed_solomon_repairs_sixteen_bytes_a_block(coded):
    rs = correction.ReedSolomon()
    rng = np.random.default_rng(coded)
    data = rng.bytes(rs.room(coded))
    sent = rs.encode(data, coded)
    assert len(sent) == coded and rs.decode(sent) == data
    blocks = -(-coded // correction.BLOCK)
    hurt = bytearray(sent)
    for at in range(16 * blocks):  # a burst is shared among the blocks
        hurt[at] ^= 0xFF
    assert rs.decode(bytes(hurt)) == data
    for at in range(0, coded, 2):
        hurt[at] ^= 0x55
    assert rs.decode(bytes(hurt)) in (None, data)


def test_reed_solomon_has_no_room_in_a_few_bytes():
    assert correction.ReedSolomon().room(32) == 0
    assert correction.ReedSolomon().decode(bytes(20)) is None

"""Wrong keys, damaged keys, and secrets that must never be seen."""

import copy
import pickle
import traceback

import numpy as np
import pytest

from stegafield import Key
from stegafield.errors import CapacityError, ConfigError, EmbeddingFailed, NoMessage
from tests.attacks.conftest import noise, png
from tests.datasets import packed

pytestmark = pytest.mark.slow  # processes of their own

SECRET = b"the tide turns at seven, bring the second boat"
WORDS = "correct horse battery staple"
LARGE = SECRET + np.random.default_rng(0).bytes(100_000)


@pytest.fixture
def stego(engine, key, folder):
    """A picture with a message, saved."""
    found = engine.hide(SECRET, carrier="image", cover=noise(48, 48, 3), key=key)
    found.save(folder / "stego.png")
    return found.data


def needles(key):
    """Everything that would give a secret away, as text and as bytes."""
    texts = [SECRET.decode(), WORDS, key.text(), key._secret.hex(), repr(key._secret)[2:-1]]
    return texts + [text.upper() for text in texts]


def assert_silent(key, *outputs):
    for output in outputs:
        if isinstance(output, bytes):
            assert (
                SECRET not in output and key._secret not in output and WORDS.encode() not in output
            )
            output = output.decode(errors="replace")
        assert not any(needle in output for needle in needles(key))


def test_wrong_key_innocent_and_damaged_are_one_sentence(engine, key, cli, refused, folder, stego):
    Key.generate().save(folder / "other")
    (folder / "innocent.png").write_bytes(png(noise(48, 48, 3, seed=9)))
    damaged = noise(48, 48, 3)
    (folder / "damaged.png").write_bytes(png(damaged ^ 1))
    (folder / "tiny.png").write_bytes(png(noise(4, 4)))
    files = [
        ("stego.png", "other"),
        ("innocent.png", "key"),
        ("damaged.png", "key"),
        ("tiny.png", "key"),
    ]
    said = {
        refused(3, "reveal", file, "--key-file", name, "--out", "m").err for file, name in files
    }
    said.add(refused(3, "check", "stego.png", "--key-file", "other").err)
    assert len(said) == 1 and "no message was found with this key" in said.pop()
    assert cli("reveal", "stego.png", "--key-file", "key").out == SECRET


def test_wrong_passphrase(engine, cli, refused, folder):
    (folder / "right").write_text(WORDS + "\n")
    (folder / "wrong").write_text(WORDS + "!\n")
    words = (
        "hide",
        "--carrier",
        "image",
        "--cover",
        "cover.png",
        "--message",
        "x",
        "--out",
        "x.png",
    )
    assert cli(*words, "--passphrase-file", "right").code == 0
    refused(3, "reveal", "x.png", "--passphrase-file", "wrong", says=["no message was found"])
    assert cli("reveal", "x.png", stdin=WORDS.encode() + b"\r\n").out == b"x"


def test_an_empty_passphrase_is_refused(refused, folder):
    (folder / "empty").write_bytes(b"\n")
    words = (
        "hide",
        "--carrier",
        "image",
        "--cover",
        "cover.png",
        "--message",
        "x",
        "--out",
        "x.png",
    )
    refused(
        2,
        *words,
        "--passphrase-file",
        "empty",
        says=["passphrase", "empty", "at least one character"],
    )
    refused(2, *words, stdin=b"", says=["--key-file", "--passphrase-file", "keygen"])
    for text in ("", "\n", "\r\n"):
        with pytest.raises(ConfigError, match="empty"):
            Key.passphrase(text)


def test_a_passphrase_of_any_bytes_works_both_ways_or_is_refused(cli, folder):
    """Not every editor writes UTF-8."""
    (folder / "latin").write_bytes("caf\u00e9 au lait".encode("latin-1"))
    words = (
        "hide",
        "--carrier",
        "image",
        "--cover",
        "cover.png",
        "--message",
        "x",
        "--out",
        "x.png",
    )
    ran = cli(*words, "--passphrase-file", "latin")
    assert ran.code in (0, 2) and "au lait" not in ran.err
    if ran.code == 0:
        assert cli("reveal", "x.png", "--passphrase-file", "latin").out == b"x"
    else:
        assert "passphrase" in ran.err and not (folder / "x.png").exists()


def test_a_typed_passphrase_of_any_bytes_is_no_crash(cli):
    words = (
        "hide",
        "--carrier",
        "image",
        "--cover",
        "cover.png",
        "--message",
        "x",
        "--out",
        "x.png",
    )
    ran = cli(*words, stdin=b"caf\xe9 au lait\n")
    assert ran.code in (0, 2) and "au lait" not in ran.err


@pytest.mark.parametrize("damage", ["one letter", "cut", "longer", "empty", "noise", "twice"])
def test_a_damaged_key_file_is_named_and_not_shown(key, refused, folder, stego, damage):
    text = key.text()
    other = "A" if text[20] != "A" else "B"
    data = {
        "one letter": (text[:20] + other + text[21:]).encode(),
        "cut": text[:40].encode(),
        "longer": text.encode() + b"AAAA",
        "empty": b"",
        "noise": bytes(range(256)),
        "twice": (text + "\n" + text).encode(),
    }[damage]
    (folder / "bad").write_bytes(data)
    ran = refused(2, "reveal", "stego.png", "--key-file", "bad", says=["key", "48 characters"])
    assert text[:20] not in ran.err and text[21:] not in ran.err


def test_a_key_file_that_is_not_there(refused, hide_png):
    refused(7, *hide_png[:-1], "nowhere", "--message", "x", "--out", "x.png", says=["nowhere"])
    refused(7, *hide_png[:-1], ".", "--message", "x", "--out", "x.png", says=["."])


def test_a_key_is_never_overwritten(refused, cli, folder):
    refused(7, "keygen", "key", says=["key", "never overwritten"])
    refused(7, "keygen", "cover.png", says=["cover.png"])
    refused(7, "keygen", "no/where", says=["no/where"])
    assert cli("keygen", "fresh").code == 0
    assert (folder / "fresh").stat().st_mode & 0o777 == 0o600


def test_one_key_at_a_time(refused, hide_png, stego):
    refused(
        2, "reveal", "stego.png", "--key-file", "key", "--passphrase-file", "key", says=["not both"]
    )


def test_message_and_passphrase_cannot_share_standard_input(refused):
    words = (
        "hide",
        "--carrier",
        "image",
        "--cover",
        "cover.png",
        "--message-file",
        "-",
        "--out",
        "x.png",
    )
    refused(2, *words, stdin=b"a\nb", says=["key", "--key-file"])


@pytest.mark.parametrize("secret", [b"", b"x" * 31, b"x" * 33])
def test_a_key_has_32_bytes(secret):
    with pytest.raises(ConfigError, match=f"{len(secret)} bytes long; a key has 32"):
        Key(secret)


def test_keys_and_file_keys_are_not_pickled_or_shown(key):
    for found in (key, Key.passphrase(WORDS), key.file_key(bytes(16))):
        for act in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=r"never pickled|cannot pickle"):
                act(found)
        assert not hasattr(found, "__dict__")
        assert repr(found) == str(found) == f"{type(found).__name__}(...)"


def test_no_output_of_python_tells_a_secret(key, engine):
    cover = noise(48, 48, 3)
    stego = engine.hide(SECRET, carrier="image", cover=cover, key=key)
    field = engine.hide(SECRET, carrier="era5", size=(37, 72), key=key)
    for found in (stego, field):
        assert_silent(
            key,
            repr(found),
            str(found),
            repr(found.report),
            found.report.model_dump_json(),
            found.data,
        )
        for act in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="never pickled"):
                act(found)
    still = packed(
        rows=61, columns=90, change=lambda c: 0 * c + 5, attributes={"valid_range": [5, 5]}
    )
    attempts = [
        (CapacityError, lambda: engine.hide(LARGE, carrier="image", cover=cover, key=key)),
        (
            (EmbeddingFailed, CapacityError),
            lambda: engine.hide(SECRET, carrier="dataset", cover=still, key=key),
        ),
        (NoMessage, lambda: engine.reveal(png(cover), key=key)),
        (ConfigError, lambda: Key.parse(key.text()[:-1] + "?")),
        (ConfigError, lambda: Key.passphrase(WORDS).text()),
        (ConfigError, lambda: engine.hide(SECRET, carrier="image", cover=cover, key=key, bpp=99)),
    ]
    for kind, act in attempts:
        with pytest.raises(kind) as caught:
            act()
        error = caught.value
        assert_silent(
            key,
            repr(error),
            str(error),
            repr(vars(error)),
            "".join(traceback.format_exception(error)),
        )


def test_no_output_of_the_command_tells_a_secret(key, cli, folder):
    (folder / "words").write_text(WORDS)
    (folder / "message").write_bytes(SECRET)
    (folder / "large").write_bytes(LARGE)
    (folder / "bad").write_text(key.text()[:-1])
    start = ("hide", "--carrier", "image", "--cover", "cover.png", "--report", "r.json", "--force")
    ran = [
        cli(*start, "--key-file", "key", "--message", SECRET.decode(), "--out", "a.png"),
        cli(*start, "--passphrase-file", "words", "--message-file", "message", "--out", "b.png"),
        cli(*start, "--key-file", "key", "--message-file", "large", "--out", "c.png"),
        cli(*start, "--key-file", "bad", "--message-file", "message", "--out", "c.png"),
        cli(
            *start,
            "--key-file",
            "key",
            "--message",
            SECRET.decode(),
            "--out",
            "c.png",
            "--bpp",
            "99",
        ),
        cli("check", "a.png", "--key-file", "key", "--json"),
        cli("check", "a.png", "--passphrase-file", "words"),
    ]
    assert [found.code for found in ran] == [0, 0, 4, 2, 2, 0, 3]
    assert_silent(key, *(found.err for found in ran), *(found.out for found in ran))
    assert_silent(key, *((folder / name).read_bytes() for name in ("a.png", "b.png", "r.json")))

"""Files that lie about themselves where two parts of the package would believe different things."""

import struct
import zlib

import numpy as np
import pytest
import soundfile

from stegafield.carriers.audio import AudioCarrier
from stegafield.carriers.image import ImageCarrier
from stegafield.errors import CapacityError, ConfigError, FormatError
from stegafield.generators import fit, fitted
from stegafield.training import config
from tests.attacks.conftest import noise, png


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize("depth", [8, 16])
def test_a_png_with_two_headers_is_none(engine, key, depth):
    """Pillow believes the second one; the file would be written with the first."""
    data = png(noise(40, 40, 3))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 40, depth, 2, 0, 0, 0))
    data = data[:8] + head + data[8:]
    with pytest.raises(FormatError):
        engine.hide(b"hi", carrier="image", cover=data, key=key)
    with pytest.raises(FormatError):
        engine.reveal(data, key=key)


@pytest.mark.parametrize("how", [{"format": "tiff"}, {"as_function": True, "size": (48, 48)}])
def test_exif_data_that_are_none_turn_nothing(engine, key, how):
    data = png(noise(40, 40, 3))
    data = data[:33] + chunk(b"eXIf", b"\xff" * 40) + data[33:]
    stego = engine.hide(b"hi", carrier="image", cover=data, key=key, **how)
    assert engine.reveal(stego.data, key=key) == b"hi"


def tiff(tags, body):
    """A little endian TIFF with these LONG tags, whose strips count from the start of the body."""
    entries, extra, first = b"", b"", 8 + 2 + 12 * len(tags) + 4
    size = sum(4 * len(values) for values in tags.values() if len(values) > 1)
    for tag, values in sorted(tags.items()):
        values = [v + first + size for v in values] if tag == 273 else values
        data = struct.pack(f"<{len(values)}I", *values)
        if len(values) > 1:
            extra, data = extra + data, struct.pack("<I", first + len(extra))
        entries += struct.pack("<HHI", tag, 4, len(values)) + data
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + extra + body


@pytest.mark.parametrize("starts", [(0, 800), (0, 0), (0, 799)])
def test_strips_that_share_bytes_are_not_written_in_place(engine, key, starts):
    tags = {256: [40], 257: [40], 258: [8], 259: [1], 262: [1], 277: [1], 278: [20]}
    data = tiff(tags | {273: list(starts), 279: [800, 800]}, noise(1600).tobytes())
    stego = engine.hide(b"hi", carrier="image", cover=data, key=key, format="tiff")
    assert engine.reveal(stego.data, key=key) == b"hi"
    assert (len(stego.data) == len(data)) == (starts == (0, 800)), "patched in place, or new"


def test_a_sound_without_samples_holds_nothing(engine):
    head = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + bytes(4)
    with pytest.raises(CapacityError):
        engine.hide(b"", carrier="audio", cover=b"RIFF" + struct.pack("<I", len(body)) + body)


@pytest.mark.parametrize("largest", [1e31, 1.7e308])
def test_values_that_no_function_holds(largest):
    values = largest * np.sign(noise(1, 16, 16) - 127.5)
    with pytest.raises(ConfigError, match="larger units"):
        fit.fit(fitted.Samples(values, ("edge", "edge")))


def test_a_constant_is_a_function_too():
    samples = fitted.Samples(np.full((1, 16, 16), 0.1), ("edge", "edge"))
    assert "inf dB" in fit.fit(samples).told(samples, 0.0)


@pytest.mark.parametrize("text", [b'name = "\xff"', b"name = " + b"[" * 5000, b"name ="])
def test_a_config_that_is_no_toml(tmp_path, text):
    path = tmp_path / "bad.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match="no TOML"):
        config.read(str(path))


@pytest.mark.parametrize("carrier", ["image", "audio", "era5", "dataset", "celeba"])
def test_a_cover_of_another_medium(engine, key, carrier):
    """Covers of pictures for sounds and fields, of fields for pictures, and one without a file.

    A picture without a file is of the right medium for carriers of pictures: they say what it
    lacks.
    """
    drawn, _ = next(engine.sample(carrier="era5", size=(37, 72)))
    other = AudioCarrier().open(noise(9000, dtype=np.int16))
    blank = ImageCarrier(ImageCarrier.Options(size=(40, 40))).blank()
    lacks = "without a container" if carrier in ("image", "celeba") else "another medium"
    covers = [(other, "another medium"), (blank, lacks)]
    covers += [] if carrier in ("era5", "dataset") else [(drawn, "another medium")]
    for cover, why in covers[carrier == "audio" :]:
        with pytest.raises(ConfigError, match=why):
            engine.hide(b"", carrier=carrier, cover=cover, key=key)


def test_a_drawn_cover_is_taken(engine, key):
    drawn, _ = next(engine.sample(carrier="era5", size=(37, 72)))
    assert engine.reveal(engine.hide(b"x", carrier="era5", cover=drawn, key=key), key=key) == b"x"


@pytest.mark.slow
def test_samples_are_what_their_names_say(cli, folder):
    soundfile.write(folder / "c.flac", noise(9000, dtype=np.int16), 16000, subtype="PCM_16")
    words = ("sample", "--carrier", "audio", "--cover", "c.flac", "--as-function", "--out")
    assert cli(*words, "a").code == 0
    assert (folder / "a" / "0.wav").read_bytes()[:4] == b"RIFF"
    assert cli(*words, "b", "--set", "carrier.format=flac").code == 0
    assert (folder / "b" / "0.flac").read_bytes()[:4] == b"fLaC"


@pytest.mark.slow
def test_the_figure_of_samples_replaces_nothing(refused, folder):
    pytest.importorskip("matplotlib")
    (folder / "a").mkdir()
    words = ("sample", "--carrier", "image", "--cover", "cover.png", "--as-function", "--out", "a")
    (folder / "old.png").write_bytes(b"keep me")
    refused(7, *words, "--figure", "old.png", says=["old.png: exists", "--force"])
    for force in ([], ["--force"]):
        refused(2, *words, "--figure", "cover.png", *force, says=["is the cover itself: cover.png"])
        refused(2, *words, "--figure", "a/0.png", *force, says=["is the same file as out: a/0.png"])

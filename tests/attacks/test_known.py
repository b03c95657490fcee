"""Faults that were found by hand and mended: what each of them did, and does no more."""

import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from stegafield.channels.picture.png import parse
from stegafield.core import floats
from stegafield.errors import ConfigError, FormatError
from stegafield.extras import need
from tests.attacks.conftest import noise, png


@pytest.mark.parametrize("form", ["png", "webp", "tiff", "bmp"])
def test_a_second_ihdr_is_refused_whatever_is_written(engine, key, form):
    """Pillow believes the last one; of 16 bits the lower ones were lost."""
    wide = png(noise(40, 40, dtype=np.uint16))
    head = parse(wide)[0][0].raw
    for other in (png(noise(40, 40, 3)), wide):
        at = other.index(b"IDAT") - 4
        with pytest.raises(FormatError):
            cover = other[:at] + head + other[at:]
            engine.hide(b"m", carrier="image", cover=cover, key=key, format=form)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["--carrier", "era5", "--size", "1x1"],
        ["--carrier", "image"],
        ["--carrier", "era5", "--set", "carrier.time=never"],
        ["--carrier", "image", "--cover", "key", "--as-function"],
    ],
)
def test_a_sample_that_is_refused_leaves_no_folder(cli, folder, words):
    assert cli("sample", *words, "--out", "new/covers").code in (2, 5)
    assert not (folder / "new").exists()


def test_a_sample_in_the_place_of_a_file_is_refused_before_it_is_drawn(refused):
    refused(7, "sample", "--carrier", "era5", "--out", "key/covers", says=["is no folder"])


@pytest.mark.slow
def test_what_libraries_say_of_damage_is_not_shown(cli, folder):
    """libtiff writes on standard error, past Python; one line of ours is enough."""
    file = BytesIO()
    Image.fromarray(noise(40, 40, 3)).save(file, "TIFF", compression="tiff_adobe_deflate")
    data = bytearray(file.getvalue())
    data[len(data) // 2] ^= 0x55
    (folder / "bad.tif").write_bytes(data)
    ran = cli("reveal", "bad.tif", "--key-file", "key")
    assert ran.code == 5 and ran.err.startswith("stegafield: ") and ran.err.count("\n") == 1
    out = cli("hide", "--carrier", "image", "--cover", "cover.png", "--key-file", "key",
              "--message", "m", "--out", "/dev/stderr", "--force")  # fmt: skip
    assert out.code == 0 and "IHDR" in out.err, "who asks for that stream gets the file there"


def test_the_error_names_a_library_that_is_missing_and_the_extra_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"needs matplotlib.*stegafield\[plots\]"):
        need("matplotlib", "plots")


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_the_greatest_floats_lie_on_no_lattice_and_warn_nobody(kind):
    most = np.finfo(kind).max
    for raw in (most * np.linspace(-1, 1, 1000, dtype=kind), np.tile(np.array([-most, most]), 9)):
        assert floats.lattice(raw.astype(kind), np.ones(raw.shape, bool)) is None


def test_the_loudest_doubles_are_cut_off_and_warn_nobody(engine, key):
    cover = 1.7e308 * np.sign(noise(9000) - 127.5)
    stego = engine.hide(b"m", carrier="audio", cover=cover, key=key)
    assert engine.reveal(stego.data, key=key) == b"m"


@pytest.mark.slow
@pytest.mark.parametrize("secret", ["--key-file", "--passphrase-file"])
def test_a_traceback_of_ours_holds_no_secret(folder, environment, secret):
    (folder / "passphrase").write_text("zebra quartz lantern\n")
    crash = (
        "import stegafield.pipeline.hiding as h\n"
        "def fail(*a): raise RuntimeError('a bug')\n"
        "h.payload.to_bits = fail\n"
        "from stegafield.cli import main; main()"
    )
    given = {"--key-file": "key", "--passphrase-file": "passphrase"}[secret]
    words = ["hide", "--carrier", "image", "--cover", "cover.png", secret, given]
    words += ["--message", "MEETATDAWN", "--out", "x.png", "--report", "r.json"]
    done = subprocess.run(
        [sys.executable, "-c", crash, *words], cwd=folder, env=environment, capture_output=True
    )
    assert done.returncode == 1 and b"a bug" in done.stderr
    for hidden in (b"zebra", b"MEETATDAWN", (folder / "key").read_bytes()[:20]):
        assert hidden not in done.stderr + done.stdout
    assert not (folder / "x.png").exists() and not (folder / "r.json").exists()

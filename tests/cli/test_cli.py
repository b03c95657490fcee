"""The commands in processes of their own: a pair for each carrier and channel, and their words."""

import json
import os
import pty
import stat
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from stegafield.cli import program
from tests.datasets import field, floats, packed
from tests.sounds import sound

pytestmark = pytest.mark.slow  # processes of their own

STEGAFIELD = [sys.executable, "-m", "stegafield"]


def run(*arguments, code=0, stdin=b"", cwd=None):
    done = subprocess.run(
        [*STEGAFIELD, *map(str, arguments)], input=stdin, capture_output=True, cwd=cwd
    )
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr.decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("files")
    run("keygen", path / "key")
    rng = np.random.default_rng(0)
    rgba = rng.integers(0, 256, (40, 50, 4), dtype=np.uint8)
    rgba[5:9, :, 3] = 0
    Image.fromarray(rgba[..., :3]).save(path / "rgb.png")
    Image.fromarray(rgba).save(path / "rgba.png")
    Image.fromarray(rgba[..., 0]).save(path / "grey.png")
    Image.fromarray(rng.integers(0, 65536, (40, 50)).astype(np.uint16)).save(path / "deep.png")
    Image.fromarray(rgba[..., :3]).save(path / "photo.jpg")
    (path / "four.nc").write_bytes(packed(rows=37, columns=40))
    (path / "three.nc").write_bytes(packed(rows=37, columns=40, model="NETCDF3_CLASSIC"))
    for name, kind, model in (("floats", "f4", "NETCDF4"), ("doubles", "f8", "NETCDF3_CLASSIC")):
        (path / f"{name}.nc").write_bytes(floats(field(37, 40)[2], dtype=kind, model=model))
    for suffix, options in ((".webp", {"lossless": True}), (".tif", {}), (".bmp", {})):
        Image.fromarray(rgba[..., :3]).save(path / f"rgb{suffix}", **options)
    (path / "sound.wav").write_bytes(sound(subtype="PCM_24"))
    (path / "sound.flac").write_bytes(sound("FLAC"))
    (path / "sound.ogg").write_bytes(sound("OGG", "VORBIS"))
    return path


PAIRS = [
    ("image", "rgb.png", "out.png"),
    ("image", "rgba.png", "out.png"),
    ("image", "grey.png", "out.png"),
    ("image", "deep.png", "out.png"),
    ("image", "photo.jpg", "out.png"),
    ("image", "photo.jpg", "out.webp"),
    ("image", "rgb.png", "out.tif"),
    ("image", "deep.png", "out.tiff"),
    ("image", "rgb.webp", "out.webp"),
    ("image", "rgb.tif", "out.tif"),
    ("image", "rgb.bmp", "out.bmp"),
    ("dataset", "four.nc", "out.nc"),
    ("dataset", "three.nc", "out.nc"),
    ("dataset", "floats.nc", "out.nc"),
    ("dataset", "doubles.nc", "out.nc"),
    ("audio", "sound.wav", "out.wav"),
    ("audio", "sound.flac", "out.flac"),
    ("audio", "sound.wav", "out.flac"),
    ("audio", "sound.ogg", "out.wav"),
    ("era5", None, "out.nc"),
]


@pytest.mark.parametrize(("carrier", "cover", "out"), PAIRS)
def test_hide_and_reveal_in_two_processes(folder, tmp_path, carrier, cover, out):
    given = ["--cover", folder / cover] if cover else ["--size", "37x40"]
    report, figure = tmp_path / "r.json", tmp_path / "f.png"
    shown = ["--report", report, "--figure", figure]
    _, said = run(
        *("hide", "--carrier", carrier, *given, "--message", "grüße", "--key-file", folder / "key"),
        *("--out", tmp_path / out, *shown),
    )
    assert "hid 7 bytes in" in said
    assert json.loads(report.read_text())["message_bytes"] == 7
    assert _picture_size(figure)[0] > 400
    assert run("reveal", tmp_path / out, "--key-file", folder / "key")[0].decode() == "grüße"
    assert run("check", tmp_path / out, "--key-file", folder / "key", "--json")[0] == (
        b'{"found": true, "bytes": 7, "name": null}\n'
    )
    (tmp_path / "copy.of.another.name").write_bytes((tmp_path / out).read_bytes())
    run("check", tmp_path / "copy.of.another.name", "--key-file", folder / "key")


def test_standard_streams_carry_bytes(folder):
    message = bytes(range(256))
    hide = [
        "hide",
        "--carrier",
        "image",
        "--cover",
        folder / "rgb.png",
        "--message-file",
        "-",
        "--out",
        "-",
    ]
    stego, _ = run(*hide, "--key-file", folder / "key", "--name", "all.bin", stdin=message)
    assert stego.startswith(b"\x89PNG")
    revealed, said = run("reveal", "-", "--key-file", folder / "key", "--out", "-", stdin=stego)
    assert revealed == message and "all.bin" in said
    assert b"true" in run("check", "-", "--key-file", folder / "key", "--json", stdin=stego)[0]


def test_files_in_and_out(folder, tmp_path):
    (tmp_path / "message.bin").write_bytes(b"\0\1\2")
    hide = [
        "hide",
        "--carrier",
        "image",
        "--cover",
        folder / "rgb.png",
        "--message-file",
        tmp_path / "message.bin",
    ]
    run(*hide, "--key-file", folder / "key", "--out", tmp_path / "s.png")
    assert stat.S_IMODE((tmp_path / "s.png").stat().st_mode) == 0o666 & ~_umask()
    run("reveal", tmp_path / "s.png", "--key-file", folder / "key", "--out", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == b"\0\1\2"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["back.bin", "message.bin", "s.png"]


def test_an_empty_message_is_a_mark(folder, tmp_path):
    run(
        "hide",
        "--carrier",
        "era5",
        "--size",
        "19x36",
        "--message",
        "",
        "--key-file",
        folder / "key",
        "--out",
        tmp_path / "mark.nc",
    )
    assert run("reveal", tmp_path / "mark.nc", "--key-file", folder / "key")[0] == b""
    run("check", tmp_path / "mark.nc", "--key-file", folder / "key")
    run("keygen", tmp_path / "other")
    out, said = run(
        "check", tmp_path / "mark.nc", "--key-file", tmp_path / "other", "--json", code=3
    )
    assert (
        out == b'{"found": false}\n' and said == "stegafield: no message was found with this key\n"
    )


def test_passphrases_from_a_file_a_pipe_and_a_terminal(folder, tmp_path):
    (tmp_path / "pass").write_text("correct horse\n")
    hide = [
        "hide",
        "--carrier",
        "image",
        "--cover",
        folder / "rgb.png",
        "--message",
        "m",
        "--out",
        tmp_path / "s.png",
    ]
    run(*hide, "--passphrase-file", tmp_path / "pass")
    assert run("reveal", tmp_path / "s.png", stdin=b"correct horse\n")[0] == b"m"
    run("reveal", tmp_path / "s.png", stdin=b"wrong\n", code=3)
    run("reveal", tmp_path / "s.png", stdin=b"", code=2)
    shown = _terminal([*STEGAFIELD, "reveal", str(tmp_path / "s.png")], b"correct horse\n")
    assert "Passphrase:" in shown and shown.rstrip().endswith("m") and "correct horse" not in shown


def test_a_terminal_is_shown_text_only(folder, tmp_path):
    for message, wanted in (
        (b"plain text", "plain text"),
        (b"\x1b[2Jboo", "not text"),
        (b"\xff\xfe", "not text"),
    ):
        hide = ["hide", "--carrier", "image", "--cover", folder / "rgb.png", "--message-file", "-"]
        run(
            *hide,
            "--key-file",
            folder / "key",
            "--out",
            tmp_path / "s.png",
            "--force",
            stdin=message,
        )
        shown = _terminal(
            [*STEGAFIELD, "reveal", str(tmp_path / "s.png"), "--key-file", str(folder / "key")]
        )
        assert wanted in shown and "\x1b[2J" not in shown


def test_capacity_and_lists(folder):
    number = int(run("capacity", "--carrier", "image", "--size", "64x64", "--bpp", "1")[0])
    assert number == 462
    told = run(
        "capacity", "--carrier", "image", "--cover", folder / "rgb.png", "--bps", "1", "--json"
    )[0]
    assert json.loads(told)["bytes"] > 600
    for command in ("carriers", "plugins"):
        table = run(command)[0].decode()
        assert "era5" in table and "image" in table
        json.loads(run(command, "--json")[0])


def test_several_settings(folder, tmp_path):
    settings = ["--set", "carrier.size=20x20", "--set", "effort.attempts=2"]
    hide = [
        "hide",
        "--carrier",
        "image",
        "--cover",
        folder / "rgb.png",
        "--message",
        "m",
        "--key-file",
        folder / "key",
    ]
    _, said = run(*hide, "--out", tmp_path / "s.png", *settings, code=2)
    assert "carrier.size" in said
    settings[1] = "carrier.size=[20, 20]"
    run(*hide, "--out", tmp_path / "s.png", *settings)
    assert _picture_size(tmp_path / "s.png") == (20, 20)


@pytest.mark.parametrize(
    "arguments",
    [
        ["hide"],
        ["hide", "--carrier", "era5", "--out", "x.nc"],
        ["hide", "--carrier", "era5", "--out", "x.nc", "--message", "a", "--message-file", "b"],
        ["hide", "--carrier", "era5", "--out", "x.nc", "--message", "a", "--size", "big"],
        ["hide", "--carrier", "era5", "--out", "x.jpg", "--message", "a"],
        ["hide", "--carrier", "nothing", "--out", "x.jpg", "--message", "a"],
        ["hide", "--carrier", "era5", "--out", "x.nc", "--message", "a", "--set", "carrier.size"],
        ["reveal"],
        ["frobnicate"],
        ["capacity", "--carrier", "image"],
    ],
)
def test_usage_errors_exit_with_two(arguments, tmp_path):
    run(*arguments, code=2, stdin=b"pass\n", cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _terminal(command, typed=b""):
    """What a terminal shows while a command runs; `typed` is typed once it asks."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    shown = b""
    try:
        while part := os.read(terminal, 1024):
            shown += part
            if typed and b"assphrase" in shown:
                os.write(terminal, typed)
                typed = b""
    except OSError:  # the terminal closes with the process
        pass
    os.waitpid(pid, 0)
    os.close(terminal)
    return shown.decode()


def _picture_size(path):
    with Image.open(path) as picture:
        return picture.size


def test_distributions_with_commands_are_found_without_what_lists_them(tmp_path):
    def folder(name, text=None):
        info = tmp_path / name / "theirs-1.0.dist-info"
        info.mkdir(parents=True)
        if text is not None:
            (info / "entry_points.txt").write_text(text)
        return str(tmp_path / name)

    assert program._brings_commands(folder("ours", "[stegafield.commands]\nbench = theirs:app\n"))
    assert not program._brings_commands(folder("other", "[console_scripts]\nx = y:z\n"))
    assert not program._brings_commands(folder("none"))
    assert not program._brings_commands(str(tmp_path / "missing.zip"))
    (tmp_path / "there.zip").write_bytes(b"")
    assert program._brings_commands(str(tmp_path / "there.zip"))

"""Names and numbers that mean nothing: the answer lists what would work."""

import json
import os
import subprocess
import sys

import pytest

from stegafield.errors import ConfigError, UnknownPlugin
from tests.attacks.conftest import noise, png

BAD = {
    "out is lossy": (["--out", "x.jpg"], [".jpg", "lossy", ".png"]),
    "out is lossy, in capitals": (["--out", "x.JPEG"], ["lossy", ".png"]),
    "out is of another medium": (["--out", "x.nc"], [".nc", ".png"]),
    "unknown extractor": (
        ["--extractor", "fase"],
        ["'fase'", "did you mean 'phase'", "Installed: cnn, phase, phase-conv"],
    ),
    "unknown optimizer": (["--optimizer", "sgd"], ["'sgd'", "Installed:"]),
    "unknown preset": (["--preset", "best"], ["'best'", "Known: default"]),
    "unknown method": (["--method", "guess"], ["method", "guess", "project"]),
    "impossible method": (["--method", "sample"], ["sample", "Possible here: project"]),
    "unknown device": (["--device", "tpu"], ["'tpu'", "auto, cpu or cuda"]),
    "unknown part": (["--set", "cover.size=3"], ["'cover.size'", "PART is carrier, extractor"]),
    "no part": (["--set", "size=3"], ["'size'", "PART"]),
    "no value": (["--set", "carrier.size"], ["'carrier.size'", "PART.OPTION=VALUE"]),
    "unknown option": (["--set", "carrier.colour=red"], ["carrier.colour", "carrier.size"]),
    "unusable option": (["--set", "effort.attempts=0"], ["effort.attempts", "1"]),
    "option of no optimizer": (["--set", "optimizer.steps=3"], ["--optimizer NAME"]),
    "both rates": (["--bpp", "1", "--bps", "1"], ["bpp", "bps", "Give one"]),
    "rate of zero": (["--bpp", "0"], ["bpp", "0", "not positive"]),
    "negative rate": (["--bpp", "-2"], ["bpp", "-2", "not positive"]),
    "negative rate per sample": (["--bps", "-2"], ["bps", "-2", "not positive"]),
    "no rate": (["--bpp", "nan"], ["bpp", "nan"]),
    "endless rate": (["--bpp", "inf"], ["bpp", "inf", "above the top"]),
    "rate above the top": (["--bpp", "13"], ["bpp", "13", "above the top of the ladder", "12"]),
    "rate per sample above the top": (
        ["--bps", "4.1"],
        ["bps", "4.1", "above the top of the ladder", "4"],
    ),
    "rate that is a word": (["--bpp", "much"], ["--bpp", "number"]),
    "size of one number": (["--size", "40"], ["'40'", "HxW", "--size"]),
    "size of words": (["--size", "bigxsmall"], ["'bigxsmall'", "HxW"]),
    "size of nothing": (["--size", "0x40"], ["'0x40'", "HxW"]),
    "negative size": (["--size", "-4x40"], ["'-4x40'", "HxW"]),
    "size of three": (["--size", "4x4x3"], ["'4x4x3'", "HxW"]),
    "size of fractions": (["--size", "1.5x2"], ["'1.5x2'", "HxW"]),
    "endless size": (["--size", "9" * 5000 + "x1"], ["size"]),
    "size beyond memory": (["--size", "1000000000x1000000000"], ["size", "1000000000"]),
    "both messages": (["--message-file", "key"], ["--message", "--message-file", "exactly one"]),
    "both keys": (["--passphrase-file", "key"], ["--key-file", "--passphrase-file", "not both"]),
    "negative seed": (["--seed", "-1"], ["seed", "-1"]),
    "unknown option of the command": (["--cover-art", "x"], ["--cover-art"]),
}


ELSEWHERE = {
    "unknown carrier": (
        ["--carrier", "era", "--out", "x.nc"],
        ["'era'", "mean 'era5'", "dataset, era5, image"],
    ),
    "unknown carrier without a suffix": (
        ["--carrier", "era", "--out", "x"],
        ["'era'", "did you mean 'era5'"],
    ),
    "cover for a generator": (
        ["--carrier", "era5", "--cover", "key", "--out", "x.nc"],
        ["'era5'", "draws its own"],
    ),
    "no cover": (["--carrier", "image", "--out", "x.png"], ["cover", "--cover"]),
    "size of a file": (
        ["--carrier", "dataset", "--size", "9x9", "--cover", "key", "--out", "x"],
        ["size", "dataset"],
    ),
    "globe too small": (
        ["--carrier", "era5", "--size", "4x4", "--out", "x.nc"],
        ["size", "9 to 2881"],
    ),
    "globe too large": (
        ["--carrier", "era5", "--size", "99999x9", "--out", "x.nc"],
        ["size", "9 to 2881"],
    ),
    "negative seed of a field": (
        ["--carrier", "era5", "--seed", "-1", "--out", "x.nc"],
        ["seed", "-1"],
    ),
    "lossy packing": (["--carrier", "era5", "--out", "x.grib"], [".grib", "lossy", ".nc"]),
}


COMMANDS = """
import json, os, sys
from pathlib import Path
import stegafield.cli.commands
from stegafield import engine
from stegafield.cli import main

before = sorted(os.listdir())
for words in json.load(sys.stdin):
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.dup2(os.open("../error", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        sys.argv = ["stegafield", *words]
        try:
            main()
        except SystemExit as stop:
            sys.stderr.flush()
            os._exit(stop.code or 0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps([code, Path("../error").read_text(), sorted(os.listdir()) == before]))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory, key):
    """What each command of the tables above said: each forked from a process with all imports."""
    home = tmp_path_factory.mktemp("options") / "home"
    home.mkdir()
    key.save(home / "key")
    (home / "cover.png").write_bytes(png(noise(48, 48, 3)))
    commands = {
        case: ["--carrier", "image", "--cover", "cover.png", *words]
        for case, (words, _) in BAD.items()
    }
    for words in commands.values():
        words += [] if "--out" in words else ["--out", "x.png"]
    commands |= {case: words for case, (words, _) in ELSEWHERE.items()}
    started = [
        ["hide", "--message", "x", "--key-file", "key", *words] for words in commands.values()
    ]
    environment = {**os.environ, "STEGAFIELD_PLUGINS": "none"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", COMMANDS],
        **{"cwd": home, "env": environment, "input": json.dumps(started), "text": True},
        stdout=subprocess.PIPE,
    )
    return dict(zip(commands, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("case", BAD | ELSEWHERE)
def test_an_option_that_cannot_be_used(answers, case):
    code, said, unchanged = answers[case]
    assert code == 2 and "Traceback" not in said, said
    for word in (BAD | ELSEWHERE)[case][1]:
        assert word in said
    assert unchanged, "a file was left"


def test_the_same_in_a_process_of_its_own(refused, hide_png):
    """No traceback, no file: what the tables above saw from inside."""
    refused(2, *hide_png, "--message", "x", "--out", "x.jpg", says=["lossy", ".png"])
    refused(
        2,
        *hide_png,
        "--message",
        "x",
        "--out",
        "x.png",
        "--extractor",
        "fase",
        says=["mean 'phase'"],
    )


@pytest.mark.parametrize("words", [[], ["--message", "x"]])
def test_a_command_that_is_not_complete(refused, words):
    refused(
        2, "hide", "--carrier", "era5", "--key-file", "key", *words, says=["out"] if words else []
    )


def test_no_message_at_all(refused, hide_png):
    refused(2, *hide_png, "--out", "x.png", says=["--message", "--message-file"])


PYTHON = (
    {"bpp": 1, "bps": 1},
    {"preset": "best"},
    {"bps": 99},
    {"set": {"effort.tries": 1}},
    {"seed": -1},
)


@pytest.mark.parametrize("bad", PYTHON, ids=str)
def test_the_same_in_python_is_a_value_error(engine, bad):
    with pytest.raises(ConfigError) as caught:
        engine.hide(b"x", carrier="era5", size=(19, 36), **bad)
    assert isinstance(caught.value, ValueError) and caught.value.field


def test_an_unknown_name_carries_what_is_known(engine):
    with pytest.raises(UnknownPlugin) as caught:
        engine.hide(b"x", carrier="imag")
    assert (caught.value.kind, caught.value.name) == ("carrier", "imag")
    assert caught.value.known == ["audio", "celeba", "dataset", "era5", "image"] and isinstance(
        caught.value, LookupError
    )


def test_covers_and_messages_of_different_number(engine):
    with pytest.raises(ConfigError, match=r"1 covers .* 2 messages"):
        engine.hide_many([b"a", b"b"], carrier="image", covers=[b""])

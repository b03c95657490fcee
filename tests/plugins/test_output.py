"""D4: what plugins print is on standard error; standard output is that of the command alone."""

import json

import pytest

from tests.plugins.test_plugins import _install, _project, _run

pytestmark = pytest.mark.slow

LOUD = """
import atexit, os, subprocess, sys, threading
def say(where):
    print(f"loud: {where}")
    sys.stdout.write("loud: written\\n")
    sys.stdout.buffer.write(b"loud: bytes\\n"); sys.stdout.buffer.flush()
    sys.__stdout__.write("loud: first\\n"); sys.__stdout__.flush()
    os.write(1, b"loud: descriptor\\n")
    subprocess.run([sys.executable, "-c", "print('loud: process')"])
    thread = threading.Thread(target=print, args=("loud: thread",))
    thread.start(); thread.join()
say("import")
atexit.register(print, "loud: end")
from stegafield import hookimpl
from stegafield.core import Detector
from stegafield.errors import FormatError
from stegafield_tide import TideCarrier, TideChannel
class LoudChannel(TideChannel):
    name, suffixes = "loud", (".loud",)
    def read(self, data):
        say("read")
        if not data.startswith(b"loud"):
            raise FormatError("not loud")
        for cover in super().read(data[4:]):
            say("between")
            yield cover
    def write(self, cover, codes):
        say("write")
        return b"loud" + super().write(cover, codes)
class LoudCarrier(TideCarrier):
    name, channel = "loud", LoudChannel
    def covers(self, count, rng):
        say("covers")
        return super().covers(count, rng)
class LoudDetector(Detector):
    name = "loud"
    def score(self, codes):
        say("score")
        return 1.0
@hookimpl
def register_carriers():
    say("hook")
    return [LoudCarrier]
@hookimpl
def register_channels(): return [LoudChannel]
@hookimpl
def register_detectors(): return [LoudDetector]
"""
WAYS = ("written", "bytes", "first", "descriptor", "process", "thread", "end")


@pytest.fixture(scope="module")
def loud(tmp_path_factory):
    from tests.plugins.test_plugins import EXAMPLE

    folder = tmp_path_factory.mktemp("loud")
    return _install(folder / "site", EXAMPLE, _project(folder / "l", "stegafield-loud", LOUD))


def _told(said, *places):
    for place in (*WAYS, *places):
        assert f"loud: {place}\n" in said, place


def test_a_revealed_message_is_nothing_else(loud, tmp_path):
    """D4."""
    key, out = str(tmp_path / "key"), tmp_path / "x.loud"
    _run(loud, "keygen", key)
    hide = ["hide", "--carrier", "loud", "--message", "high water", "--key-file", key]
    shown, said = _run(loud, *hide, "--out", str(out))
    assert shown == ""
    _told(said, "import", "hook", "covers", "write", "read", "between")
    shown, said = _run(loud, "reveal", str(out), "--key-file", key)
    assert shown == "high water"
    _told(said, "import", "read", "between")
    shown, _ = _run(loud, *hide, "--out", "-")
    assert shown.startswith("loudhour,level_mm\n0,")
    copy = tmp_path / "copy"
    _run(loud, "reveal", str(out), "--key-file", key, "--out", str(copy))
    assert copy.read_bytes() == b"high water"


def test_lists_and_scores_are_json_and_nothing_else(loud, tmp_path):
    """D4."""
    key, out = str(tmp_path / "key"), str(tmp_path / "x.loud")
    _run(loud, "keygen", key)
    hide = ["hide", "--carrier", "loud", "--message", "m", "--key-file", key, "--out", out]
    _run(loud, *hide)
    for command in (
        ["carriers", "--json"],
        ["plugins", "--json"],
        ["detect", out, "--detector", "loud", "--json"],
        ["check", out, "--key-file", key, "--json"],
    ):
        shown, said = _run(loud, *command)
        assert json.loads(shown)
        _told(said, "import")


def test_a_stego_sent_to_standard_output_by_its_name(loud, tmp_path):
    """The file goes to the device that is named, and nothing else does."""
    key = str(tmp_path / "key")
    _run(loud, "keygen", key)
    hide = ["hide", "--carrier", "era5", "--size", "19x36", "--message", "m", "--key-file", key]
    shown, _ = _run(loud, *hide, "--force", "--out", "/dev/stdout", policy="none", binary=True)
    assert shown.startswith(b"CDF")

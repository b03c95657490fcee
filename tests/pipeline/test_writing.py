"""Files are written whole or not at all, and never over what was read (C8, C9, C11)."""

import os
import stat
import subprocess
import sys

import pytest

from stegafield.errors import ConfigError
from stegafield.pipeline import writing


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", ["t/", "t//", "t/.", "there/", "t/.."])
def test_a_name_that_ends_like_a_folder_is_no_file(tmp_path, name):
    """C9."""
    (tmp_path / "there").mkdir()
    with pytest.raises(IsADirectoryError):
        writing.write_file(f"{tmp_path}/{name}", b"x")
    assert [one.name for one in tmp_path.iterdir()] == ["there"]


KILLED = """
import os, signal, sys
from stegafield.pipeline import writing
real = os.fsync
def stop(handle):
    real(handle)
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
writing.os.fsync = stop
os.umask(0o022)
writing.write_file(sys.argv[1], b"secret" * 1000)
"""


def _started(target, signal):
    return subprocess.Popen([sys.executable, "-c", KILLED, str(target), signal])


def _parts(folder):
    return [one for one in folder.iterdir() if one.name.endswith(".part")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["out.png", "x" * 255, "$%[a]*?.nc"])
def test_what_a_killed_process_left_is_private_and_swept(tmp_path, name):
    """C11: the partial file is its owner's alone, and goes with the next run of the same output."""
    target = tmp_path / name
    _started(target, "SIGKILL").wait()
    (left,) = _parts(tmp_path)
    assert _mode(left) == 0o600 and not target.exists()
    if len(name) < 200:
        assert name in left.name
    writing.write_file(tmp_path / "another", b"x")
    assert left.exists()
    writing.write_file(target, b"x")
    assert not left.exists() and target.read_bytes() == b"x"


@pytest.mark.slow
def test_what_a_living_process_writes_is_left_alone(tmp_path):
    """C11."""
    target = tmp_path / "out.png"
    process = _started(target, "SIGSTOP")
    try:
        os.waitpid(process.pid, os.WUNTRACED)
        (left,) = _parts(tmp_path)
        writing.write_file(target, b"x")
        assert left.exists()
        # the same seen from another machine: its number says nothing there, the lock does
        elsewhere = left.with_name(left.name.replace(str(process.pid), "999999999"))
        left.rename(elsewhere)
        writing.write_file(target, b"y", force=True)
        assert elsewhere.exists()
    finally:
        process.kill()
        process.wait()
    writing.write_file(target, b"z", force=True)
    assert not _parts(tmp_path)


def test_a_new_file_has_the_rights_of_a_new_file(tmp_path):
    """C11: by the umask; an old one keeps its own."""
    (tmp_path / "plain").write_bytes(b"")
    new = writing.write_file(tmp_path / "new", b"x")
    assert _mode(new) == _mode(tmp_path / "plain")
    new.chmod(0o640)
    assert _mode(writing.write_file(new, b"y", force=True)) == 0o640


def _same_name(path):
    return path


def _spelled(path):
    return path.parent / "." / ".." / path.parent.name / path.name


def _link(path):
    found = path.with_name("link")
    found.symlink_to(path.name)
    return found


def _hard(path):
    found = path.with_name("hard")
    os.link(path, found)
    return found


@pytest.mark.parametrize("form", [_same_name, _spelled, _link, _hard])
def test_an_input_is_no_output(tmp_path, form):
    """C8."""
    key = tmp_path / "key"
    key.write_bytes(b"k")
    with pytest.raises(ConfigError, match="key file"):
        writing.check_apart({"out": form(key)}, {"key file": key})
    writing.check_apart({"out": tmp_path / "other", "report": None}, {"key file": key})
    with pytest.raises(ConfigError, match="report"):
        writing.check_apart({"out": tmp_path / "r", "report": tmp_path / "." / "r"}, {})

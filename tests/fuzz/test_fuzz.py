"""Two thousand damaged files: no traceback, no crash, bounded time and memory."""

import subprocess
import sys

import pytest

from tests.fuzz import many, mutators, seeds, target

CASES, PARTS = 2000, 4


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and forks")
@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_files_end_in_a_sentence(tmp_path, part):
    code = f"from tests.fuzz.many import shard; shard({part}, {PARTS}, {CASES}, {str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    summary = many.summed(tmp_path)
    assert summary["cases"] == CASES // PARTS
    assert summary["faults"] == []


def test_cases_repeat_and_mutators_know_their_formats():
    assert target.made(7) == target.made(7) != target.made(8)
    for name, data in seeds.seeds():
        plain = name.endswith((".bmp", ".gif", ".ogg"))  # nothing in them refers to anything
        assert bool(mutators.structures(data)) != plain, name


@pytest.mark.parametrize(
    ("told", "code", "seconds", "memory"),
    [
        ("", -11, 0, 0),
        ("", 1, 0, 0),
        ("", 7, 0, 0),
        ("Traceback (most recent call last)", 5, 0, 0),
        ("<_io.BytesIO object at 0x7f00>", 5, 0, 0),
        ("", 0, 21, 0),
        ("", 0, 0, target.MEMORY + 1),
    ],
)
def test_faults_are_seen(told, code, seconds, memory):
    assert target.fault(code, seconds, memory, told, b"")
    assert not target.fault(5, 1, 1 << 20, "stegafield: not a readable image", b"")

"""The real command in a real process, and folders that must not change."""

import os
import subprocess
import sys
from io import BytesIO
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: bytes
    err: str


def contents(folder):
    """Every file under a folder, hidden ones too, with its bytes."""
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def png(array, **options):
    """An array as the bytes of a PNG."""
    out = BytesIO()
    Image.fromarray(array).save(out, "PNG", **options)
    return out.getvalue()


def noise(*shape, dtype=np.uint8, seed=0):
    """Random samples over the whole range of their type."""
    limits = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(
        limits.min, limits.max, shape, dtype=dtype, endpoint=True
    )


@pytest.fixture
def folder(tmp_path, key):
    """Where the commands run: a key and a picture are there."""
    home = tmp_path / "home"
    home.mkdir()
    key.save(home / "key")
    (home / "cover.png").write_bytes(png(noise(48, 48, 3)))
    return home


@pytest.fixture
def environment(tmp_path):
    """Of every command: no installed plugins, and temporary files where they can be counted."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return {**os.environ, "STEGAFIELD_PLUGINS": "none", "TMPDIR": str(scratch), "PYTHONUTF8": "1"}


@pytest.fixture
def cli(folder, environment):
    """Run `stegafield ...` in the folder: no traceback is printed, no temporary file left."""

    def run(*words, stdin=b"", **options):
        command = [sys.executable, "-m", "stegafield", *map(os.fspath, words)]
        done = subprocess.run(
            command, cwd=folder, env=environment, input=stdin, capture_output=True, **options
        )
        ran = Ran(done.returncode, done.stdout, done.stderr.decode(errors="replace"))
        assert "Traceback" not in ran.err, ran.err
        assert os.listdir(environment["TMPDIR"]) == [], f"left temporary files; {ran}"
        return ran

    return run


@pytest.fixture
def refused(cli, folder):
    """Run a command that must fail with this exit code and these words, and change no file."""

    def run(code, *words, says=(), **options):
        before = contents(folder)
        ran = cli(*words, **options)
        assert ran.code == code, ran
        assert ran.out == b""
        for word in says:
            assert word in ran.err
        assert contents(folder) == before
        return ran

    return run


@pytest.fixture
def hide_png():
    """The words of a command that hides in the folder's picture, but for what a test adds."""
    return ("hide", "--carrier", "image", "--cover", "cover.png", "--key-file", "key")


@pytest.fixture
def hide_era5():
    """The same for a generated field."""
    return ("hide", "--carrier", "era5", "--size", "37x72", "--key-file", "key")

"""What foreign libraries raise becomes ours at one seam (faults C4, E: no machine addresses)."""

import errno
import io
import threading
import warnings

import numpy as np
import pytest

from stegafield.core.foreign import foreign, told
from stegafield.errors import ConfigError, FormatError, NoMessage


class Panic(BaseException):
    """As libraries in Rust raise."""


class Mute(Exception):
    """Its own text fails."""

    def __str__(self):
        raise ValueError


RAISED = [
    *(kind("no such chunk") for kind in (ValueError, RuntimeError, OSError, KeyError, IndexError)),
    *(kind("no such chunk") for kind in (AttributeError, TypeError, OverflowError, EOFError)),
    *(kind("no such chunk") for kind in (AssertionError, RecursionError, SyntaxError, Panic)),
    *(ZeroDivisionError(), StopIteration(), Mute(), np.linalg.LinAlgError("no such chunk")),
    *(ModuleNotFoundError("No module named 'x'", name="x"), ImportError("cannot import y")),
    *(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), FileNotFoundError(2, "none", "a\nb")),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_every_exception_becomes_ours(error):
    """C4"""
    with pytest.raises(FormatError) as caught, foreign("not a readable file", ".x"):
        raise error
    assert str(caught.value).startswith("not a readable file") and caught.value.suffix == ".x"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        *(KeyboardInterrupt(), SystemExit(3), GeneratorExit(), FormatError("ours"), NoMessage()),
        *(ConfigError("cover", "ours"), OSError(errno.ENOSPC, "disk full")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_not_the_librarys_passes(error):
    """C4"""
    with pytest.raises(type(error)) as caught, foreign("not a readable file"):
        raise error
    assert caught.value is error


def test_too_little_memory_is_a_sentence():
    """C4"""
    with pytest.raises(FormatError, match="takes more memory than there is"), foreign("no file"):
        raise MemoryError


@pytest.mark.parametrize(
    ("said", "right"),
    [
        (f"cannot identify image file {io.BytesIO()!r}", "cannot identify image file"),
        ("Error opening <_io.BytesIO object at 0x7f1>: Format", "Error opening Format"),
        ("<function f at 0x7f00aa11bb22> failed here", "failed here"),
        ("bad block at 0x7ffd12345678 of file", "bad block of file"),
        ("NetCDF: Unknown file format: 'in-memory.nc'", "NetCDF: Unknown file format"),
        ("esc \x1b[31m red\nline\r two\x00", "esc [31m red line two"),
        ("a" * 5 + " " + "b" * 5000, "aaaaa " + "b" * 194 + "..."),
        ("", "ValueError"),
        ("lone", "ValueError: lone"),
        ("the type 0x15 is unknown", "the type 0x15 is unknown"),
    ],
    ids=range(10),
)
def test_no_addresses_and_no_control_characters(said, right):
    """E: `<_io.BytesIO object at 0x...>` in ten refusals"""
    assert told(ValueError(said)) == right


@pytest.mark.parametrize("setting", ["error", "always", "default"])
def test_warnings_are_dropped_in_this_thread_only(setting):
    seen, inside, go = [], threading.Event(), threading.Event()

    def other():
        inside.wait()
        try:
            warnings.warn("of the other thread", stacklevel=1)
        finally:
            go.set()

    thread = threading.Thread(target=lambda: seen.append(_caught(other)))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter(setting)
        thread.start()
        with foreign("no file"):
            warnings.warn("of the library", stacklevel=1)
            inside.set()
            assert go.wait(10)
        thread.join()
        if setting != "error":
            warnings.warn("of ours", stacklevel=1)
    texts = [str(one.message) for one in found]
    assert texts == ([] if setting == "error" else ["of the other thread", "of ours"])
    assert seen == ["of the other thread" if setting == "error" else None]


def _caught(work):
    try:
        work()
    except UserWarning as warning:
        return str(warning)
    return None

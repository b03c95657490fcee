"""The seam to foreign libraries: what they raise, and what they warn of, ends here.

Pillow, netCDF4, h5py, soundfile and their kind meet files that nobody checked, and then raise
whatever they raise. Every call into them that depends on a file is made within `foreign`:

    with foreign("not a readable NetCDF file", ".nc"):
        file = netCDF4.Dataset("in-memory.nc", memory=data)

What C code prints to the file descriptors 1 and 2 is let through: they belong to the whole process,
so turning them away for one thread would lose the output of all others, a revealed message too.
"""

import errno
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from ..errors import FormatError, StegafieldError

_MOST = 200  # characters of a library's own words
_OBJECT = re.compile(r"(?:for|in|of|from)? ?<[^<>]* (?:object )?at 0x[0-9a-fA-F]+>[:,]?")
_ADDRESS = re.compile(r"(?:at )?\b0x[0-9a-fA-F]{6,}\b")
_NAMESAKE = re.compile(r"b?(['\"])(?:<memory>|in-memory\.\w+)\1:?")
_MACHINE = {errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS}
"""Errors of a disk or a process, which no file of a user is to blame for."""


@contextmanager
def foreign(problem: str, suffix: str = "") -> Iterator[None]:
    """Turns what a foreign library raises into `FormatError(problem (its words), suffix)`.

    Errors of this package, interrupts and a full disk stay what they are. Its warnings are dropped,
    those of other threads are not.
    """
    with _silent():
        try:
            yield
        except (StegafieldError, KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except MemoryError:
            raise FormatError(f"{problem}: it takes more memory than there is", suffix) from None
        except ImportError as error:
            needed = f"{problem}: it needs {error.name or 'a library'}, which is not installed"
            raise FormatError(f"{needed} ({told(error)})", suffix) from error
        except BaseException as error:  # a panic of a library in Rust is no Exception
            if isinstance(error, OSError) and error.errno in _MACHINE:
                raise
            raise FormatError(f"{problem} ({told(error)})", suffix) from error


def told(error: BaseException) -> str:
    """What an error says, on one short line, without addresses and control characters."""
    try:
        said = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    except Exception:  # errors whose own text fails
        said = ""
    for pattern in (_OBJECT, _NAMESAKE, _ADDRESS):
        said = pattern.sub(" ", said)
    said = " ".join("".join(c if c.isprintable() else " " for c in said).split()).strip(" :.,")
    if len(said) > _MOST:
        said = said[:_MOST].rstrip() + "..."
    name = type(error).__name__
    return said if " " in said else f"{name}: {said}" if said else name


class _Within(threading.local):
    """How many `foreign` this thread is in. As the text of a filter it matches while in one."""

    depth = 0

    def match(self, _: str) -> bool:
        return self.depth > 0


_within = _Within()
_FILTER: Any = ("ignore", _within, Warning, None, 0)


@contextmanager
def _silent() -> Iterator[None]:
    """Drops the warnings of this thread.

    `warnings.catch_warnings` would drop those of all threads, and two that overlap would leave the
    filters of the wrong one behind. So one filter stays, which looks at the thread.
    """
    if not warnings.filters or warnings.filters[0] is not _FILTER:
        cast(list, warnings.filters).insert(0, _FILTER)
    _within.depth += 1
    try:
        yield
    finally:
        _within.depth -= 1

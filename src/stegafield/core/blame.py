"""Whose fault it is: an error that comes out of a third party's code is that plugin's, no other's.

A plugin is named only where its code was entered: `entering` is a call into one plugin and a look
at what it returns; within `blamed`, where several take part, the traceback tells. What breaks in
our own code stays what it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import Any

from ..errors import BrokenPlugin, StegafieldError

_OURS = __name__.partition(".")[0]


@contextmanager
def blamed(*parts: object) -> Iterator[None]:
    """Turns an error that comes out of one of these parts (classes or objects) into `BrokenPlugin`.

    Errors that this package raises on purpose, and those of files and memory, stay what they are.
    """
    try:
        yield
    except (StegafieldError, OSError, MemoryError):
        raise
    except Exception as error:
        found = _entered(error, parts)
        if found is None or hasattr(error, "of_watcher"):
            raise
        raise _broken(*found, error) from error


@contextmanager
def entering(part: object) -> Iterator[None]:
    """Around a call into a part and a look at what it returns: all that breaks here is its fault.

    Errors that this package raises on purpose, and those of files and memory, stay what they are.
    """
    try:
        yield
    except (StegafieldError, OSError, MemoryError):
        raise
    except Exception as error:
        if not third_party(part) or hasattr(error, "of_watcher"):
            raise
        _, where = _entered(error, (part,)) or (part, "")
        raise _broken(part, where, error) from error


def third_party(part: object) -> bool:
    """Whether a class, or the class of an object, is not of this package."""
    return part is not None and _class(part).__module__.partition(".")[0] != _OURS


def _entered(error: Exception, parts: tuple[object, ...]) -> tuple[object, str] | None:
    """The part whose code the traceback enters last, and the line there."""
    owners = {package: part for part in parts for package in _packages(part)}
    found = None
    for frame, line in walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in owners:
            found = owners[package], _place(frame, line)
    return found


def _place(frame: FrameType, line: int) -> str:
    return f"{Path(frame.f_code.co_filename).name}, line {line}"


def _broken(part: object, where: str, error: Exception) -> BrokenPlugin:
    return BrokenPlugin(
        f"{_named(part)} breaks its contract (stegafield.testing has its laws): "
        f"{type(error).__name__}: {error}" + (f" ({where})" if where else "")
    )


def _packages(part: object) -> set[str]:
    """The top packages that a part's classes come from, as far as they are plugins' classes."""
    if part is None:
        return set()
    ours = [owner for owner in _class(part).__mro__ if any(map(_is_ours, owner.__mro__))]
    return {owner.__module__.partition(".")[0] for owner in ours if not _is_ours(owner)}


def _is_ours(owner: type) -> bool:
    return owner.__module__.partition(".")[0] == _OURS


def _named(part: object) -> str:
    owner = _class(part)
    return f"{getattr(owner, 'name', owner.__name__)!r} ({owner.__module__}.{owner.__name__})"


def _class(part: object) -> type:
    return part if isinstance(part, type) else type(part)


def expect(what: str, value: Any, kind: type | tuple[type, ...]) -> Any:
    """The value that a part returned; `TypeError` where it is of another type."""
    if isinstance(value, kind):
        return value
    wanted = " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
    raise TypeError(f"{what} returned a {type(value).__name__}, not a {wanted}")

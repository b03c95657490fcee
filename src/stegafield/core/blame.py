"""Whose fault it is: an error that comes out of a third party's code is that plugin's, no other's.

A plugin is named only where its code was entered: `entering` is a call into one plugin and a look
at what it returns; within `blamed`, where several take part, the traceback tells. What breaks in
our own code stays what it is, even where a plugin inherits it, and so does what the user handed in:
a file object or a generator that fails is no fault of the plugin that reads it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import Any

import numpy as np

from ..errors import BrokenPlugin, StegafieldError

_OURS = __name__.partition(".")[0]
_LOOKS = f"{_OURS}.core.", f"{_OURS}.pipeline.", f"{_OURS}.coding."
"""Where what plugins return is looked at."""
_STAYS = StegafieldError, OSError, MemoryError
"""Errors that this package raises on purpose, and those of files and memory, stay what they are."""


_outside: ContextVar[bool] = ContextVar("outside", default=False)


def outside() -> bool:
    """Whether a third party's code is running: what it prints is no output of ours."""
    return _outside.get()


@contextmanager
def aside() -> Iterator[None]:
    """Around a third party's code: what it prints is not ours, and NumPy's error state is kept."""
    token = _outside.set(True)
    try:
        with np.errstate():
            yield
    finally:
        _outside.reset(token)


@contextmanager
def blamed(*parts: object) -> Iterator[None]:
    """Turns an error that comes out of one of these parts (classes or objects) into `BrokenPlugin`.

    Errors that this package raises on purpose, and those of files and memory, stay what they are.
    """
    try:
        yield
    except _STAYS:
        raise
    except (Exception, SystemExit) as error:
        found = None if hasattr(error, "of_watcher") else _entered(error, parts)
        if found is None:
            raise
        raise _broken(*found, error) from error


@contextmanager
def entering(part: object, *given: object) -> Iterator[None]:
    """Around a call into a part and a look at what it returns: all that breaks here is its fault.

    Not so what breaks in our own code that it inherits, or in a thing of the user's that it is
    `given`. Errors that this package raises on purpose, and those of files and memory, stay what
    they are.
    """
    if not third_party(part):
        yield
        return
    shut = any(getattr(one, "closed", False) is True for one in given)
    try:
        with aside():
            yield
    except _STAYS:
        raise
    except (Exception, SystemExit) as error:
        if shut or hasattr(error, "of_watcher") or _of(error, given):
            raise
        found = _entered(error, (part,))
        if found is None and not _looking(error):
            raise
        _, where = found or (part, "")
        raise _broken(part, where, error) from error


def third_party(part: object) -> bool:
    """Whether a class, or the class of an object, is not of this package."""
    return part is not None and _class(part).__module__.partition(".")[0] != _OURS


def _entered(error: BaseException, parts: tuple[object, ...]) -> tuple[object, str] | None:
    """The part whose code the traceback enters last, and the line there."""
    owners = {package: part for part in parts for package in _packages(part)}
    found = None
    for frame, line in walk_tb(error.__traceback__):
        package = _module(frame).partition(".")[0]
        if package in owners:
            found = owners[package], _place(frame, line)
    return found


def _looking(error: BaseException) -> bool:
    """Whether an error comes out of a look at what a part returned: out of no other code of ours,
    which a part may inherit, and of nobody else's."""
    rooms = {_module(frame) for frame, _ in walk_tb(error.__traceback__)}
    return all(room.startswith(_LOOKS) or _library(room) for room in rooms)


def _of(error: BaseException, given: tuple[object, ...]) -> bool:
    """Whether an error comes out of a method of one of the things that the user handed in."""
    owners = [getattr(one, "__self__", one) for one in given if one is not None]
    codes = [getattr(one, "__code__", None) for one in given]
    for frame, _ in walk_tb(error.__traceback__):
        first = frame.f_locals.get(next(iter(frame.f_code.co_varnames), ""))
        if frame.f_code in codes or any(first is one for one in owners):
            return True
    return False


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _place(frame: FrameType, line: int) -> str:
    return f"{Path(frame.f_code.co_filename).name}, line {line}"


def _broken(part: object, where: str, error: BaseException) -> BrokenPlugin:
    return BrokenPlugin(
        f"{named(part)} breaks its contract (stegafield.testing has its laws): "
        f"{type(error).__name__}: {error}" + (f" ({where})" if where else "")
    )


def _packages(part: object) -> set[str]:
    """The top packages that a part's classes and their functions come from, without our own."""
    if part is None:
        return set()
    owners = [owner for owner in _class(part).__mro__ if not _is_ours(owner)]
    members = [one for owner in owners for one in vars(owner).values()]
    places = [str(getattr(one, "__module__", "")) for one in (*owners, *members)]
    found = {place.partition(".")[0] for place in places}
    return {one for one in found if one and one != _OURS and not _library(one)}


def _library(module: str) -> bool:
    package = module.partition(".")[0]
    return package in sys.stdlib_module_names or package in ("numpy", "jaxtyping", "beartype")


def _is_ours(owner: type) -> bool:
    return owner.__module__.partition(".")[0] == _OURS


def named(part: object) -> str:
    """What errors call a part: its name, module and class."""
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

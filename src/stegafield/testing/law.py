"""How a contract test says which rule is broken: `AssertionError`, whatever a plugin does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from traceback import walk_tb
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ..core import contracts
from ..errors import BrokenPlugin

Given = ParamSpec("Given")
Part = TypeVar("Part")


def require(holds: "bool | np.bool_", law: str) -> None:
    """Raise `AssertionError` with the rule where it does not hold."""
    if not holds:
        raise AssertionError(law)


@contextmanager
def keeping(law: str) -> Iterator[None]:
    """Within it, all that is raised breaks this rule, and is told with the line that raised it."""
    try:
        yield
    except AssertionError:
        raise
    except (Exception, SystemExit) as error:
        *_, (frame, line) = walk_tb(error.__traceback__)
        where = f"{Path(frame.f_code.co_filename).name}, line {line}"
        said = f"{law}: {type(error).__name__}: {error} ({where})"
        raise AssertionError(said) from error


def judging(what: str) -> Callable[[Callable[Given, None]], Callable[Given, None]]:
    """Makes a contract test raise `AssertionError` and nothing else."""

    def decorate(check: Callable[Given, None]) -> Callable[Given, None]:
        @wraps(check)
        def run(*args: Given.args, **given: Given.kwargs) -> None:
            with keeping(f"{what} fails where it must not"):
                check(*args, **given)

        return run

    return decorate


def in_order(kind: str, found: Any) -> None:
    """Require what discovery requires of a class."""
    try:
        contracts.check(kind, found, "plugin")
    except BrokenPlugin as error:
        raise AssertionError(str(error).partition(": ")[2]) from error


def made(kind: str, given: Part | type[Part]) -> Part:
    """The object to test: the one that is given, or one of the class that is given."""
    found: Any = given if isinstance(given, type) else type(given)
    in_order(kind, found)
    if not isinstance(given, type):
        return given
    with keeping(f"{found.__name__}() cannot be made without arguments"):
        return found()

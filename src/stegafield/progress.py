"""How far a long part is: one type of callback, which a caller who waits sets around the call.

    with watched(show): engine.hide(...)

Every room may import this module. Nothing here prints.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Progress = Callable[[str, float, float | None], None]
"""Receives the stage, how much of it is done, and of how much (None: not known)."""


def _nobody(stage: str, done: float, of: float | None) -> None:
    """Nobody waits."""


_watcher: ContextVar[Progress] = ContextVar("progress", default=_nobody)


@contextmanager
def watched(progress: Progress) -> Iterator[None]:
    """Within it, every long part of this thread reports to `progress`."""
    token = _watcher.set(progress)
    try:
        yield
    finally:
        _watcher.reset(token)


def report(stage: str, done: float, of: float | None = None) -> None:
    """Say that `done` of `of` of a stage is behind us."""
    try:
        _watcher.get()(stage, done, of)
    except Exception as error:
        vars(error)["of_watcher"] = True  # a way to stop: nobody else's fault (`core.blame`)
        raise

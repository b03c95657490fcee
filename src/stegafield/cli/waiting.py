"""What people see while they wait: the stage, how much of it is done, and how long it will take."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .program import err

SHOWN_AFTER = 1.0
"""Seconds of work that nothing is shown of."""
_SURE_AFTER = 2.0
"""Seconds of a stage until its end is foreseen."""
_LONG = 60.0
"""Seconds that a warning is given of."""


@contextmanager
def busy(what: str) -> Iterator[None]:
    """On a terminal, what is being done and how far it is, if that takes more than a second.

    A stage that will take minutes is announced in a line that stays.
    """
    if not err.is_terminal:
        yield
        return
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from ..progress import watched

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    times = TimeElapsedColumn(), TextColumn("so far,"), TimeRemainingColumn(), TextColumn("to go")
    bar = Progress(*columns, *times, console=err, transient=True)
    task, stages = bar.add_task(what, total=None), _Stages()

    def show(stage: str, done: float, of: float | None) -> None:
        if stages.begins(stage, done):
            bar.reset(task, total=of)
        bar.update(task, completed=done, total=of, description=f"{what}: {stage}")
        left = stages.warns(done, of)
        if left is not None:
            told = f"{what}: {stage} will take about {_minutes(left)} more; Ctrl-C stops it"
            err.print(told, markup=False)

    timer = threading.Timer(SHOWN_AFTER, bar.start)
    timer.start()
    try:
        with watched(show):
            yield
    finally:
        timer.cancel()
        bar.stop()


class _Stages:
    """When the present stage began, and whether it was warned of."""

    def __init__(self) -> None:
        self._name, self._start, self._first, self._warned = "", time.monotonic(), 0.0, False

    def begins(self, name: str, done: float) -> bool:
        """Whether this is another stage than before."""
        if name == self._name:
            return False
        self._name, self._start, self._first, self._warned = name, time.monotonic(), done, False
        return True

    def warns(self, done: float, of: float | None) -> float | None:
        """The seconds that are left, once, where they are many."""
        spent, moved = time.monotonic() - self._start, done - self._first
        if self._warned or of is None or moved <= 0 or spent < _SURE_AFTER:
            return None
        left = spent * (of - done) / moved
        if left < _LONG:
            return None
        self._warned = True
        return left


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes >= 120:
        return f"{round(minutes / 60)} hours"
    return f"{minutes} minute{'s' if minutes > 1 else ''}"

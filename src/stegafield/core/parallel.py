"""Work on all cores that this process may use: one pool of threads, renewed in a forked child.

NumPy lets go of the interpreter in what takes long, so threads are enough.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def each(work: Callable[[Item], Found], items: Sequence[Item]) -> list[Found]:
    """What `work` makes of every item, in order, on all cores.

    The first error is raised once nothing is under way any more. Within `work` it is a plain loop,
    so that the pool never waits for itself; threads that `work` starts must not call it.
    """
    if len(items) == 1 or getattr(_here, "working", False) or cores() == 1:
        return [work(item) for item in items]
    futures: list[Future[Found]] = []
    try:
        for item in items:
            futures.append(_pool().submit(work, item))
        return [future.result() for future in futures]
    except BaseException:
        for future in futures:
            future.cancel()
        for future in futures:
            if not future.cancelled():
                future.exception()
        raise


_here = threading.local()
_lock = threading.Lock()
_made: ThreadPoolExecutor | None = None


def _pool() -> ThreadPoolExecutor:
    global _made
    with _lock:
        if _made is None:
            _made = ThreadPoolExecutor(cores(), "stegafield", initializer=_begin)
        return _made


def _begin() -> None:
    _here.working = True


def _renew() -> None:
    """In a forked child: the parent's threads are not there."""
    global _made, _lock, _here
    _made, _lock, _here = None, threading.Lock(), threading.local()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)

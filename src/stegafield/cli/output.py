"""Standard output belongs to the commands: what plugins print goes to standard error.

A plugin's `print` amid a revealed message would be taken for a part of it. While a third party's
code runs (`core.blame.aside`), and in threads that are not ours, text goes to standard error; and
what C code or another process writes to the file descriptor 1 does so, too.
"""

import atexit
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NAMES = "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"
"""Names of standard output, where somebody wants a file to go."""


class Output(io.TextIOWrapper):
    """A text stream that hands to standard error what third parties write."""

    def write(self, text: str, /) -> int:
        """Write here, or there."""
        return sys.stderr.write(text) if _theirs() else super().write(text)

    @property
    def buffer(self) -> Any:
        """The stream of bytes beneath."""
        return sys.stderr.buffer if _theirs() else io.TextIOWrapper.buffer.__get__(self)


@contextmanager
def own_output(*, alone: bool) -> Iterator[None]:
    """Keep standard output for this program; `alone`: from C code and other processes, too.

    What is printed by whatever runs at the end of the process goes to standard error as well.
    """
    usual: Any = sys.stdout
    alone = alone and not any(word.endswith(_NAMES) for word in sys.argv)
    try:
        usual.flush()
        own = os.dup(1) if alone else None
        below = usual.buffer if own is None else os.fdopen(own, "wb", closefd=False)
        kept = {"encoding": usual.encoding, "errors": usual.errors}
        ours = Output(below, **kept, line_buffering=usual.line_buffering)
        if alone:
            os.dup2(2, 1)
    except (AttributeError, OSError, ValueError):  # there is none: the parent process closed it
        sys.stdout = usual or open(os.devnull, "w")
        yield
        return
    sys.stdout, failed = ours, False
    try:
        yield
    except BaseException as error:
        failed = not (isinstance(error, SystemExit) and not error.code)
        raise
    finally:
        sys.stdout = usual
        atexit.register(_turned_away, alone)
        try:
            ours.detach()  # or its end would close what is beneath; it flushes
        except OSError as error:
            if not failed:  # else it was told
                sys.stderr.write(f"stegafield: standard output: {error.strerror}\n")
                sys.exit(7)
        finally:
            if own is not None:
                os.dup2(own, 1)


def _turned_away(alone: bool) -> None:
    """Send what is printed from now on to standard error."""
    try:
        sys.stdout.flush()
        sys.stdout = sys.stderr
        if alone:
            os.dup2(sys.stderr.fileno(), 1)
    except (AttributeError, OSError, ValueError):
        return


def _theirs() -> bool:
    """Whether who writes is no code of ours; nobody else's runs before `core.blame` is there."""
    blame = sys.modules.get("stegafield.core.blame")
    return bool(blame and blame.outside()) or (
        threading.current_thread() is not threading.main_thread()
    )

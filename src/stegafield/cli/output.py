"""Standard output belongs to the commands: what plugins print goes to standard error.

A plugin's `print` amid a revealed message would be taken for a part of it. While a third party's
code runs (`core.blame.aside`), and in threads that are not ours, text goes to standard error; and
what C code or another process writes to the file descriptor 1 does so, too.
"""

import io
import os
import sys
import threading
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


def own_output(*, alone: bool) -> None:
    """Keep standard output for this program; `alone`: from C code and other processes, too."""
    usual: Any = sys.stdout
    try:
        usual.flush()
        below = usual.buffer
        if alone and not any(word.endswith(_NAMES) for word in sys.argv):
            below = os.fdopen(os.dup(1), "wb")
            os.dup2(2, 1)
    except (AttributeError, OSError, ValueError):  # there is none, or the parent process closed it
        return
    kept = {"encoding": usual.encoding, "errors": usual.errors}
    sys.stdout = Output(below, **kept, line_buffering=usual.line_buffering)


def end_output() -> None:
    """Send what is still printed, by whatever runs at the end of the process, to standard error."""
    if isinstance(sys.stdout, Output):
        sys.stdout.flush()
        sys.stdout = sys.stderr


def _theirs() -> bool:
    """Whether who writes is no code of ours; nobody else's runs before `core.blame` is there."""
    blame = sys.modules.get("stegafield.core.blame")
    return bool(blame and blame.outside()) or (
        threading.current_thread() is not threading.main_thread()
    )

"""The command `stegafield`; docs/cli.md lists options and exit codes."""

import os
import sys

_LISTING = ("carriers", "plugins")
"""Others that run plugins, and start no process whose output anybody wants."""
_OPENING = ("hide", "reveal", "check", "info", "capacity", "detect", "sample")
"""Commands that open files which anybody may have damaged, and start no other process."""
_ITSELF = {"/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"}
"""Names of standard error, where somebody wants a file to go."""


def main() -> None:
    """The entry point of the command `stegafield`."""
    _streams()
    try:
        from .commands import app
        from .output import own_output

        command = sys.argv[1] if len(sys.argv) > 1 else ""
        with own_output(alone=command in _OPENING + _LISTING):
            if command in _OPENING and not _ITSELF & set(sys.argv):
                _own_errors()
            app()
    except KeyboardInterrupt:
        sys.exit(130)


def _streams() -> None:
    """Streams that the parent process closed: what is written to standard error goes nowhere, and
    writing to standard output fails like writing to any file that cannot be written."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")
    if sys.stdout is None:
        sys.stdout = open(os.devnull)
    if sys.stdin is None:
        sys.stdin = open(os.devnull)


def _own_errors() -> None:
    """Keep standard error for this program: C libraries write there, past Python, what they think
    of damaged files."""
    try:
        own = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
    except OSError:  # closed by the parent process
        return
    coded = {"encoding": sys.stderr.encoding, "errors": "backslashreplace"}
    sys.stderr = os.fdopen(own, "w", buffering=1, **coded)
    os.dup2(null, 2)
    os.close(null)

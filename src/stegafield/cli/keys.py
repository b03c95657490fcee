"""Keys and messages: read from files, pipes and a terminal, and never without end."""

import os
import sys
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

from ..errors import ConfigError
from .program import say

LARGEST = 1 << 30
"""The bytes that a message may have, and a file that is read from a pipe."""
_LINE = 1 << 20
_REPETITIONS = 3
OPTIONS = "--key-file FILE (`stegafield keygen FILE` makes one) or --passphrase-file FILE"


def key_of(
    key_file: Path | None, passphrase_file: Path | None, *, confirm: bool, stdin_taken: str = ""
) -> Any:
    """The key of the options, or of a passphrase that is typed or comes through a pipe.

    Args:
        confirm: Whether a typed passphrase is typed twice.
        stdin_taken: What comes from standard input already, if anything does.
    """
    from ..message.key import Key, read_passphrase

    check_keys(key_file, passphrase_file, stdin_taken=stdin_taken)
    if key_file:
        return Key.load(key_file)
    if passphrase_file:
        return read_passphrase(passphrase_file)
    if sys.stdin.isatty():
        return Key.passphrase(_typed(confirm))
    text = sys.stdin.readline(_LINE)
    if not text.rstrip("\r\n"):
        raise ConfigError("key", f"is missing: give {OPTIONS}.")
    return Key.passphrase(text)


def check_keys(
    key_file: Path | None, passphrase_file: Path | None, *, stdin_taken: str = ""
) -> None:
    """Raise `ConfigError` where the options of keys contradict each other, before any work."""
    for option, path in (("key-file", key_file), ("passphrase-file", passphrase_file)):
        not_stream(option, path)
    if key_file and passphrase_file:
        raise ConfigError("key", "needs one of --key-file and --passphrase-file, not both.")
    if stdin_taken and not (key_file or passphrase_file):
        problem = f"cannot be typed while the {stdin_taken} comes from standard input."
        raise ConfigError("key", problem, f"Give {OPTIONS}.")


def keyless(key_file: Path | None, passphrase_file: Path | None) -> bool:
    """Whether there is no key and there will be none: no option, no terminal, nothing piped."""
    if key_file or passphrase_file or sys.stdin.isatty():
        return False
    import select

    try:
        ready = select.select([sys.stdin], [], [], 0)[0]
        return bool(ready) and not cast(BufferedReader, sys.stdin.buffer).peek(1)
    except (OSError, ValueError):
        return False


def _typed(confirm: bool) -> str:
    """A passphrase from the terminal, until it is the same twice."""
    from getpass import getpass

    for _ in range(_REPETITIONS):
        try:
            text = getpass("Passphrase: ")
            if not text:
                say("An empty passphrase protects nothing; type one, or press Ctrl-C to give up.")
            elif not confirm or text == getpass("Again: "):
                return text
            else:
                say("These were not the same; once more.")
        except EOFError:
            break
    raise ConfigError("passphrase", "was not typed.", f"Type it again, or give {OPTIONS}.")


def read_input(path: str | Path, what: str) -> bytes:
    """The bytes of a file, or of standard input for "-"; `ConfigError` where they do not end."""
    with os.fdopen(0, "rb", closefd=False) if str(path) == "-" else open(path, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ConfigError(what, f"{path} has over {LARGEST >> 20} MiB.", "Give a shorter one.")
    return data


def not_stream(option: str, path: str | Path | None) -> None:
    """Raise `ConfigError` for "-" where a file is needed."""
    if str(path) == "-":
        raise ConfigError(
            option, "needs a file; - is no stream here.", "Use /dev/stdin or /dev/stdout."
        )

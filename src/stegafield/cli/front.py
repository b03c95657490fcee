"""The front door: words without an option become cover and message; what is missing is said at
once, and with it what would work."""

import errno
import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from ..core.carrier import draws, opens
from ..errors import ConfigError

_EXAMPLE = 'As in: stegafield hide photo.png "meet at dawn" --out out.png --key-file key.txt'


class Given(NamedTuple):
    """What `hide` received, wherever it stood."""

    cover: Path | None
    message: str | None
    """As text; None where it is in a file."""


def words_of_hide(
    words: Sequence[str | None],
    cover: Path | None,
    carrier: Any,
    message: str | None,
    message_file: str | None,
) -> Given:
    """The cover and the message among words and options.

    Args:
        carrier: The class of the requested carrier; None where it follows from the cover.
        words: COVER MESSAGE; MESSAGE alone beside --cover, or where the carrier takes no cover.
    """
    left = [word for word in words if word is not None]
    takes = carrier is None or opens(carrier)
    if cover is None and takes and left:
        cover = Path(left.pop(0))
    if len(left) > 1:
        if cover is not None:
            raise ConfigError("cover", f"is given twice: {left[0]} and {cover}.", "Leave out one.")
        assert carrier is not None  # or the first word would be the cover
        problem = f"the carrier {carrier.name!r} draws its own and takes none."
        raise ConfigError("cover", problem, f"Leave out {left[0]}.")
    if sum(one is not None for one in (*left, message, message_file)) > 1:
        problem = "needs exactly one of --message, --message-file and a text without option."
        raise ConfigError("message", problem)
    if left:
        message = left[0]
        _check_text(message, cover)
    return Given(cover, message)


def check_complete(
    given: Given, carrier: Any, message_file: str | None, out: str | None, keyless: bool
) -> None:
    """Raise one `ConfigError` that names everything `hide` lacks."""
    lacking = []
    if given.cover is None and carrier is None:
        lacking.append("a cover (its name, or --carrier era5 for one that is drawn)")
    elif given.cover is None and not draws(carrier):
        lacking.append("a cover (its name, or --cover FILE)")
    if given.message is None and message_file is None:
        where = "in quotes after the cover" if carrier is None or opens(carrier) else "in quotes"
        lacking.append(f"a message ({where}, --message TEXT or --message-file FILE)")
    if out is None:
        lacking.append("--out FILE")
    if lacking and keyless:
        from .keys import OPTIONS

        lacking.append(f"a key ({OPTIONS})")
    if lacking:
        listed = ", ".join(lacking[:-1]) + (" and " if lacking[1:] else "") + lacking[-1]
        raise ConfigError("hide", f"needs {listed}.", _EXAMPLE)


def check_cover(cover: Path | None) -> None:
    """Raise the `OSError` of a cover that is not there, with the name that was meant."""
    if cover is None or cover.exists():
        return
    try:
        close = get_close_matches(cover.name, os.listdir(cover.parent), n=1, cutoff=0.75)
    except OSError:
        close = []
    meant = f"; did you mean {cover.with_name(close[0])}?" if close else ""
    raise FileNotFoundError(errno.ENOENT, f"there is no such file to hide in{meant}", str(cover))


def one_cover(word: Path | None, option: Path | None) -> Path | None:
    """The cover of a command that takes it as a word or as --cover."""
    if word is not None and option is not None:
        raise ConfigError("cover", f"is given twice: {word} and {option}.", "Leave out one.")
    return option if word is None else word


def _check_text(text: str, cover: Path | None) -> None:
    """Raise `ConfigError` for a message that looks like a mistake."""
    if text == "-":
        problem = "- is no text."
        raise ConfigError("message", problem, "Standard input is --message-file - (-f -).")
    if not os.path.exists(text) or os.path.isdir(text):
        return
    if cover is not None and not cover.exists():
        problem = f"{text} is a file, and there is no file {cover}."
        raise ConfigError("cover", problem, "The cover comes first, then the message.")
    hint = f"use -f {text} for what is in it, or -m {text} for these letters."
    raise ConfigError("message", f"{text} is the name of a file:", hint)

"""Whose fault it is: what breaks while a stranger's part is at work is that part's, and no bug of this package."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb

from ..errors import BrokenPlugin, StegafieldError

_OURS = __name__.partition(".")[0]


@contextmanager
def blamed(*parts: object) -> Iterator[None]:
    """Turns what breaks into `BrokenPlugin`, where any of the parts at work (classes or objects) is a stranger's.

    Our own errors, and those of files and memory, stay what they are; so does what breaks among our own parts.
    """
    try:
        yield
    except (StegafieldError, OSError, MemoryError):
        raise
    except Exception as error:
        named = [_named(part) for part in parts if strange(part)]
        if not named:
            raise
        frame = extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}, line {frame.lineno}"
        raise BrokenPlugin(
            f"{' or '.join(named)} breaks its contract (stegafield.testing has its laws): "
            f"{type(error).__name__}: {error} ({where})"
        ) from error


def strange(part: object) -> bool:
    """Whether a class, or the class of an object, is not of this package."""
    return part is not None and _class(part).__module__.partition(".")[0] != _OURS


def _named(part: object) -> str:
    owner = _class(part)
    return f"{getattr(owner, 'name', owner.__name__)!r} ({owner.__module__}.{owner.__name__})"


def _class(part: object) -> type:
    return part if isinstance(part, type) else type(part)

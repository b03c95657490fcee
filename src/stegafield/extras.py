"""What is installed beside this package: optional libraries, and what other distributions bring."""

from importlib import import_module
from typing import Any

from .errors import ConfigError


def brought(group: str) -> list[Any]:
    """The entry points of a group; a distribution with damaged metadata brings none."""
    from importlib.metadata import distributions, entry_points

    try:
        return list(entry_points(group=group))
    except Exception:  # one damaged file stops them all
        found = []
        for distribution in distributions():
            try:
                found += distribution.entry_points.select(group=group)
            except Exception:  # this is the damaged one
                continue
        return list({(point.name, point.value): point for point in found}.values())


def need(module: str, extra: str) -> None:
    """Raise `ConfigError` with the line to type where an optional library is not installed."""
    try:
        import_module(module)
    except ImportError:
        hint = f'Install it with: pip install "stegafield[{extra}]"'
        raise ConfigError(extra, f"needs {module}, which is not installed.", hint) from None

"""Optional libraries: checked before any work is done."""

from importlib import import_module

from .errors import ConfigError

_LATE = {"skimage": ("scipy",)}
"""What a library imports only once its parts are used."""


def need(module: str, extra: str) -> None:
    """Raise `ConfigError` with the line to type where an optional library is not installed."""
    for name in (module, *_LATE.get(module, ())):
        try:
            import_module(name)
        except ImportError:
            hint = f'Install it with: pip install "stegafield[{extra}]"'
            raise ConfigError(extra, f"needs {name}, which is not installed.", hint) from None

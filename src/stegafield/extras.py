"""Optional libraries: checked before any work is done."""

from importlib import import_module

from .errors import ConfigError


def need(module: str, extra: str) -> None:
    """Raise `ConfigError` with the line to type where an optional library is not installed."""
    try:
        import_module(module)
    except ImportError:
        hint = f'Install it with: pip install "stegafield[{extra}]"'
        raise ConfigError(extra, f"needs {module}, which is not installed.", hint) from None

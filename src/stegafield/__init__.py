"""Hide messages in fields: pictures, weather, sound, any function from coordinates to values.

from stegafield import Engine, Key
key = Key.generate()
stego = Engine().hide(b"meet at dawn", carrier="era5", key=key)
stego.save("t2m.nc")
Engine().reveal("t2m.nc", key=key)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .message.key import Key
    from .pipeline.report import Report
    from .pipeline.request import Request
    from .pipeline.stego import Stego
    from .plugins.hookspecs import hookimpl
    from .plugins.wiring import Engine
    from .progress import watched

    engine: Engine

__all__ = ["Engine", "Key", "Report", "Request", "Stego", "engine", "hookimpl", "watched"]
__version__ = "0.1.0"

_HOMES = {
    "Engine": "plugins.wiring",
    "Key": "message.key",
    "Report": "pipeline.report",
    "Request": "pipeline.request",
    "Stego": "pipeline.stego",
    "hookimpl": "plugins.hookspecs",
    "watched": "progress",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import stegafield` is quick.

    `engine` is a default `Engine`.
    """
    from importlib import import_module

    if name in _HOMES:
        found = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    elif name == "engine":
        found = __getattr__("Engine")()
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """All public names, whether they were used yet or not."""
    return sorted({*globals(), *__all__})

"""What a shell offers after TAB: names of what is installed, and the options of the parts."""

from collections.abc import Callable, Iterator
from typing import Any

_KINDS = {"carrier": "carrier", "extractor": "extractor", "optimizer": "optimizer"}


def of(field: str) -> Callable[[str], list[str]] | None:
    """What completes an option that is a field of a request; None where nothing does."""
    if field in _KINDS:
        return lambda incomplete: _starting(incomplete, _names(_KINDS[field]))
    words = {"preset": _presets, "method": _methods, "set": _settings}.get(field)
    return None if words is None else lambda incomplete: _starting(incomplete, words())


def _starting(begun: str, words: Any) -> list[str]:
    return sorted({word for word in words if word.startswith(begun)})


def _names(kind: str) -> list[str]:
    from ..plugins.discovery import registry

    return registry().names(kind)


def _presets() -> list[str]:
    from ..pipeline.request import PRESETS

    return list(PRESETS)


def _methods() -> list[str]:
    from typing import get_args

    from ..pipeline.effort import MethodName

    return list(get_args(MethodName))


def _settings() -> Iterator[str]:
    """PART.OPTION= of every part, with the values that there are."""
    from typing import Literal, get_args, get_origin

    from ..pipeline.effort import Effort
    from ..plugins.discovery import registry

    parts: list[tuple[str, Any]] = [("effort", Effort)]
    for kind in _KINDS.values():
        parts += [(kind, found.Options) for found in registry().all(kind)]
    for part, model in parts:
        for name, field in model.model_fields.items():
            yield f"{part}.{name}="
            for one in (field.annotation, *get_args(field.annotation)):
                values = get_args(one) if get_origin(one) is Literal else ()
                values = ("true", "false") if one is bool else values
                yield from (f"{part}.{name}={value}" for value in values)

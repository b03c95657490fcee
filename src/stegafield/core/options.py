"""Typed options at the edges: one pydantic model per plugin, from ``PART.OPTION=VALUE`` strings or
Python values."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import ConfigError
from .wrong import problem


class Options(BaseModel):
    """Base of every plugin's nested `Options`: frozen, and an unknown option is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


_HERE = "Options here: "
OptionsT = TypeVar("OptionsT", bound=BaseModel)


def parse(model: type[OptionsT], values: Mapping[str, Any], part: str) -> OptionsT:
    """The validated options, or `ConfigError` naming ``part.option``. Strings may be JSON."""
    try:
        return model.model_validate({name: _plain(model, name, v) for name, v in values.items()})
    except ValidationError as error:
        first = error.errors()[0]
        option = ".".join([part, *map(str, first["loc"][:1])])
        known = ", ".join(f"{part}.{name}" for name in model.model_fields) or "none"
        if first["type"] == "extra_forbidden":
            close = get_close_matches(str(first["loc"][0]), model.model_fields, n=1)
            meant = f"; did you mean {part}.{close[0]}?" if close else "."
            raise ConfigError(
                option, f"there is no such option{meant}", f"{_HERE}{known}."
            ) from None
        raise ConfigError(option, problem(dict(first)), f"{_HERE}{known}.") from None


def variants(model: type[OptionsT]) -> Iterator[OptionsT]:
    """Every instance that a file header may name: all combinations of the `bool` and `Literal`
    fields.

    Other fields keep their defaults, because the receiver, who has only the file and the key, tries
    these and no more.
    """
    choices = {}
    for name, field in model.model_fields.items():
        if field.annotation is bool:
            choices[name] = (False, True)
        elif get_origin(field.annotation) is Literal:
            choices[name] = get_args(field.annotation)
    for values in itertools.product(*choices.values()):
        yield model.model_validate(dict(zip(choices, values, strict=True)))


def tag(name: str, options: BaseModel) -> bytes:
    """The 4 bytes that stand for an extractor in a header: truncated SHA-256 of its name and
    canonical options."""
    canonical = json.dumps(options.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{name}\n{canonical}".encode()).digest()[:4]


def listed(model: type[BaseModel]) -> list[dict[str, Any]]:
    """What there is to set: name, type, default and meaning of each option, for people."""
    return [
        {
            "name": name,
            "type": _kind(field.annotation),
            "default": field.get_default(call_default_factory=True),
            "meaning": " ".join((field.description or "").split()),
        }
        for name, field in model.model_fields.items()
    ]


def _kind(annotation: Any) -> str:
    """A type, in a word or as the values that there are."""
    known = {bool: "true, false", int: "whole number", float: "number", str: "text"}
    if annotation in known:
        return known[annotation]
    parts = [one for one in get_args(annotation) if one is not type(None)]
    if get_origin(annotation) is Literal:
        return ", ".join(map(str, parts))
    if get_origin(annotation) is tuple:
        return f"[{', '.join('number' for _ in parts)}]"
    return " or ".join(map(_kind, parts)) or getattr(annotation, "__name__", str(annotation))


def _plain(model: type[BaseModel], name: str, value: Any) -> Any:
    """The command line gives strings; a field that is not a string gets them as JSON where they are
    JSON."""
    field = model.model_fields.get(name)
    if not isinstance(value, str) or field is None or field.annotation in (str, str | None):
        return value
    return plain(value)


def plain(value: Any) -> Any:
    """What a string stands for as JSON, and the string itself where it is none."""
    if not isinstance(value, str):
        return list(value) if isinstance(value, tuple) else value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value

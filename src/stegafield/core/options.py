"""Typed options at the edges: one pydantic model per plugin, from ``PART.OPTION=VALUE`` strings or
Python values."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import ConfigError


class Options(BaseModel):
    """Base of every plugin's nested `Options`: frozen, and an unknown option is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


OptionsT = TypeVar("OptionsT", bound=BaseModel)


def parse(model: type[OptionsT], values: Mapping[str, Any], part: str) -> OptionsT:
    """The validated options, or `ConfigError` naming ``part.option``. Strings may be JSON."""
    try:
        return model.model_validate({name: _plain(model, name, v) for name, v in values.items()})
    except ValidationError as error:
        first = error.errors()[0]
        option = ".".join([part, *map(str, first["loc"][:1])])
        known = ", ".join(f"{part}.{name}" for name in model.model_fields) or "none"
        raise ConfigError(
            option, f"{first['input']!r}: {first['msg']}.", f"Options here: {known}."
        ) from None


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


def _plain(model: type[BaseModel], name: str, value: Any) -> Any:
    """The command line gives strings; a field that is not a string gets them as JSON where they are
    JSON."""
    field = model.model_fields.get(name)
    if not isinstance(value, str) or field is None or field.annotation in (str, str | None):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value

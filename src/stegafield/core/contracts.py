"""What a plugin class must be before it is used: looked at once, when it is registered.

A fault is one sentence: the class, what is wrong, what to write instead. What only shows at work is
for `stegafield.testing`.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Literal, get_origin

from pydantic import ValidationError

from ..errors import BrokenPlugin
from . import options
from .blame import aside, third_party
from .carrier import Carrier, draws, formats, opens
from .channel import Channel
from .detector import Detector
from .extractor import Extractor
from .optimizer import Optimizer

KINDS: dict[str, type] = {
    "carrier": Carrier,
    "channel": Channel,
    "extractor": Extractor,
    "optimizer": Optimizer,
    "detector": Detector,
}
API_VERSION = 1
"""Of the contracts. A class with this `api_version`, or the one before, is used as it is."""
MOST_VARIANTS = 4096
"""Combinations of an extractor's options: a reader tries them all."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SUFFIX = re.compile(r"\.[a-z0-9][a-z0-9._+-]*")
_ROOM = __name__.rpartition(".")[0]


def check(kind: str, found: Any, owner: str) -> None:
    """Raise `BrokenPlugin` with the first thing that is wrong with a class of a plugin."""
    contract = KINDS[kind]
    if not (isinstance(found, type) and issubclass(found, contract)):
        wanted = f"a subclass of stegafield.core.{contract.__name__}"
        raise BrokenPlugin(f"{owner}: {_shown(found)} is not {wanted}")
    try:
        with aside():
            fault = next(_faults(kind, found, owner), None)
    except (Exception, SystemExit) as error:  # of a metaclass, a property, a default
        problem = f"{owner}: {found.__name__} cannot be looked at: {type(error).__name__}: {error}"
        raise BrokenPlugin(problem) from error
    if fault is not None:
        raise BrokenPlugin(f"{owner}: {found.__name__}{fault}")


def _faults(kind: str, found: Any, owner: str) -> Iterator[str]:
    """What is wrong with a class of the right base, as the rest of a sentence about it."""
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        yield f" does not define {', '.join(missing)}"
    name = getattr(found, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield f".name is {_shown(name)}, not a short lower-case name such as 'tide'"
    yield from _version(getattr(found, "api_version", 1), owner)
    if third_party(found):
        yield from _methods(found)
    yield from _PARTS[kind](found, owner)


def _version(version: Any, owner: str) -> Iterator[str]:
    """A class that was written for other contracts, with what to do."""
    if type(version) is int and max(1, API_VERSION - 1) <= version <= API_VERSION:
        return
    distribution = owner.partition(":")[0]
    todo = f"Install a newer release of {distribution}."
    if type(version) is int and version > API_VERSION:
        todo = f"Update stegafield, or install an older release of {distribution}."
    yield (
        f" was written for version {version!r} of the plugin contracts, and this stegafield has "
        f"version {API_VERSION}. {todo}"
    )


def _methods(found: type) -> Iterator[str]:
    """Methods that the house could not call as the contract says."""
    for contract in (one for one in found.__mro__ if one.__module__.startswith(f"{_ROOM}.")):
        for name, promised in vars(contract).items():
            promised = getattr(promised, "__func__", promised)
            if not inspect.isfunction(promised) or (name[:1] == "_" and name != "__init__"):
                continue
            own = inspect.getattr_static(found, name)
            if not _ours(getattr(own, "__func__", own)):
                yield from _callable_as(found, name, own, promised, vars(contract)[name])
    if issubclass(found, Channel | Detector):  # made without arguments
        yield from _bound("__init__()", found, (), {})


def _ours(function: Any) -> bool:
    """Whether a function is of this package."""
    return str(getattr(function, "__module__", "")).partition(".")[0] == _ROOM.partition(".")[0]


def _callable_as(
    found: type, name: str, own: Any, promised: Callable[..., Any], declared: Any
) -> Iterator[str]:
    """Whether a class's own method takes what the contract's takes."""
    method = getattr(found, name)
    if not callable(method):
        yield f".{name} is {_shown(method)}, not a method"
    function = getattr(own, "__func__", own)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield f".{name}() is async, and nobody awaits it: write it with `def`"
    on_class = isinstance(declared, classmethod)
    bound = isinstance(own, classmethod | staticmethod)
    if on_class and not bound:
        yield f".{name}() is not marked with @classmethod"
    listed = list(inspect.signature(promised).parameters.values())[1:]
    places = [one for one in listed if one.kind is one.POSITIONAL_OR_KEYWORD]
    words = {one.name: None for one in listed if one.kind is one.KEYWORD_ONLY}
    needed = [one for one in places if one.default is one.empty]
    told = f"{name}({', '.join(['self', *(one.name for one in listed)][on_class:])})"
    for some in (places, needed):
        given = (None,) * (len(some) + (0 if bound else 1))
        yield from _bound(told, method, given, words)


def _bound(told: str, method: Any, given: tuple[Any, ...], words: dict[str, Any]) -> Iterator[str]:
    """Whether a method takes these arguments."""
    try:
        signature = inspect.signature(method)
    except (ValueError, TypeError):  # nothing is known of it
        return
    try:
        signature.bind(*given, **words)
    except TypeError as error:
        yield f".{told.partition('(')[0]}() cannot be called as {told}: {error}"


def _carrier(found: Any, owner: str) -> Iterator[str]:
    if not (draws(found) or opens(found)):
        yield " defines neither covers() nor open(): it has no covers to hide in"
    channel: Any = getattr(found, "channel", None)
    if channel is None:
        yield ".channel is missing: name the Channel class that its files are written with"
        return
    several = found.channels
    if not isinstance(several, tuple | list):
        yield f".channels is {_shown(several)}, not a tuple of Channel classes"
    for one in (channel, *several):
        if not (isinstance(one, type) and issubclass(one, Channel)):
            yield f".channel is {_shown(one)}, not a subclass of stegafield.core.Channel"
        yield from (f"'s channel {one.__name__}{fault}" for fault in _faults("channel", one, owner))
    if several and channel not in several:
        yield f".channels does not hold its channel, {channel.__name__}"
    names = [one.name for one in formats(found)]
    if len(set(names)) < len(names):
        yield ".channels has two of one name"
    if found.rate_unit not in ("bpp", "bps"):
        yield f".rate_unit is {_shown(found.rate_unit)}, not 'bpp' or 'bps'"
    yield from _options(found)
    if several and "format" not in found.Options.model_fields:
        yield " has several channels, and its Options no field `format` to choose one with"


def _channel(found: Any, owner: str) -> Iterator[str]:
    suffixes = getattr(found, "suffixes", None)
    listed: Any = suffixes if isinstance(suffixes, tuple | list) else ()
    good = [one for one in listed if isinstance(one, str) and _SUFFIX.fullmatch(one)]
    if not good or len(good) < len(listed):
        yield f".suffixes is {_shown(suffixes)}, not a tuple such as ('.tide',), in lower case"


def _extractor(found: Any, owner: str) -> Iterator[str]:
    yield from _options(found)
    for name, field in found.Options.model_fields.items():
        if field.annotation is not bool and get_origin(field.annotation) is not Literal:
            yield (
                f".Options.{name} is {_type(field.annotation)}: a reader, who has only file and "
                "key, tries the values of bool and Literal options alone. Write Literal[...], or a "
                "constant of the class"
            )
    chosen = list(islice(options.variants(found.Options), MOST_VARIANTS + 1))
    if len(chosen) > MOST_VARIANTS:
        yield f".Options has more than {MOST_VARIANTS} combinations"
    if len({options.tag(found.name, one) for one in chosen}) < len(chosen):
        yield ".Options has two combinations with one tag"
    for name in ("exact", "narrow"):
        if not isinstance(getattr(found, name), bool):
            yield f".{name} is {_shown(getattr(found, name))}, not True or False"
    yield from _texts(found, "losses")


def _optimizer(found: Any, owner: str) -> Iterator[str]:
    yield from _options(found)
    if not isinstance(found.batched, bool):
        yield f".batched is {_shown(found.batched)}, not True or False"


def _detector(found: Any, owner: str) -> Iterator[str]:
    yield from _texts(found, "kinds")
    threshold = found.threshold
    number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if threshold is not None and not (number and abs(threshold) < float("inf")):
        yield f".threshold is {_shown(threshold)}, not a number or None"


def _options(found: Any) -> Iterator[str]:
    """Options that the user could not set, or that have no defaults."""
    model = found.Options
    if not (isinstance(model, type) and issubclass(model, options.Options)):
        yield f".Options is {_shown(model)}, not a subclass of stegafield.core.Options"
    try:
        plain = model()
        model.model_validate({name: getattr(plain, name) for name in model.model_fields})
    except (ValidationError, TypeError) as error:
        if isinstance(error, ValidationError) and error.errors()[0]["type"] != "missing":
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"][:1]))
            yield f".Options.{where} has the default {_shown(first['input'])}: {first['msg']}"
        yield ".Options needs a default for each option"


def _texts(found: Any, name: str) -> Iterator[str]:
    listed = getattr(found, name)
    if not isinstance(listed, tuple | list) or not all(isinstance(one, str) for one in listed):
        yield f".{name} is {_shown(listed)}, not a tuple of texts such as ('plane',)"


def _type(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _shown(value: Any) -> str:
    """A value as a sentence may show it."""
    try:
        text = repr(value)
    except Exception:  # a third party's own `__repr__`
        text = f"a {type(value).__name__}"
    return text if len(text) < 80 else f"{text[:77]}..."


_PARTS: dict[str, Callable[[Any, str], Iterator[str]]] = {
    "carrier": _carrier,
    "channel": _channel,
    "extractor": _extractor,
    "optimizer": _optimizer,
    "detector": _detector,
}

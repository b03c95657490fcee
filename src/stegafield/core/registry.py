"""What is installed: classes by kind and name, and what could not be loaded."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import ValidationError

from ..errors import BrokenPlugin, DuplicatePlugin, UnknownPlugin
from . import options
from .carrier import Carrier
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
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass
class Registry:
    """Classes that plugins registered.

    Two of one name shadow nobody: asking for that name raises.
    """

    broken: dict[str, Exception] = field(default_factory=dict)
    """Plugins that could not be loaded, with the cause."""
    _owned: dict[tuple[str, str], dict[str, type]] = field(default_factory=dict)

    def add(self, kind: str, found: Any, owner: str) -> None:
        """Register a class under the name of its `owner`; `BrokenPlugin` names what is wrong with
        it."""
        contract = KINDS[kind]
        if not (isinstance(found, type) and issubclass(found, contract)):
            raise BrokenPlugin(f"{owner}: {found!r} is not a subclass of {contract.__name__}")
        missing = sorted(getattr(found, "__abstractmethods__", ()))
        if inspect.isabstract(found):
            raise BrokenPlugin(f"{owner}: {found.__name__} does not define {', '.join(missing)}")
        name = getattr(found, "name", None)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BrokenPlugin(
                f"{owner}: {found.__name__}.name is {name!r}, not a short lower-case name"
            )
        _check_version(getattr(found, "api_version", 1), found.__name__, owner)
        try:
            choices = (
                list(islice(options.variants(found.Options), 4097)) if kind == "extractor" else []
            )
            if kind in ("carrier", "optimizer"):
                found.Options()
        except (ValidationError, TypeError) as error:
            problem = f"{owner}: {found.__name__}.Options needs a default for each option"
            raise BrokenPlugin(problem) from error
        if len(choices) > 4096:
            raise BrokenPlugin(f"{owner}: {found.__name__}.Options has more than 4096 combinations")
        owners = self._owned.setdefault((kind, name), {})
        if owner in owners:
            raise BrokenPlugin(f"{owner}: registers two {kind}s named {name!r}")
        owners[owner] = found

    def get(self, kind: str, name: str) -> Any:
        """The class of this name; raises `UnknownPlugin`, `DuplicatePlugin` or the cause of a
        broken plugin."""
        owners = self._owned.get((kind, name), {})
        if len(owners) > 1:
            raise DuplicatePlugin(kind, name, owners)
        if owners:
            return next(iter(owners.values()))
        if name in self.broken:
            raise BrokenPlugin(
                f"the plugin {name!r} is broken: {self.broken[name]}"
            ) from self.broken[name]
        raise UnknownPlugin(kind, name, self.names(kind), self.broken)

    def names(self, kind: str) -> list[str]:
        """The names of a kind that `get` returns."""
        return sorted(n for (k, n), owners in self._owned.items() if k == kind and len(owners) == 1)

    def all(self, kind: str) -> list[Any]:
        """The classes of a kind, by name."""
        return [self.get(kind, name) for name in self.names(kind)]

    def duplicates(self) -> Iterator[DuplicatePlugin]:
        """One error for each contested name."""
        for (kind, name), owners in sorted(self._owned.items()):
            if len(owners) > 1:
                yield DuplicatePlugin(kind, name, owners)

    def owned(self) -> Iterator[tuple[str, str, str]]:
        """(owner, kind, name) of every registered class."""
        for (kind, name), owners in sorted(self._owned.items()):
            for owner in owners:
                yield owner, kind, name


def _check_version(version: Any, name: str, owner: str) -> None:
    """Raise `BrokenPlugin`, with what to do, where a class was written for other contracts."""
    if type(version) is int and version in (API_VERSION, API_VERSION - 1):
        return
    todo = f"Install a newer release of {owner}."
    if isinstance(version, int) and version > API_VERSION:
        todo = f"Update stegafield, or install an older release of {owner}."
    raise BrokenPlugin(
        f"{owner}: {name} was written for version {version!r} of the plugin contracts, and this "
        f"stegafield has version {API_VERSION}. {todo}"
    )

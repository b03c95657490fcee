"""What is installed: classes by kind and name, and what could not be loaded."""

from collections.abc import Callable, Iterator
from threading import RLock
from typing import Any

from ..errors import BrokenPlugin, DuplicatePlugin, UnknownPlugin
from .contracts import API_VERSION, KINDS, check

__all__ = ["API_VERSION", "KINDS", "Registry"]

Load = Callable[[], Any]
"""Imports a class that is known by its name alone."""


class Registry:
    """Classes that plugins registered.

    Two of one name shadow nobody: asking for that name raises. Plugins may come late: those whose
    names are known are imported when they are requested (`promise`), the others when the built-in
    parts do not suffice (`later`).
    """

    def __init__(self) -> None:
        self._broken: dict[str, Exception] = {}
        self._owned: dict[tuple[str, str], dict[str, type | Load]] = {}
        self._later: list[Callable[[], None]] = []
        self._lock = RLock()

    @property
    def broken(self) -> dict[str, Exception]:
        """Plugins that could not be loaded, with the cause."""
        self.complete()
        return self._broken

    def add(self, kind: str, found: Any, owner: str) -> None:
        """Register a class under the name of its `owner`; `BrokenPlugin` names what is wrong with
        it."""
        check(kind, found, owner)
        self._own(kind, found.name, owner, found)

    def promise(self, kind: str, name: str, owner: str, load: Load) -> None:
        """Register a class by its name; it is imported when it is requested."""
        self._own(kind, name, owner, load)

    def later(self, load: Callable[[], None]) -> None:
        """Have `load` called when a name is requested; it adds what it finds."""
        self._later.append(load)

    def complete(self) -> None:
        """Load the plugins whose names only their import tells."""
        with self._lock:
            while self._later:
                self._later.pop(0)()

    def load(self) -> None:
        """Import every plugin, so that all that is broken is known."""
        self.complete()
        for kind, name in list(self._owned):
            for owner in list(self._owned.get((kind, name), ())):
                self._class(kind, name, owner)

    def fail(self, name: str, error: Exception) -> None:
        """Keep why a plugin is not there, under its name."""
        while name in self._broken:
            name += "'"
        self._broken[name] = error

    def get(self, kind: str, name: str) -> Any:
        """The class of this name; raises `UnknownPlugin`, `DuplicatePlugin` or the cause of a
        broken plugin."""
        self.complete()
        owners = self._owned.get((kind, name), {})
        if len(owners) > 1:
            raise DuplicatePlugin(kind, name, owners)
        found = self._class(kind, name, next(iter(owners))) if owners else None
        if found is not None:
            return found
        if name in self._broken:
            raise BrokenPlugin(
                f"the plugin {name!r} is broken: {self._broken[name]}"
            ) from self._broken[name]
        raise UnknownPlugin(kind, name, self.names(kind), self._broken)

    def names(self, kind: str) -> list[str]:
        """The names of a kind that `get` returns."""
        self.complete()
        return sorted(n for (k, n), owners in self._owned.items() if k == kind and len(owners) == 1)

    def all(self, kind: str) -> list[Any]:
        """The classes of a kind, by name."""
        return [self.get(kind, name) for name in self.names(kind) if self._loads(kind, name)]

    def each(self, kind: str) -> Iterator[Any]:
        """The classes of a kind: first those that are here, then those that have to be imported.

        For callers that try one after the other, and may be done before any import.
        """
        seen = set()
        for name in sorted(n for k, n in self._owned if k == kind):
            owners = self._owned[kind, name]
            (found,) = owners.values() if len(owners) == 1 else (None,)
            if isinstance(found, type):
                seen.add(found)
                yield found
        yield from (found for found in self.all(kind) if found not in seen)

    def duplicates(self) -> Iterator[DuplicatePlugin]:
        """One error for each contested name."""
        self.complete()
        for (kind, name), owners in sorted(self._owned.items()):
            if len(owners) > 1:
                yield DuplicatePlugin(kind, name, owners)

    def contested(self, kind: str) -> Iterator[tuple[DuplicatePlugin, list[Any]]]:
        """The contested names of a kind, each with the classes that claim it."""
        for clash in self.duplicates():
            if clash.kind == kind:
                found = [self._class(kind, clash.name, owner) for owner in clash.owners]
                yield clash, [one for one in found if one is not None]

    def owned(self) -> Iterator[tuple[str, str, str]]:
        """(owner, kind, name) of every registered class."""
        self.complete()
        for (kind, name), owners in sorted(self._owned.items()):
            for owner in owners:
                yield owner, kind, name

    def _own(self, kind: str, name: str, owner: str, found: type | Load) -> None:
        owners = self._owned.setdefault((kind, name), {})
        if owner in owners:
            raise BrokenPlugin(f"{owner}: registers two {kind}s named {name!r}")
        owners[owner] = found

    def _loads(self, kind: str, name: str) -> bool:
        """Whether the one class of a name can be imported."""
        return self._class(kind, name, next(iter(self._owned[kind, name]))) is not None

    def _class(self, kind: str, name: str, owner: str) -> type | None:
        """The class of an owner, imported now if it was promised; None, and kept, if it fails."""
        with self._lock:
            owners = self._owned[kind, name]
            found = owners[owner]
            if isinstance(found, type):
                return found
            try:
                found = found()
                check(kind, found, owner)
                if found.name != name:
                    told = f"{found.__name__} is named {found.name!r}, its entry point {name!r}"
                    raise BrokenPlugin(f"{owner}: {told}")
            except BrokenPlugin as error:
                self.fail(name, error)
                del owners[owner]
                if not owners:
                    del self._owned[kind, name]
                return None
            owners[owner] = found
            return found

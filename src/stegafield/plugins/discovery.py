"""Finding plugins: entry points in the group "stegafield", failures kept as data, no silent winner.

pluggy's own entry-point loader skips a second entry point of a known name without a word and lets
the first broken import escape; here every plugin is loaded on its own, and what goes wrong is kept
beside its name.
"""

import os
import re
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from ..core.registry import KINDS, Registry
from ..errors import BrokenPlugin
from . import builtin, hookspecs

GROUP = "stegafield"
ALLOW = "STEGAFIELD_PLUGINS"
"""Environment variable: unset, every installed plugin; "none" or a comma-separated list of
distributions."""


@cache
def registry() -> Registry:
    """The registry of this process: built-ins and installed plugins, discovered once."""
    return discover()


def discover() -> Registry:
    """A fresh registry of built-ins and of installed plugins that the environment allows."""
    found = Registry()
    register(found, builtin, "stegafield")
    for point in sorted(entry_points(group=GROUP), key=lambda p: (_distribution(p), p.name)):
        if _allowed(_distribution(point)):
            owner = (
                point.name
                if point.name == _distribution(point)
                else f"{_distribution(point)}:{point.name}"
            )
            try:
                register(found, point.load(), owner)
            except (Exception, SystemExit) as error:  # whatever a third party does, the others load
                found.broken[_unused(point.name, found)] = _explained(error, owner)
    return found


def register(into: Registry, plugin: Any, owner: str) -> None:
    """Validate a plugin's hooks and add its classes; `BrokenPlugin` names the fault, and then
    nothing is added."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    hooks = [f"register_{kind}s" for kind in KINDS]
    try:
        manager.register(plugin, owner)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise BrokenPlugin(f"{owner}: {error}") from error
    marked = {caller.name for caller in manager.get_hookcallers(plugin) or ()}
    for name in hooks:
        if hasattr(plugin, name) and name not in marked:
            raise BrokenPlugin(f"{owner}: {name} is not marked with @stegafield.hookimpl")
    if not marked:
        raise BrokenPlugin(f"{owner}: has none of the hooks {', '.join(hooks)}")
    classes: list[tuple[str, type]] = []
    for kind in KINDS:
        for hook in getattr(manager.hook, f"register_{kind}s").get_hookimpls():
            returned = hook.function()  # called by hand: pluggy would drop a None without a word
            if not isinstance(returned, list | tuple):
                raise BrokenPlugin(
                    f"{owner}: register_{kind}s returned {returned!r}, not a list of classes"
                )
            classes += [(kind, found) for found in returned]
    for target in (Registry(), into):  # all or nothing
        for kind, found in classes:
            target.add(kind, found, owner)


def _allowed(distribution: str) -> bool:
    policy = os.environ.get(ALLOW)
    return policy is None or distribution in [_canonical(name) for name in policy.split(",")]


def _distribution(point: EntryPoint) -> str:
    return _canonical(point.dist.name) if point.dist else "unknown"


def _canonical(name: str) -> str:
    """The spelling by which distributions are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _unused(name: str, found: Registry) -> str:
    while name in found.broken:
        name += "'"
    return name


def _explained(error: BaseException, owner: str) -> Exception:
    if isinstance(error, BrokenPlugin):
        return error
    broken = BrokenPlugin(f"{owner}: {type(error).__name__}: {error}")
    broken.__cause__ = error
    return broken

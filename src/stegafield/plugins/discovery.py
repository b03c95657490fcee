"""Finding plugins: entry points in the group "stegafield", failures kept as data, no silent winner.

pluggy's own entry-point loader skips a second entry point of a known name without a word and lets
the first broken import escape; here every plugin is loaded on its own, and what goes wrong is kept
beside its name.

An entry point names a module with hooks, whose names only its import tells; or it is called
KIND.NAME and names one class, which is imported when it is requested.
"""

import os
import re
import time
import warnings
from collections.abc import Iterator
from contextvars import copy_context
from difflib import get_close_matches
from functools import cache, partial
from importlib.metadata import EntryPoint, distributions
from typing import Any

import pluggy

from ..core.blame import aside
from ..core.registry import KINDS, Registry
from ..errors import BrokenPlugin
from ..extras import brought
from . import builtin, hookspecs

GROUP = "stegafield"
COMMANDS = "stegafield.commands"
"""Entry points of this group add commands (`cli.program`)."""
ALLOW = "STEGAFIELD_PLUGINS"
"""Environment variable: unset, every installed plugin; "none" or a comma-separated list of
distributions."""
_TABLE = "[project.entry-points.stegafield]"
_seconds: dict[str, float] = {}
"""How long the import of each plugin took, by owner."""


@cache
def registry() -> Registry:
    """The registry of this process: built-ins and installed plugins, discovered once."""
    return discover()


def discover() -> Registry:
    """A fresh registry of built-ins and of installed plugins that the environment allows.

    Plugins are imported when a name is first looked up.
    """
    found = Registry()
    register(found, builtin, "stegafield")
    found.later(partial(_add_installed, found))
    return found


def _add_installed(found: Registry) -> None:
    """Add the plugins of entry points, each on its own: whatever one does, the others load."""
    points = sorted(brought(GROUP), key=lambda p: (_distribution(p), p.name))
    _add_unknown(found, {_distribution(point) for point in points})
    for point in points:
        if not _allowed(_distribution(point)):
            continue
        kind, _, name = point.name.partition(".")
        try:
            if name and kind in KINDS:
                found.promise(kind, name, _owner(point), partial(_loaded, point))
            else:
                register(found, _loaded(point), _owner(point))
        except BrokenPlugin as error:
            found.fail(point.name, error)


def _loaded(point: EntryPoint) -> Any:
    """What an entry point names; `BrokenPlugin` where its import fails.

    What an import does to this program's output, warnings and floating-point errors ends with it.
    """
    start = time.perf_counter()
    try:
        with aside(), warnings.catch_warnings():
            return copy_context().run(point.load)
    except (Exception, SystemExit) as error:
        problem = f"{_owner(point)}: {type(error).__name__}: {error}"
        raise BrokenPlugin(problem) from error
    finally:
        _seconds[_owner(point)] = time.perf_counter() - start


def seconds() -> dict[str, float]:
    """How long the import of each plugin took, by owner."""
    return dict(_seconds)


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
            returned = _returned(hook.function, owner)
            if not isinstance(returned, list | tuple):
                raise BrokenPlugin(
                    f"{owner}: register_{kind}s returned {returned!r}, not a list of classes"
                )
            classes += [(kind, found) for found in returned]
    for target in (Registry(), into):  # all or nothing
        for kind, found in classes:
            target.add(kind, found, owner)


def _returned(hook: Any, owner: str) -> Any:
    """What a hook returns, called by hand: pluggy would drop a None without a word."""
    try:
        with aside(), warnings.catch_warnings():
            return copy_context().run(hook)
    except (Exception, SystemExit) as error:
        problem = f"{owner}: {hook.__name__}: {type(error).__name__}: {error}"
        raise BrokenPlugin(problem) from error


def left_out() -> list[str]:
    """Distributions with plugins that the environment does not allow."""
    found = {_distribution(point) for point in brought(GROUP)}
    return sorted(name for name in found if not _allowed(name))


def overlooked() -> Iterator[str]:
    """What looks like a plugin and is none: one sentence each, with what to write."""
    for distribution in distributions():
        try:
            name = str(distribution.metadata["Name"] or "")
            groups = {point.group for point in distribution.entry_points}
        except Exception:  # damaged metadata
            continue
        wrong = sorted(group for group in groups - {GROUP, COMMANDS} if _resembles(group))
        if wrong:
            tables = ", ".join(map(repr, wrong))
            yield f"{name}: its entry points are in {tables}; the table of plugins is {_TABLE}"
        elif _canonical(name).startswith("stegafield-") and not groups & {GROUP, COMMANDS}:
            others = f" (only in {', '.join(sorted(groups))})" if groups else ""
            yield f"{name}: it has no entry point{others}; the table of plugins is {_TABLE}"


def _resembles(group: str) -> bool:
    return "stegafield" in re.sub(r"[-_. ]", "", group.lower())


def _add_unknown(found: Registry, installed: set[str]) -> None:
    """Keep the names of `STEGAFIELD_PLUGINS` that no installed distribution has."""
    for name in _policy() or ():
        if name in installed or name in ("", "none"):
            continue
        close = get_close_matches(name, sorted(installed), n=1)
        said = f"{ALLOW} names {name!r}, and no installed distribution of this name has a plugin"
        found.fail(name, BrokenPlugin(f"{said}{f'; did you mean {close[0]!r}?' if close else '.'}"))


def _policy() -> list[str] | None:
    """The distributions that the environment allows; None: all."""
    policy = os.environ.get(ALLOW)
    return None if policy is None else [_canonical(name) for name in policy.split(",")]


def _allowed(distribution: str) -> bool:
    policy = _policy()
    return policy is None or distribution in policy


def _owner(point: EntryPoint) -> str:
    """What a plugin is called: its distribution, and its entry point if that has another name."""
    distribution = _distribution(point)
    return distribution if point.name == distribution else f"{distribution}:{point.name}"


def _distribution(point: EntryPoint) -> str:
    return _canonical(str(point.dist.name)) if point.dist else "unknown"


def _canonical(name: str) -> str:
    """The spelling by which distributions are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()

"""`stegafield plugins`: what is installed, what is broken and why, and what was overlooked."""

import json
import time
from collections.abc import Iterator
from typing import Any

import typer

from ..errors import BrokenPlugin
from .arguments import AsJson
from .edge import print_rows
from .program import brought, loaded

_SLOW = 1.0
"""Seconds of an import that are worth a line."""


def plugins(as_json: AsJson = False) -> None:
    """List what is installed, and what is broken and why.

    Everything is imported for that. What only looks like a plugin is named, too, and so are imports
    that take more than a second: every command that needs the plugin waits for them.
    """
    from ..plugins import discovery
    from .commands import app

    found = discovery.registry()
    found.load()
    rows = [
        {"plugin": owner, "kind": kind, "name": name} for owner, kind, name in sorted(found.owned())
    ]
    problems = {str(name): str(cause) for name, cause in found.broken.items()}
    clashes = [str(clash) for clash in found.duplicates()]
    seconds = dict(discovery.seconds())
    for name, owners in brought().items():
        rows += [{"plugin": owner, "kind": "command", "name": name} for owner in owners]
        if len(owners) > 1:
            named = " and ".join(owners)
            clashes.append(f"two distributions bring the command {name!r}: {named}. Uninstall one.")
            continue
        start = time.perf_counter()
        try:
            loaded(name)
        except BrokenPlugin as error:
            problems[f"command {name}"] = str(error)
        seconds[f"{owners[0]}, command {name}"] = time.perf_counter() - start
    notes = list(_notes(discovery, seconds))
    program: Any = typer.main.get_command(app)
    for name, owners in brought().items():
        if name in program.commands:
            notes.append(f"{' and '.join(owners)}: the command {name!r} is ours, and stays it")
    if as_json:
        shown: dict[str, Any] = {"plugins": rows, "broken": problems, "duplicates": clashes}
        rounded = {owner: round(taken, 3) for owner, taken in seconds.items()}
        print(json.dumps({**shown, "seconds": rounded, "notes": notes}))
        return
    print_rows(rows, as_json=False)
    for name, cause in problems.items():
        print(f"broken: {name}: {cause}")
    for clash in clashes:
        print(f"duplicate: {clash}")
    for note in notes:
        print(f"note: {note}")


def _notes(discovery: Any, seconds: dict[str, float]) -> Iterator[str]:
    """What is no fault, and may still surprise."""
    for owner, taken in seconds.items():
        if taken > _SLOW:
            hint = "import heavy libraries where they are used"
            yield f"{owner}: its import takes {taken:.1f} s: {hint}"
    for distribution in discovery.left_out():
        yield f"{distribution}: {discovery.ALLOW} leaves it out"
    yield from discovery.overlooked()

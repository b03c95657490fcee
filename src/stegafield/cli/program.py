"""How the command line behaves: errors become one sentence and an exit code, some options take
several values."""

import os
import sys
from functools import cache
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from ..errors import (
    BrokenPlugin,
    CapacityError,
    ConfigError,
    EmbeddingFailed,
    FormatError,
    NoMessage,
    PluginError,
)

_EXITS: list[tuple[type[BaseException], int]] = [
    (NoMessage, 3),
    (CapacityError, 4),
    (FormatError, 5),
    (EmbeddingFailed, 6),
    (ConfigError, 2),
    (PluginError, 2),
    (OSError, 7),
    (KeyboardInterrupt, 130),
]
_MANY = (
    *("--set", "--bpp", "--bps", "--size", "--field", "--minutes", "--samples", "--sigma"),
    *("--images", "--against", "--detector", "--model", "--batch"),
)

err = Console(stderr=True, highlight=False, soft_wrap=True)


COMMANDS = "stegafield.commands"
"""Entry points of this group add commands: each names a `typer.Typer`."""


class Program(TyperGroup):
    """Turns errors into one sentence on standard error and an exit code.

    Commands of other distributions come from entry points, and are imported when they are used.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Our own commands, then those of other distributions."""
        own = super().list_commands(ctx)
        return [*own, *sorted(set(_added()) - set(own))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Our own command of this name, or what stands for another distribution's in the list."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in _added():
            return own
        where = _added()[cmd_name].dist
        return TyperCommand(cmd_name, help=f"See {where.name if where else 'its plugin'}.")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is used: another distribution's is loaded now."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in _added() and super().get_command(ctx, name) is None:
            command = _loaded(name)
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except tuple(kind for kind, _ in _EXITS) as error:
            code = next(code for kind, code in _EXITS if isinstance(error, kind))
            if code != 130:
                err.print(f"stegafield: {_sentence(error)}", markup=False)
            if isinstance(error, EmbeddingFailed) and ctx.obj:
                ctx.obj(error.report)
            raise typer.Exit(code) from None


class Variadic(TyperCommand):
    """Lets `--bpp 1 2 3` stand for `--bpp 1 --bpp 2 --bpp 3`, and the same for others that may be
    repeated."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse."""
        listed: list[Any] = self.get_params(ctx)
        many = [name for name in _MANY if any(p.multiple for p in listed if name in p.opts)]
        out, current = [], None
        for word in args:
            if word.startswith("--") or word == "-":
                current = word if word in many else None
                out.append(word)
                continue
            if current and out[-1] != current:
                out.append(current)
            out.append(word)
        return super().parse_args(ctx, out)


def _loaded(name: str) -> Any:
    """The command that an entry point names; `BrokenPlugin` where it cannot be loaded."""
    try:
        app = _added()[name].load()
        if not isinstance(app, typer.Typer):
            raise TypeError(f"its entry point names a {type(app).__name__}, not a typer.Typer")
        found = typer.main.get_command(app)
    except (Exception, SystemExit) as error:
        problem = f"the command {name!r} cannot be loaded: {type(error).__name__}: {error}"
        raise BrokenPlugin(problem) from error
    found.name = name
    return found


@cache
def _added() -> dict[str, Any]:
    """Entry points by the name of the command; of two with one name, neither."""
    if not any(map(_brings_commands, sys.path)):
        return {}
    from importlib.metadata import entry_points

    found = list(entry_points(group=COMMANDS))
    names = [point.name for point in found]
    return {point.name: point for point in found if names.count(point.name) == 1}


def _brings_commands(folder: str) -> bool:
    """Whether a distribution there has our entry points: quicker than to load what lists them."""
    try:
        names = [name for name in os.listdir(folder or ".") if name.endswith("-info")]
    except OSError:
        return os.path.isfile(folder)  # an archive: what is in it has to be asked
    for name in names:
        try:
            with open(os.path.join(folder, name, "entry_points.txt"), encoding="utf-8") as file:
                if f"[{COMMANDS}]" in file.read():
                    return True
        except (OSError, UnicodeDecodeError):
            continue
    return False


def _sentence(error: BaseException) -> str:
    """What went wrong, on one line, and nothing in it that a terminal would obey."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename or 'file'}: {error.strerror}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)

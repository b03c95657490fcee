"""How the command line behaves: errors become one sentence and an exit code, some options take
several values."""

import os
import re
import sys
from contextlib import redirect_stdout, suppress
from difflib import get_close_matches
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
from .wording import spoken

_EXITS: list[tuple[type[BaseException], int]] = [
    (NoMessage, 3),
    (CapacityError, 4),
    (FormatError, 5),
    (EmbeddingFailed, 6),
    (ConfigError, 2),
    (PluginError, 2),
    (OSError, 7),
    (MemoryError, 7),
    (KeyboardInterrupt, 130),
]
_USAGE: Any = typer.BadParameter.__mro__[1]
"""Misspelt options and commands, and arguments too few or too many."""
_MANY = (
    *("--set", "--bpp", "--bps", "--size", "--field", "--minutes", "--samples", "--sigma"),
    *("--images", "--against", "--detector", "--model", "--batch"),
)

err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """One line on standard error, with nothing in it that a terminal would obey."""
    with suppress(OSError):  # nobody is left to be told
        err.print(plain(text), markup=False)


def plain(text: str) -> str:
    """Text with whatever a terminal would obey written out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


COMMANDS = "stegafield.commands"
"""Entry points of this group add commands: each names a `typer.Typer`."""
_PLAINER = (
    (r"Input should be a valid number.*", "this is no number"),
    (r"Input should be a valid integer.*", "this is no whole number"),
    (r"Got unexpected extra argument\(s\)", "Too many arguments"),
    (r"requires an argument", "needs a value"),
)
"""What typer says, and what we do."""
ELSEWHERE = dict.fromkeys(("bench", "paper", "train-baseline"), "stegafield-research")
"""Commands that people look for here, and the distribution that has them."""


class Program(TyperGroup):
    """Turns errors into one sentence on standard error and an exit code.

    Commands of other distributions come from entry points, and are imported when they are used.
    """

    def main(self, *arguments: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run the program; every way to end is a sentence, if it failed, and an exit code."""
        try:
            code = super().main(*arguments, standalone_mode=False, **extra)
            sys.stdout.flush()
        except _USAGE as error:
            code = error.exit_code
            if type(error).__name__ == "NoArgsIsHelpError":
                error.show()
            else:
                say(f"stegafield: {_usage(error)}")
        except typer.Abort:
            code = 130
        except SystemExit:  # typer's answer to a pipe that nobody reads
            code = _unwritten(BrokenPipeError())
        except OSError as error:  # help that nobody can read
            code = _unwritten(error)
        if not standalone_mode:
            return code
        sys.exit(code or 0)

    def list_commands(self, ctx: Any) -> list[str]:
        """Our own commands, then those of other distributions."""
        own = super().list_commands(ctx)
        return [*own, *sorted(set(brought()) - set(own))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Our own command of this name, or what stands for another distribution's in the list."""
        own = super().get_command(ctx, cmd_name)
        owners = [] if own is not None else brought().get(cmd_name, [])
        return TyperCommand(cmd_name, help=f"See {' or '.join(owners)}.") if owners else own

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is used: another distribution's is loaded now."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in brought() and super().get_command(ctx, name) is None:
            command = loaded(name)
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except tuple(kind for kind, _ in _EXITS) as error:
            code = next(code for kind, code in _EXITS if isinstance(error, kind))
            if isinstance(error, OSError) and not error.filename:
                raise  # standard output, maybe: `main` tells it, and writes no more there
            if code != 130:
                say(f"stegafield: {_sentence(error)}")
            if isinstance(error, EmbeddingFailed) and ctx.obj:
                ctx.obj(error.report)
            raise typer.Exit(code) from None


class Variadic(TyperCommand):
    """Lets `--bpp 1 2 3` stand for `--bpp 1 --bpp 2 --bpp 3`, and the same for others that may be
    repeated; not in commands with arguments, whose words would be swallowed."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse."""
        listed: list[Any] = self.get_params(ctx)
        if any(one.param_type_name == "argument" for one in listed):
            _check_single(ctx, args)
            return super().parse_args(ctx, args)
        many = [name for name in _MANY if any(p.multiple for p in listed if name in p.opts)]
        out, current = [], None
        for word in args:
            if word.startswith("-"):
                current = word if word in many else None
                out.append(word)
                continue
            if current and out[-1] != current:
                out.append(current)
            out.append(word)
        return super().parse_args(ctx, out)


def _check_single(ctx: Any, args: list[str]) -> None:
    """Raise a usage error where --set receives several values in a command with arguments."""
    for option, _, word in zip(args, args[1:], args[2:], strict=False):
        if option == "--set" and re.match(r"(carrier|extractor|optimizer|effort)\.\w+=", word):
            problem = f"takes one value here; write --set {word}"
            raise typer.BadParameter(problem, ctx, param_hint="--set")


def loaded(name: str) -> Any:
    """The command of another distribution; `BrokenPlugin` where two bring it, or where it cannot be
    loaded."""
    owners = brought()[name]
    if len(owners) > 1:
        named = " and ".join(owners)
        raise BrokenPlugin(f"two distributions bring the command {name!r}: {named}. Uninstall one.")
    try:
        with redirect_stdout(sys.stderr):
            (app,) = (point.load() for point in _points() if point.name == name)
        if not isinstance(app, typer.Typer):
            told = f"its entry point names a {type(app).__name__}, not a typer.Typer"
            table = "[project.entry-points.stegafield]"
            raise TypeError(f"{told} (the table of carriers, channels and their kind is {table})")
        found = typer.main.get_command(app)
    except (Exception, SystemExit) as error:
        problem = f"the command {name!r} cannot be loaded: {type(error).__name__}: {error}"
        raise BrokenPlugin(problem) from error
    found.name = name
    return found


def brought() -> dict[str, list[str]]:
    """The distributions that bring each command; one that two bring is neither's."""
    found: dict[str, list[str]] = {}
    for point in _points():
        found.setdefault(point.name, []).append(point.dist.name if point.dist else "its plugin")
    return {name: sorted(owners) for name, owners in found.items()}


@cache
def _points() -> list[Any]:
    """The entry points of commands."""
    if not any(map(_brings_commands, sys.path)):
        return []
    from ..extras import brought as installed

    return installed(COMMANDS)


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
    """What went wrong, on one line."""
    text = str(error)
    if isinstance(error, MemoryError):
        why = f" ({text})" if text else ""
        return spoken(f"there is not enough memory{why}: take a smaller file")
    if isinstance(error, OSError) and error.strerror:
        return spoken(f"{error.filename or 'standard output'}: {error.strerror}")
    return spoken(text)


def _usage(error: Any) -> str:
    """What is wrong with a command line, and where its options are listed."""
    said = error.format_message().rstrip(".")
    for theirs, ours in _PLAINER:
        said = re.sub(theirs, ours, said)
    missing = re.match(r"No such command '([^']*)'", said)
    where = error.ctx.command_path if error.ctx is not None else "stegafield"
    if missing is not None and error.ctx is not None:
        name = missing[1]
        found = get_close_matches(name, error.ctx.command.list_commands(error.ctx), n=1)
        if name in ELSEWHERE:
            return f"the command {name!r} is in another distribution: pip install {ELSEWHERE[name]}"
        found = [f"--{name}"] if name in ("help", "version") else found
        said = f"there is no command {name!r}" + (f"; did you mean {found[0]!r}?" if found else "")
    if said.startswith("Too many arguments"):
        said += ": a text of several words needs quotes, a file its option"
    said = said if said.endswith("?") else f"{said}."
    return f"{said} `{where} --help` lists what there is."


def _unwritten(error: OSError) -> int:
    """The exit code where standard output takes nothing more, after saying why."""
    if not isinstance(error, BrokenPipeError):
        say(f"stegafield: {_sentence(error)}")
    with suppress(OSError, ValueError, AttributeError):  # or the interpreter tries once more
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    return 7

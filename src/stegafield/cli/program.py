"""How the command line behaves: errors become one sentence and an exit code, some options take several values."""

from typing import Any

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from ..errors import (
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


class Program(TyperGroup):
    """Turns errors into one sentence on standard error and an exit code."""

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
    """Lets `--bpp 1 2 3` stand for `--bpp 1 --bpp 2 --bpp 3`, and the same for others that may be repeated."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse."""
        many = [name for name in _MANY if any(p.multiple for p in self.params if name in p.opts)]
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


def _sentence(error: BaseException) -> str:
    """What went wrong, on one line, and nothing in it that a terminal would obey."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename or 'file'}: {error.strerror}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)

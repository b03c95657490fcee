"""Commands that make a request: their options are its fields, with the help that these have.

    @app.command(cls=Asking)
    @asks("Request", without=("key",))
    def hide(out: ..., wishes: dict[str, Any]): ...

The request is loaded when the command is used, not when the list of commands is shown.
"""

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from . import complete
from .edge import settings_of, size_of
from .program import Variadic

_HELP = {"cover": "Your own cover: a file.", "set": "Further options: carrier.variable=t2m, ..."}
"""Where the command line takes another form than Python."""
_wishes: ContextVar[dict[str, Any]] = ContextVar("wishes")
"""What the user of the command under way requested."""


def asks(request: str, *, without: tuple[str, ...] = ()) -> Callable[[Any], Any]:
    """Hand a command what the user asks for, field by field, as `wishes`.

    Args:
        request: The name of a model in `pipeline.request`.
        without: Fields that the command fills in by itself.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(**given: Any) -> Any:
            return command(**given, wishes=_wishes.get())

        own = inspect.signature(command)
        listed = [one for name, one in own.parameters.items() if name != "wishes"]
        told: Any = run
        told.__signature__ = own.replace(parameters=listed)
        told.__annotations__ = {one.name: one.annotation for one in listed}
        told.asks = request, without
        del told.__wrapped__
        return run

    return decorate


class Asking(Variadic):
    """A command with the options of its request."""

    _asked = False

    def get_params(self, ctx: Any) -> list[Any]:
        """Its own options, then those of the request."""
        if not self._asked:
            self._asked = True
            callback: Any = self.callback
            self.params.extend(_options(*callback.asks))
        return super().get_params(ctx)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, which receives the values of the request's options together."""
        callback: Any = self.callback
        fields = _fields(*callback.asks)
        _wishes.set({name: _value(name, ctx.params.pop(name)) for name in fields})
        return super().invoke(ctx)


def _fields(request: str, without: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a request that are options."""
    from ..pipeline import request as requests

    model = getattr(requests, request)
    return {name: field for name, field in model.model_fields.items() if name not in without}


def _options(request: str, without: tuple[str, ...]) -> list[Any]:
    """What typer makes of a function with these fields as parameters."""

    def asked(**_: Any) -> None:
        """Only its signature counts."""

    listed = [_parameter(name, field) for name, field in _fields(request, without).items()]
    told: Any = asked
    told.__signature__ = inspect.Signature(listed)
    told.__annotations__ = {one.name: one.annotation for one in listed}
    program = typer.Typer(add_completion=False)
    program.command()(asked)
    return list(typer.main.get_command(program).params)


def _parameter(name: str, field: Any) -> inspect.Parameter:
    """A field as the parameter that typer makes an option of."""
    text = _HELP.get(name) or " ".join((field.description or "").split())
    flag = "--" + name.replace("_", "-")
    plain = [one for one in get_args(field.annotation) if one is not type(None)]
    kind: Any = plain[0] if len(plain) == 1 else field.annotation
    default: Any = inspect.Parameter.empty if field.is_required() else field.default
    metavar = None
    if name == "set":
        kind, default, metavar = list[str], None, "PART.OPTION=VALUE"
    elif name == "size":
        kind, metavar = str, "HxW"
    elif name == "cover":
        kind = Path
    if default is None:
        kind = kind | None
    words = complete.of(name)
    option = typer.Option(flag, help=text, metavar=metavar, autocompletion=words)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=default, annotation=Annotated[kind, option])


def _value(name: str, given: Any) -> Any:
    """The value of an option as its request takes it."""
    if name == "size":
        return size_of(given)
    if name == "set":
        return settings_of(given)
    return given

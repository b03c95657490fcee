"""Methods that take a request, called with its arguments: `hide(b"m", carrier="era5")`.

One argument more is one line in the request: signature and documentation follow.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, cast, overload, runtime_checkable

from pydantic import BaseModel

P = ParamSpec("P")
FirstT = TypeVar("FirstT", contravariant=True)
RequestT = TypeVar("RequestT", bound=BaseModel)
AskedT = TypeVar("AskedT", contravariant=True)
FoundT = TypeVar("FoundT", covariant=True)
SelfT = TypeVar("SelfT")


class First(Generic[FirstT]):
    """The argument that may be given without its name."""

    def __init__(self, name: str) -> None:
        self.name = name


_NONE: First[Any] = First("")


@runtime_checkable
class Asked(Protocol[FirstT, AskedT, P, FoundT]):  # pyright: ignore[reportInvalidTypeVarUse]
    """What a bound method takes: its request whole, or the arguments of one."""

    @overload
    def __call__(self, request: AskedT, /) -> FoundT: ...
    @overload
    def __call__(self, first: FirstT, /, *args: P.args, **wishes: P.kwargs) -> FoundT: ...
    @overload
    def __call__(self, *args: P.args, **wishes: P.kwargs) -> FoundT: ...


@runtime_checkable
class Unbound(Protocol[FirstT, AskedT, P, FoundT]):
    """The method before it is bound."""

    def __get__(self, owner: Any, kind: Any = None, /) -> Asked[FirstT, AskedT, P, FoundT]:
        """The bound method."""
        ...


def takes(
    request: Callable[P, RequestT], first: First[FirstT] = _NONE
) -> Callable[[Callable[[Any, RequestT], FoundT]], Unbound[FirstT, RequestT, P, FoundT]]:
    """Let a method of one request be called with the arguments of that request."""
    kind, most = cast(type[BaseModel], request), int(bool(first.name))

    def decorate(method: Callable[[Any, RequestT], FoundT]) -> Any:
        @wraps(method)
        def call(self: Any, *given: Any, **wishes: Any) -> Any:
            plain = list(given)
            if plain and isinstance(plain[0], BaseModel):
                if len(plain) > 1 or wishes or type(plain[0]) is not kind:
                    said = f"takes a {kind.__name__}, or the arguments of one"
                    raise TypeError(f"{method.__name__}() {said}")
                return method(self, cast(Any, plain[0]))
            if len(plain) > most or (plain and first.name in wishes):
                said = f"{first.name} alone" if first.name else "none"
                raise TypeError(f"{method.__name__}(): of its arguments, {said} needs no name")
            if plain:
                wishes[first.name] = plain[0]
            return method(self, cast(Any, kind(**wishes)))

        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        listed = [_parameter(name, field) for name, field in kind.model_fields.items()]
        listed.sort(key=lambda one: one.name != first.name)
        if first.name:
            listed[0] = listed[0].replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD)
        returns = inspect.signature(method).return_annotation
        told = cast(Any, call)
        told.__signature__ = inspect.Signature([own, *listed], return_annotation=returns)
        told.__doc__ = f"{inspect.cleandoc(method.__doc__ or '')}\n\nArgs:\n{described(kind)}"
        del told.__wrapped__
        return call

    return decorate


def _parameter(name: str, field: Any) -> inspect.Parameter:
    """A field as an argument that needs its name."""
    default = inspect.Parameter.empty if field.is_required() else field.default
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=default, annotation=field.annotation)


def described(request: type[BaseModel]) -> str:
    """One line for each argument of a request."""
    return "\n".join(
        f"    {name}: {' '.join((field.description or '').split())}"
        for name, field in request.model_fields.items()
    )

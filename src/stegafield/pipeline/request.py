"""What users ask of the engine: every argument of `hide`, `capacity` and `sample`, once.

Python, the command line and batches all make a request; unknown and contradictory wishes surface
while it is made. Options of the command line, their help and docs/cli.md come from these fields.
This module loads neither NumPy nor any part of the engine.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from numbers import Integral, Real
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SkipValidation,
    ValidationError,
    model_validator,
)

from ..errors import ConfigError

if TYPE_CHECKING:
    from numpy.random import Generator

    from ..message.key import Key
else:  # their modules are loaded when a request has one
    Generator = Key = Any

PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "paper": {
        "extractor": "cnn",
        "method": "optimize",
        "optimizer": "paper",
        "set": {
            "effort.loss": "bce-normal",
            "effort.finish": False,
            "effort.least_psnr": 20,
            "effort.doubtful": True,
        },
    },
}
"""Named sets of arguments; what the caller gives wins."""


def _number(value: Any, info: Any) -> float | None:
    if value is None or (isinstance(value, Real) and not isinstance(value, bool)):
        return None if value is None else float(value)
    raise ConfigError(str(info.field_name), f"{value!r} is not a number.")


def _risk(value: Any, info: Any) -> float | None:
    real = isinstance(value, Real) and not isinstance(value, bool)
    if value is not None and not (real and 0 <= float(value) <= 0.5):
        hint = "0.5 is a warden who guesses, 0 one who is always right."
        raise ConfigError(str(info.field_name), f"{value!r} is not a P_E from 0 to 0.5.", hint)
    return None if value is None else float(value)


def _message(value: Any, info: Any) -> bytes:
    if isinstance(value, str):
        return _encoded(str(info.field_name), value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise ConfigError(str(info.field_name), f"is a {type(value).__name__}.", "Give bytes or text.")


def _name(value: Any, info: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise ConfigError(str(info.field_name), f"is a {type(value).__name__}.", "Give text.")
    if value is not None and len(_encoded(str(info.field_name), value)) > 255:
        raise ConfigError(str(info.field_name), "is longer than 255 bytes.")
    return value


def _whole(value: Any, info: Any) -> int | None:
    if value is not None and not (isinstance(value, Integral) and not isinstance(value, bool)):
        raise ConfigError(str(info.field_name), f"{value!r} is not a whole number.")
    if value is not None and value < 0:
        raise ConfigError(str(info.field_name), f"{value} is negative.")
    return None if value is None else int(value)


def _generator(value: Any, info: Any) -> Any:
    from numpy.random import Generator

    if value is not None and not isinstance(value, Generator):
        hint = "Use numpy.random.default_rng(...)."
        raise ConfigError(str(info.field_name), f"is a {type(value).__name__}.", hint)
    return value


def _key(value: Any) -> Any:
    from ..message.key import Key

    if value is not None and not isinstance(value, Key):
        hint = "Use Key.load(path), Key.parse(text) or Key.passphrase(text)."
        raise ConfigError("key", f"is a {type(value).__name__}, not a Key.", hint)
    return value


def _encoded(what: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ConfigError(what, "is not UTF-8 text.") from None


Number = Annotated[float | None, BeforeValidator(_number)]
Whole = Annotated[int | None, BeforeValidator(_whole)]


class CoverRequest(BaseModel):
    """Which covers: what `sample` and everything else needs to know of them."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        defer_build=True,  # most are never used in a process
    )

    carrier: str | None = Field(
        default=None,
        description="The medium; that of the cover, if not given. `stegafield carriers` lists all.",
    )
    cover: Any = Field(
        default=None,
        repr=False,
        description="Your own cover: path, bytes, file object, array; or a `Cover` drawn before.",
    )
    size: tuple[int, int] | None = Field(
        default=None,
        description="Height and width of a generated cover, or of your own once it is resampled.",
    )
    format: str | None = Field(
        default=None,
        description='File format to write, for carriers with several: "webp", "flac", ...',
    )
    as_function: bool = Field(
        default=False,
        description="Fit a function to the cover; use noisy samples of it: such a cover has a law.",
    )
    set: Mapping[str, Any] = Field(
        default={},
        description='Further options by name, as in {"carrier.variable": "t2m"}.',
    )

    if not TYPE_CHECKING:  # the signature is that of the fields

        def __init__(self, **wishes: Any) -> None:
            """Validate; `ConfigError` names the argument, `TypeError` those that do not exist."""
            try:
                super().__init__(**wishes)
                return
            except ValidationError as error:
                told = _told(error, type(self))
            told.__cause__ = told.__context__ = None  # they hold what was given: a message, say
            raise told

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, wishes: Any) -> Any:
        """Fills in a preset; None is as good as not given, but for the message."""
        if not isinstance(wishes, dict):
            return wishes
        given: dict[str, Any] = {
            n: value for n, value in wishes.items() if value is not None or n == "message"
        }
        preset = given.get("preset", "default")
        if "preset" not in cls.model_fields:
            return given
        if not isinstance(preset, str) or preset not in PRESETS:
            known = ", ".join(sorted(PRESETS))
            raise ConfigError("preset", f"{preset!r} is unknown.", f"Known: {known}.")
        if not isinstance(given.get("set", {}), Mapping):
            raise ConfigError("set", f"is a {type(given['set']).__name__}.", "Give a dictionary.")
        named = dict(PRESETS[preset])
        settings: dict[str, Any] = {**named.pop("set", {}), **given.get("set", {})}
        if "effort.method" in settings:
            named.pop("method", None)
        return named | given | {"set": settings}


class SampleRequest(CoverRequest):
    """What `sample` draws."""

    count: Annotated[int, BeforeValidator(_whole)] = Field(
        default=1, description="How many covers."
    )
    seed: Whole = Field(
        default=None,
        description="Number k is the noise-free cover that `hide` draws with seed + k; for tests.",
    )


class CapacityRequest(CoverRequest):
    """How bits get into a cover: what `capacity` needs to know."""

    bpp: Number = Field(default=None, description="Bits per pixel.")
    bps: Number = Field(
        default=None,
        description="Bits per element; without a rate, the lowest rung that does.",
    )
    extractor: str | None = Field(
        default=None, description="What reads the bits; phase if not given."
    )
    method: str | None = Field(
        default=None,
        description="How bits get in: sample, project, optimize; the first possible if not given.",
    )
    optimizer: str | None = Field(default=None, description="The solver, for the method optimize.")
    preset: str = Field(
        default="default", description="A named set of arguments; what you give yourself wins."
    )
    max_risk: Annotated[float | None, BeforeValidator(_risk)] = Field(
        default=None,
        description="Refuse where detectors are expected to err less (P_E), or none was measured.",
    )

    @model_validator(mode="after")
    def _one_rate(self) -> "CapacityRequest":
        if self.bpp is not None and self.bps is not None:
            problem = f"{self.bpp} and bps {self.bps} exclude each other."
            raise ConfigError("bpp", problem, "Give one of them.")
        return self

    @property
    def rate(self) -> tuple[str, float] | None:
        """("bpp" or "bps", number); None for the lowest rung that carries the message."""
        if self.bpp is not None:
            return "bpp", self.bpp
        return None if self.bps is None else ("bps", self.bps)


class Request(CapacityRequest):
    """What `hide` does, whole."""

    message: Annotated[bytes | str, BeforeValidator(_message)] = Field(
        default=b"",
        repr=False,
        description="Any bytes; text becomes UTF-8. An empty message is a mark of presence.",
    )
    key: Annotated[Key | None, BeforeValidator(_key)] = Field(
        default=None,
        repr=False,
        description="Anyone who has it can reveal; without one a fresh one is made: `stego.key`.",
    )
    name: Annotated[str | None, BeforeValidator(_name)] = Field(
        default=None, repr=False, description="Original file name, to be hidden with the message."
    )
    note: str | None = Field(default=None, description="Your own remark, for the report.")
    strip_metadata: bool = Field(
        default=False,
        description="Drop EXIF data, GPS, XMP, text and tags of your own cover; all stay else.",
    )
    seed: Whole = Field(
        default=None,
        description="Repeats a generated cover but for its noise; for tests.",
    )
    rng: Annotated[Generator | None, BeforeValidator(_generator)] = Field(
        default=None,
        repr=False,
        description="Replaces all randomness but the noise of plain covers; for tests, as a "
        "repeated salt betrays the message.",
    )

    @model_validator(mode="after")
    def _repeatable(self) -> "Request":
        if self.seed is not None and self.cover is not None:
            raise ConfigError("seed", "repeats generated covers; it does nothing to your own.")
        return self


class BatchRequest(Request):
    """What `hide_many` does: one request for each message."""

    messages: Annotated[Iterable[bytes | str], SkipValidation] = Field(
        default=(), repr=False, description="One for each file."
    )
    covers: Any = Field(
        default=None,
        repr=False,
        description="A cover for each message, where the carrier takes them.",
    )

    @model_validator(mode="after")
    def _many(self) -> "BatchRequest":
        if "messages" not in self.model_fields_set:
            raise ConfigError("messages", "are missing.", "Give a list of them.")
        if isinstance(self.messages, str | bytes):
            raise ConfigError("messages", "is one message.", "Give a list of them.")
        for name, given in (("messages", self.messages), ("covers", self.covers)):
            if given is not None and not isinstance(given, Iterable):
                raise ConfigError(name, f"is a {type(given).__name__}.", "Give a list.")
        if "message" in self.model_fields_set:
            raise ConfigError("message", "is one of `hide`.", "Put it into messages.")
        if self.cover is not None and self.covers is not None:
            raise ConfigError("cover", "and covers exclude each other.", "Give one of them.")
        return self

    def single(self) -> "Iterator[Request]":
        """One request for each message, as `hide` takes it: all with one key, seeds counted up."""
        from ..message.key import Key

        messages = list(self.messages)
        covers = [self.cover] * len(messages) if self.covers is None else list(self.covers)
        if len(covers) != len(messages):
            problem = f"{len(covers)} covers were given for {len(messages)} messages."
            raise ConfigError("covers", problem)
        shared = {name: getattr(self, name) for name in Request.model_fields if name != "preset"}
        shared["key"] = self.key or Key.generate()
        return (
            Request(
                **{
                    **shared,
                    "message": message,
                    "cover": cover,
                    "seed": None if self.seed is None else self.seed + number,
                }
            )
            for number, (message, cover) in enumerate(zip(messages, covers, strict=True))
        )


RequestT = TypeVar("RequestT", bound=CoverRequest)


def _told(error: ValidationError, model: type[BaseModel]) -> Exception:
    """The error of the first wish that cannot be met, in our words."""
    from ..core.wrong import problem

    first = error.errors()[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError):
        return cause
    name = str(first["loc"][0]) if first["loc"] else "request"
    if first["type"] == "extra_forbidden":
        close = get_close_matches(name, model.model_fields, n=1)
        meant = f"; did you mean {close[0]}?" if close else "."
        known = ", ".join(model.model_fields)
        return TypeError(f"unexpected argument: {name}{meant} Known: {known}")
    if first["type"] == "missing":
        return TypeError(f"missing argument: {name}")
    return ConfigError(name, problem(dict(first)))

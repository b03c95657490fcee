"""A zoo of plugin classes that are broken in the class itself: discovery has to name each.

{case: (kind, class, what the error has to say)}. `sound` has one of each kind that is in order.
"""

from enum import Enum
from typing import Any, ClassVar, Literal

import numpy as np

from stegafield.core import (
    Carrier,
    Channel,
    Cover,
    Detector,
    Extractor,
    GridSpec,
    Optimizer,
    Options,
    TrainedDetector,
)
from stegafield.errors import FormatError

MAGIC = b"broken zoo\n"


class GoodChannel(Channel):
    """Bytes are codes."""

    name: ClassVar[str] = "zoo"
    suffixes: ClassVar[tuple[str, ...]] = (".zoo",)

    def read(self, data):
        """One cover."""
        if not data.startswith(MAGIC):
            raise FormatError("not of the zoo", ".zoo")
        codes = np.frombuffer(data[len(MAGIC) :], np.uint8).astype(np.int32)[None]
        yield Cover(codes, 0, 255, np.ones(codes.shape, bool), GridSpec(("t",), (False,), "line"))

    def write(self, cover, codes):
        """The bytes."""
        return MAGIC + codes.astype(np.uint8).tobytes()


class GoodCarrier(Carrier):
    """Random bytes."""

    name: ClassVar[str] = "zoo"
    channel: ClassVar = GoodChannel

    class Options(Options):
        """One option."""

        size: int = 3000

    def covers(self, count, rng):
        """Fresh ones."""
        return [self._one(rng) for _ in range(count)]

    def _one(self, rng):
        codes = rng.integers(0, 256, (1, self.options.size)).astype(np.int32)
        return Cover(codes, 0, 255, np.ones(codes.shape, bool), GridSpec(("t",), (False,), "line"))


class GoodExtractor(Extractor):
    """Least bits, in a keyed order."""

    name: ClassVar[str] = "zoo"
    exact: ClassVar[bool] = True

    class Options(Options):
        """What both sides agree on."""

        turned: bool = False
        taps: Literal[1, 2] = 1

    def read(self, codes, free, spec):
        """The least bits of free codes."""
        return (codes[free] & 1).astype(np.uint8)


class GoodOptimizer(Optimizer):
    """Gives up."""

    name: ClassVar[str] = "zoo"

    def solve(self, objective, box):
        """Nothing."""


class GoodDetector(Detector):
    """The mean."""

    name: ClassVar[str] = "zoo"
    kinds: ClassVar[tuple[str, ...]] = ("line",)

    def score(self, codes):
        """It."""
        return float(codes.mean())


sound = {
    "carrier": GoodCarrier,
    "channel": GoodChannel,
    "extractor": GoodExtractor,
    "optimizer": GoodOptimizer,
    "detector": GoodDetector,
}


def _of(base, **members):
    return type("Broken", (base,), {"__module__": __name__, **members})


def _without(base, *names, **members):
    """A class like `base`, built on its contract, that lacks some members."""
    kept = {n: v for n, v in vars(base).items() if n not in (*names, "__dict__", "__weakref__")}
    kept.pop("_abc_impl", None)
    return type("Broken", base.__bases__, {**kept, "__module__": __name__, **members})


def _options(**fields):
    notes = {name: kind for name, (kind, *_) in fields.items()}
    values = {name: rest[0] for name, (_, *rest) in fields.items() if rest}
    given: dict[str, Any] = {"__module__": __name__, "__annotations__": notes, **values}
    return type("Options", (Options,), given)


class _Plain:
    """Options that derive from nothing."""

    size: int = 3


class _Colour(Enum):
    RED = "red"


async def _later(self, *args):
    """Never awaited."""


class _Raises(type(Carrier)):
    """A class that cannot be looked at."""

    @property
    def rate_unit(cls):
        """Never."""
        raise RuntimeError("no unit here")


carrier, channel, extractor = GoodCarrier, GoodChannel, GoodExtractor
CLASSES: dict[str, tuple[str, Any, str]] = {
    "an object": ("carrier", GoodCarrier(), "not a subclass of stegafield.core.Carrier"),
    "of another kind": ("carrier", GoodChannel, "not a subclass"),
    "no name": ("channel", _without(channel, "name"), "name is None"),
    "upper case": ("channel", _of(channel, name="Zoo"), "name is 'Zoo'"),
    "name of a property": ("detector", _of(GoodDetector, name=property(len)), "name is"),
    "version 0": ("carrier", _of(carrier, api_version=0), "version 0.*newer release of someone"),
    "version 2": ("carrier", _of(carrier, api_version=2), "Update stegafield"),
    "version True": ("carrier", _of(carrier, api_version=True), "version True"),
    "no channel": ("carrier", _without(carrier, "channel"), "channel is missing"),
    "channel None": ("carrier", _of(carrier, channel=None), "channel is missing"),
    "channel by name": ("carrier", _of(carrier, channel="zoo"), "channel is 'zoo'"),
    "channel as object": ("carrier", _of(carrier, channel=GoodChannel()), "channel is <"),
    "half a channel": (
        "carrier",
        _of(carrier, channel=_without(channel, "write")),
        "channel Broken does not define write",
    ),
    "its channel's suffixes": (
        "carrier",
        _of(carrier, channel=_of(channel, suffixes=".x")),
        "suffixes is '.x'",
    ),
    "no covers": ("carrier", _without(carrier, "covers"), r"neither covers\(\) nor open\(\)"),
    "channels as one": ("carrier", _of(carrier, channels=GoodChannel), "channels is <class"),
    "channels by name": ("carrier", _of(carrier, channels=("zoo",)), "channel is 'zoo'"),
    "channels without format": ("carrier", _of(carrier, channels=(channel,)), "field `format`"),
    "channels of one name": ("carrier", _of(carrier, channels=(channel, channel)), "two of one"),
    "channels of others": (
        "carrier",
        _of(carrier, channels=(_of(channel, name="other"),)),
        "does not hold its channel",
    ),
    "unit": ("carrier", _of(carrier, rate_unit="bits"), "rate_unit is 'bits'"),
    "options None": ("carrier", _of(carrier, Options=None), "Options is None"),
    "options plain": ("carrier", _of(carrier, Options=_Plain), "stegafield.core.Options"),
    "options dict": ("carrier", _of(carrier, Options={"size": 3}), "stegafield.core.Options"),
    "options object": ("optimizer", _of(GoodOptimizer, Options=Options()), "Options is"),
    "options without default": ("carrier", _of(carrier, Options=_options(n=(int,))), "default"),
    "options of another default": (
        "carrier",
        _of(carrier, Options=_options(n=(int, "many"))),
        "Options.n has the default 'many'",
    ),
    "options of an optimizer": (
        "optimizer",
        _of(GoodOptimizer, Options=_options(n=(int, None))),
        "Options.n has the default None",
    ),
    "int option": ("extractor", _of(extractor, Options=_options(n=(int, 3))), "Options.n is int"),
    "text option": (
        "extractor",
        _of(extractor, Options=_options(n=(str, "a"))),
        "Options.n is str",
    ),
    "enum option": (
        "extractor",
        _of(extractor, Options=_options(n=(_Colour, _Colour.RED))),
        "Options.n is _Colour",
    ),
    "optional option": (
        "extractor",
        _of(extractor, Options=_options(n=(Literal["a"] | None, None))),
        "Options.n is",
    ),
    "too many options": (
        "extractor",
        _of(extractor, Options=_options(**{f"b{i}": (bool, False) for i in range(13)})),
        "more than 4096",
    ),
    "extractor options None": ("extractor", _of(extractor, Options=None), "Options is None"),
    "exact of text": ("extractor", _of(extractor, exact="yes"), "exact is 'yes'"),
    "losses as text": ("extractor", _of(extractor, losses="soft"), "losses is 'soft'"),
    "no suffixes": ("channel", _without(channel, "suffixes"), "suffixes is None"),
    "empty suffixes": ("channel", _of(channel, suffixes=()), r"suffixes is \(\)"),
    "suffixes as text": ("channel", _of(channel, suffixes=".x"), "suffixes is '.x'"),
    "suffixes without dot": ("channel", _of(channel, suffixes=("zoo",)), "suffixes is"),
    "suffixes in capitals": ("channel", _of(channel, suffixes=(".ZOO",)), "suffixes is"),
    "suffixes of numbers": ("channel", _of(channel, suffixes=(1,)), "suffixes is"),
    "read without data": (
        "channel",
        _of(channel, read=lambda self: None),
        r"as read\(self, data\)",
    ),
    "async read": ("channel", _of(channel, read=_later), r"read\(\) is async"),
    "write with more": (
        "channel",
        _of(channel, write=lambda self, cover, codes, level: b""),
        r"write\(self, cover, codes\)",
    ),
    "read as data": ("channel", _of(channel, read=b"abc"), "read is b'abc', not a method"),
    "a channel that wants an argument": (
        "channel",
        _of(channel, __init__=lambda self, path: None),
        r"__init__\(\)",
    ),
    "covers of one": ("carrier", _of(carrier, covers=lambda self, rng: []), r"covers\(self, count"),
    "open of nothing": ("carrier", _of(carrier, open=lambda self: None), r"open\(self, source\)"),
    "async covers": ("carrier", _of(carrier, covers=_later), "async"),
    "a carrier without options": (
        "carrier",
        _of(carrier, __init__=lambda self: None),
        r"__init__\(self, options\)",
    ),
    "extractor without seed": (
        "extractor",
        _of(extractor, __init__=lambda self, options, rung: None),
        "seed",
    ),
    "offers of an object": (
        "extractor",
        _of(extractor, offers=lambda self, cover: None),
        r"offers\(\) is not marked with @classmethod",
    ),
    "kinds as text": ("detector", _of(GoodDetector, kinds="plane"), "kinds is 'plane'"),
    "kinds of numbers": ("detector", _of(GoodDetector, kinds=(1,)), "kinds is"),
    "judges of an object": (
        "detector",
        _of(GoodDetector, judges=lambda self, spec: True),
        "classmethod",
    ),
    "threshold as text": ("detector", _of(GoodDetector, threshold="0.5"), "threshold is '0.5'"),
    "threshold nan": ("detector", _of(GoodDetector, threshold=float("nan")), "threshold is nan"),
    "half a trained one": (
        "detector",
        type("Broken", (TrainedDetector,), {"name": "half", "__module__": __name__}),
        "does not define features, judge",
    ),
    "batched as text": ("optimizer", _of(GoodOptimizer, batched="no"), "batched is 'no'"),
    "solve of one": (
        "optimizer",
        _of(GoodOptimizer, solve=lambda self, objective: None),
        r"solve\(self, objective, box\)",
    ),
    "cannot be looked at": (
        "carrier",
        _Raises("Broken", (GoodCarrier,), {"__module__": __name__}),
        "cannot be looked at: RuntimeError: no unit here",
    ),
}

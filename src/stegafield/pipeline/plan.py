"""A request with its parts built: nothing is touched yet."""

from dataclasses import dataclass
from typing import Any

from numpy.random import Generator

from ..core import lattice, options
from ..core.artefact import size_of
from ..core.blame import entering, expect
from ..core.carrier import Carrier, formats, writes
from ..core.channel import worth
from ..core.cover import Cover, sound
from ..core.extractor import Extractor
from ..core.optimizer import Optimizer
from ..core.rung import Rung
from ..errors import ConfigError
from ..message.correction import CORRECTIONS
from ..message.key import FileKey
from ..regions.header import Profile
from ..regions.payload import extractor_seed
from . import calls
from .effort import Effort
from .request import CoverRequest


@dataclass(frozen=True)
class Plan:
    """A request, and the parts that will meet it."""

    request: CoverRequest
    carrier: Carrier
    extractor: type[Extractor]
    extractor_options: Any
    effort: Effort
    optimizer: Optimizer | None
    rate: tuple[str, float] | None = None
    """The requested rate: ("bpp" or "bps", number), or None for the lowest that does."""
    max_risk: float | None = None
    """The least P_E that detectors may be expected to have."""

    def build(self, key: FileKey, rung: Rung) -> Extractor:
        """The extractor of one file."""
        seed = extractor_seed(key, self.tag)
        return calls.build(self.extractor, self.extractor_options, seed, rung)

    @property
    def tag(self) -> bytes:
        """What a header calls this extractor."""
        return options.tag(self.extractor.name, self.extractor_options)

    def profile(self, rung: Rung) -> Profile:
        """The profile of a rung: exact readers need no error correction."""
        return Profile(rung, CORRECTIONS[0 if self.extractor.exact else 1])

    def open(self, source: Any) -> Cover:
        """The user's own cover, or one that the carrier drew before, on the lattice in use."""
        if not isinstance(source, Cover):
            with entering(self.carrier, source):
                cover = sound(expect("open()", self.carrier.open(source), Cover))
            if getattr(self.carrier.options, "size", None) is None and cover.law is None:
                worth(cover.codes.size, size_of(source))
            return lattice.used(cover)
        if self.request.as_function:
            problem = "fits a function to a file or an array, not to a Cover."
            raise ConfigError("as_function", problem)
        if source.container is None and source.channel in (
            "",
            *(one.name for one in formats(self.carrier)),
        ):
            problem = "is a Cover without a container: there is no file that a stego could keep."
            raise ConfigError("cover", problem, "Give one that a carrier opened or drew.")
        if not writes(self.carrier, source):
            raise ConfigError("cover", f"is a Cover of another medium than {self.carrier.name!r}.")
        return lattice.used(source)

    def draw(self, rng: Generator) -> Cover:
        """A fresh cover."""
        with entering(self.carrier, rng):
            (found,) = expect("covers()", self.carrier.covers(1, rng), (list, tuple))
            return sound(expect("covers()", found, Cover))

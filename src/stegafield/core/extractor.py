"""The contract of an extractor: a keyed, fixed network that reads bits from codes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from . import options
from .cover import Cover, GridSpec
from .noise import Source
from .optimizer import Objective
from .rung import Rung


class Drawn(NamedTuple):
    """Codes drawn from a law, given symbols."""

    codes: Int[ndarray, "..."]
    nats: float
    """KL(stego || plain) of these windows, for uniform symbols: of this file, truncation and
    rounding included."""


class Extractor(ABC):
    """Reads bits. `read` is the only method it must have, and the only one that reveal calls.

    It gets a 32-byte seed that is derived for it and for one file; never the master key. Override
    any of `project`, `draw` and `objective` that it is capable of: the engine uses the first that
    fits the cover and the method asked.
    """

    name: ClassVar[str]
    api_version: ClassVar[int] = 1
    """The version of this contract that the class was written for (`core.registry`)."""
    exact: ClassVar[bool] = False
    """True where `read` is exact integer arithmetic; otherwise the engine adds error correction."""

    narrow: ClassVar[bool] = False
    """True where it takes codes that may fill their type, and minds overflow; else it gets them
    wide enough."""

    Options: ClassVar[type[options.Options]] = options.Options
    """What both sides must agree on: a nested subclass.

    Headers can name `bool` and `Literal` fields only.
    """

    losses: ClassVar[tuple[str, ...]] = ()
    """Where `objective` takes a third argument, the names of the losses that the sender may choose
    from."""

    def __init__(self, options: Any, *, seed: bytes, rung: Rung) -> None:
        self.options: Any = options
        self.seed, self.rung = seed, rung

    @classmethod
    def offers(cls, cover: Cover) -> Sequence[Rung] | None:
        """The rungs that the sender may choose from for a cover, lowest rate first.

        None leaves the choice to the engine: the block form of the ladder.
        """
        return None

    @classmethod
    def offers_drawn(cls, cover: Cover) -> Sequence[Rung] | None:
        """The same where codes are drawn: rungs whose KL bound holds for the cover's law and size.

        None leaves the choice to the engine: those of the ladder that are within the budget.
        """
        return None

    @classmethod
    def adapts(cls, rung: Rung) -> bool:
        """Whether `project` follows `cover.costs` at a rung; one that does not may ignore them."""
        return False

    @abstractmethod
    def read(
        self,
        codes: Int[ndarray, "channel *space"],
        free: Bool[ndarray, "channel *space"],
        spec: GridSpec,
    ) -> UInt8[ndarray, " bit"]:
        """The bits (0 or 1) that these codes carry.

        How many depends on `free` and `spec` alone, never on codes.
        """

    def count(self, cover: Cover) -> int:
        """How many bits `read` returns for a cover."""
        return self.read(cover.codes, cover.free, cover.spec).size

    def bears(self, cover: Cover) -> bool:
        """Whether a cover carries whatever bits at this rung, nearly always.

        Where it does not, the engine offers a lower rung, or tells that the message is too large.
        A function of what hiding knows before it has a salt: only the payload's elements of a
        typical file are free.
        """
        return True

    def project(
        self, cover: Cover, bits: UInt8[ndarray, " bit"], rng: Generator
    ) -> Int[ndarray, "channel *space"]:
        """The nearest codes that read `bits`, or the cheapest where the cover has costs; ties are
        broken with `rng`."""
        raise NotImplementedError

    def draw(self, cover: Cover, bits: UInt8[ndarray, " bit"], source: Source) -> Drawn:
        """Codes drawn from the law of the cover given that they read `bits`, and what that costs in
        nats.

        Every free element is drawn, with bytes of `source`; the others keep their codes.
        """
        raise NotImplementedError

    def objective(self, cover: Cover, bits: UInt8[ndarray, " bit"]) -> Objective:
        """The loss of a change of the codes, differentiable; torch lives behind this method.

        It may have a method `errors`: how many bits a change (NumPy or torch) leaves wrong, per
        item.
        """
        raise NotImplementedError

    def finish(
        self,
        cover: Cover,
        codes: Int[ndarray, "channel *space"],
        bits: UInt8[ndarray, " bit"],
        low: Int[ndarray, "channel *space"],
        high: Int[ndarray, "channel *space"],
        rng: Generator,
    ) -> tuple[Int[ndarray, "channel *space"], int]:
        """Codes within [low, high] that read more of the bits than these rounded ones do;
        evaluations taken.

        Called after an optimizer, where rounding its change left bits wrong.
        """
        return codes, 0


class Positionwise(Extractor):
    """Reads D bits at every position whose channels are all free, output after output; D is rate
    times channels."""

    @abstractmethod
    def outputs(
        self, codes: Int[ndarray, "channel *space"], spec: GridSpec
    ) -> Bool[ndarray, "depth *space"]:
        """The bits of all positions, for a depth that is not 0."""

    def read(
        self,
        codes: Int[ndarray, "channel *space"],
        free: Bool[ndarray, "channel *space"],
        spec: GridSpec,
    ) -> UInt8[ndarray, " bit"]:
        """The bits at all positions whose channels are all free."""
        where = np.asarray(free.all(axis=0))
        if not depth(self.rung, len(codes)) or not where.any():
            return np.empty(0, np.uint8)
        return self.outputs(codes, spec)[:, where].astype(np.uint8).ravel()

    def count(self, cover: Cover) -> int:
        """D bits for each position whose channels are all free."""
        return depth(self.rung, len(cover.codes)) * int(np.count_nonzero(cover.free.all(axis=0)))


def supports(extractor: Extractor | type[Extractor], method: str) -> bool:
    """Whether an extractor has its own `project`, `draw` or `objective`."""
    owner = extractor if isinstance(extractor, type) else type(extractor)
    return getattr(owner, method) is not getattr(Extractor, method)


def suited(extractor: Extractor | type[Extractor], cover: Cover) -> Cover:
    """The cover with codes as the extractor takes them."""
    return cover if extractor.narrow else cover.widened()


def depth(rung: Rung, channels: int) -> int:
    """D: outputs per position of an extractor of stride one, rate times channels; 0 where that is
    not whole."""
    outputs, rest = divmod(rung.bits * channels, rung.elements)
    return 0 if rest else outputs

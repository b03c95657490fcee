"""A cover as the engine sees it: integer codes, which of them are free, and their geometry."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from .history import Past


@dataclass(frozen=True, slots=True)
class GridSpec:
    """The geometry of the space axes: what they are, and which of them wrap around."""

    axes: tuple[str, ...]
    """One name per space axis: "y", "x", "latitude", "longitude", "time", ..."""
    periodic: tuple[bool, ...]
    """True where the last element of the axis neighbours the first (longitude on the whole globe).
    """
    kind: str = "plane"
    """"plane" (pictures), "sphere" (weather), "line" (sound, tides)."""


@dataclass(frozen=True, slots=True)
class Law:
    """The law of a generated cover: codes are round(value + sigma * normal noise), free elements
    independently.

    The noise comes from the system (`core.noise`), in plain covers too. `value` keeps 5 sigma from
    both ends of the range of free elements, so that hardly any code is cut off there.
    """

    value: Float[ndarray, "channel *space"]
    """The noise-free function, in codes."""
    sigma: float
    """Standard deviation of the noise, in codes: a constant of the carrier."""


class Costs(NamedTuple):
    """What one step down and one step up cost at each element; infinity: that step must not be
    taken.

    Only ratios count. Two steps cost 16 times as much as one, three 81 times.
    """

    down: Float[ndarray, "..."]
    up: Float[ndarray, "..."]

    @classmethod
    def alike(cls, price: Float[ndarray, "..."]) -> "Costs":
        """The same price both ways."""
        return cls(price, price)


@dataclass(frozen=True, slots=True)
class Lattice:
    """The lattice that codes of a cover count steps of: see `core.lattice`."""

    step: int
    offset: int
    plain: "Cover"
    """The cover as its channel read it."""


@dataclass(frozen=True, slots=True)
class Cover:
    """One item, as a file would hold it. "Storage order" is the C order of `codes`."""

    codes: Int[ndarray, "channel *space"]
    """The integers that the file stores, 1 is the least step: int32, int64 where the file needs it,
    or int16.

    They may fill their type: widen before adding to them (`widened`).
    """
    low: int | Int[ndarray, "channel *space"]
    """The least value a code may take: a number, or one for each element (never step onto a fill
    value)."""
    high: int | Int[ndarray, "channel *space"]
    """The greatest value a code may take."""
    free: Bool[ndarray, "channel *space"]
    """Which codes may change: a function of what embedding never changes (alpha, fill mask,
    coordinates)."""
    spec: GridSpec
    container: object = None
    """What the channel needs to write the file again; untouched by everybody else."""
    channel: str = ""
    """Name of the channel that the container belongs to; "" where its carrier writes only one
    format."""
    law: Law | None = None
    """For generated covers only."""
    costs: Costs | None = None
    """What changes cost, where embedding is to be adaptive: of the sender alone, from
    `Carrier.costs`."""
    weight: Float[ndarray, "channel *space"] | None = None
    """Share of the domain that an element stands for (cosine of latitude), for metrics and costs.
    """
    step: float = 1.0
    """Physical size of one code."""
    unit: str = "levels"
    """Physical unit of `step`: "K", "m", or levels of grey."""
    peak: float | None = None
    """Full scale in codes, for PSNR (255 for 8 bits); None where the medium has none."""
    lattice: Lattice | None = None
    """Of a cover whose content takes every n-th code only; set by the engine, never by a channel.
    """
    notes: tuple[str, ...] = ()
    """What the carrier had to do to the user's cover (palette converted to RGB, say): goes into the
    report."""
    past: tuple[Past, ...] = ()
    """What the carrier knows from the cover's file: that it was decoded from a JPEG, say."""

    def with_codes(self, codes: Int[ndarray, "channel *space"]) -> "Cover":
        """The same cover with other codes."""
        return replace(self, codes=codes)

    def with_free(self, free: Bool[ndarray, "channel *space"]) -> "Cover":
        """The same cover with other free elements."""
        return replace(self, free=free)

    def widened(self) -> "Cover":
        """The same cover with codes so wide (int32, int64) that no difference overflows."""
        span = int(np.max(self.high)) - int(np.min(self.low))
        wide = np.promote_types(self.codes.dtype, np.int32 if span < 1 << 31 else np.int64)
        return self.with_codes(self.codes.astype(wide, copy=False))

    def take(self, bound: "int | ndarray", index: ndarray) -> "int | ndarray":
        """`low` or `high` at flat positions: the number itself, or the array's values there."""
        return bound.ravel()[index] if isinstance(bound, np.ndarray) else bound


def sound(cover: Cover) -> Cover:
    """The cover, whose parts fit each other; `TypeError` says what does not, whatever is in them.

    What would take a look at every element is left to `stegafield.testing.check_cover`.
    """
    shape = np.shape(cover.codes)
    parts: dict[str, tuple[Any, str]] = {"codes": (cover.codes, "iu"), "free": (cover.free, "b")}
    for name, bound in (("low", cover.low), ("high", cover.high)):
        if np.ndim(bound):
            parts[name] = bound, "iu"
    if cover.weight is not None:
        parts["weight"] = cover.weight, "fiu"
    for name, (part, kinds) in parts.items():
        if not isinstance(part, ndarray) or part.dtype.kind not in kinds or part.shape != shape:
            told = f"{getattr(part, 'dtype', type(part).__name__)} {np.shape(part)}"
            raise TypeError(f"the cover's {name} are {told}, beside codes {shape}")
    if not len(cover.spec.axes) == len(cover.spec.periodic) == len(shape) - 1 > 0:
        raise TypeError(f"the cover's spec names axes {cover.spec.axes}, beside codes {shape}")
    if not isinstance(cover.notes, tuple):
        raise TypeError("the cover's notes are not a tuple of sentences")
    return cover


def depth(cover: Cover) -> int | None:
    """Bits of a code at full scale; None where the medium has none."""
    return None if cover.peak is None else int(cover.peak).bit_length()


def widened(codes: Int[ndarray, "*shape"]) -> Int[ndarray, "*shape"]:
    """Codes as int32 or int64, so that small steps cannot overflow; no copy where they are."""
    return codes.astype(np.promote_types(codes.dtype, np.int32), copy=False)

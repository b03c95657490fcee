"""What `hide` says it did, in numbers."""

import math

from jaxtyping import Int
from numpy import ndarray
from pydantic import BaseModel, ConfigDict, computed_field

from ..core import tiles
from ..core.cover import Cover
from ..core.history import Past
from ..core.rung import Rung
from ..metrics import fidelity
from .risk import Expectation, summed


class Report(BaseModel):
    """What was done, in numbers.

    Holds no key, no message, no path and nothing that is in the file.
    """

    model_config = ConfigDict(extra="forbid")

    carrier: str
    channel: str
    extractor: str
    method: str | None = None
    optimizer: str | None = None
    window_bits: int | None = None
    """k of the rung."""
    window_elements: int | None = None
    """n of the rung."""
    correction: str | None = None
    message_bytes: int
    capacity_bytes: int | None = None
    """Largest message at this rung."""
    most_bytes: int | None = None
    """Largest message in this cover at any rate that was allowed."""
    elements: int | None = None
    free_elements: int | None = None
    payload_bits: int | None = None
    bits_per_element: float | None = None
    """Payload bits / free elements."""
    bits_per_pixel: float | None = None
    """Payload bits / positions of the grid, where the medium has pixels."""
    bit_errors: int | None = None
    """Payload bits that the extractor read wrongly before the file was written.

    Where it reads exactly they are not counted then: 0, once the file's message was read back and
    authenticated.
    """
    unrounded_bit_errors: int | None = None
    """Payload bits that were wrong before an optimised change was rounded to codes: what the paper
    counts."""
    attempts: int = 0
    failures: list[str] = []
    evaluations: int = 0
    expected: list[Expectation] = []
    """What the measured detectors are expected to make of this file, the most dangerous first;
    empty: not measured."""
    history: list[Past] = []
    """What the user's own cover went through, as far as its file or its elements say."""
    kl_bound_nats: float | None = None
    """`sample` only: KL(stego || plain cover) of this file is at most this, even for a reader
    who knows f; see the threat model."""
    costs: bool | None = None
    """`project` only: whether changes were made where the carrier says that they cost least."""
    changed_share: float | None = None
    """Share of the samples that changed; None for `sample`, where stego and cover are two draws of
    one law."""
    rms_change: float | None = None
    """Root mean square change, area-weighted, in codes (least steps of the file)."""
    rms_change_physical: float | None = None
    unit: str | None = None
    psnr: float | None = None
    """dB, plain, on the decoded file; None where the medium has no full scale or nothing changed.
    """
    milliseconds_embed: float | None = None
    milliseconds_total: float | None = None
    notes: list[str] = []

    @computed_field
    @property
    def risk(self) -> str:
        """What is known of the risk, in one sentence: proven, measured or unknown, the default."""
        return summed(self.expected)

    def sizes(self, cover: Cover, rung: Rung, bits: int, *, pixels: bool) -> None:
        """Fill in how much is hidden in how much."""
        free, size = tiles.count(cover.free), cover.codes.size
        self.window_bits, self.window_elements = rung.bits, rung.elements
        self.elements, self.free_elements, self.payload_bits = size, free, bits
        self.bits_per_element = bits / free
        if pixels:
            self.bits_per_pixel = bits / (size // cover.codes.shape[0])
        self.unit, self.notes = cover.unit, list(cover.notes)

    def distortion(self, cover: Cover, codes: Int[ndarray, "channel *space"]) -> None:
        """Fill in how far a stego is from its cover."""
        self.changed_share, square = fidelity.change(cover.codes, codes, cover.weight)
        self.rms_change = math.sqrt(square)
        self.rms_change_physical = self.rms_change * cover.step
        if cover.peak is not None and self.changed_share:
            plain = square if cover.weight is None else fidelity.change(cover.codes, codes)[1]
            self.psnr = fidelity.decibels(cover.peak, math.sqrt(plain))

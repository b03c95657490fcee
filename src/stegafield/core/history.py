"""What a cover went through before it was a cover."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Past:
    """Something that happened to a cover, known from its file or found in its elements.

    It leaves values or patterns that a change can contradict, so figures for covers without it do
    not hold.
    """

    kind: str
    """One word for programs: "jpeg", "lossy", "gaps", "demosaiced", "resampled", "lowpass"."""
    told: str
    """What was found and what it gives away, as a sentence without a full stop."""
    advice: str = ""
    """What to do about it, as a sentence without a full stop."""
    measured: bool = False
    """Whether the shipped figures are of such covers."""

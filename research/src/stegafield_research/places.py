"""Where a checkout keeps what scripts read and write: rows in `research/data`, pages in `docs`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkout:
    """A checkout of the repository."""

    root: Path

    @classmethod
    def of(cls, script: str) -> "Checkout":
        """The checkout of a script in `research/scripts`, which gives its `__file__`."""
        return cls(Path(script).resolve().parents[2])

    @property
    def docs(self) -> Path:
        """The pages, with their images."""
        return self.root / "docs"

    @property
    def data(self) -> Path:
        """The rows that pages are made from."""
        return self.root / "research" / "data"

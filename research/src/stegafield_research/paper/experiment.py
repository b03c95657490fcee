"""The contract of an experiment: a small typed config.

It lists what has to be measured, and shows what came out.

suite -> experiments -> jobs -> journal (rows) -> experiments -> blocks -> Markdown, HTML
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from stegafield.core.carrier import Carrier, writer
from stegafield.core.cover import Cover
from stegafield.core.detector import Detector
from stegafield.pipeline.engine import Engine
from stegafield.pipeline.warden import visible

from ..engine import registry
from ..journal import Journal, Row, key
from . import covers
from .contestant import Contestant, contestants
from .covers import Subject
from .document import Block

PICTURES = "pictures"
"""Folder of a run with the stegos of contestants that optimise."""


def picture_of(row: Row, folder: Path) -> Path:
    """Where the picture that a row names lies: always in this folder.

    A row of a third party may name any path.
    """
    return folder / Path(row.get("picture", "")).name


@dataclass(frozen=True)
class Job:
    """One measurement: what it is of, which is its key, and how it is made."""

    inputs: Row
    run: Callable[[], Row]

    @property
    def key(self) -> str:
        """The same for two jobs that are one measurement."""
        return key(self.inputs)

    @property
    def told(self) -> str:
        """A few words for the progress bar."""
        names = ("what", "method", "cover", "bpp", "seed")
        return " ".join(str(self.inputs[name]) for name in names if name in self.inputs)


@dataclass(frozen=True)
class Lab:
    """What experiments work with."""

    engine: Engine
    out: Path
    """Folder of the run."""
    photos: Path | None = None
    """The user's photographs; those of scikit-image where there are none."""
    data: Path | None = None
    """Faces to train on; without them nothing is compared with real ones."""
    contestants: Sequence[Contestant] = field(default=())

    @classmethod
    def open(
        cls, device: str, out: Path, photos: Path | None = None, data: Path | None = None
    ) -> "Lab":
        """A lab with all contestants that are installed."""
        engine, found = contestants(registry(), device)
        return cls(engine, out, photos, data, found)

    @cached_property
    def carrier(self) -> Carrier:
        """What opens pictures."""
        return self.engine.plan(carrier="image").carrier

    @cached_property
    def detector(self) -> Detector:
        """StegExpose's fusion at its own threshold."""
        return self.engine.registry.get("detector", "stegexpose")()

    def subjects(self, faces: int, photographs: int, size: tuple[int, int]) -> list[Subject]:
        """This many faces and central parts of colour photographs, all of one size."""
        found = [covers.face(self.carrier, number, size) for number in range(faces)]
        sources = covers.spread(covers.photographs(self.photos), photographs)
        return found + covers.colours(
            covers.photograph(self.carrier, name, source, size) for name, source in sources
        )

    def embeddings(
        self,
        who: Contestant,
        subjects: Iterable[Subject],
        rates: Iterable[float],
        seed: int = 0,
    ) -> Iterator[Job]:
        """A job for each cover and each rate that a contestant has."""
        subjects = list(subjects)
        for bpp in filter(who.has, rates):
            yield from (self.embedding(who, subject, bpp, seed) for subject in subjects)

    def embedding(self, who: Contestant, subject: Subject, bpp: float, seed: int = 0) -> Job:
        """The job of one embedding; experiments that request the same share its row."""

        def run() -> Row:
            row, read = who.embed(subject, bpp, seed)
            kept = {"picture": self._keep(inputs, read)} if who.slow else {}
            return row | kept | {"stegexpose": self.detector.score(visible(read, read.codes))}

        asked = {"method": who.name, "role": who.role, "settings": who.settings(seed)}
        rate = {"bpp": bpp, "seed": seed}
        inputs = {"what": "embedding", **asked, **subject.inputs, **rate}
        return Job(inputs, run)

    def _keep(self, inputs: Row, read: Cover) -> str:
        """Save a stego that takes long to make; the name of its file."""
        name = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16] + ".png"
        (self.out / PICTURES).mkdir(exist_ok=True)
        (self.out / PICTURES / name).write_bytes(writer(self.carrier, read).write(read, read.codes))
        return name

    def clean(self, subject: Subject) -> Job:
        """The job of one look at a cover with nothing in it."""
        codes = visible(subject.cover, subject.cover.codes)
        return Job(
            {"what": "clean", **subject.inputs},
            lambda: {"stegexpose": self.detector.score(codes)},
        )


class Experiment(BaseModel, ABC):
    """One config, its jobs, and its part of the report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def jobs(self, lab: Lab) -> Iterator[Job]:
        """What has to be measured, cheapest first."""

    @abstractmethod
    def show(self, rows: Journal) -> Iterator[Block]:
        """Tables and figures, from rows alone."""

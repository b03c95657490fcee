"""The report of a run: report.md with figures beside it, and report.html with everything in it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel

from stegafield.pipeline.writing import write_file

from ..journal import Journal, Row
from ..measure.machine import machine, stated
from . import document
from .document import PROSE, Block, Heading, Points, Text
from .experiment import Job
from .published import UNKNOWN
from .suite import Suite

ROWS, SUITE, FIGURES = "rows.jsonl", "suite.json", "figures"
_TITLE = "The tables and figures of GINR-Stega, measured again"


def noted() -> Job:
    """The job that records what this session runs on."""
    return Job({"what": "machine", **machine()}, dict)


class Kept(BaseModel):
    """What a folder is a run of."""

    suite: Suite
    jobs: int
    """How many measurements the suite requests."""
    embeddings: dict[str, int] = {}
    """How many of them embed, for each method and rate."""


def blocks(kept: Kept, journal: Journal) -> Iterator[Block]:
    """The whole report, from the suite and its rows."""
    suite = kept.suite
    yield Heading(_TITLE, 1)
    yield Text(PROSE.paragraph("about"))
    machines = "; ".join(stated(row) for row in journal.rows("machine"))
    done = min(len(journal), kept.jobs)
    state = (
        "complete" if done == kept.jobs else "**not complete**: cells of what is missing are empty"
    )
    holes = {"jobs": f"{kept.jobs:,}", "done": f"{done:,}", "machines": machines or "nothing yet"}
    yield Text(PROSE.paragraph("state", name=suite.name, about=suite.about, state=state, **holes))
    if missing := _missing(kept, journal):
        yield Text(f"Embeddings that are missing: {'; '.join(missing)}.")
    yield Points(PROSE.points("reading", unknown=UNKNOWN.capitalize()))
    failed = [row for row in journal.rows("embedding") if "error" in row]
    for experiment in suite.experiments:
        yield from experiment.show(journal)
    if failed:
        yield Heading("What was refused")
        said = dict.fromkeys(
            f"{row['method']} at {row['bpp']:g} bpp: {row['error']}" for row in failed
        )
        yield Points(tuple(said))


def _embeddings(every: Iterable[Row]) -> Counter[str]:
    """How many of these embeddings are of each method and rate."""
    return Counter(f"{row['method']} at {row['bpp']:g} bpp" for row in every)


def _missing(kept: Kept, journal: Journal) -> list[str]:
    """The requested embeddings that are not there."""
    there = _embeddings(row for row in journal.rows("embedding") if "error" not in row)
    left = {name: count - there[name] for name, count in kept.embeddings.items()}
    return [f"{name}, {n} of {kept.embeddings[name]}" for name, n in left.items() if n > 0]


def write(journal: Journal, out: Path) -> list[Path]:
    """Draw the figures and write both forms into the folder of a run; their paths."""
    found = list(blocks(recalled(out), journal))
    (out / FIGURES).mkdir(exist_ok=True)
    drawn = document.pictures(found, out / FIGURES)
    written = [out / "report.md", out / "report.html"]
    texts = document.markdown(found, FIGURES), document.html(found, drawn)
    for path, text in zip(written, texts, strict=True):
        write_file(path, text.encode(), force=True)
    return written


def remember(suite: Suite, jobs: Sequence[Job], out: Path) -> None:
    """Record what a folder is a run of."""
    asked = _embeddings(job.inputs for job in jobs if job.inputs["what"] == "embedding")
    text = Kept(suite=suite, jobs=len(jobs), embeddings=asked).model_dump_json(indent=2) + "\n"
    write_file(out / SUITE, text.encode(), force=True)


def recalled(folder: Path) -> Kept:
    """What a folder is a run of."""
    return Kept.model_validate_json((folder / SUITE).read_bytes())

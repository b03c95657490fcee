"""The report of a run: report.md with figures beside it, and report.html with everything in it."""

import json
from collections.abc import Iterator
from pathlib import Path

from ...core.publish import write_file
from ..machine import machine, stated
from . import document
from .document import Block, Heading, Points, Text
from .experiment import Job
from .journal import Journal
from .published import UNKNOWN
from .suite import Suite

ROWS, SUITE, FIGURES = "rows.jsonl", "suite.json", "figures"
_TITLE = "The tables and figures of GINR-Stega, measured again"
_ABOUT = (
    "*Image Steganography Based on Generative Implicit Neural Representation* (arXiv 2406.01918), its tables and "
    "figures: the paper's number, its own procedure measured here, and ours, on the same covers, through files. "
    "This page was written by `stegafield paper`; nothing on it is typed by hand."
)
_READING = (
    "*Floats* and *file* are two counts: the paper counts wrong bits before the change is rounded to 8 bits; a "
    "receiver has the file. Unless it says *floats*, a number of ours was read back from a written file.",
    "Numbers in a cell are the median and, in brackets, least and greatest over the covers. No run was left out.",
    f"*{UNKNOWN.capitalize()}*: the paper may say it, but the number is not known to this project, and none was "
    "made up.",
    "`GINR-Stega` is the paper's procedure with its network as it is described (four 3x3 layers, ReLU, no "
    "normalisation): `--preset paper`. It names SteganoGAN's decoder as its model, which normalises its features, "
    "so the second reading, `GINR-Stega, normalised`, does that (`--set extractor.norm=batch`). Network and message "
    "are the same for both.",
    "`stegafield` is what `hide` does by default with a cover that is given: the extractor `phase`, the method "
    "`project`. Lines of other methods are there because they are installed.",
)


def noted() -> Job:
    """The job that writes down what this session runs on."""
    return Job({"what": "machine", **machine()}, dict)


def blocks(suite: Suite, journal: Journal) -> Iterator[Block]:
    """The whole report, from the suite and its rows."""
    yield Heading(_TITLE, 1)
    yield Text(_ABOUT)
    machines = "; ".join(stated(row) for row in journal.rows("machine"))
    yield Text(f"Suite `{suite.name}`: {suite.about}. Measured on: {machines or 'nothing yet'}.")
    yield Points(_READING)
    failed = [row for row in journal.rows("embedding") if "error" in row]
    for experiment in suite.experiments:
        yield from experiment.show(journal)
    if failed:
        yield Heading("What was refused")
        said = dict.fromkeys(
            f"{row['method']} at {row['bpp']:g} bpp: {row['error']}" for row in failed
        )
        yield Points(tuple(said))


def write(suite: Suite, journal: Journal, out: Path) -> list[Path]:
    """Draw the figures and write both forms into a folder; their paths."""
    found = list(blocks(suite, journal))
    (out / FIGURES).mkdir(exist_ok=True)
    drawn = document.pictures(found, out / FIGURES)
    written = [out / "report.md", out / "report.html"]
    texts = document.markdown(found, FIGURES), document.html(found, drawn)
    for path, text in zip(written, texts, strict=True):
        write_file(path, text.encode(), force=True)
    return written


def remember(suite: Suite, out: Path) -> None:
    """Write down which suite a folder is a run of."""
    text = json.dumps(suite.model_dump(mode="json"), indent=2) + "\n"
    write_file(out / SUITE, text.encode(), force=True)


def recalled(folder: Path) -> Suite:
    """The suite that a folder is a run of."""
    return Suite.model_validate_json((folder / SUITE).read_bytes())

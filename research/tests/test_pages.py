"""Pages made from rows are those of their rows, and the page of research is complete and runs."""

import importlib.metadata
import json
import re
from pathlib import Path

import pytest
import typer
from packaging.requirements import Requirement

from tests import examples

ROOT = Path(__file__).resolve().parents[2]
DOCS, DATA = ROOT / "docs", ROOT / "research" / "data"
ADDED = ("bench", "paper", "train-baseline")


def page_of(name):
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def _added():
    """(name, command) of every command that the distribution adds."""
    points = importlib.metadata.entry_points(group="stegafield.commands")
    found = {point.name: point for point in points if point.name in ADDED}
    for name in ADDED:
        yield from examples.commands(typer.main.get_command(found[name].load()), (name,))


@pytest.mark.slow
@pytest.mark.parametrize("page", ["baselines", "research"])
def test_examples_run(page, tmp_path):
    examples.run(page_of(page), tmp_path)


def test_every_command_and_option_has_its_place():
    sections = examples.sections(page_of("research"))
    for name, command in _added():
        assert name in sections, f"{name} has no section in research.md"
        for option in (o for p in command.params for o in p.opts if o.startswith("--")):
            wanted = re.compile(rf"{re.escape(option)}(?![a-z-])")
            assert wanted.search(sections[name]), f"{name} {option}"


def test_no_option_of_the_page_is_made_up():
    known = {o for _, command in _added() for p in command.params for o in p.opts}
    assert set(re.findall(r"`(--[a-z-]+)", page_of("research"))) <= known


def test_every_baseline_is_named():
    from stegafield_research.baselines import EXTRACTORS

    for extractor in EXTRACTORS:
        assert f"`{extractor.name}`" in page_of("baselines"), extractor


def test_every_dependency_has_a_licence():
    for line in importlib.metadata.requires("stegafield-research"):
        name = Requirement(line).name
        row = re.search(rf"^\| {re.escape(name)} \| ([^|]+) \|", page_of("legal"), re.M | re.I)
        assert name == "stegafield" or (row and "`stegafield-research`" in row[1]), name


def test_the_page_of_benchmarks_is_made_from_its_rows():
    from stegafield_research.pages.benchmarks import page
    from stegafield_research.pages.summary import read, summarise

    assert page(summarise(read(DATA / "benchmarks"))) == page_of("benchmarks")


def test_the_table_of_optimizers_is_that_of_its_rows():
    """Made by `research/scripts/optimizers_page.py`; no figure of it is typed."""
    from stegafield_research.measure.optimizers import ARMS, summary

    rows = [json.loads(line) for line in (DATA / "optimizers.jsonl").read_text().splitlines()]
    page = page_of("optimizers")
    assert len(rows) > 20 and f"<!-- table -->\n{summary(rows)}<!-- end -->" in page
    for arm in ARMS:
        assert f"| `{arm}` |" in page, arm


def test_the_page_of_detection_is_made_from_its_rows():
    from stegafield_research.pages.detection import page
    from stegafield_research.pages.summary import read

    rows = [{"set": name, **row} for name, row in read(DATA / "detection")]
    assert page(rows) == page_of("detection")


def test_the_tables_of_baselines_are_those_of_their_rows():
    """Made by `research/scripts/baselines_page.py`; no figure of them is typed."""
    from stegafield_research.measure.baselines import summary

    rows = [json.loads(line) for line in (DATA / "baselines.jsonl").read_text().splitlines()]
    page = page_of("baselines")
    for name in ("photographs", "faces"):
        table = summary(row for row in rows if row["set"] == name)
        assert f"<!-- table {name} -->\n{table}<!-- end -->" in page


def test_the_page_of_reproduction_is_made_from_its_rows():
    import runpy

    made = runpy.run_path(str(ROOT / "research" / "scripts" / "reproduction_page.py"))["page"]()
    page = page_of("reproduction")
    assert made == page
    for name in re.findall(r"\]\((reproduction/[^)]+)\)", page):
        assert (DOCS / name).stat().st_size < 1 << 20, name

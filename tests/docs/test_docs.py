"""The pages are complete, their links resolve, and their examples run."""

import importlib.metadata
import inspect
import re
from pathlib import Path

import pytest
import typer
from packaging.requirements import Requirement

import stegafield
from stegafield import core, errors, testing
from stegafield.coding.bound import smallest_sigma
from stegafield.coding.ladder import DRAWN, LADDER_BY_RATE
from stegafield.errors import CapacityError
from stegafield.pipeline.effort import Effort
from stegafield.pipeline.report import Report
from stegafield.pipeline.request import BatchRequest, Request, SampleRequest
from stegafield.plugins import hookspecs
from stegafield.plugins.discovery import registry
from tests import examples

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *DOCS.glob("[mp]*/*.md"), ROOT / "README.md"])
TEXT = {page: page.read_text(encoding="utf-8") for page in PAGES}
ALL = "\n".join(text for page, text in TEXT.items() if DOCS in page.parents)
CLI = TEXT[DOCS / "cli.md"]
RESEARCH = {"baselines.md", "research.md"}
"""Pages whose examples need stegafield-research: research/tests/test_pages.py runs them."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_run(page, tmp_path):
    if page.name not in RESEARCH:
        examples.run(TEXT[page], tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_say_what_they_are(page):
    fences = re.findall(r"^```(.*)$", TEXT[page], re.MULTILINE)
    assert len(fences) % 2 == 0
    assert all(fences[::2]), "a block without a language: use text where it must not run"


def _anchors(text):
    text = examples.BLOCK.sub("", text)
    for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", examples.BLOCK.sub("", TEXT[page])):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            assert anchor in _anchors(found.read_text(encoding="utf-8")), target


def _program():
    from stegafield.cli.commands import app

    return typer.main.get_command(app)


def _options(command):
    """The long options of a command, with those that come from its request."""
    parameters = command.get_params(typer.Context(command))
    return {option for one in parameters for option in one.opts if option.startswith("--")}


def test_every_command_and_option_has_its_place():
    sections = examples.sections(CLI)
    for name, command in examples.commands(_program()):
        assert name in sections, f"{name} has no section in cli.md"
        keys = sections["Keys"] if name in ("hide", "reveal", "check") else ""
        for option in _options(command) - {"--help"}:
            wanted = re.compile(rf"{re.escape(option)}(?![a-z-])")
            assert wanted.search(sections[name] + keys), f"{name} {option}"


def test_no_option_of_the_page_is_made_up():
    known = {o for _, command in examples.commands(_program()) for o in _options(command)}
    mentioned = set(re.findall(r"`(--[a-z-]+)", CLI))
    assert mentioned <= known | {"--version"}


def test_every_error_is_documented():
    for name, found in inspect.getmembers(errors, inspect.isclass):
        if issubclass(found, errors.StegafieldError):
            assert f"`{name}`" in TEXT[DOCS / "index.md"], name


def test_exit_codes_are_those_of_the_program():
    from stegafield.cli import program

    for kind, code in program._EXITS:
        if kind is not errors.PluginError:
            assert re.search(rf"^\| {code} \|.*`{kind.__name__}`", CLI, re.MULTILINE), kind


def test_every_public_name_is_documented():
    for name in stegafield.__all__:
        assert re.search(rf"^\| `{name}\b", TEXT[DOCS / "index.md"], re.MULTILINE), name


@pytest.mark.parametrize("module", [core, testing], ids=lambda module: module.__name__)
def test_every_name_for_plugins_is_documented(module):
    row = re.search(rf"^\| `{module.__name__}` \|.*$", TEXT[DOCS / "index.md"], re.MULTILINE)[0]
    assert re.findall(r"`(\w+)`", row.rpartition(" | ")[2]) == sorted(module.__all__)
    section = examples.sections(TEXT[DOCS / "plugins" / "index.md"])
    for name in module.__all__ if module is core else ():
        assert f"`{name}`" in section["What a plugin imports"], name


def test_every_argument_is_documented():
    page = TEXT[DOCS / "index.md"]
    for name in {*Request.model_fields, *BatchRequest.model_fields, *SampleRequest.model_fields}:
        assert f"`{name}`" in page.partition("### Arguments")[2].partition("\n## ")[0], name


def test_every_hook_is_documented_with_its_signature():
    page = TEXT[DOCS / "plugins" / "index.md"]
    source = inspect.getsource(hookspecs)
    hooks = re.findall(r"@hookspec\n(def (register_\w+)\(\) -> [^:]+):", source)
    assert len(hooks) == 5
    for signature, name in hooks:
        assert f"### {name}\n`{signature}`" in page, name


def test_every_contract_test_is_documented():
    for name, found in inspect.getmembers(testing, inspect.isfunction):
        if name.startswith("check_"):
            line = re.search(rf"^\| `{name}\((.*?)\)` \|", ALL, re.MULTILINE)
            assert line, name
            written = [part.split("=")[0].strip() for part in line[1].split(",")]
            assert written == list(inspect.signature(found).parameters), name


def test_every_report_field_and_setting_is_documented():
    for field in Report.model_fields:
        assert f"`{field}`" in CLI, field
    for field in Effort.model_fields:
        assert f"`effort.{field}`" in CLI, field
    for carrier in registry().all("carrier"):
        for field in carrier.Options.model_fields:
            assert f"`carrier.{field}`" in CLI, field


def test_every_plugin_of_ours_is_named():
    for _, kind, name in registry().owned():
        assert f"`{name}`" in ALL, (kind, name)


def test_every_dependency_has_a_licence():
    page = TEXT[DOCS / "legal.md"]
    for line in importlib.metadata.requires("stegafield"):
        found = Requirement(line)
        marker = str(found.marker or "")
        if 'extra == "dev"' in marker:
            continue
        row = re.search(rf"^\| {re.escape(found.name)} \| ([^|]+) \|", page, re.M | re.I)
        assert row, found.name
        needed = "extra `" + marker.split('"')[1] + "`" if marker else "always"
        assert needed in row[1].split("; "), found.name


def test_capacity_table(engine):
    table = re.findall(
        r"^\| (\d+), (\d+) \| [^|]+ \| [^|]+ \| ([\d-]+) \| ([\d-]+) \| ([\d-]+) \|$",
        TEXT[DOCS / "concepts.md"],
        re.M,
    )
    assert [(int(k), int(n)) for k, n, *_ in table] == [
        (r.bits, r.elements) for r in LADDER_BY_RATE
    ]
    kinds = (
        {"carrier": "image", "size": (64, 64)},
        {"carrier": "image", "size": (512, 512)},
        {"carrier": "era5", "method": "project"},
    )
    for rung, (_, _, *written) in zip(LADDER_BY_RATE, table, strict=True):
        for arguments, number in zip(kinds, written, strict=True):
            try:
                found = str(engine.capacity(bps=rung.rate, **arguments))
            except CapacityError:
                found = "-"
            assert found == number, (rung, arguments)


def test_table_of_the_sampler():
    rows = re.findall(
        r"^\| (\d+), (\d+) \| [\d.]+ \| [\d.]+ \| (\d+\.\d\d) "
        r"\| (\d+\.\d\d) \| (\d+\.\d\d|none) \|$",
        TEXT[DOCS / "concepts.md"],
        re.M,
    )
    assert [(int(k), int(n)) for k, n, *_ in rows] == [(r.bits, r.elements) for r in DRAWN]
    for rung, (_, _, *written) in zip(DRAWN, rows, strict=True):
        for free, sigma in zip((12288, 719 * 1440, 3 * 4096**2), written, strict=True):
            assert f"{smallest_sigma(rung, free):.2f}".replace("inf", "none") == sigma, rung


def test_pages_name_nothing_of_the_machine_they_were_written_on():
    for page, text in TEXT.items():
        assert not re.search(r"/(work|tmp|home|root)/", text), page

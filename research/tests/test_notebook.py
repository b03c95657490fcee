"""The notebook runs, cell after cell, and what it shows is in it."""

import json
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "latent-to-stego.ipynb"


@pytest.mark.slow
def test_the_notebook_runs_and_shows_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    fresh = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    runpy.run_path(str(ROOT / "research" / "scripts" / "notebook.py"))["run"](fresh)
    for old, new in zip(written["cells"], fresh["cells"], strict=True):
        assert _kinds(old) == _kinds(new)
        assert old.get("execution_count") == new.get("execution_count")


def _kinds(cell):
    """What sort of outputs a cell has.

    Keys and noise are fresh, so numbers differ from run to run.
    """
    return [
        sorted(output["data"]) if "data" in output else output["name"]
        for output in cell.get("outputs", [])
    ]


def test_the_notebook_is_one():
    text = NOTEBOOK.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[\w-]{1,64}", n) for n in names)
    for cell in notebook["cells"]:
        wanted = {"cell_type", "id", "metadata", "source"}
        code = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == wanted | code
    assert not re.search(r"/(work|tmp|home|root)/", text) and len(text) < 1_000_000

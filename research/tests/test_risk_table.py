"""The table of risks is made of the rows of `bench detect`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stegafield.cli.commands import app
from stegafield.pipeline import risk
from stegafield.pipeline.risk import Measured

ROWS = Path(__file__).resolve().parents[1] / "data" / "detection"


def test_the_shipped_table_is_made_of_the_published_rows(tmp_path):
    out = tmp_path / "risk.json"
    done = CliRunner().invoke(app, ["bench", "risk", str(ROWS), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert [Measured(**row) for row in json.loads(out.read_text())] == list(risk.shipped())


@pytest.mark.parametrize(
    "text",
    [
        '{"detector": "one", "method": "project", "p_e": 0.5}',
        '{"about": "one"}\n{"detector": "one", "set": "rows"}',
        '{"detector": "one"}\n{"law": [1], "p": {}, "p_wrong": {}, "samples": 1}\n{"sizes": 1}',
        "[" * 100_000,
    ],
)
@pytest.mark.parametrize("command", ["risk", "report"])
def test_rows_of_a_third_party_are_no_traceback(tmp_path, text, command):
    (tmp_path / "rows.jsonl").write_text(text + "\n")
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["bench", command, str(tmp_path), "--out", str(out)])
    assert done.exit_code in (0, 2), done.exception  # a page may be empty
    assert out.exists() is (done.exit_code == 0)


def test_the_table_has_no_files_that_were_drawn_and_no_carrier_that_is_not_there(tmp_path):
    rows = [json.loads(line) for line in (ROWS / "faces-3-project.jsonl").read_text().splitlines()]
    row = next(row for row in rows if row.get("method") == "project" and row["detector"] == "spam")
    others = {"method": "sample"}, {"carrier": "bells"}
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row | o) + "\n" for o in ({}, *others)))
    out = tmp_path / "out"
    CliRunner().invoke(app, ["bench", "risk", str(tmp_path), "--out", str(out)])
    assert [one["carrier"] for one in json.loads(out.read_text())] == ["celeba"]

"""Files of a run that were damaged, or written by hand."""

from io import BytesIO

import numpy as np
import pytest

from stegafield.errors import ConfigError, FormatError
from stegafield_research.journal import Journal
from stegafield_research.measure import evidence
from stegafield_research.paper import suite as suites


@pytest.mark.parametrize("text", [b'name = "\xff"', b"name = " + b"[" * 5000, b"name ="])
def test_a_suite_that_is_no_toml(tmp_path, text):
    path = tmp_path / "bad.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match="no TOML"):
        suites.read(str(path))


@pytest.mark.parametrize(
    "line",
    [
        b"junk",
        b"\xff",
        b"1",
        b"[" * 100_000,
        b'{"inputs": {}, "found": {}}',
        b'{"inputs": {"what": "machine"}}',
        b'{"inputs": {"what": "machine"}, "found": 3}',
        b'{"inputs": [], "found": {}}',
    ],
)
def test_lines_that_are_no_rows(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"inputs": {"what": "x"}, "found": {}}\n' + line + b"\n")
    with pytest.raises(FormatError, match="line 2 of rows.jsonl"):
        Journal(path)


@pytest.mark.parametrize("found", [{}, {"pairs": 1}, {"pairs": [{"source": 0, "cases": []}]}])
def test_rows_that_hold_no_pairs(tmp_path, found):
    journal, inputs = Journal(tmp_path / "pairs.journal"), {"what": "pairs"}
    empty = BytesIO()
    np.savez(empty)
    journal.add(inputs, found, empty.getvalue())
    with pytest.raises(FormatError, match=r"pairs.journal holds no pairs"):
        evidence._kept(journal, inputs)

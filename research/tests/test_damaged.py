"""Files of a run that somebody damaged, or wrote by hand."""

import json

import numpy as np
import pytest

from stegafield.errors import ConfigError, FormatError
from stegafield_research.measure import evidence
from stegafield_research.paper import suite as suites
from stegafield_research.paper.journal import Journal


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


@pytest.mark.parametrize("damage", ["cut", "junk", "names", "pickle"])
def test_pairs_that_somebody_damaged(tmp_path, damage):
    path = tmp_path / "pairs.npz"
    told = json.dumps({"pairs": [{"source": 0, "cases": []}], "errors": []})
    np.savez(path, about=np.array(told))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:50])
    elif damage == "junk":
        path.write_bytes(b"PK\3\4" + bytes(100))
    elif damage == "pickle":
        np.savez(path, about=np.array(told), codes_0=np.array([{}], object))
    with pytest.raises(FormatError, match="pairs.npz holds no pairs"):
        evidence._kept(path)

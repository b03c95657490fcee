"""Files written by earlier versions: every later one reads them."""

import json
from pathlib import Path

import pytest

from stegafield import Key

FILES = Path(__file__).parent / "files"
GOLDEN = sorted(path for path in FILES.iterdir() if path.suffix != ".json")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_golden_files_are_read(engine, key, path):
    if "passphrase" in path.name:
        key = Key.passphrase("correct horse")
    wanted = json.loads(path.with_name(path.name + ".json").read_text())["message"]
    assert engine.reveal(path, key=key).decode() == wanted


def test_there_is_one_for_each_format():
    assert len(GOLDEN) >= 14 and {path.suffix for path in GOLDEN} == {".png", ".nc"}

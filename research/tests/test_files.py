"""`bench files`: one row for each file, whatever it does."""

import json
import os

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stegafield.cli.commands import app
from stegafield_research.measure import files


@pytest.mark.slow
def test_a_folder_of_anything(tmp_path):
    folder = tmp_path / "files"
    (folder / "deeper").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "photo.bmp")
    Image.fromarray(pixels).save(folder / "deeper" / "photo.jpg")
    (folder / "words.txt").write_text("words")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    out, page = tmp_path / "out.jsonl", tmp_path / "page.md"
    page.write_text(f"# Page\n\n## Field run\n{files.MARK}\nold\n{files.END}\nafter\n")
    words = ["bench", "files", str(folder), "--json", str(out), "--page", str(page)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    rows = {row["file"]: row for row in map(json.loads, out.read_text().splitlines())}
    assert rows["photo.bmp"]["outcome"] == "kept" and rows["photo.bmp"]["put_back"]
    assert rows["photo.jpg"]["kind"] == "jpeg" and rows["photo.jpg"]["outcome"] == "noted"
    assert rows["words.txt"]["outcome"] == rows["broken.png"]["outcome"] == "refused"
    text = page.read_text()
    assert (
        "old" not in text and text.endswith("after\n") and "| bmp | 1 | 1 | 0 | 0 | 0 | 1 |" in text
    )
    assert "### Refused, and why" in text


def test_what_escapes_is_a_row(tmp_path, monkeypatch):
    for number, how in enumerate((os.abort, lambda: 1 / 0, lambda: os.read(os.pipe()[0], 1))):
        path = tmp_path / f"{number}.png"
        path.write_bytes(b"x")
        monkeypatch.setattr(files, "carrier_of", lambda registry, source, how=how: how())
        row = files._apart(path, 1.0)
        assert row["outcome"] == "escaped" and row["reason"]

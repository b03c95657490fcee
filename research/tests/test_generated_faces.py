"""How generated faces are compared with real ones."""

import numpy as np
import pytest
from typer.testing import CliRunner

from stegafield.cli.commands import app
from stegafield.generators import zoo
from stegafield.metrics import distribution
from stegafield_research.generators import faces as generators_faces
from stegafield_research.generators.comparison import OTHER, Comparison, page
from stegafield_research.measure import raster
from tests.pictures import soft


@pytest.fixture(scope="module")
def model():
    return zoo.load("celeba")


@pytest.mark.slow
def test_faces_differ(model):
    faces = generators_faces.draw(model, 24, np.random.default_rng(5))
    assert np.median(distribution.pairwise(faces, np.random.default_rng(0))) > 50


@pytest.mark.slow
def test_a_row_says_what_was_asked():
    held, drawn, trained = (soft(12, 0.1, seed) for seed in range(3))
    rows = generators_faces._sets(held, drawn, trained, np.random.default_rng(0))
    told = {row["what"]: row for row in rows}
    assert told["pairwise difference"]["passed"] and told["nearest training face"]["passed"]
    copied = generators_faces._sets(held, trained, trained, np.random.default_rng(0))
    assert not {row["what"]: row for row in copied}["nearest training face"]["passed"]


def test_another_model_stands_in_columns_beside(tmp_path):
    row = generators_faces._row("found", "share", (0, 0.5, 1), (0, 0.4, 1), "0.3", True)
    other = dict(zip(OTHER, (0.0, 0.1, 1.0, False), strict=True))
    shown = Comparison("T", "A", {"Faces": [row | other]}, print, print, other="GASP")
    head, _, line = page(shown, "c", {}).splitlines()[-3:]
    assert "GASP: the same" in head and "0.00, 0.10, 1.00" in line
    assert line.endswith("| 0.3 | pass | **fail** |")
    asked = ["bench", "generators", "--data", str(tmp_path), "--json", str(tmp_path / "o")]
    for family, beside in (("weather", "a=b"), ("faces", "a"), ("faces", "=b")):
        done = CliRunner().invoke(app, [*asked, "--family", family, "--beside", beside])
        assert done.exit_code == 2, done.output


@pytest.mark.slow
def test_what_a_large_grid_takes_is_measured(model):
    found = raster.measure(model, 256)
    assert 0 < found["peak_mib"] < 1024 and found["cpu_s"] > 0

"""Distortion of the default extractor on real photographs, and solvers side by side.

Measured on the written file.
"""

import json

import numpy as np
import pytest
from PIL import Image

from stegafield.errors import ConfigError
from stegafield_research.measure.fidelity import COLUMNS, measure, pictures
from stegafield_research.measure.similarity import ssim

FLOORS = {1: 59.7, 2: 55.8, 3: 53.3, 4: 51.2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photographs):
    path = tmp_path_factory.mktemp("pictures")
    for name, picture in photographs.items():
        Image.fromarray(picture).save(path / f"{name}.png")
    return path


def _check(rows):
    rows = list(rows)
    for row in rows:
        assert row["ber"] == 0, row
        assert row["bpp_actual"] == pytest.approx(row["bpp"], abs=0.005)
        if row["near_ends"] < 0.01:
            assert row["psnr"] >= FLOORS[row["bpp"]], row
        assert row["psnr"] >= row["bound"] - 2, row
        assert row["psnr"] <= row["bound"] + 0.1, row
    return rows


def test_ssim_is_scikit_images(rng, photographs):
    from skimage.metrics import structural_similarity

    cover = photographs["coffee"].transpose(2, 0, 1).astype(np.int32)
    stego = np.clip(cover + rng.integers(-2, 3, cover.shape), 0, 255).astype(np.int32)
    expected = structural_similarity(cover, stego, channel_axis=0, data_range=255)
    assert ssim(cover, stego, 255.0) == pytest.approx(expected)


def test_photographs_of_scikit_image(engine, folder):
    rows = _check(measure(engine, pictures(folder), FLOORS))
    assert len(rows) == 4 * len(FLOORS) and set(rows[0]) <= set(COLUMNS)
    json.dumps(rows)


@pytest.mark.slow
def test_photographs_of_the_shared_folder(engine, shared):
    kodak = pictures(shared / "photos" / "kodak")
    berkeley = pictures(shared / "photos" / "bsds")[:24]
    rows = _check(measure(engine, kodak + berkeley, FLOORS, crop=(64, 64)))
    assert sum(row["near_ends"] < 0.01 for row in rows) > 60


def test_pictures_of_one_colour_meet_their_own_bound(engine, tmp_path):
    for value in (0, 255):
        Image.fromarray(np.full((64, 64, 3), value, np.uint8)).save(tmp_path / f"{value}.png")
    for row in measure(engine, pictures(tmp_path), FLOORS):
        gap = (
            2.4 if row["bpp"] == 1 else 2.0
        )  # the ruler's one step becomes one or two where all move one way
        assert row["ber"] == 0 and row["bound"] - gap <= row["psnr"] <= row["bound"] + 0.1, row


@pytest.mark.slow
def test_solvers_are_compared_on_the_same_bits(engine, tmp_path):
    from stegafield_research.measure.optimizers import ARMS, COLUMNS, compare, draw, summary

    Image.fromarray(np.random.default_rng(0).integers(40, 216, (8, 8, 3), np.uint8)).save(
        tmp_path / "x.png"
    )
    given = {"set": {"extractor.norm": "batch"}, "arms": list(ARMS)}
    rows = list(compare(engine, [tmp_path / "x.png"], [1, 1.5], **given))
    done = [row for row in rows if "error" not in row]
    assert [row["arm"] for row in done] == list(ARMS) and {r["bpp"] for r in done} == {1}
    assert set(COLUMNS) <= set(done[0]) and all(row["ber_unrounded"] is not None for row in done)
    assert done[0]["ber"] == 0 and done[0]["evaluations"] <= 150
    assert len(rows) == 10 and all("carries nothing" in row["error"] for row in rows[5:])
    again = next(compare(engine, [tmp_path / "x.png"], [1], **given))
    assert (again["psnr"], again["evaluations"]) == (done[0]["psnr"], done[0]["evaluations"])
    assert again["processor_seconds"] > 0 and again["extractor"] == "cnn"
    with pytest.raises(ConfigError, match="unknown"):
        next(compare(engine, [tmp_path / "x.png"], [1], arms=["sgd"]))
    given = {"extractor": "phase-conv", "arms": ["lbfgs", "paper"], "set": {"optimizer.rounds": 2}}
    with pytest.raises(ConfigError, match=r"optimizer\.rounds"):
        list(compare(engine, [tmp_path / "x.png"], [1], **given))
    del given["set"]
    rows = list(compare(engine, [tmp_path / "x.png"], [1], **given))
    assert [row["optimizer"] for row in rows] == ["lbfgs", "paper"], "without a loss to choose"
    text = summary([*done, *rows])
    assert text.count("\n| `cnn` |") == len(ARMS) and text.count("\n| `phase-conv` |") == 2
    draw([*done, *rows], tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as figure:
        assert figure.width > 1000


def test_the_arm_of_the_paper_is_its_preset():
    from stegafield.pipeline.request import PRESETS
    from stegafield_research.measure.optimizers import ARMS

    assert ARMS["paper"] == {"optimizer": PRESETS["paper"]["optimizer"], **PRESETS["paper"]["set"]}

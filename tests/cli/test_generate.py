"""The commands sample, train and convert."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stegafield.channels.netcdf import NetcdfChannel
from stegafield.cli.commands import app
from stegafield.errors import ConfigError
from stegafield.generators.checkpoint import from_pretrained

TINY = """
family = "gasp"
batch = 4
[data]
crop = 1.0
[generator]
latent = 3
hypernetwork = [8]
[generator.domain]
size = [8, 8]
[generator.function]
layers = [8]
frequencies = 4
[discriminator]
layers = [
  { points = 64, neighbours = 9, out = 4, mid = [4] },
  { points = 1, neighbours = 64, out = 1, mid = [4] },
]
"""


def run(*arguments, code=0):
    done = CliRunner().invoke(app, [str(word) for word in arguments])
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


def test_samples_are_the_covers_of_hide(engine, key, tmp_path):
    size = {"carrier": "era5", "size": (19, 36)}
    drawn = list(engine.sample(2, seed=7, **size))
    for number, (cover, data) in enumerate(drawn):
        stego = engine.hide(b"m", key=key, seed=7 + number, **size)
        assert stego.cover.law is not None and cover.law is not None
        np.testing.assert_array_equal(stego.cover.law.value, cover.law.value)
        np.testing.assert_array_equal(next(stego.channel.read(data)).codes, cover.codes)
        assert len(data) == len(stego.data)
    out = tmp_path / "new"
    asked = [
        "sample",
        "--carrier",
        "era5",
        "--size",
        "19x36",
        "--seed",
        7,
        "--count",
        2,
        "--out",
        out,
    ]
    run(*asked, "--figure", tmp_path / "sheet.png")
    assert [path.name for path in sorted(out.iterdir())] == ["0.nc", "1.nc"]
    for path, (cover, data) in zip(sorted(out.iterdir()), drawn, strict=True):
        assert (
            path.stat().st_size == len(data) and path.read_bytes() != data
        )  # noise is never repeated
        assert cover.law is not None
        again = next(NetcdfChannel().read(path.read_bytes())).codes
        assert 1 < (again - cover.law.value)[:, 1:-1].std() < 2
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert np.asarray(sheet).std() > 10
    assert "exists" in run(*asked, code=7)
    run(*asked, "--force")


def test_samples_differ_without_a_seed(engine):
    one, other = (cover.codes for cover, _ in engine.sample(2, carrier="era5", size=(19, 36)))
    assert (one != other).any()
    with pytest.raises(ConfigError, match="draws no covers"):
        next(engine.sample(carrier="image", size=(8, 8)))


def test_a_model_is_trained_and_resumed(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for number in range(5):
            Image.new("RGB", (20, 16), (number * 50, 9, 9)).save(tmp_path / "face.png")
            archive.write(tmp_path / "face.png", f"{number}.png")
    asked = ["train", "--config", tmp_path / "tiny.toml", "--data", tmp_path / "faces.zip"]
    asked += ["--out", tmp_path / "run", "--device", "cpu", "--set", "log_every=1", "seed=3"]
    assert "2 steps on 5 items" in run(*asked, "--steps", 2)
    assert "--resume" in run(*asked, "--steps", 3, code=2)
    run(*asked, "--steps", 3, "--resume")
    log = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [1, 2, 3]
    assert from_pretrained(tmp_path / "run" / "model").domain.size == (8, 8)
    assert "celeba64" in run("train", "--config", "no", "--data", ".", "--out", ".", code=2)


def test_a_file_that_is_no_model_is_not_converted(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"no")
    assert "checkpoint" in run("convert", tmp_path / "model.pt", "--out", tmp_path / "x", code=5)
    assert not (tmp_path / "x").exists()

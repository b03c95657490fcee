"""The commands that this distribution adds, in processes of their own."""

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.guard.test_startup import HEAVY

STEGAFIELD = [sys.executable, "-m", "stegafield"]


def run(*arguments, code=0):
    done = subprocess.run([*STEGAFIELD, *map(str, arguments)], capture_output=True)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr.decode()


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "files"
    path.mkdir()
    rgb = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(path / "rgb.png")
    Image.fromarray(rgb[..., 0]).save(path / "grey.png")
    Image.fromarray(rgb).save(path / "photo.jpg")
    return path


@pytest.mark.slow
def test_bench_writes_the_columns_of_the_contract(folder, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("rgb.png", "grey.png", "photo.jpg"):
        (pictures / name).write_bytes((folder / name).read_bytes())
    (pictures / "broken.png").write_bytes(b"\x89PNG")
    out, said = run(
        "bench",
        "fidelity",
        "--images",
        pictures,
        "--bpp",
        "0.5",
        "1",
        "2",
        "--json",
        tmp_path / "o.jsonl",
    )
    rows = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert len(rows) == 12 and [row["bpp"] for row in rows[:3]] == [0.5, 1, 2]
    columns = "image bpp bpp_actual extractor method optimizer ber psnr psnr_luma ssim bound "
    columns += "milliseconds evaluations"
    good = [row for row in rows if "error" not in row]
    assert len(good) == 9 and all(
        set(columns.split()) <= set(row) and row["ber"] == 0 for row in good
    )
    assert "grey.png" in out.decode() and "broken.png" in said


@pytest.mark.parametrize("command", ["bench", "paper", "train-baseline"])
def test_help_imports_nothing_heavy(command):
    code = (
        "import sys\n"
        f"sys.argv[1:] = [{command!r}, '--help']\n"
        "from stegafield.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('imported:', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) > 1
    assert done.stdout.splitlines()[-1] == "imported: []"


def test_the_plugin_is_light():
    heavy = {"torch", "scipy", "matplotlib", "skimage"}
    code = f"import sys, stegafield_research.plugin; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_plugins_lists_the_baselines_where_the_environment_allows_them():
    from stegafield_research.baselines import EXTRACTORS

    environment = os.environ | {"STEGAFIELD_PLUGINS": "stegafield-research"}
    asked = [*STEGAFIELD, "plugins", "--json"]
    done = subprocess.run(asked, capture_output=True, env=environment, check=True)
    found = json.loads(done.stdout)
    assert not found["broken"] and not found["duplicates"]
    for extractor in EXTRACTORS:
        assert extractor.name in json.dumps(found["plugins"]), extractor.name


@pytest.mark.slow
def test_a_baseline_is_trained_and_resumed(tmp_path):
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for number in range(8):
            Image.new("RGB", (20, 16), (number * 30, 9, 9)).save(tmp_path / "face.png")
            archive.write(tmp_path / "face.png", f"{number}.png")
    asked = ["train-baseline", "--config", "steganogan-basic", "--data", tmp_path / "faces.zip"]
    asked += ["--out", tmp_path / "run", "--device", "cpu", "--set", "batch=4", "log_every=1"]
    asked += ["size=[16,16]", "crop=12", "network.hidden=4", "data.hold_out_last=0"]
    assert "2 steps on 8 items" in run(*asked, "--steps", 2)[1]
    assert "--resume" in run(*asked, "--steps", 3, code=2)[1]
    run(*asked, "--steps", 3, "--resume")
    log = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [1, 2, 3]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "config", "hint"),
    [
        ("train-baseline", "celeba64", "steganogan-dense"),
        ("train", "steganogan-dense", "celeba64"),
    ],
)
def test_each_command_has_its_own_configs(command, config, hint):
    said = run(command, "--config", config, "--data", ".", "--out", ".", code=2)[1]
    assert f"there is no config '{config}'" in said and hint in said

"""The wheels that users get: the product alone, and with the research beside it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIP = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
ADDED = ("bench", "paper", "train-baseline")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Both wheels, {distribution: path}."""
    folder, found = tmp_path_factory.mktemp("wheels"), {}
    for name, source in (("stegafield", ROOT), ("stegafield-research", ROOT / "research")):
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
        subprocess.run([*build, folder / name, source], check=True, capture_output=True)
        (found[name],) = (folder / name).glob("*.whl")
    return found


@pytest.fixture(scope="module")
def alone(wheels, tmp_path_factory):
    return _installed(tmp_path_factory.mktemp("alone"), wheels["stegafield"])


@pytest.fixture(scope="module")
def both(wheels, tmp_path_factory):
    return _installed(tmp_path_factory.mktemp("both"), *wheels.values())


def _installed(folder, *wheels):
    """An empty folder into which pip has installed these wheels."""
    subprocess.run([*PIP, "--target", folder, *wheels], check=True, capture_output=True)
    return folder


def _run(site, *words):
    """What `stegafield WORDS` prints, with the entry points of a folder alone.

    All other libraries are those of this environment, in which a checkout may be installed, too.
    """
    code = (
        "import sys, importlib.metadata as metadata\n"
        f"here = metadata.distributions(path=[{str(site)!r}])\n"
        "points = metadata.EntryPoints(point for one in here for point in one.entry_points)\n"
        "metadata.entry_points = lambda **given: points.select(**given)\n"
        "import stegafield, stegafield.cli\n"
        f"assert stegafield.__file__.startswith({str(site)!r}), stegafield.__file__\n"
        f"sys.argv[1:] = {list(words)!r}\n"
        "stegafield.cli.main()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(site), "COLUMNS": "200"}
    environment["STEGAFIELD_PLUGINS"] = "stegafield-research"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_the_product_is_small_and_has_no_research_in_it(wheels, alone):
    assert wheels["stegafield"].stat().st_size < 12 << 20
    assert not (alone / "stegafield_research").exists()
    assert not (alone / "stegafield" / "baselines").exists()
    assert not (alone / "stegafield" / "benchmark").exists()


def test_the_product_alone_has_its_own_commands(alone):
    told = _run(alone, "--help")
    assert "hide" in told
    for name in ADDED:
        assert f" {name} " not in told
    found = json.loads(_run(alone, "plugins", "--json"))
    assert list(found["broken"]) == ["stegafield-research"]  # allowed, and not there
    assert "no installed distribution" in found["broken"]["stegafield-research"]
    assert "steganogan" not in json.dumps(found["plugins"])


def test_the_research_adds_commands_and_baselines(both):
    told = _run(both, "--help")
    for name in ("hide", *ADDED):
        assert f" {name} " in told, name
    assert "fidelity" in _run(both, "bench", "--help")
    found = json.loads(_run(both, "plugins", "--json"))
    assert not found["broken"] and not found["duplicates"]
    for name in ("lsb-matching", "lsb-replacement", "steganogan", "fnns-r", "fnns-d", "fnns-de"):
        assert name in json.dumps(found["plugins"]), name
    for kind in ("toml", "md", "css", "safetensors"):
        assert list((both / "stegafield_research").rglob(f"*.{kind}")), kind

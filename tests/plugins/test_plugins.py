"""The door for third parties: real distributions, installed by a real pip, good and bad ones."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from stegafield import hookimpl
from stegafield.core.registry import Registry
from stegafield.errors import BrokenPlugin, DuplicatePlugin, UnknownPlugin
from stegafield.extractors.phase import Phase
from stegafield.plugins import builtin, discovery

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "stegafield-tide"

THIRD_PARTIES = {
    "stegafield-crash": "raise RuntimeError('no such library')",
    "stegafield-exit": "raise SystemExit(3)",
    "stegafield-misspelt": "from stegafield import hookimpl\n@hookimpl\n"
    "def register_carrier(): return []",
    "stegafield-signature": "from stegafield import hookimpl\n@hookimpl\n"
    "def register_carriers(engine): return []",
    "stegafield-unmarked": "def register_carriers(): return []",
    "stegafield-abstract": (
        "from stegafield import hookimpl\nfrom stegafield.core.channel import Channel\n"
        "class Half(Channel):\n    name = 'half'\n    suffixes = ('.half',)\n"
        "    def read(self, data): yield\n"
        "@hookimpl\ndef register_channels(): return [Half]"
    ),
    "stegafield-thief": (
        "from stegafield import hookimpl\nfrom stegafield.carriers.era5 import Era5Carrier\n"
        "class Thief(Era5Carrier): pass\n"
        "@hookimpl\ndef register_carriers(): return [Thief]"
    ),
}


def _project(folder, name, code):
    """The source of a small distribution with one module and one entry point."""
    module = name.replace("-", "_")
    folder.mkdir()
    (folder / f"{module}.py").write_text(code + "\n")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        f'[project]\nname = "{name}"\nversion = "1"\n'
        f'[project.entry-points.stegafield]\n{name.removeprefix("stegafield-")} = "{module}"\n'
        f'[tool.hatch.build.targets.wheel]\ninclude = ["{module}.py"]\n'
    )
    return folder


def _install(target, *projects):
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    options = ["--no-build-isolation", "--target", str(target)]
    subprocess.run([*pip, *options, *map(str, projects)], check=True, capture_output=True)
    return target


def _path(site):
    """Modules of a folder, and where this process finds its own."""
    return os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))


def _run(site, *arguments, policy=None, code=0, binary=False):
    environment = {k: v for k, v in os.environ.items() if k != "STEGAFIELD_PLUGINS"}
    environment["PYTHONPATH"] = _path(site)
    if policy is not None:
        environment["STEGAFIELD_PLUGINS"] = policy
    done = subprocess.run(
        [sys.executable, "-m", "stegafield", *arguments], env=environment, capture_output=True
    )
    assert done.returncode == code, done.stderr.decode()
    return done.stdout if binary else done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def tide(tmp_path_factory):
    return _install(tmp_path_factory.mktemp("tide") / "site", EXAMPLE)


@pytest.fixture(scope="module")
def third_parties(tmp_path_factory):
    folder = tmp_path_factory.mktemp("third-parties")
    projects = [_project(folder / name, name, code) for name, code in THIRD_PARTIES.items()]
    return _install(folder / "site", EXAMPLE, *projects)


@pytest.mark.slow
def test_the_example_hides_and_reveals(tide, tmp_path):
    key, out = tmp_path / "key", tmp_path / "harbour.tide"
    _run(tide, "keygen", str(key))
    hide = ["hide", "--carrier", "tide", "--message", "high water", "--set", "carrier.hours=3000"]
    _run(tide, *hide, "--key-file", str(key), "--out", str(out))
    assert out.read_bytes().startswith(b"hour,level_mm\n0,")
    assert _run(tide, "reveal", str(out), "--key-file", str(key))[0] == "high water"
    rows = json.loads(_run(tide, "carriers", "--json")[0])
    (hours,) = next(row for row in rows if row["name"] == "tide")["options"]
    assert (hours["name"], hours["type"], hours["default"]) == ("hours", "whole number", 8760)


@pytest.mark.slow
def test_the_example_passes_its_own_tests(tide):
    environment = {**os.environ, "PYTHONPATH": _path(tide)}
    pytest_ = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=",
        str(EXAMPLE / "tests"),
    ]
    done = subprocess.run(pytest_, env=environment, capture_output=True, cwd=EXAMPLE)
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.slow
def test_without_the_plugin_the_file_is_not_of_a_known_format(tide, tmp_path):
    key, out = tmp_path / "key", tmp_path / "harbour.tide"
    _run(tide, "keygen", str(key))
    _run(
        tide,
        "hide",
        "--carrier",
        "tide",
        "--message",
        "x",
        "--key-file",
        str(key),
        "--out",
        str(out),
    )
    _, said = _run(tide, "reveal", str(out), "--key-file", str(key), policy="none", code=5)
    assert "no installed channel (aiff, bmp, flac, netcdf, png, tiff, wav, webp)" in said
    assert (
        _run(tide, "reveal", str(out), "--key-file", str(key), policy="other, stegafield-tide")[0]
        == "x"
    )


@pytest.mark.slow
def test_bad_neighbours_do_not_stop_anybody(third_parties):
    found = json.loads(_run(third_parties, "plugins", "--json")[0])
    names = {row["name"] for row in found["plugins"]}
    assert {"tide", "image", "phase", "png"} <= names and "half" not in names
    reasons = {
        "crash": "RuntimeError: no such library",
        "exit": "SystemExit",
        "misspelt": "register_carrier",
        "signature": "engine",
        "unmarked": "hookimpl",
        "abstract": "write",
    }
    assert set(found["broken"]) == set(reasons)
    for name, reason in reasons.items():
        assert reason in found["broken"][name] and f"stegafield-{name}" in found["broken"][name]
    table, _ = _run(third_parties, "plugins")
    assert "broken: crash" in table and "duplicate:" in table


@pytest.mark.slow
def test_nobody_takes_a_name_that_is_taken(third_parties, tmp_path):
    """A second `era5` could steal messages: the name is neither's, and both owners are named."""
    hide = ["hide", "--carrier", "era5", "--message", "x", "--out", str(tmp_path / "x.nc")]
    (tmp_path / "pass").write_text("word")
    _, said = _run(third_parties, *hide, "--passphrase-file", str(tmp_path / "pass"), code=2)
    assert "stegafield-thief" in said and "'era5'" in said
    phrase = str(tmp_path / "pass")
    _run(third_parties, *hide, "--passphrase-file", phrase, policy="stegafield-tide")


@pytest.mark.slow
def test_asking_for_a_broken_plugin_raises_its_cause(third_parties, tmp_path):
    (tmp_path / "pass").write_text("word")
    hide = ["hide", "--carrier", "crash", "--message", "x", "--out", str(tmp_path / "x.nc")]
    _, said = _run(third_parties, *hide, "--passphrase-file", str(tmp_path / "pass"), code=2)
    assert "no such library" in said


def _plugin(**hooks):
    return SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})


def test_what_a_hook_may_return():
    class Nameless(Phase):
        name = "Has Spaces"

    for returned in (None, Phase, [int], [Nameless], ["phase"]):
        with pytest.raises(BrokenPlugin, match="someone"):
            discovery.register(
                Registry(), _plugin(register_extractors=lambda r=returned: r), "someone"
            )
    with pytest.raises(BrokenPlugin, match="two extractors"):
        discovery.register(
            Registry(), _plugin(register_extractors=lambda: [Phase, Phase]), "someone"
        )
    with pytest.raises(BrokenPlugin, match="none of the hooks"):
        discovery.register(Registry(), SimpleNamespace(), "someone")


def test_a_plugin_with_one_bad_class_adds_nothing():
    registry = Registry()
    with pytest.raises(BrokenPlugin):
        discovery.register(registry, _plugin(register_extractors=lambda: [Phase, int]), "someone")
    assert registry.names("extractor") == []


def test_duplicates_in_one_registry():
    registry = Registry()
    discovery.register(registry, builtin, "stegafield")
    discovery.register(registry, _plugin(register_extractors=lambda: [Phase]), "copycat")
    with pytest.raises(DuplicatePlugin) as caught:
        registry.get("extractor", "phase")
    assert caught.value.owners == ["stegafield", "copycat"]
    assert "phase" not in registry.names("extractor") and len(list(registry.duplicates())) == 1
    with pytest.raises(UnknownPlugin):
        registry.get("extractor", "other")

"""D7: what is installed and no plugin, commands, slow imports: real metadata and processes."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.plugins.test_plugins import _path, _run

HOOKS = (
    "from stegafield import hookimpl\nfrom tests.plugins.broken import GoodCarrier, GoodChannel\n"
    "@hookimpl\ndef register_carriers(): return [GoodCarrier]\n"
    "@hookimpl\ndef register_channels(): return [GoodChannel]\n"
)
TYPER = "import typer\napp = typer.Typer()\n@app.command()\ndef tool(): print('used')\n"


def _installed(site, name, points, code=HOOKS):
    """A distribution as pip leaves it: a module and its metadata, without the time pip takes."""
    module = name.lower().replace("-", "_").replace(".", "_")
    site.mkdir(exist_ok=True)
    (site / f"{module}.py").write_text(code)
    info = site / f"{module}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    if points:
        lines = [f"[{group}]\n{line}\n" for group, line in points.items()]
        (info / "entry_points.txt").write_text("\n".join(lines).replace("MODULE", module))
    return site


def _listed(site, **given):
    return json.loads(_run(site, "plugins", "--json", **given)[0])


WRONG = {
    "none": ({}, "has no entry point; "),
    "scripts": (
        {"console_scripts": "zoo = MODULE:main"},
        r"no entry point (only in console_scripts)",
    ),
    "stegafield.plugin": ({"stegafield.plugin": "zoo = MODULE"}, "in 'stegafield.plugin'"),
    "stegafield.plugins": ({"stegafield.plugins": "zoo = MODULE"}, "in 'stegafield.plugins'"),
    "stegafield.carriers": ({"stegafield.carriers": "zoo = MODULE:X"}, "in 'stegafield.carriers'"),
    "Stegafield": ({"Stegafield": "zoo = MODULE"}, "in 'Stegafield'"),
    "stega-field": ({"stega-field": "zoo = MODULE"}, "in 'stega-field'"),
    "whole": ({"project.entry-points.stegafield": "zoo = MODULE"}, "in 'project.entry-points"),
}


@pytest.mark.parametrize("name", ["stegafield-zoo", "Stegafield_Zoo"])
def test_a_distribution_without_a_plugin_is_named(tmp_path, name):
    """D7: all ways to miss the table at once; each distribution is named with what to write."""
    for number, (points, _) in enumerate(WRONG.values()):
        _installed(tmp_path / "site", f"{name}{number}", points)
    notes = _listed(tmp_path / "site")["notes"]
    for number, (_, told) in enumerate(WRONG.values()):
        (note,) = [one for one in notes if one.startswith(f"{name}{number}: ")]
        assert told in note and "[project.entry-points.stegafield]" in note


def test_other_distributions_are_named_only_where_their_table_resembles_ours(tmp_path):
    site = tmp_path / "site"
    _installed(site, "harbour", {"stegafield.plugins": "zoo = MODULE"})
    _installed(site, "quay", {"console_scripts": "quay = MODULE:main"})
    _installed(site, "stegafield-good", {"stegafield": "zoo = MODULE"})
    notes = _listed(site)["notes"]
    assert [one for one in notes if "harbour" in one] and not [
        one for one in notes if "quay" in one
    ]
    assert not [one for one in notes if "stegafield-good" in one]


def test_damaged_metadata_stop_nobody(tmp_path):
    site = _installed(tmp_path / "site", "stegafield-good", {"stegafield": "zoo = MODULE"})
    (site / "empty-1.dist-info").mkdir()
    (site / "odd-1.dist-info").mkdir()
    (site / "odd-1.dist-info" / "METADATA").write_bytes(b"\xff\xfe\x00")
    (site / "odd-1.dist-info" / "entry_points.txt").write_bytes(b"[stegafield\nx = ")
    names = {row["name"] for row in _listed(site)["plugins"]}
    assert {"zoo", "image"} <= names


def test_commands_are_listed_and_contested_ones_named(tmp_path):
    """D7: of two that bring one command neither is used, and it is said who they are."""
    site = tmp_path / "site"
    point = "tool = MODULE:app"
    _installed(site, "one", {"stegafield.commands": point}, TYPER)
    _installed(site, "two", {"stegafield.commands": point}, TYPER)
    _installed(site, "three", {"stegafield.commands": "mend = MODULE:app"}, TYPER)
    _installed(site, "four", {"stegafield.commands": "hide = MODULE:app"}, TYPER)
    _installed(site, "five", {"stegafield.commands": "torn = MODULE"}, HOOKS)
    found = _listed(site)
    commands = {
        (row["plugin"], row["name"]) for row in found["plugins"] if row["kind"] == "command"
    }
    assert {("one", "tool"), ("two", "tool"), ("three", "mend")} <= commands
    assert any("'tool': one and two" in clash for clash in found["duplicates"])
    assert "[project.entry-points.stegafield]" in found["broken"]["command torn"]
    assert any("four" in note and "'hide' is ours" in note for note in found["notes"])
    assert "one and two" in _run(site, "tool", code=2)[1]
    assert _run(site, "mend")[0] == "used\n"


def test_a_name_of_the_environment_that_is_not_installed_is_told(tmp_path):
    site = _installed(tmp_path / "site", "stegafield-good", {"stegafield": "zoo = MODULE"})
    found = _listed(site, policy="stegafield-god")
    assert "did you mean 'stegafield-good'?" in found["broken"]["stegafield-god"]
    assert any(note.startswith("stegafield-good: STEGAFIELD_PLUGINS") for note in found["notes"])
    (tmp_path / "pass").write_text("word")
    hide = ["hide", "--carrier", "zoo", "--message", "m", "--passphrase-file", "pass"]
    hide[-1] = str(tmp_path / "pass")
    out = ["--out", str(tmp_path / "x.zoo")]
    assert (
        "did you mean 'stegafield-good'?"
        in _run(site, *hide, *out, policy="stegafield-god", code=2)[1]
    )
    assert not _listed(site, policy="none")["broken"]


SLOW = (
    "import time, pathlib\npathlib.Path(__file__).with_suffix('.used').touch()\ntime.sleep(1.5)\n"
)


def test_slow_imports_are_named_with_their_time_and_wait_for_a_name(tmp_path):
    """D7: what needs no plugin imports none."""
    site = _installed(
        tmp_path / "site", "stegafield-slow", {"stegafield": "zoo = MODULE"}, SLOW + HOOKS
    )
    used, key = site / "stegafield_slow.used", tmp_path / "key"
    _run(site, "--help")
    _run(site, "hide", "--help")
    _run(site, "keygen", str(key))
    code = "from stegafield import Engine; Engine()"
    kept = {k: v for k, v in os.environ.items() if k != "STEGAFIELD_PLUGINS"}
    environment = {**kept, "PYTHONPATH": _path(site)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert not used.exists()
    found = _listed(site)
    (note,) = [note for note in found["notes"] if "stegafield-slow" in note]
    assert (
        re.search(r"its import takes [1-9]\.\d s", note)
        and found["seconds"]["stegafield-slow:zoo"] > 1.5
        and used.exists()
    )


def test_a_class_named_by_its_entry_point_is_imported_when_it_is_requested(tmp_path):
    """D7: where the metadata tell the name, `hide --carrier image` imports no other plugin."""
    site = tmp_path / "site"
    lines = "carrier.zoo = MODULE:GoodCarrier\nchannel.zoo = MODULE:GoodChannel"
    lazy = SLOW + "from tests.plugins.broken import GoodCarrier, GoodChannel\n"
    _installed(site, "stegafield-lazy", {"stegafield": lines}, lazy)
    used, key = site / "stegafield_lazy.used", str(tmp_path / "key")
    _run(site, "keygen", key)
    hide = ["hide", "--message", "m", "--key-file", key, "--out"]
    field, zoo = str(tmp_path / "x.nc"), str(tmp_path / "x.zoo")
    _run(site, *hide, field, "--carrier", "era5", "--set", "carrier.size=[19,36]")
    _run(site, "reveal", field, "--key-file", key)
    assert not used.exists()
    _run(site, *hide, zoo, "--carrier", "zoo")
    assert used.exists()
    assert _run(site, "reveal", zoo, "--key-file", key)[0] == "m"
    rows = {(row["kind"], row["name"]): row["plugin"] for row in _listed(site)["plugins"]}
    assert rows["carrier", "zoo"] == "stegafield-lazy:carrier.zoo"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("carrier.zoo = MODULE:GoodChannel", "not a subclass of stegafield.core.Carrier"),
        ("carrier.quay = MODULE:GoodCarrier", "is named 'zoo', its entry point 'quay'"),
        ("carrier.zoo = MODULE:Nobody", "Nobody"),
        ("carrier.zoo = nowhere:GoodCarrier", "nowhere"),
        ("carrier.zoo = MODULE", "not a subclass"),
        ("cover.zoo = MODULE:GoodCarrier", "none of the hooks"),
    ],
)
def test_a_class_that_its_entry_point_misnames_is_broken(tmp_path, line, told, monkeypatch):
    site = tmp_path / "site"
    _installed(site, "stegafield-lazy", {"stegafield": line}, HOOKS)
    monkeypatch.syspath_prepend(site)
    monkeypatch.delenv("STEGAFIELD_PLUGINS", raising=False)
    monkeypatch.setitem(sys.modules, "stegafield_lazy", None)
    del sys.modules["stegafield_lazy"]
    from stegafield.plugins import discovery

    found = discovery.discover()
    found.load()
    assert any(told in str(error) for error in found.broken.values()), found.broken
    assert "image" in found.names("carrier")

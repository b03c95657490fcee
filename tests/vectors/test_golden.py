"""Files written by earlier versions: every later one reads them, and there is one of every kind."""

import json
from pathlib import Path

import pytest

from stegafield.coding.ladder import LADDER

from .reading import KEYS, facts, variants

FILES = Path(__file__).parent / "files"
GOLDEN = sorted(path for path in FILES.iterdir() if path.suffix != ".json")
SIDECARS = {path: json.loads(path.with_name(path.name + ".json").read_text()) for path in GOLDEN}
golden = pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)


def named(what):
    """All that the sidecars say of one thing."""
    return {sidecar[what] for sidecar in SIDECARS.values()}


@golden
def test_golden_files_are_read(engine, path):
    said = SIDECARS[path]
    assert engine.reveal(path, key=KEYS[said["key"]]).decode() == said["message"]


@golden
def test_golden_files_are_what_their_sidecars_say(engine, path):
    said = SIDECARS[path]
    found = facts(engine.registry, path.read_bytes(), KEYS[said["key"]])
    assert found == {name: said[name] for name in found}


def test_every_sidecar_has_its_file():
    assert {path.name for path in FILES.glob("*.json")} == {f"{path.name}.json" for path in GOLDEN}


def test_there_is_one_for_each_rung():
    """Of the extractor whose bits depend on the taps: the others take but the rate from a rung."""
    phase = {said["rung"] for said in SIDECARS.values() if said["extractor"] == "phase"}
    assert set(range(len(LADDER))) - phase == set()


@pytest.mark.parametrize("kind", ["channel", "carrier"])
def test_there_is_one_for_each_channel_and_carrier(engine, kind):
    assert set(engine.registry.names(kind)) - named(kind) == set()


def test_there_is_one_for_each_extractor_with_each_of_its_options(engine):
    said = [(sidecar["extractor"], sidecar["options"]) for sidecar in SIDECARS.values()]
    assert [wanted for wanted in variants(engine.registry).values() if wanted not in said] == []


def test_there_is_one_for_each_kind_of_key():
    assert named("key") == set(KEYS)


def test_there_is_one_for_each_form_of_netcdf():
    forms = {path.read_bytes()[:4] for path in GOLDEN if path.suffix == ".nc"}
    assert forms == {b"CDF\1", b"CDF\2", b"CDF\5", b"\x89HDF"}

"""D2: what is wrong with a plugin's class is named where it is registered, and the rest works."""

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from stegafield import hookimpl
from stegafield.cli.commands import app
from stegafield.core.registry import KINDS, Registry
from stegafield.errors import BrokenPlugin
from stegafield.pipeline.engine import Engine
from stegafield.plugins import builtin, discovery

from . import broken


@pytest.mark.parametrize("kind", KINDS)
def test_classes_in_order_are_registered(kind):
    registry = Registry()
    registry.add(kind, broken.sound[kind], "someone")
    assert registry.get(kind, "zoo") is broken.sound[kind]


@pytest.mark.parametrize("case", broken.CLASSES)
def test_each_broken_class_is_named(case):
    """D2."""
    kind, found, told = broken.CLASSES[case]
    registry = Registry()
    discovery.register(registry, builtin, "stegafield")
    hooks = {f"register_{kind}s": hookimpl(lambda: [found])}
    with pytest.raises(BrokenPlugin, match=rf"(?s)^someone: .*{told}"):
        discovery.register(registry, SimpleNamespace(**hooks), "someone")
    assert registry.names(kind) and "zoo" not in registry.names(kind)


def test_built_in_classes_keep_the_contracts():
    found = discovery.registry()
    for kind in KINDS:
        for one in found.all(kind):
            Registry().add(kind, one, "test")


@pytest.mark.parametrize("case", broken.CLASSES)
def test_lists_show_the_rest(case, monkeypatch):
    """D2: `stegafield carriers` and `plugins` work for everybody."""
    kind, found, _ = broken.CLASSES[case]
    known = Registry()
    discovery.register(known, builtin, "stegafield")
    hooks = {f"register_{kind}s": hookimpl(lambda: [found])}
    try:
        discovery.register(known, SimpleNamespace(**hooks), "someone")
    except BrokenPlugin as error:
        known.fail("someone", error)
    monkeypatch.setattr(discovery, "registry", lambda: known)
    listed = json.loads(CliRunner().invoke(app, ["carriers", "--json"]).stdout)
    assert "image" in [row["name"] for row in listed]
    done = CliRunner().invoke(app, ["plugins", "--json"], catch_exceptions=False)
    rows = json.loads(done.stdout)
    assert "someone" in rows["broken"]


def test_a_sound_plugin_works_at_once(key):
    registry = Registry()
    for kind in ("carrier", "channel"):
        registry.add(kind, broken.sound[kind], "someone")
    registry.add("extractor", discovery.registry().get("extractor", "phase"), "stegafield")
    engine = Engine(registry, device="cpu")
    stego = engine.hide(b"m", carrier="zoo", key=key)
    assert engine.reveal(stego.data, key=key) == b"m"

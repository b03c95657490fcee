"""What keeps the house as it is: no circles, no tunnels, one home per method, core for plugins."""

import ast
from collections import Counter

import numpy as np
import pytest

import stegafield.core
from stegafield import Key
from stegafield.message import place
from stegafield.pipeline.methods import METHODS
from tests.layers.test_imports import FILES, ROOT, TOP, _imports, _name

METHOD_NAMES = {method.name for method in METHODS}
EXAMPLES = sorted((TOP / "examples").rglob("*.py"))
OPEN_TO_PLUGINS = {"stegafield", "stegafield.core", "stegafield.errors", "stegafield.testing"}


def _at_start(path):
    """The modules of the package that are loaded when this one is."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    own = parts[:-1] if parts[-1] == "__init__" else parts
    for target in _imports(path, at_module_level=True):
        found = ROOT.parent.joinpath(*target)
        while target and not (found.with_suffix(".py").is_file() or found.is_dir()):
            target, found = target[:-1], found.parent
        # a package's own name is loaded before its modules: they may not ask it for anything
        if target[:1] == ["stegafield"] and tuple(target) != own[: len(target)]:
            yield ".".join(target)


def test_no_module_needs_itself_to_load():
    graph = {}
    for path in FILES:
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        graph[name] = set(_at_start(path))

    def reached(start):
        found, waiting = set(), [start]
        while waiting:
            for other in graph.get(waiting.pop(), ()):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found

    assert [name for name in graph if name in reached(name)] == []


def _compared(path):
    """Names of methods that a file compares something with."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare):
            for part in [node.left, *node.comparators]:
                for leaf in ast.walk(part):
                    if isinstance(leaf, ast.Constant) and leaf.value in METHOD_NAMES:
                        yield leaf.lineno, leaf.value
        elif isinstance(node, ast.MatchValue) and isinstance(node.value, ast.Constant):
            if node.value.value in METHOD_NAMES:
                yield node.value.lineno, node.value.value


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_only_methods_know_methods_by_name(path):
    if "methods" not in path.parts:
        assert list(_compared(path)) == []


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parent.name in ("pipeline", "methods")], ids=_name
)
def test_arguments_do_not_travel_in_tunnels(path):
    """`**given` hides where an argument comes from; only the maker of signatures has it."""
    if path.name == "takes.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.args.kwarg is not None:
            assert path.name == "request.py" and node.name == "__init__", node.name


def test_core_gives_plugins_all_that_they_need():
    for name in stegafield.core.__all__:
        assert getattr(stegafield.core, name) is not None
    kinds = {"Carrier", "Channel", "Extractor", "Optimizer", "Detector", "Options", "Cover"}
    assert kinds | {"GridSpec", "Law", "Costs", "Artefact", "Rung"} <= set(stegafield.core.__all__)


@pytest.mark.parametrize("path", EXAMPLES, ids=_name)
def test_examples_import_no_deeper(path):
    found = {
        node.module
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stegafield.")
    }
    assert found <= OPEN_TO_PLUGINS


def test_revealing_computes_each_permutation_once(engine, monkeypatch):
    """Salt, header, and each tile of the payload: one each, whatever asks for them."""
    cover = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    key = Key.generate()
    stego = engine.hide(b"once", carrier="image", cover=cover, key=key, bpp=1)
    counted = Counter()
    permutation = place.permutation

    def counting(key, count, index=0):
        counted[bytes(key), count, index] += 1
        return permutation(key, count, index)

    monkeypatch.setattr(place, "permutation", counting)
    assert engine.reveal(stego.data, key=key) == b"once"
    assert len(counted) == 2 + cover.size // 65536 and set(counted.values()) == {1}

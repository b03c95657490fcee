"""The import table of the architecture, as a test: who may import whom."""

import ast
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
ROOT = TOP / "src" / "stegafield"
RESEARCH = TOP / "research" / "src" / "stegafield_research"
EVERYWHERE = {"errors", "extras", "progress"}
"""Every room may import these; `extras` imports errors alone, `progress` nothing."""
MAY = {
    "errors": set(),
    "extras": set(),
    "progress": set(),
    "message": set(),
    "metrics": set(),
    "generators": set(),
    "core": {"message"},
    "costs": {"core"},
    "channels": {"core"},
    "history": {"core"},
    "detectors": {"core", "history"},
    "coding": {"core"},
    "regions": {"core", "coding", "message"},
    "solving": {"core"},
    "carriers": {"core", "channels", "costs", "generators", "history"},
    "extractors": {"core", "coding", "solving", "message"},
    "optimizers": {"core", "solving"},
    "pipeline": {"core", "coding", "history", "regions", "solving", "message", "metrics"},
    "plugins": {
        *("core", "pipeline", "carriers", "channels"),
        *("extractors", "optimizers", "detectors"),
    },
    "testing": {"core", "coding", "pipeline", "message", "extractors", "optimizers"},
    "training": {"core", "generators"},
    "figures": {"core", "pipeline", "channels", "generators"},
    "cli": {"core", "pipeline", "plugins", "figures", "generators", "training", "message"},
    "__init__": {"core", "message", "pipeline", "plugins"},
    "__main__": {"cli"},
}
PLUGGABLE = {"carriers", "channels", "extractors", "optimizers", "detectors"}
APART = {"lsb", "adaptive", "learned"}
"""Folders of the baselines: methods that know nothing of each other."""
LIGHT = {
    "torch",
    "h5py",
    "xarray",
    "netCDF4",
    "matplotlib",
    "skimage",
    "reedsolo",
    "soundfile",
    "scipy",
    "safetensors",
    "lightning_fabric",
}
TORCH = {
    "generators": (
        "__init__.py",
        "bridge.py",
        "climate.py",
        "fit.py",
        "fitted.py",
        "grid.py",
        "spline.py",
        "wavelet.py",
    ),
    "training": ("__init__.py",),
    "learned": ("__init__.py", "decoded.py", "fnns.py", "loss.py", "steganogan.py", "zoo.py"),
    "baselines": ("__init__.py",),
}
"""Folders whose files are about torch, but for these: quick starts import none of the others."""
FILES = sorted(ROOT.rglob("*.py"))
THEIRS = sorted(RESEARCH.rglob("*.py"))
TESTS = sorted((TOP / "tests").rglob("*.py"))


def _name(path):
    return str(path.relative_to(TOP))


def _imports(path, root=ROOT, at_module_level=False):
    """The parts of each module that a file of the package in `root` imports."""
    tree = ast.parse(path.read_text())
    package = (root.name, *path.relative_to(root).parent.parts)
    nodes = tree.body if at_module_level else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            if len(module) <= 1 or (root.joinpath(*module[1:])).is_dir():
                for alias in node.names:
                    yield [*module, alias.name]
            else:
                yield list(module)


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_layers(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    layer = parts[0]
    for target in _imports(path):
        if target[0] != "stegafield" or len(target) < 2:
            continue
        other = target[1]
        if other == layer:
            sibling = layer in PLUGGABLE and len(parts) > 1 and parts[1] != "__init__"
            assert not (sibling and target[2:3] != [parts[1]]), (
                f"{layer} imports its sibling {'.'.join(target)}"
            )
        else:
            assert other in MAY[layer] | EVERYWHERE or other.startswith("__"), (
                f"{layer} must not import {'.'.join(target)}"
            )


@pytest.mark.parametrize("path", [*FILES, *TESTS], ids=_name)
def test_nothing_imports_the_research(path):
    """Neither the product nor its tests: what is measured does not depend on what measures it."""
    imported = {target[0] for target in _imports(path, TOP if path in TESTS else ROOT)}
    assert "stegafield_research" not in imported


@pytest.mark.parametrize("path", THEIRS, ids=_name)
def test_research_imports_what_there_is(path):
    """Modules that exist, and of baselines no sibling."""
    parts = path.relative_to(RESEARCH).with_suffix("").parts
    for target in _imports(path, RESEARCH):
        root = {"stegafield": ROOT, "stegafield_research": RESEARCH}.get(target[0])
        if root is None:
            continue
        found = root.joinpath(*target[1:])
        there = found.is_dir() or found.with_suffix(".py").is_file()
        assert there or _defines(found.parent, found.name), f"there is no {'.'.join(target)}"
        if parts[0] == "baselines" and parts[1] in APART and target[1:2] == ["baselines"]:
            assert target[2] not in APART - {parts[1]}, f"imports {'.'.join(target)}"


def _defines(package, name):
    """Whether a package's own file has a name, or hands it on."""
    return name in (package / "__init__.py").read_text()


@pytest.mark.parametrize("path", [*FILES, *THEIRS], ids=_name)
def test_heavy_libraries_are_imported_where_they_are_used(path):
    root = ROOT if path in FILES else RESEARCH
    heavy = {target[0] for target in _imports(path, root, at_module_level=True)} & LIGHT
    if path.parent.name in TORCH and path.name not in TORCH[path.parent.name]:
        heavy -= {"torch"}
    assert not heavy, f"imports {heavy} at module level"


@pytest.mark.parametrize("path", [*FILES, *THEIRS], ids=_name)
def test_files_stay_one_concept(path):
    assert len(path.read_text().splitlines()) <= 400
    assert path.name not in ("utils.py", "helpers.py", "base.py", "misc.py")

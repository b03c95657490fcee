"""The import table of the architecture, as a test: who may import whom."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "src" / "stegafield"
EVERYWHERE = {"errors", "extras"}
"""Every room may import these; `extras` imports errors alone."""
MAY = {
    "errors": set(),
    "extras": set(),
    "message": set(),
    "metrics": set(),
    "generators": set(),
    "core": {"message"},
    "costs": {"core"},
    "channels": {"core"},
    "detectors": {"core", "metrics"},
    "coding": {"core"},
    "regions": {"core", "coding", "message"},
    "solving": {"core"},
    "carriers": {"core", "channels", "costs", "generators"},
    "extractors": {"core", "coding", "solving", "message"},
    "optimizers": {"core", "solving"},
    "pipeline": {"core", "coding", "regions", "solving", "message", "metrics"},
    "plugins": {
        *("core", "pipeline", "carriers", "channels"),
        *("extractors", "optimizers", "detectors"),
    },
    "testing": {"core", "coding", "pipeline", "message", "extractors"},
    "training": {"core", "generators", "baselines"},
    "figures": {"core", "pipeline", "channels", "generators"},
    "cli": {
        *("core", "pipeline", "plugins", "figures", "generators", "training", "message"),
        "benchmark",
    },
    "baselines": {"core", "coding", "costs", "generators", "metrics", "solving"},
    "benchmark": {
        *("baselines", "channels", "coding", "core", "figures", "generators", "message"),
        *("metrics", "pipeline", "plugins", "regions", "solving", "training"),
    },
    "__init__": {"core", "message", "pipeline", "plugins"},
    "__main__": {"cli"},
}
PLUGGABLE = {"carriers", "channels", "extractors", "optimizers", "detectors", "baselines"}
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
    "learned": ("__init__.py", "decoded.py", "fnns.py", "loss.py", "steganogan.py"),
}
"""Folders whose files are about torch, but for these: nothing that starts quickly imports the others."""
FILES = sorted(ROOT.rglob("*.py"))


def _imports(path, at_module_level=False):
    """(absolute module inside the package or top-level distribution, inside?) of each import of a file."""
    tree = ast.parse(path.read_text())
    package = ("stegafield", *path.relative_to(ROOT).parent.parts)
    nodes = tree.body if at_module_level else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            if len(module) <= 1 or (ROOT.joinpath(*module[1:])).is_dir():
                for alias in node.names:
                    yield [*module, alias.name]
            else:
                yield list(module)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
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


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_are_imported_where_they_are_used(path):
    heavy = {target[0] for target in _imports(path, at_module_level=True)} & LIGHT
    if path.parent.name in TORCH and path.name not in TORCH[path.parent.name]:
        heavy -= {"torch"}
    assert not heavy, f"imports {heavy} at module level"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_one_concept(path):
    assert len(path.read_text().splitlines()) <= 400
    assert path.name not in ("utils.py", "helpers.py", "base.py", "misc.py")

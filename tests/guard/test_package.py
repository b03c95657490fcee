"""The wheel that users get: complete, light, quick to import, and working on its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # processes of their own

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package, built as a wheel and installed by pip into an empty folder."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    assert (
        wheel.stat().st_size < 16 << 20
    )  # two models of up to 8 MiB: tests/generators/test_faces.py
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    subprocess.run(
        [*pip, "--target", str(folder / "site"), str(wheel)], check=True, capture_output=True
    )
    return folder / "site"


def _python(site, code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(site), **environment},
        capture_output=True,
        cwd=site.parent,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_hide_and_reveal_from_the_wheel(installed):
    found = _python(
        installed,
        "import stegafield; print(stegafield.__file__);"
        "e = stegafield.engine; s = e.hide(b'm', carrier='era5', size=(19, 36));"
        "print(bytes(e.reveal(s.data, key=s.key)))",
    )
    assert str(installed) in found and "b'm'" in found
    assert (installed / "stegafield" / "py.typed").exists()
    assert (installed / "bin" / "stegafield").exists()


def test_faces_need_no_torch(installed):
    found = _python(
        installed,
        "import sys; sys.modules.update(torch=None, safetensors=None); import stegafield;"
        "e = stegafield.engine; s = e.hide(b'm', carrier='celeba');"
        "print(bytes(e.reveal(s.data, key=s.key)))",
    )
    assert found == "b'm'\n"


def test_importing_is_light(installed):
    heavy = "{'torch', 'xarray', 'pandas', 'netCDF4', 'matplotlib', 'skimage', 'reedsolo', 'scipy'}"
    for code in (
        "import stegafield",
        "import stegafield.cli.commands",
        "from stegafield import Engine; Engine()",
    ):
        assert (
            _python(installed, f"import sys; {code}; print({heavy} & set(sys.modules))")
            == "set()\n"
        )
    assert _python(installed, "import sys, stegafield; print('numpy' in sys.modules)") == "False\n"


def test_a_missing_extra_says_what_to_type(installed, tmp_path):
    """`--figure` needs an extra: without it the line to type is given, and nothing is lost."""
    (tmp_path / "matplotlib.py").write_text("raise ImportError('no matplotlib')")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{installed}"}
    (tmp_path / "pass").write_text("word")
    hide = [
        "hide",
        "--carrier",
        "era5",
        "--size",
        "19x36",
        "--message",
        "m",
        "--passphrase-file",
        "pass",
    ]
    stegafield = [sys.executable, "-m", "stegafield"]
    options = {"env": environment, "capture_output": True, "cwd": tmp_path}
    done = subprocess.run([*stegafield, *hide, "--out", "x.nc", "--figure", "f.png"], **options)
    assert done.returncode == 2 and b'pip install "stegafield[plots]"' in done.stderr
    assert not (tmp_path / "x.nc").exists()
    subprocess.run([*stegafield, *hide, "--out", "x.nc"], check=True, **options)

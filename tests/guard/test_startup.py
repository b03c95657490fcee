"""What `stegafield --help` imports decides how soon it answers (docs/benchmarks.md)."""

import subprocess
import sys

import pytest

HEAVY = {
    *(
        "torch",
        "scipy",
        "matplotlib",
        "skimage",
        "xarray",
        "pandas",
        "netCDF4",
        "h5py",
        "soundfile",
    ),
    *("PIL", "numpy", "cryptography", "reedsolo"),
}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["hide", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "from stegafield.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('imported:', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) > 1
    assert done.stdout.splitlines()[-1] == "imported: []"

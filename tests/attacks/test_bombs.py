"""Small files that hold a great deal of nothing (C2, C5): what a verb costs follows the bytes."""

import json
import subprocess
import sys
from io import BytesIO

import h5py
import numpy as np
import pytest
import soundfile

from tests import pictures
from tests.fuzz.target import VERBS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and forks"),
]


def _png():
    return pictures.saved(np.zeros((4700, 4700, 3), np.uint8), "PNG")


def _rows_alike():
    row = pictures.noise(1, 4000, 3)
    return pictures.saved(np.tile(row, (4000, 1, 1)), "PNG")


def _deep():
    return pictures.saved(np.zeros((5000, 4000), np.uint16), "PNG")


def _gif():
    return pictures.saved(np.zeros((4700, 4700), np.uint8), "GIF")


def _flac():
    out = BytesIO()
    soundfile.write(out, np.zeros((15_000_000, 2), np.int16), 44100, "PCM_16", format="FLAC")
    return out.getvalue()


def _hdf5(kind):
    def made():
        out = BytesIO()
        with h5py.File(out, "w") as file:
            more = {"compression": "gzip", "compression_opts": 9}
            file.create_dataset("t", data=np.zeros((7000, 8000), kind), chunks=(700, 8000), **more)
            file["t"].attrs["scale_factor"] = 0.5
        return out.getvalue()

    return made


def _empty():
    out = BytesIO()
    with h5py.File(out, "w") as file:
        for i in range(40):
            file.create_dataset(f"v{i}", (8192, 8191), "f4", chunks=(64, 8191))
    return out.getvalue()


def _wide():
    """Few codes, of which no two are near each other."""
    out = BytesIO()
    with h5py.File(out, "w") as file:
        rng = np.random.default_rng(0)
        file["t"] = rng.integers(-(2**30), 2**30, (20, 30), dtype=np.int32)
        file["t"].attrs["scale_factor"] = 0.5
    return out.getvalue()


BOMBS = {
    "zeros.png": _png,
    "rows.png": _rows_alike,
    "deep.png": _deep,
    "zeros.gif": _gif,
    "silence.flac": _flac,
    "zeros.nc": _hdf5("i2"),
    "floats.nc": _hdf5("f4"),
    "empty.nc": _empty,
    "wide.nc": _wide,
}


@pytest.mark.parametrize("name", BOMBS)
def test_work_is_bounded_by_the_bytes_of_a_file(tmp_path, name):
    (tmp_path / name).write_bytes(BOMBS[name]())
    code = f"""if True:
        import json
        from pathlib import Path
        from tests.fuzz import many, target
        folder, name = Path({str(tmp_path)!r}), {name!r}
        many.warmed(folder)
        data = (folder / name).read_bytes()
        found = [target.measured(verb, name, data, folder).asdict() for verb in target.VERBS]
        print(json.dumps(found))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert len(found) == len(VERBS)
    faults = [(one["verb"], one["fault"], one["told"][-200:]) for one in found if one["fault"]]
    assert faults == []

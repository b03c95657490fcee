"""NetCDF-4 below the library: nothing outside the file is touched, nothing of the cover is left."""

import h5py
import netCDF4
import numpy as np
import pytest

from stegafield.errors import ConfigError, FormatError, NoMessage
from tests.datasets import packed, parsed


def _chunks(data, name):
    """The compressed bytes of every chunk of a variable."""
    import io

    with h5py.File(io.BytesIO(data), "r") as file:
        dataset = file[name]
        count = dataset.id.get_num_chunks()
        infos = [dataset.id.get_chunk_info(i) for i in range(count)]
        return [data[info.byte_offset : info.byte_offset + info.size] for info in infos]


@pytest.mark.slow
@pytest.mark.parametrize("bps", [0.02, 0.25, 1, 4])
@pytest.mark.parametrize("smooth", [True, False])
def test_no_chunk_of_the_cover_is_left_in_the_stego(engine, key, bps, smooth):
    """A chunk that no longer fits moves, and its old bytes stay: they would show every change."""
    change = (lambda codes: codes // 64 * 64) if smooth else None
    data = packed(times=6, rows=37, columns=72, change=change)
    stego = engine.hide(
        b"m", carrier="dataset", cover=data, key=key, bps=bps, set={"carrier.variable": "t2m"}
    )
    assert engine.reveal(stego.data, key=key) == b"m"
    before, after = _chunks(data, "t2m"), _chunks(stego.data, "t2m")
    moved = [old for old, new in zip(before, after, strict=True) if old != new]
    assert moved, "something must have changed"
    for old in moved:
        assert old not in stego.data
        assert old[-16:] not in stego.data, "the tail holds a checksum of the cover's samples"
    for name in ("orography", "latitude"):
        assert parsed(data)[name] == parsed(stego.data)[name]
    assert parsed(data)["t2m"][:-1] == parsed(stego.data)["t2m"][:-1]


def test_the_file_does_not_grow_for_nothing(engine, key):
    data = packed(times=6, rows=37, columns=72)
    stego = engine.hide(b"m", carrier="dataset", cover=data, key=key)
    assert len(stego.data) < 1.5 * len(data)


def _outside(tmp_path, kind):
    """A NetCDF-4 file whose packed variable is stored in, or linked from, another file."""
    victim = tmp_path / "victim.bin"
    codes = np.arange(4000, dtype="i2")
    with h5py.File(tmp_path / "hostile.nc", "w") as file:
        if kind == "external storage":
            victim.write_bytes(codes.tobytes())
            variable = file.create_dataset(
                "t", (40, 100), "i2", external=[(str(victim), 0, codes.nbytes)]
            )
        elif kind == "external link":
            with h5py.File(victim, "w") as other:
                other["t"] = codes.reshape(40, 100)
                other["t"].attrs["scale_factor"] = 0.1
            file["t"] = h5py.ExternalLink(str(victim), "/t")
            return victim
        elif kind == "virtual":
            with h5py.File(victim, "w") as other:
                other["t"] = codes.reshape(40, 100)
            layout = h5py.VirtualLayout((40, 100), "i2")
            layout[:] = h5py.VirtualSource(str(victim), "t", (40, 100))
            variable = file.create_virtual_dataset("t", layout)
        variable.attrs["scale_factor"] = 0.1
    return victim


@pytest.mark.parametrize("kind", ["external storage", "external link", "virtual"])
def test_a_file_that_reaches_outside_is_refused_and_nothing_is_touched(engine, key, tmp_path, kind):
    victim = _outside(tmp_path, kind)
    before = victim.read_bytes() if victim.exists() else None
    with pytest.raises(FormatError, match=r"other files|leads out"):
        engine.hide(b"m", carrier="dataset", cover=tmp_path / "hostile.nc", key=key)
    with pytest.raises(FormatError):
        engine.reveal(tmp_path / "hostile.nc", key=key)
    assert before is None or victim.read_bytes() == before


def test_declared_sizes_cost_nothing(engine, key, tmp_path):
    path = tmp_path / "big.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("y", 20_000)
        file.createDimension("x", 20_000)
        big = file.createVariable("t", "i4", ("y", "x"), chunksizes=(100, 100), zlib=True)
        big.scale_factor = 0.1
    assert path.stat().st_size < 20_000
    with pytest.raises(ConfigError, match="more than"):
        engine.hide(b"m", carrier="dataset", cover=path, key=key)
    with pytest.raises(NoMessage):
        engine.reveal(path, key=key)

"""Packed NetCDF variables, as files of both families store them: what is written is read back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield.channels.netcdf import NetcdfChannel
from tests.datasets import packed

MODELS = {
    "NETCDF4": ["NETCDF4", "NETCDF4_CLASSIC"],
    "NETCDF3": ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"],
}
TYPES = {"NETCDF4": ["i1", "u1", "i2", "u2", "i4"], "NETCDF3": ["i2", "i4"]}


@pytest.mark.parametrize("family", MODELS)
def test_any_codes_make_the_round_trip(family):
    @settings(max_examples=100, deadline=None)
    @given(
        model=st.sampled_from(MODELS[family]),
        dtype=st.sampled_from(TYPES[family]),
        shape=st.tuples(st.integers(1, 3), st.integers(3, 12), st.integers(1, 12)),
        filled=st.booleans(),
        names=st.sampled_from([("t2m",), ("t2m", "u10")]),
        seed=st.integers(0, 2**32),
    )
    def check(model, dtype, shape, filled, names, seed):
        if model == "NETCDF4_CLASSIC" and dtype in ("u1", "u2"):
            dtype = "i2"
        times, rows, columns = shape
        rng, limits = np.random.default_rng(seed), np.iinfo(dtype)
        fill = int(rng.integers(limits.min, limits.max, endpoint=True)) if filled else None

        def change(codes):
            codes = rng.integers(limits.min, limits.max, codes.shape, np.int64, endpoint=True)
            holes = rng.random(codes.shape) < 0.2
            return np.where(holes, limits.max if fill is None else fill, codes).astype(dtype)

        options = {"times": times, "rows": rows, "columns": columns, "change": change}
        data = packed(model=model, dtype=dtype, fill=fill, names=names, **options)
        channel = NetcdfChannel()
        covers = {c.container.variable: c for c in channel.read(data)}
        assert set(names) <= set(covers)
        cover = covers[names[-1]]
        low, high = (np.broadcast_to(b, cover.codes.shape) for b in (cover.low, cover.high))
        drawn = rng.integers(low, high, dtype=np.int64, endpoint=True)
        codes = np.where(cover.free, drawn, cover.codes).astype(cover.codes.dtype)
        found = {c.container.variable: c for c in channel.read(channel.write(cover, codes))}
        for name, before in covers.items():
            wanted = codes if name == names[-1] else before.codes
            assert np.array_equal(found[name].codes, wanted)
            assert np.array_equal(found[name].free, before.free)

    check()

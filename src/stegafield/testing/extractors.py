"""The contract of extractors."""

import os
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from ..coding import prices
from ..coding.ladder import DRAWN, LADDER_BY_RATE
from ..core import options
from ..core.cover import Costs, Cover, Law, widened
from ..core.extractor import Extractor, supports
from ..core.rung import Rung
from .law import require


def check_extractor(
    extractor: type[Extractor], cover: Cover, rungs: Iterable[Rung] = LADDER_BY_RATE
) -> None:
    """Check an extractor on one cover: keyed, pure and countable.

    What its `project` and `draw` make, where it has them, reads back.
    """
    chosen = list(options.variants(extractor.Options))
    require(0 < len(chosen) <= 4096, "has too many combinations of options for a header")
    tags = {options.tag(extractor.name, one) for one in chosen}
    require(len(tags) == len(chosen), "two combinations of options have one tag")
    for rung in rungs:
        reader = extractor(chosen[0], seed=bytes(32), rung=rung)
        codes, free = cover.codes.copy(), cover.free.copy()
        bits = reader.read(codes, free, cover.spec)
        require(
            np.array_equal(codes, cover.codes) and np.array_equal(free, cover.free),
            "read() changes its input",
        )
        require(
            bits.dtype == np.uint8 and bits.ndim == 1 and bits.max(initial=0) <= 1,
            "bits are not uint8 0 or 1",
        )
        require(bits.size == reader.count(cover), "count() disagrees with read()")
        again = extractor(chosen[0], seed=bytes(32), rung=rung).read(codes, free, cover.spec)
        require(np.array_equal(bits, again), "read() is not a function of seed, options and codes")
        other = extractor(chosen[0], seed=bytes([1]) * 32, rung=rung).read(codes, free, cover.spec)
        require(bits.size < 64 or not np.array_equal(bits, other), "the seed changes nothing")
        moved = np.where(free, np.clip(widened(codes) + 1, cover.low, cover.high), codes)
        moved = moved.astype(codes.dtype)
        require(
            reader.read(moved, free, cover.spec).size == bits.size,
            "the number of bits depends on the codes",
        )
        if supports(extractor, "draw") and rung in DRAWN:
            _check_draw(reader, cover)
        if supports(extractor, "project"):
            wanted = np.random.default_rng(0).integers(0, 2, bits.size, dtype=np.uint8)
            _check_project(reader, cover, wanted)
            if extractor.adapts(rung):
                price = np.random.default_rng(2).random(cover.codes.shape) + 0.1
                costs = prices.settled(Costs.alike(price), cover)
                _check_project(reader, replace(cover, costs=costs), wanted)


def _check_project(reader: Extractor, cover: Cover, wanted: UInt8[ndarray, " bit"]) -> None:
    """`project`: its codes read back, stay in the range, and change only where free."""
    codes, free = cover.codes.copy(), cover.free.copy()
    found = reader.project(cover, wanted, np.random.default_rng(1))
    require(np.array_equal(codes, cover.codes), "project() changes its input")
    require(
        found.dtype == codes.dtype and found.shape == codes.shape,
        "project() changes dtype or shape",
    )
    require(
        np.array_equal(found[~free], codes[~free]),
        "project() moves codes that are not free",
    )
    inside = (found >= cover.low) & (found <= cover.high)
    require(bool(inside[free].all()), "project() leaves the range")
    require(
        np.array_equal(reader.read(found, free, cover.spec), wanted),
        "project() does not read back",
    )


def _check_draw(reader: Extractor, cover: Cover) -> None:
    """`draw` on a smooth law around the cover: the same as of `project`, and a cost in nats."""
    middle = np.clip(cover.codes, cover.low + 20, cover.high - 20).astype(np.float64)
    noisy = replace(cover, law=Law(middle + 0.3, 3.0))
    wanted = np.random.default_rng(0).integers(0, 2, reader.count(noisy), dtype=np.uint8)
    found, nats = reader.draw(noisy, wanted, os.urandom)
    require(
        found.dtype == cover.codes.dtype and found.shape == cover.codes.shape,
        "draw() changes dtype or shape",
    )
    inside = (found >= cover.low) & (found <= cover.high)
    require(bool(inside[cover.free].all()), "draw() leaves the range")
    require(
        np.array_equal(found[~cover.free], cover.codes[~cover.free]),
        "draw() moves codes that are not free",
    )
    require(
        np.array_equal(reader.read(found, cover.free, cover.spec), wanted),
        "draw() does not read back",
    )
    require(nats >= 0, "draw() costs less than nothing")

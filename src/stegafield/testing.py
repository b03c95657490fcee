"""Contract tests for plugin authors: hand one your class, and it raises `AssertionError` naming the broken law.

    from stegafield.testing import check_carrier
    def test_carrier(): check_carrier(TideCarrier())

They run on every plugin of the project itself. Nothing here needs pytest.
"""

import os
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8
from numpy import ndarray

from .core import adaptive, bound, options
from .core.carrier import Carrier, draws, formats, opens, writer
from .core.channel import Channel
from .core.cover import Costs, Cover, Law, widened
from .core.detector import Detector
from .core.engine import Engine
from .core.extractor import Extractor, supports
from .core.ladder import DRAWN, LADDER_BY_RATE, Rung
from .core.optimizer import Box, Optimizer
from .core.registry import Registry
from .errors import BrokenPlugin, ConfigError, FormatError
from .extractors.phase import Phase
from .message.key import Key

_FOREIGN = (b"", b"\0", b"not a file of any medium", bytes(range(256)) * 8)


def check_carrier(carrier: Carrier, sources: Iterable[Any] = ()) -> None:
    """A carrier: covers are valid and repeatable, sources stay unchanged, and a message makes the round trip.

    Args:
        carrier: With the options to test; small covers keep it quick.
        sources: Covers of the user's own, one of each type that `open` takes.
    """
    sources = list(sources)
    _require(draws(carrier) or opens(carrier), "overrides neither covers() nor open()")
    _require(
        not opens(carrier) or bool(sources),
        "takes the user's own covers; give check_carrier some sources",
    )
    registry = Registry()
    registry.add("carrier", type(carrier), "test")
    for channel in formats(carrier):
        registry.add("channel", channel, "test")
    registry.add("extractor", Phase, "test")
    engine, key = Engine(registry, device="cpu"), Key(bytes(32))
    arguments = {"carrier": carrier.name, "key": key, "set": _settings(carrier)}
    if draws(carrier):
        first, second = carrier.covers(2, np.random.default_rng(1))
        again = carrier.covers(1, np.random.default_rng(1))[0]
        other = carrier.covers(1, np.random.default_rng(2))[0]
        _require(_like(first, again), "covers() is not repeated by the same rng")
        _require(not _like(first, second) and not _like(first, other), "covers() repeats itself")
        _require(first.law is None or not _same(first, again), "covers() repeats its noise")
        check_cover(first)
        _check_law(first)
        check_channel(writer(carrier, first), writer(carrier, first).write(first, first.codes))
        stego = engine.hide(b"m", **arguments)
        _require(
            engine.reveal(stego.data, key=key) == b"m",
            "a message did not come back from a drawn cover",
        )
    for source in sources:
        before = deepcopy(source) if not hasattr(source, "read") else None
        cover = carrier.open(source)
        check_cover(cover)
        check_channel(writer(carrier, cover), writer(carrier, cover).write(cover, cover.codes))
        _check_costs(carrier, cover)
        if before is None:
            source.seek(0)
        stego = engine.hide(b"m", cover=source, **arguments)
        _require(
            engine.reveal(stego.data, key=key) == b"m",
            "a message did not come back from an opened cover",
        )
        if before is not None:
            _require(_equal(before, source), "changes the user's own cover")
            kind = (
                bytes
                if isinstance(source, bytes | str) or hasattr(source, "__fspath__")
                else type(source)
            )
            _require(
                isinstance(stego.value, kind),
                f"value() gives {type(stego.value)} back for {type(source)}",
            )


def check_channel(channel: Channel, data: bytes) -> None:
    """A channel, on one file of its format: what it writes it reads, free never moves, foreign bytes are refused."""
    _require(
        all(s.startswith(".") and s == s.lower() for s in channel.suffixes),
        "suffixes are not like '.png'",
    )
    covers = list(channel.read(data))
    _require(bool(covers), "read() finds no candidate in the sample file")
    for number, cover in enumerate(covers):
        check_cover(cover)
        rng = np.random.default_rng(number)
        step = np.where(rng.random(cover.codes.shape) < 0.5, 1, -1).astype(cover.codes.dtype)
        moved = np.clip(widened(cover.codes) + step, cover.low, cover.high)
        ends = [np.broadcast_to(np.asarray(b), cover.codes.shape) for b in (cover.low, cover.high)]
        for wanted in (cover.codes, moved, *ends):
            codes = np.where(cover.free, wanted, cover.codes).astype(cover.codes.dtype)
            written = channel.write(cover, codes)
            _require(channel.write(cover, codes) == written, "write() is not deterministic")
            read = list(channel.read(written))
            _require(len(read) == len(covers), "writing changes the number of candidates")
            _require(
                np.array_equal(read[number].codes, codes),
                "codes read back differ from those written",
            )
            _require(
                np.array_equal(read[number].free, cover.free),
                "free depends on the codes that change",
            )
            others = [
                _same(a, b)
                for i, (a, b) in enumerate(zip(covers, read, strict=True))
                if i != number
            ]
            _require(all(others), "writing one candidate changes another")
    for foreign in (*_FOREIGN, data[: len(data) // 3], data[:7]):
        try:
            list(channel.read(foreign))
        except FormatError:
            continue
        _require(
            foreign not in _FOREIGN,
            "read() takes bytes of another format; it must raise FormatError",
        )


def check_cover(cover: Cover) -> None:
    """A cover: shapes agree, codes are integers within their range."""
    codes = cover.codes
    good = (np.int16, np.int32, np.int64)
    _require(codes.dtype in good, f"codes are {codes.dtype}, not int16, int32 or int64")
    _require(codes.ndim >= 2, "codes need a channel axis and at least one space axis")
    _require(
        cover.free.dtype == bool and cover.free.shape == codes.shape,
        "free is not a mask of the shape of codes",
    )
    inside = (codes >= cover.low) & (codes <= cover.high)
    _require(bool(inside[cover.free].all()), "a free code lies outside [low, high]")
    _require(
        len(cover.spec.axes) == len(cover.spec.periodic) == codes.ndim - 1,
        "spec does not fit the space axes",
    )
    _require(
        cover.weight is None or cover.weight.shape == codes.shape,
        "weight has another shape than codes",
    )


def check_extractor(
    extractor: type[Extractor], cover: Cover, rungs: Iterable[Rung] = LADDER_BY_RATE
) -> None:
    """An extractor, on one cover: keyed, pure, countable; and `project`, where it has one, reads back."""
    chosen = list(options.variants(extractor.Options))
    _require(0 < len(chosen) <= 4096, "has too many combinations of options for a header")
    tags = {options.tag(extractor.name, one) for one in chosen}
    _require(len(tags) == len(chosen), "two combinations of options have one tag")
    for rung in rungs:
        reader = extractor(chosen[0], seed=bytes(32), rate=rung)
        codes, free = cover.codes.copy(), cover.free.copy()
        bits = reader.read(codes, free, cover.spec)
        _require(
            np.array_equal(codes, cover.codes) and np.array_equal(free, cover.free),
            "read() changes its input",
        )
        _require(
            bits.dtype == np.uint8 and bits.ndim == 1 and bits.max(initial=0) <= 1,
            "bits are not uint8 0 or 1",
        )
        _require(bits.size == reader.count(cover), "count() disagrees with read()")
        again = extractor(chosen[0], seed=bytes(32), rate=rung).read(codes, free, cover.spec)
        _require(np.array_equal(bits, again), "read() is not a function of seed, options and codes")
        other = extractor(chosen[0], seed=bytes([1]) * 32, rate=rung).read(codes, free, cover.spec)
        _require(bits.size < 64 or not np.array_equal(bits, other), "the seed changes nothing")
        moved = np.where(free, np.clip(widened(codes) + 1, cover.low, cover.high), codes)
        moved = moved.astype(codes.dtype)
        _require(
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
                costs = adaptive.settled(Costs.alike(price), cover)
                _check_project(reader, replace(cover, costs=costs), wanted)


def _check_project(reader: Extractor, cover: Cover, wanted: UInt8[ndarray, " bit"]) -> None:
    """`project`: reads back, stays in the range, moves nothing that is not free."""
    codes, free = cover.codes.copy(), cover.free.copy()
    found = reader.project(cover, wanted, np.random.default_rng(1))
    _require(np.array_equal(codes, cover.codes), "project() changes its input")
    _require(
        found.dtype == codes.dtype and found.shape == codes.shape,
        "project() changes dtype or shape",
    )
    _require(
        np.array_equal(found[~free], codes[~free]),
        "project() moves codes that are not free",
    )
    inside = (found >= cover.low) & (found <= cover.high)
    _require(bool(inside[free].all()), "project() leaves the range")
    _require(
        np.array_equal(reader.read(found, free, cover.spec), wanted),
        "project() does not read back",
    )


def check_optimizer(optimizer: type[Optimizer]) -> None:
    """An optimizer: stays in the box, improves, treats items alone, and never raises."""

    def bowl(change: Any) -> Any:
        return ((change - 0.5) ** 2).reshape(len(change), -1).sum(-1)

    def nothing(change: Any) -> Any:
        return bowl(change) * float("nan")

    lower, upper = -np.ones((3, 1, 4, 5)), np.full((3, 1, 4, 5), 2.0)
    upper[1] = 0.25
    lower[2] = upper[2] = 0.0
    box = Box(lower, upper)
    found = optimizer(device="cpu").solve(bowl, box)
    _require(found.change.shape == lower.shape, "change has another shape than the box")
    _require(
        bool(((found.change >= lower) & (found.change <= upper)).all()), "the change leaves the box"
    )
    _require(
        bool((found.loss <= bowl(np.zeros_like(lower)) + 1e-6).all()),
        "the loss is worse than that of no change",
    )
    _require(
        bool(np.allclose(found.change, np.clip(0.5, lower, upper), atol=0.05)),
        "a bowl is not solved",
    )
    _require(
        len(found.status) == len(found.evaluations) == 3, "status and evaluations are not per item"
    )
    alone = optimizer(device="cpu").solve(bowl, Box(lower[1:2], upper[1:2]))
    _require(
        bool(np.allclose(alone.change, found.change[1:2], atol=1e-3)),
        "items of a batch influence each other",
    )
    optimizer(device="cpu").solve(nothing, box)


def check_detector(detector: Detector, codes: Int[ndarray, "channel *space"]) -> None:
    """A detector, on one item: a finite score, the same each time, and no change of its input."""
    before = codes.copy()
    score = detector.score(codes)
    _require(np.isfinite(score), f"score() gives {score}")
    _require(detector.score(codes) == score, "score() is not repeatable")
    _require(np.array_equal(before, codes), "score() changes its input")


def _check_law(cover: Cover) -> None:
    if cover.law is None:
        return
    try:
        bound.check_law(cover)
    except ConfigError as error:
        raise AssertionError(str(error)) from None
    noise = (cover.codes - cover.law.value)[cover.free]
    _require(cover.law.value.shape == cover.codes.shape, "law.value has another shape than codes")
    _require(
        abs(noise.mean()) < 6 * cover.law.sigma / noise.size**0.5 + 0.01,
        "the noise is not centred on the law",
    )
    measured, expected = noise.std(), (cover.law.sigma**2 + 1 / 12) ** 0.5
    _require(
        abs(measured / expected - 1) < 4 / noise.size**0.5,
        f"noise of {measured:.3f} codes, law says {expected:.3f}",
    )


def _check_draw(reader: Extractor, cover: Cover) -> None:
    """`draw` on a smooth law around the cover: reads back, stays in the range, moves nothing that is not free."""
    middle = np.clip(cover.codes, cover.low + 20, cover.high - 20).astype(np.float64)
    noisy = replace(cover, law=Law(middle + 0.3, 3.0))
    wanted = np.random.default_rng(0).integers(0, 2, reader.count(noisy), dtype=np.uint8)
    found, nats = reader.draw(noisy, wanted, os.urandom)
    _require(
        found.dtype == cover.codes.dtype and found.shape == cover.codes.shape,
        "draw() changes dtype or shape",
    )
    inside = (found >= cover.low) & (found <= cover.high)
    _require(bool(inside[cover.free].all()), "draw() leaves the range")
    _require(
        np.array_equal(found[~cover.free], cover.codes[~cover.free]),
        "draw() moves codes that are not free",
    )
    _require(
        np.array_equal(reader.read(found, cover.free, cover.spec), wanted),
        "draw() does not read back",
    )
    _require(nats >= 0, "draw() costs less than nothing")


def _check_costs(carrier: Carrier, cover: Cover) -> None:
    """`costs`: a function of the cover, positive numbers or infinity for every sample."""
    found, again = carrier.costs(cover), carrier.costs(cover)
    if found is None or again is None:
        _require(found is again, "costs() gives costs one time and none another")
        return
    try:
        adaptive.settled(found, cover)
    except BrokenPlugin as error:
        raise AssertionError(f"costs(): {error}") from None
    same = all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))
    _require(same, "costs() is not a function of the cover")


def _settings(carrier: Carrier) -> dict[str, Any]:
    given = carrier.options.model_dump(exclude_unset=True)
    return {f"carrier.{name}": value for name, value in given.items()}


def _same(a: Cover, b: Cover) -> bool:
    return np.array_equal(a.codes, b.codes) and np.array_equal(a.free, b.free)


def _like(a: Cover, b: Cover) -> bool:
    """Whether two draws are the same but for the noise of their law, which is never repeated."""
    if a.law is None or b.law is None:
        return _same(a, b)
    return np.array_equal(a.law.value, b.law.value) and np.array_equal(a.free, b.free)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return all(_equal(*pair) for pair in zip(a, b, strict=True))
    if isinstance(a, ndarray):
        return np.array_equal(a, b)
    return bool(a.identical(b)) if hasattr(a, "identical") else a == b


def _require(holds: "bool | np.bool_", law: str) -> None:
    if not holds:
        raise AssertionError(law)

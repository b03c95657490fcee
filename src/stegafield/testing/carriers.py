"""The contract of carriers."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import numpy as np
from numpy import ndarray

from ..coding import prices
from ..core.carrier import Carrier, draws, formats, opens, writer
from ..core.cover import Costs, Cover
from ..core.registry import Registry
from ..extractors.phase import Phase
from ..message.key import Key
from ..pipeline.engine import Engine
from .channels import check_channel, check_cover, same
from .law import judging, keeping, made, require
from .noise import check_law


@judging("check_carrier()")
def check_carrier(carrier: Carrier | type[Carrier], sources: Iterable[Any] = ()) -> None:
    """Check a carrier: valid, repeatable covers; unchanged sources; messages that come back.

    Where its covers have a law, so does their noise: fresh whatever `rng` is, independent, normal,
    with the sigma that the law says (`check_law`). The KL bound of `hide` rests on that.

    Args:
        carrier: With the options to test, or its class; small covers keep it quick.
        sources: Covers of the user's own, one of each type that `open` takes.
    """
    carrier, sources = made("carrier", carrier), list(sources)
    require(
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
        first, second = _drawn(carrier, 1, 2)
        again, other = _drawn(carrier, 1)[0], _drawn(carrier, 2)[0]
        require(_like(first, again), "covers() is not repeated by the same rng")
        require(not _like(first, second) and not _like(first, other), "covers() repeats itself")
        require(first.law is None or not same(first, again), "covers() repeats its noise")
        if first.law is not None:
            check_law(lambda seed: _drawn(carrier, seed)[0])
        _check_written(carrier, first)
        _check_blank(carrier, first)
        with keeping("a message did not come back from a generated cover"):
            stego = engine.hide(b"m", **arguments)
            require(engine.reveal(stego.data, key=key) == b"m", "another message came back")
    for source in sources:
        _check_source(carrier, source, engine, arguments)


def check_costs(carrier: Carrier, cover: Cover) -> None:
    """Check that `costs` is a function of the cover: positive or infinite, for every element."""
    codes, free = cover.codes.copy(), cover.free.copy()
    with keeping("costs() fails"):
        found, again = carrier.costs(cover), carrier.costs(cover)
    require(
        np.array_equal(codes, cover.codes) and np.array_equal(free, cover.free),
        "costs() changes the cover",
    )
    if found is None or again is None:
        require(found is again, "costs() gives costs on one call and None on another")
        return
    require(isinstance(found, Costs), f"costs() returns a {type(found).__name__}, not Costs")
    with keeping("costs()"):
        prices.settled(found, cover)
    repeated = all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))
    require(repeated, "costs() is not a function of the cover")


def _drawn(carrier: Carrier, seed: int, count: int = 1) -> list[Cover]:
    """Covers of one rng, each looked at."""
    with keeping("covers() fails"):
        found: Any = carrier.covers(count, np.random.default_rng(seed))
    require(isinstance(found, list | tuple), f"covers() returns a {type(found).__name__}, no list")
    require(len(found) == count, f"covers() returns {len(found)} covers for {count}")
    for cover in found:
        check_cover(cover)
    return list(found)


def _check_blank(carrier: Carrier, drawn: Cover) -> None:
    """`blank`, where there is one, is a cover like those that are drawn."""
    if type(carrier).blank is Carrier.blank:
        return
    with keeping("blank() fails"):
        blank = carrier.blank()
    check_cover(blank)
    require(blank.codes.ndim == drawn.codes.ndim, "blank() has other axes than covers()")


def _check_written(carrier: Carrier, cover: Cover) -> None:
    """The carrier's own channel writes the cover, and keeps its contract."""
    channel = writer(carrier, cover)
    with keeping("write() fails"):
        data = channel.write(cover, cover.codes)
    check_channel(channel, data)


def _check_source(carrier: Carrier, source: Any, engine: Engine, arguments: dict[str, Any]) -> None:
    """One of the user's own covers."""
    before = deepcopy(source) if not hasattr(source, "read") else None
    with keeping("open() fails"):
        cover = carrier.open(source)
    check_cover(cover)
    _check_written(carrier, cover)
    check_costs(carrier, cover)
    if before is None:
        source.seek(0)
    with keeping("a message did not come back from an opened cover"):
        stego = engine.hide(b"m", cover=source, **arguments)
        revealed = engine.reveal(stego.data, key=arguments["key"])
        require(revealed == b"m", "another message came back")
    if before is not None:
        require(_equal(before, source), "changes the user's own cover")
        path = isinstance(source, bytes | str) or hasattr(source, "__fspath__")
        require(
            isinstance(stego.value, bytes if path else type(source)),
            f"value() gives {type(stego.value)} back for {type(source)}",
        )


def _settings(carrier: Carrier) -> dict[str, Any]:
    given = carrier.options.model_dump(exclude_unset=True)
    return {f"carrier.{name}": value for name, value in given.items()}


def _like(a: Cover, b: Cover) -> bool:
    """Whether two draws are the same except for the noise of their law, which is never repeated."""
    if a.law is None or b.law is None:
        return same(a, b)
    return np.array_equal(a.law.value, b.law.value) and np.array_equal(a.free, b.free)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return all(_equal(*pair) for pair in zip(a, b, strict=True))
    if isinstance(a, ndarray):
        return np.array_equal(a, b)
    return bool(a.identical(b)) if hasattr(a, "identical") else a == b

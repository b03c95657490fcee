"""The contract of carriers."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import numpy as np
from numpy import ndarray

from ..coding import bound, prices
from ..core.carrier import Carrier, draws, formats, opens, writer
from ..core.cover import Cover
from ..core.registry import Registry
from ..errors import BrokenPlugin, ConfigError
from ..extractors.phase import Phase
from ..message.key import Key
from ..pipeline.engine import Engine
from .channels import check_channel, check_cover, same
from .law import require


def check_carrier(carrier: Carrier, sources: Iterable[Any] = ()) -> None:
    """Check a carrier: valid, repeatable covers; unchanged sources; messages that come back.

    Args:
        carrier: With the options to test; small covers keep it quick.
        sources: Covers of the user's own, one of each type that `open` takes.
    """
    sources = list(sources)
    require(draws(carrier) or opens(carrier), "overrides neither covers() nor open()")
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
        first, second = carrier.covers(2, np.random.default_rng(1))
        again = carrier.covers(1, np.random.default_rng(1))[0]
        other = carrier.covers(1, np.random.default_rng(2))[0]
        require(_like(first, again), "covers() is not repeated by the same rng")
        require(not _like(first, second) and not _like(first, other), "covers() repeats itself")
        require(first.law is None or not same(first, again), "covers() repeats its noise")
        check_cover(first)
        _check_law(first)
        check_channel(writer(carrier, first), writer(carrier, first).write(first, first.codes))
        stego = engine.hide(b"m", **arguments)
        require(
            engine.reveal(stego.data, key=key) == b"m",
            "a message did not come back from a generated cover",
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
        require(
            engine.reveal(stego.data, key=key) == b"m",
            "a message did not come back from an opened cover",
        )
        if before is not None:
            require(_equal(before, source), "changes the user's own cover")
            kind = (
                bytes
                if isinstance(source, bytes | str) or hasattr(source, "__fspath__")
                else type(source)
            )
            require(
                isinstance(stego.value, kind),
                f"value() gives {type(stego.value)} back for {type(source)}",
            )


def _check_law(cover: Cover) -> None:
    if cover.law is None:
        return
    try:
        bound.check_law(cover)
    except ConfigError as error:
        raise AssertionError(str(error)) from None
    noise = (cover.codes - cover.law.value)[cover.free]
    require(cover.law.value.shape == cover.codes.shape, "law.value has another shape than codes")
    require(
        abs(noise.mean()) < 6 * cover.law.sigma / noise.size**0.5 + 0.01,
        "the noise is not centred on the law",
    )
    measured, expected = noise.std(), (cover.law.sigma**2 + 1 / 12) ** 0.5
    require(
        abs(measured / expected - 1) < 4 / noise.size**0.5,
        f"noise of {measured:.3f} codes, law says {expected:.3f}",
    )


def _check_costs(carrier: Carrier, cover: Cover) -> None:
    """`costs` is a function of the cover: positive numbers or infinity for every element."""
    found, again = carrier.costs(cover), carrier.costs(cover)
    if found is None or again is None:
        require(found is again, "costs() gives costs on one call and None on another")
        return
    try:
        prices.settled(found, cover)
    except BrokenPlugin as error:
        raise AssertionError(f"costs(): {error}") from None
    same = all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))
    require(same, "costs() is not a function of the cover")


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

"""The contract of extractors."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from ..coding import prices
from ..coding.ladder import DRAWN, LADDER, LADDER_BY_RATE
from ..core import options
from ..core.carrier import Carrier
from ..core.channel import Channel
from ..core.cover import Costs, Cover, Law, widened
from ..core.extractor import Drawn, Extractor, suited, supports
from ..core.registry import Registry
from ..core.rung import Rung
from ..errors import FormatError
from ..message.key import Key
from ..optimizers.lbfgs import Lbfgs
from ..pipeline.engine import Engine
from .law import in_order, judging, keeping, require
from .objectives import check_objective

_MAGIC = b"stegafield.testing\n"


@judging("check_extractor()")
def check_extractor(
    extractor: type[Extractor],
    cover: Cover,
    rungs: Iterable[Rung] = LADDER_BY_RATE,
    *,
    chosen: options.Options | None = None,
    embed: bool = True,
) -> None:
    """Check an extractor on one cover: keyed, pure and countable.

    What its `project` and `draw` make, where it has them, reads back. Where it has an `objective`,
    that is differentiated, lowered by `lbfgs`, rounded and read back: at the lowest and the highest
    of the rungs that it offers, or at the lowest that has bits where it leaves the choice.

    Args:
        extractor: The class.
        cover: A small cover of a medium that it is for.
        rungs: At which it is tried.
        chosen: Options of it; its defaults if not given.
        embed: Whether `lbfgs` has to find the bits, and a message to make the round trip through
            the engine: not for one that can read more than anyone can embed.
    """
    in_order("extractor", extractor)
    chosen, rungs = chosen or extractor.Options(), list(rungs)
    known = list(options.variants(extractor.Options))
    require(chosen in known, "no header can name these options: only bool and Literal ones differ")
    cover = suited(extractor, cover)
    offered = _offered(extractor, cover)
    for rung in rungs:
        reader = _made(extractor, chosen, rung)
        _check_read(extractor, chosen, reader, cover)
        if supports(extractor, "draw") and rung in DRAWN:
            _check_draw(reader, cover)
        if supports(extractor, "project"):
            wanted = np.random.default_rng(0).integers(0, 2, reader.count(cover), dtype=np.uint8)
            _check_project(reader, cover, wanted)
            with keeping("adapts() fails"):
                adapts = extractor.adapts(rung)
            if adapts:
                price = np.random.default_rng(2).random(cover.codes.shape) + 0.1
                costs = prices.settled(Costs.alike(price), cover)
                _check_project(reader, replace(cover, costs=costs), wanted)
    usual = [rung for rung in rungs if rung in (LADDER_BY_RATE if offered is None else offered)]
    usual = [rung for rung in usual if _made(extractor, chosen, rung).count(cover)]
    if supports(extractor, "objective"):
        for rung in usual[:1] + (usual[1:][-1:] if offered else []):
            check_objective(_made(extractor, chosen, rung), cover, lowered=embed)
    able = any(supports(extractor, method) for method in ("project", "objective"))
    if embed and usual and able:
        _check_round_trip(extractor, cover, chosen)


def _made(extractor: type[Extractor], chosen: Any, rung: Rung, seed: bytes = bytes(32)) -> Any:
    with keeping("cannot be made of options, seed and rung"):
        return extractor(chosen, seed=seed, rung=rung)


def _offered(extractor: type[Extractor], cover: Cover) -> Sequence[Rung] | None:
    """The rungs that it offers; they are of the ladder, lowest rate first."""
    noisy = _noisy(cover)
    found: Any = None
    for name, asked, one in (
        ("offers_drawn()", extractor.offers_drawn, noisy),
        ("offers()", extractor.offers, cover),
    ):
        with keeping(f"{name} fails"):
            found = asked(one)
        if found is None:
            continue
        listed = isinstance(found, Sequence) and all(isinstance(rung, Rung) for rung in found)
        require(listed, f"{name} gives {found!r}, not a list of rungs or None")
        require(all(rung in LADDER for rung in found), f"{name} has a rung that the ladder has not")
        rates = [rung.rate for rung in found]
        require(rates == sorted(rates), f"{name} does not go from low rates to high ones")
    return found


def _read(reader: Extractor, cover: Cover) -> UInt8[ndarray, " bit"]:
    """The bits of a cover, looked at."""
    codes, free = cover.codes.copy(), cover.free.copy()
    with keeping("read() fails"):
        bits: Any = reader.read(cover.codes, cover.free, cover.spec)
    require(
        np.array_equal(codes, cover.codes) and np.array_equal(free, cover.free),
        "read() changes its input",
    )
    require(isinstance(bits, ndarray), f"read() gives a {type(bits).__name__}, not bits")
    require(
        bits.dtype == np.uint8 and bits.ndim == 1 and bits.max(initial=0) <= 1,
        f"bits are {bits.dtype} {bits.shape}, not uint8 0 or 1",
    )
    return bits


def _check_read(extractor: type[Extractor], chosen: Any, reader: Any, cover: Cover) -> None:
    """`read` and `count`: functions of seed, options and codes; how many, of all but the codes."""
    bits = _read(reader, cover)
    with keeping("count() fails"):
        count: Any = reader.count(cover)
    whole = isinstance(count, int | np.integer) and not isinstance(count, bool)
    require(whole, f"count() gives {count!r}, not a number")
    require(bits.size == count, "count() disagrees with read()")
    again = _read(_made(extractor, chosen, reader.rung), cover)
    require(np.array_equal(bits, again), "read() is not a function of seed, options and codes")
    other = _read(_made(extractor, chosen, reader.rung, bytes([1]) * 32), cover)
    require(bits.size < 64 or not np.array_equal(bits, other), "the seed changes nothing")
    codes, low, high = widened(cover.codes), cover.low, cover.high
    noise = np.random.default_rng(3).integers(low, np.asarray(high) + 1, codes.shape)
    for wanted in (np.clip(codes + 1, low, high), low, high, noise):
        moved = np.where(cover.free, wanted, codes).astype(cover.codes.dtype)
        size = _read(reader, cover.with_codes(moved)).size
        require(size == bits.size, "the number of bits depends on the codes")
    nothing = cover.with_free(np.zeros_like(cover.free))
    require(_read(reader, nothing).size == 0, "read() gives bits where no element is free")
    fewer = cover.free & (np.random.default_rng(4).random(cover.free.shape) < 0.7)
    some = _read(reader, cover.with_free(fewer)).size
    require(some == reader.count(cover.with_free(fewer)), "count() disagrees with read()")
    soft = getattr(reader, "read_soft", None)
    if soft is not None and type(reader).read_soft is not getattr(Extractor, "read_soft", None):
        with keeping("read_soft() fails"):
            ratio = np.asarray(soft(cover.codes, cover.free, cover.spec), float)
        require(ratio.shape == bits.shape, "read_soft() gives another number of bits than read()")
        sure, signs = ratio != 0, ratio > 0
        agrees = np.array_equal(signs[sure], bits[sure] == 1)
        agrees |= np.array_equal(signs[sure], bits[sure] == 0)
        require(agrees, "read_soft() disagrees with read()")


def _check_codes(what: str, found: Any, cover: Cover) -> None:
    """Codes that an extractor made: of the same kind, within the range, changed only where free."""
    require(isinstance(found, ndarray), f"{what} gives a {type(found).__name__}, not codes")
    require(
        found.dtype == cover.codes.dtype and found.shape == cover.codes.shape,
        f"{what} changes dtype or shape",
    )
    require(
        np.array_equal(found[~cover.free], cover.codes[~cover.free]),
        f"{what} moves codes that are not free",
    )
    inside = (found >= cover.low) & (found <= cover.high)
    require(bool(inside[cover.free].all()), f"{what} leaves the range")


def _check_project(reader: Extractor, cover: Cover, wanted: UInt8[ndarray, " bit"]) -> None:
    """`project`: its codes read back, stay in the range, and change only where free."""
    codes, bits = cover.codes.copy(), wanted.copy()
    with keeping("project() fails"):
        found = reader.project(cover, wanted, np.random.default_rng(1))
    unchanged = np.array_equal(codes, cover.codes) and np.array_equal(bits, wanted)
    require(unchanged, "project() changes its input")
    _check_codes("project()", found, cover)
    read = _read(reader, cover.with_codes(found))
    require(np.array_equal(read, wanted), "project() does not read back")


def _noisy(cover: Cover) -> Cover:
    """The cover with a smooth law around it."""
    low, high = np.asarray(cover.low) + 20, np.asarray(cover.high) - 20
    middle = np.clip(cover.codes, low, np.maximum(low, high)).astype(np.float64)
    return replace(cover, law=Law(middle + 0.3, 3.0))


def _check_draw(reader: Extractor, cover: Cover) -> None:
    """`draw` on a smooth law around the cover: the same as of `project`, and a cost in nats."""
    noisy = _noisy(cover)
    wanted = np.random.default_rng(0).integers(0, 2, reader.count(noisy), dtype=np.uint8)
    with keeping("draw() fails"):
        found: Any = reader.draw(noisy, wanted, os.urandom)
    require(isinstance(found, Drawn), f"draw() gives a {type(found).__name__}, not Drawn")
    _check_codes("draw()", found.codes, cover)
    read = _read(reader, cover.with_codes(found.codes))
    require(np.array_equal(read, wanted), "draw() does not read back")
    require(np.isfinite(found.nats) and found.nats >= 0, "draw() costs less than nothing, or NaN")


def _check_round_trip(extractor: type[Extractor], cover: Cover, chosen: Any) -> None:
    """A message through the engine and back, in this cover."""
    plain = replace(cover, container=cover, channel="", law=None, costs=None, notes=())

    class Kept(Channel):
        """The codes, beside a cover that is known."""

        name: ClassVar[str] = "kept"
        suffixes: ClassVar[tuple[str, ...]] = (".kept",)

        def read(self, data: bytes) -> Any:
            if not data.startswith(_MAGIC):
                raise FormatError("not kept")
            codes = np.frombuffer(data[len(_MAGIC) :], plain.codes.dtype)
            yield plain.with_codes(codes.reshape(plain.codes.shape))

        def write(self, cover: Cover, codes: Any) -> bytes:
            return _MAGIC + codes.astype(plain.codes.dtype).tobytes()

    class Keeps(Carrier):
        """The one cover."""

        name: ClassVar[str] = "kept"
        channel: ClassVar[type[Channel]] = Kept

        def open(self, source: Any) -> Cover:
            return plain

    registry = Registry()
    for kind, part in (
        ("channel", Kept),
        ("carrier", Keeps),
        ("extractor", extractor),
        ("optimizer", Lbfgs),
    ):
        registry.add(kind, part, "test")
    engine, key = Engine(registry, device="cpu"), Key(bytes(32))
    with keeping("a message did not come back from the cover"):
        wishes = {f"extractor.{name}": value for name, value in chosen.model_dump().items()}
        given = {"carrier": "kept", "cover": b"", "extractor": extractor.name, "set": wishes}
        stego = engine.hide(b"m", key=key, **given)
        require(engine.reveal(stego.data, key=key) == b"m", "another message came back")

"""Covers and their stegos by each method and rate, as detectors see them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator
from PIL import Image

from ..baselines.adaptive import hill, s_uniward
from ..baselines.lsb import matching, replacement
from ..channels.picture import decode
from ..core.cover import Cover, widened
from ..core.detector import Detector, TrainedDetector
from ..core.engine import Engine
from ..core.extras import need
from ..core.regions import LEAST_FREE
from ..core.stego import Stego
from ..errors import ConfigError, StegafieldError

SIMULATED: dict[str, Callable[..., Int[ndarray, "channel *space"]]] = {
    "lsb-matching": matching.simulate,
    "lsb-replacement": replacement.simulate,
    "hill": hill.simulate,
    "s-uniward": s_uniward.simulate,
}
"""Methods that change codes as if they carried bits at a rate; nothing is read back."""


@dataclass(frozen=True)
class Source:
    """A file, or one draw of a carrier: what must not be on both sides of a split."""

    name: str
    covers: Callable[[], Iterable[Any]]
    """Its covers, as `hide` takes them; None for one that the carrier draws."""
    seed: int | None = None
    """Repeats the cover that the carrier draws."""


Case = tuple[str, str, float]
"""Detector, method, rate."""


@dataclass
class Evidence:
    """What one detector saw of one method at one rate: entry i of each list is one cover and its stego."""

    covers: list[Float[ndarray, "*feature"]] = field(default_factory=list)
    stegos: list[Float[ndarray, "*feature"]] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    payloads: list[float] = field(default_factory=list)
    """Bits per free sample."""
    facts: dict[str, Any] = field(default_factory=dict)
    """How the first stego was made, for methods that `hide` has."""


@dataclass(frozen=True)
class Setting:
    """What stegos are made of covers, and who looks."""

    engine: Engine
    detectors: Sequence[Detector]
    against: Sequence[str]
    """Extractors, whose stegos `hide` makes, and names of `SIMULATED`, which get what the first extractor carries: the
    payload, and the 192 bits of salt and header."""
    rates: Sequence[float]
    unit: str
    """Of the rates: "bpp" or "bps"."""
    arguments: dict[str, Any]
    """Of `hide`."""

    def __post_init__(self) -> None:
        if {"hill", "s-uniward"} & set(self.against):
            need("scipy", "bench")
        for name in self.extractors:
            for rate in self.rates:
                self.engine.plan(extractor=name, **{self.unit: rate}, **self.arguments)
        if not self.extractors and self.arguments["carrier"] != "image":
            raise ConfigError("against", "needs an extractor where covers are no pictures.")

    @property
    def extractors(self) -> list[str]:
        """Those of `against` that are not simulated."""
        return [name for name in self.against if name not in SIMULATED]


def collect(
    setting: Setting, sources: Iterable[Source], seed: int
) -> tuple[dict[Case, Evidence], list[dict[str, str]]]:
    """The evidence by case, and a row for each source that gave none or not all."""
    rng = np.random.default_rng(seed)
    found: dict[Case, Evidence] = {}
    failed = []
    for number, source in enumerate(sources):
        try:
            for given in source.covers():
                for case, looks, payload, facts in _of_cover(setting, source, given, rng):
                    one = found.setdefault(case, Evidence())
                    one.covers.append(looks[0])
                    one.stegos.append(looks[1])
                    one.sources.append(number)
                    one.payloads.append(payload)
                    one.facts = one.facts or facts
        except StegafieldError as error:
            failed.append({"source": source.name, "error": str(error)})
    return found, failed


def _of_cover(
    setting: Setting, source: Source, given: Any, rng: Generator
) -> Iterator[tuple[Case, tuple[ndarray, ndarray], float, dict[str, Any]]]:
    """(case, (cover, stego) as the detector sees them, payload, how it was made) of every case of one cover."""
    seen: list[ndarray] | None = None
    for rate in setting.rates:
        for name, cover, codes, payload, facts in _stegos(setting, source, given, rate, rng):
            if seen is None:
                seen = [look(one, visible(cover, cover.codes)) for one in setting.detectors]
            for detector, before in zip(setting.detectors, seen, strict=True):
                after = look(detector, visible(cover, codes))
                yield (detector.name, name, rate), (before, after), payload, facts


def _stegos(
    setting: Setting, source: Source, given: Any, rate: float, rng: Generator
) -> Iterator[tuple[str, Cover, Int[ndarray, "channel *space"], float, dict[str, Any]]]:
    """(method, cover, stego's codes, payload in bits per free sample, how it was made) of each method at a rate."""
    cover, payload = None, None
    for name in setting.extractors:
        # Every window is filled whatever the message, so the empty one is as good as any.
        stego = setting.engine.hide(
            b"",
            cover=given,
            seed=source.seed,
            extractor=name,
            **{setting.unit: rate},
            **setting.arguments,
        )
        carried = stego.report.bits_per_sample or 0.0
        if cover is None:
            cover = stego.cover
            payload = carried + LEAST_FREE / np.count_nonzero(cover.free)
        yield name, stego.cover, stego.codes, carried, _facts(stego)
    if cover is None or payload is None:
        cover = setting.engine.plan(**setting.arguments).carrier.open(given)
        payload = rate / (cover.codes.shape[0] if setting.unit == "bpp" else 1)
    low, high = int(np.min(cover.low)), int(np.max(cover.high))
    for name in setting.against:
        if name in SIMULATED:
            if cover.codes.ndim != 3 and name in ("hill", "s-uniward"):
                raise ConfigError("against", f"{name!r} is for pictures.")
            codes = SIMULATED[name](widened(cover.codes), low, high, payload, rng)
            yield name, cover, np.where(cover.free, codes, cover.codes), payload, {}


def _facts(stego: Stego) -> dict[str, Any]:
    """How a stego was made, as the table of risks names it."""
    report = stego.report
    return {
        "carrier": report.carrier,
        "channels": len(visible(stego.cover, stego.codes)),
        "method": report.method,
        "costs": bool(report.costs),
        "samples": report.free_samples,
    }


def visible(cover: Cover, codes: Int[ndarray, "channel *space"]) -> Int[ndarray, "kept *space"]:
    """The channels that may change (not alpha), wide enough to be added and subtracted."""
    return widened(codes[cover.free.reshape(len(codes), -1).any(axis=1)])


def look(detector: Detector, codes: Int[ndarray, "channel *space"]) -> Float[ndarray, "*feature"]:
    """The features of an item, or the score of a detector that needs no training."""
    if isinstance(detector, TrainedDetector):
        return detector.features(codes).astype(np.float32)
    return np.array(detector.score(codes))


def photographs(
    paths: Iterable[Path], size: tuple[int, int] | None, tiles: int, grey: bool, seed: int
) -> list[Source]:
    """Pictures, whole or as up to `tiles` disjoint tiles of (height, width); one tile is the central one."""

    def tiled(path: Path, number: int) -> Iterable[ndarray]:
        image = decode(path.read_bytes())
        image = image.convert("L") if grey else image
        if size is None:
            return [np.asarray(image)]
        return _tiles(image, path.name, size, tiles, np.random.default_rng([seed, number]))

    def source(path: Path, number: int) -> Source:
        return Source(path.name, lambda: tiled(path, number))

    return [source(path, number) for number, path in enumerate(paths)]


def _tiles(
    image: Image.Image, name: str, size: tuple[int, int], tiles: int, rng: Generator
) -> list[ndarray]:
    across, down = image.width // size[1], image.height // size[0]
    if not across * down:
        raise ConfigError("crop", f"{name} is only {image.height}x{image.width}.")
    left, top = image.width - across * size[1], image.height - down * size[0]
    places = [(y, x) for y in range(down) for x in range(across)]
    if tiles == 1:
        left, top, places = image.width - size[1], image.height - size[0], [(0, 0)]
    chosen = [places[k] for k in rng.permutation(len(places))[:tiles]]
    pixels = np.asarray(image)
    return [
        np.ascontiguousarray(
            pixels[
                top // 2 + y * size[0] : top // 2 + (y + 1) * size[0],
                left // 2 + x * size[1] : left // 2 + (x + 1) * size[1],
            ]
        )
        for y, x in chosen
    ]


def files(paths: Iterable[Path]) -> list[Source]:
    """Whole files, each one cover."""
    return [Source(path.name, lambda path=path: [path]) for path in paths]


def draws(carrier: str, count: int, seed: int) -> list[Source]:
    """Covers that a carrier generates."""
    return [Source(f"{carrier} {k}", lambda: [None], seed + k) for k in range(count)]

"""Covers and their stegos by each method and rate, as detectors see them.

Thousands of pairs take long, so a journal in a folder may keep them, batch by batch: a run that was
stopped goes on there.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator
from PIL import Image

from stegafield.channels.picture import decode
from stegafield.core.cover import Cover, depth, widened
from stegafield.core.detector import Detector, TrainedDetector, opinion
from stegafield.core.noise import normals
from stegafield.errors import ConfigError, FormatError, StegafieldError
from stegafield.pipeline.effort import MethodName
from stegafield.pipeline.engine import Engine
from stegafield.pipeline.plan import Plan
from stegafield.pipeline.stego import Stego
from stegafield.pipeline.warden import visible
from stegafield.regions.positions import LEAST_FREE

from ..baselines.adaptive import hill, s_uniward
from ..baselines.lsb import matching, replacement
from ..journal import Journal, Row

SIMULATED: dict[str, Callable[..., Int[ndarray, "channel *space"]]] = {
    "lsb-matching": matching.simulate,
    "lsb-replacement": replacement.simulate,
    "hill": hill.simulate,
    "s-uniward": s_uniward.simulate,
}
"""Methods that change codes as if they carried bits at a rate; nothing is read back."""
WRONG_SIGMA = "wrong-sigma"
"""Draws of the same f with noise that is 5 % too strong.

They come from a sampler with a fault, which detectors ought to find.
"""
_FAULT = 1.05
METHODS: tuple[str, ...] = get_args(MethodName)
"""May be named like an extractor: the default one, by this method."""
_BATCH = 50
"""Sources whose pairs are one row of the journal."""


@dataclass(frozen=True)
class Source:
    """A file, or one draw of a carrier; a split keeps it on one side."""

    name: str
    covers: Callable[[], Iterable[Any]]
    """Its covers, as `hide` takes them."""


Case = tuple[str, str, float]
"""Detector, method, rate."""


@dataclass
class Evidence:
    """What one detector saw of one method at one rate.

    Entry i of each list is one cover and its stego.
    """

    covers: list[Float[ndarray, "*feature"]] = field(default_factory=list)
    stegos: list[Float[ndarray, "*feature"]] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    payloads: list[float] = field(default_factory=list)
    """Bits per free element."""
    facts: dict[str, Any] = field(default_factory=dict)
    """How the first stego was made, for methods that `hide` has."""


@dataclass(frozen=True)
class Setting:
    """How stegos are made of covers, and which detectors look."""

    engine: Engine
    detectors: Sequence[Detector]
    against: Sequence[str]
    """What makes the stegos: names of extractors, `METHODS`, `SIMULATED`, and `WRONG_SIGMA`.

    `hide` makes those of extractors and `METHODS`. A simulated method gets what the first of these
    carries: the payload, and the 192 bits of salt and header.
    """
    rates: Sequence[float]
    unit: str
    """Of the rates: "bpp" or "bps"."""
    arguments: dict[str, Any]
    """Of `hide`."""

    def __post_init__(self) -> None:
        if self.arguments.get("method") and set(METHODS) & set(self.against):
            raise ConfigError("method", "is named by --against already.", "Give one of them.")
        for name in self.hidden:
            for rate in self.rates:
                wishes: dict[str, Any] = self.of(name) | {self.unit: rate}
                self.engine.plan(**wishes)
        if not self.hidden and self.arguments["carrier"] != "image":
            raise ConfigError("against", "needs an extractor where covers are no pictures.")

    @property
    def hidden(self) -> list[str]:
        """Those of `against` that `hide` makes."""
        return [name for name in self.against if name not in SIMULATED and name != WRONG_SIGMA]

    def of(self, name: str) -> dict[str, Any]:
        """The arguments of `hide` for one of them."""
        return self.arguments | {"method" if name in METHODS else "extractor": name}

    def digest(self, seed: int) -> str:
        """A name for the pairs: equal for equal settings, whichever detectors look."""
        told = [self.arguments, list(self.against), list(self.rates), self.unit, seed]
        return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Pairs:
    """One cover and its stegos, without alpha and other channels that detectors ignore."""

    source: int
    cover: Int[ndarray, "kept *space"]
    stegos: dict[tuple[str, float], Int[ndarray, "kept *space"]]
    """By method and rate."""
    payloads: dict[tuple[str, float], float]
    """Bits per free element."""
    facts: dict[tuple[str, float], dict[str, Any]] = field(default_factory=dict)
    """How the stegos were made, of methods that `hide` has."""


def collect(
    setting: Setting, sources: Sequence[Source], seed: int, folder: Path | None = None
) -> tuple[dict[Case, Evidence], list[dict[str, str]]]:
    """The evidence by case, and a row for each source that failed, wholly or in part.

    `folder` keeps the pairs: those that are there are not made again.
    """
    found: dict[Case, Evidence] = {}
    failed: list[dict[str, str]] = []
    for start in range(0, len(sources), _BATCH):
        numbers = range(start, min(start + _BATCH, len(sources)))
        pairs, errors = _batch(setting, sources, numbers, seed, folder)
        failed += errors
        for one in pairs:
            before = [look(detector, widened(one.cover)) for detector in setting.detectors]
            for (name, rate), codes in one.stegos.items():
                for detector, cover in zip(setting.detectors, before, strict=True):
                    case = found.setdefault((detector.name, name, rate), Evidence())
                    case.covers.append(cover)
                    case.stegos.append(look(detector, widened(codes)))
                    case.sources.append(one.source)
                    case.payloads.append(one.payloads[name, rate])
                    case.facts = case.facts or one.facts.get((name, rate), {})
    return found, failed


def _batch(
    setting: Setting, sources: Sequence[Source], numbers: range, seed: int, folder: Path | None
) -> tuple[list[Pairs], list[dict[str, str]]]:
    """The pairs of some sources, from the journal of the folder where it holds them."""
    journal, inputs = None, {}
    if folder is not None:
        names = json.dumps([sources[number].name for number in numbers])
        inputs = {"what": "pairs", "setting": setting.digest(seed), "first": numbers.start}
        inputs["sources"] = hashlib.sha256(names.encode()).hexdigest()[:16]
        journal = Journal(folder / "pairs.journal")
        if journal.done(inputs) is not None:
            return _kept(journal, inputs)
    pairs, errors = [], []
    for number in numbers:
        rng = np.random.default_rng([seed, number])
        try:
            for given in sources[number].covers():
                pairs.append(_pairs(setting, number, given, rng))
        except StegafieldError as error:
            errors.append({"source": sources[number].name, "error": str(error)})
    if journal is not None:
        _keep(journal, inputs, pairs, errors)
    return pairs, errors


def _keep(journal: Journal, inputs: Row, pairs: list[Pairs], errors: list[dict[str, str]]) -> None:
    """Add a batch to a journal; the payload holds its codes in the narrowest type."""
    arrays, about = {}, []
    for k, one in enumerate(pairs):
        codes = np.stack([one.cover, *one.stegos.values()])
        narrow = np.result_type(*(np.min_scalar_type(end) for end in (codes.min(), codes.max())))
        arrays[f"codes_{k}"] = codes.astype(narrow)
        cases = [[*case, one.payloads[case], one.facts.get(case, {})] for case in one.stegos]
        about.append({"source": one.source, "cases": cases})
    out = BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    journal.add(inputs, {"pairs": about, "errors": errors}, out.getvalue())


def _kept(journal: Journal, inputs: Row) -> tuple[list[Pairs], list[dict[str, str]]]:
    """The pairs that `_keep` added; `FormatError` where the row or its payload is damaged."""
    found, data = journal.done(inputs), journal.payload(inputs)
    assert found is not None
    try:
        with np.load(BytesIO(data), allow_pickle=False) as file:
            pairs = []
            for k, one in enumerate(found["pairs"]):
                cover, *stegos = file[f"codes_{k}"]
                payloads = {(name, rate): payload for name, rate, payload, _ in one["cases"]}
                facts = {(name, rate): about for name, rate, _, about in one["cases"]}
                by_case = dict(zip(payloads, stegos, strict=True))
                pairs.append(Pairs(one["source"], cover, by_case, payloads, facts))
            return pairs, found["errors"]
    except (LookupError, TypeError, ValueError):
        problem = f"a row of {journal.path.name} holds no pairs; remove it, and they are made again"
        raise FormatError(problem, journal.path.suffix) from None


def _pairs(setting: Setting, number: int, given: Any, rng: Generator) -> Pairs:
    """One cover and its stegos by every method at every rate."""
    first, stegos, payloads, facts = None, {}, {}, {}
    for rate in setting.rates:
        for name, cover, codes, payload, told in _stegos(setting, given, rate, rng):
            first = first or cover
            case = name, rate
            stegos[case], payloads[case], facts[case] = visible(cover, codes), payload, told
    assert first is not None
    return Pairs(number, visible(first, first.codes), stegos, payloads, facts)


def _stegos(
    setting: Setting, given: Any, rate: float, rng: Generator
) -> Iterator[tuple[str, Cover, Int[ndarray, "channel *space"], float, dict[str, Any]]]:
    """What each method makes at a rate: method, cover, stego's codes, payload, facts.

    The payload is in bits per free element; the facts say how the stego was made.
    """
    cover, payload = None, None
    for name in setting.hidden:
        # Every window is filled whatever the message, so the empty one is as good as any.
        stego = setting.engine.hide(b"", cover=given, **{setting.unit: rate}, **setting.of(name))
        carried = stego.report.bits_per_element or 0.0
        if cover is None:
            cover = stego.cover
            payload = carried + LEAST_FREE / np.count_nonzero(cover.free)
        yield name, stego.cover, stego.codes, carried, _facts(stego)
    if cover is None or payload is None:
        cover = setting.engine.plan(**setting.arguments).open(given)
        payload = rate / (cover.codes.shape[0] if setting.unit == "bpp" else 1)
    low, high = int(np.min(cover.low)), int(np.max(cover.high))
    for name in setting.against:
        if name == WRONG_SIGMA:
            if cover.law is None:
                raise ConfigError("against", f"{name!r} is for covers with a law.")
            noisy = cover.law.value + _FAULT * cover.law.sigma * normals(cover.codes.shape)
            codes = np.rint(noisy).clip(cover.low, cover.high).astype(cover.codes.dtype)
        elif name in SIMULATED:
            if cover.codes.ndim != 3 and name in ("hill", "s-uniward"):
                raise ConfigError("against", f"{name!r} is for pictures.")
            codes = SIMULATED[name](widened(cover.codes), low, high, payload, rng)
        else:
            continue
        yield name, cover, np.where(cover.free, codes, cover.codes), payload, {}


def _facts(stego: Stego) -> dict[str, Any]:
    """How a stego was made, as the table of risks names it."""
    report = stego.report
    return {
        "carrier": report.carrier,
        "channels": len(visible(stego.cover, stego.codes)),
        "method": report.method,
        "costs": bool(report.costs),
        "samples": report.free_elements,
        "bits": depth(stego.cover),
    }


def look(detector: Detector, codes: Int[ndarray, "channel *space"]) -> Float[ndarray, "*feature"]:
    """The features of an item, or the score of a detector that needs no training."""
    if isinstance(detector, TrainedDetector):
        found = detector.features(codes)
        return found.astype(np.float32) if found.dtype.kind == "f" else found
    return np.array(opinion(detector, codes))


def photographs(
    paths: Iterable[Path], size: tuple[int, int] | None, tiles: int, grey: bool, seed: int
) -> list[Source]:
    """Pictures, whole or as up to `tiles` disjoint tiles of (height, width).

    A single tile is the central one.
    """

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


def draws(plan: Plan, count: int, seed: int) -> list[Source]:
    """Covers that a carrier generates: each f comes from the seed, noise is fresh in every run."""

    @lru_cache(maxsize=1)
    def batch(number: int) -> list[Cover]:
        size = min(_BATCH, count - number * _BATCH)
        return plan.carrier.covers(size, np.random.default_rng([seed, number]))

    def source(number: int) -> Source:
        which, place = divmod(number, _BATCH)
        return Source(f"{plan.carrier.name} {number}", lambda: [batch(which)[place]])

    return [source(number) for number in range(count)]

"""The engine: one straight line from a message to a file that reads back, and from a file to its message.

    bytes -> frame -> bits ------------------------------------.
    carrier -> Cover -> salt, header -> payload: draw | project | optimize -> codes -> channel.write -> file bytes
                              extractor (file key) ---'                                                    |
      new salt or cover, then EmbeddingFailed <---------- no - reveal(file bytes) == message? - yes -> Stego
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.random import Generator
from pydantic import BaseModel

from ..errors import (
    CapacityError,
    ConfigError,
    EmbeddingFailed,
    FormatError,
    NoMessage,
    StegafieldError,
    UnknownPlugin,
)
from ..message import code, frame, place
from ..message.frame import Frame
from ..message.key import SALT_BYTES, FileKey, Key
from ..metrics import fidelity
from . import options, regions
from .carrier import Carrier
from .channel import Channel
from .cover import Cover
from .embed import Effort, choose_method, embed
from .extractor import Extractor
from .ladder import LADDER_BY_RATE, Rung, at_least
from .optimizer import Optimizer
from .regions import Header, Profile
from .registry import Registry
from .stego import Report, Stego

PRESETS: dict[str, dict[str, Any]] = {"default": {}}
"""Named sets of keyword arguments of `hide`; what the caller gives himself wins."""
_PLANNED = ("carrier", "size", "bpp", "bps", "extractor", "method", "optimizer", "preset", "set")
_ANYBODY = FileKey(bytes(32))  # positions of a typical file, for capacities


class Message(bytes):
    """The revealed bytes. `name` is the file name that was hidden with them, if one was."""

    name: str | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that was asked for, resolved and validated, before a cover is touched."""

    carrier: Carrier
    extractor: type[Extractor]
    extractor_options: BaseModel
    effort: Effort
    optimizer: Optimizer | None
    rate: tuple[str, float] | None
    """("bpp" or "bps", number), or None for the smallest rung that carries the message."""

    def build(self, key: FileKey, rung: Rung) -> Extractor:
        """The extractor of one file."""
        seed = key.derive("extractor/" + self.tag.hex())
        return self.extractor(self.extractor_options, seed=seed, rate=rung)

    @property
    def tag(self) -> bytes:
        """What a header calls this extractor."""
        return options.tag(self.extractor.name, self.extractor_options)

    def profile(self, rung: Rung) -> Profile:
        """The profile of a rung: exact readers need no error correction."""
        return Profile(rung, code.CODES[0 if self.extractor.exact else 1])

    def rungs(self, cover: Cover) -> Sequence[Rung]:
        """The rungs that may be used on a cover: the one asked for, or all, lowest rate first."""
        if self.rate is None:
            return LADDER_BY_RATE
        unit, rate = self.rate
        return [at_least(rate / cover.codes.shape[0] if unit == "bpp" else rate, unit)]

    def room(self, rest: Cover, rung: Rung) -> int:
        """The largest message in bytes that the payload region holds at a rung; negative: not even an empty one."""
        coded = self.build(_ANYBODY, rung).count(rest) // 8
        return max(-1, frame.capacity(self.profile(rung).code.room(coded)))


class Engine:
    """Hides messages in fields and reveals them. Holds a registry and a device; keeps no keys and no state."""

    def __init__(self, registry: Registry, *, device: str = "auto") -> None:
        if device not in ("auto", "cpu") and not device.startswith("cuda"):
            raise ConfigError("device", f"{device!r} is unknown.", "Use auto, cpu or cuda.")
        self.registry, self.device = registry, device

    def hide(
        self,
        message: bytes | str = b"",
        *,
        carrier: str,
        key: Key | None = None,
        cover: Any = None,
        name: str | None = None,
        size: tuple[int, int] | None = None,
        bpp: float | None = None,
        bps: float | None = None,
        extractor: str | None = None,
        method: str | None = None,
        optimizer: str | None = None,
        preset: str = "default",
        seed: int | None = None,
        rng: Generator | None = None,
        set: Mapping[str, Any] | None = None,
    ) -> Stego:
        """Hide a message and return the stego, after reading the message back from the file's own bytes.

        Args:
            message: Any bytes; text is encoded as UTF-8. An empty message is a mark of presence.
            carrier: The medium: "image", "dataset", "era5", or what a plugin registered.
            key: Who has it can reveal. Without one a fresh key is made: keep `stego.key`.
            cover: The user's own cover (path, bytes, file object, array), for carriers that take one.
            name: The original file name, to be hidden with the message.
            size: (height, width) of a generated cover, or to resample an image to.
            bpp: Bits per pixel; or bps: bits per sample. Neither: the smallest rung that carries the message.
            extractor: "phase" if not given.
            method: "sample", "project" or "optimize"; the first that is possible if not given.
            optimizer: For "optimize".
            preset: A named set of these arguments.
            seed: Repeats a generated cover; the salt stays fresh. For tests.
            rng: Replaces all randomness, the salt's too. For tests: a repeated salt betrays the message.
            set: Further options by name, as in {"carrier.variable": "t2m", "effort.attempts": 8}.

        Raises:
            ConfigError, CapacityError, FormatError, UnknownPlugin: before anything was done.
            EmbeddingFailed: no attempt read back; its `report` says why.
        """
        start = time.perf_counter()
        plan = self.plan(**{k: v for k, v in locals().items() if k in _PLANNED})
        content = Frame(message.encode() if isinstance(message, str) else bytes(message), name)
        key = key or Key.generate()
        new_salt = rng.bytes if rng else os.urandom
        rng = rng or np.random.default_rng(int.from_bytes(os.urandom(32)))
        cover_rng = np.random.default_rng(seed) if seed is not None else rng
        item = None if cover is None else plan.carrier.open(cover)
        report = Report(
            carrier=carrier,
            channel=plan.carrier.channel.name,
            extractor=plan.extractor.name,
            message_bytes=len(content.message),
        )
        for report.attempts in range(1, plan.effort.attempts + 1):
            current = item or plan.carrier.covers(1, cover_rng)[0]
            rung = self._rung(plan, current, content)
            salt = new_salt(SALT_BYTES)
            stego = self._attempt(plan, current, rung, content, key, salt, rng, report)
            if stego is not None:
                report.milliseconds_total = round(1000 * (time.perf_counter() - start), 3)
                value = plan.carrier.value(cover, stego.data)
                return Stego(stego.data, value, report, current, stego.codes, stego.channel, key)
        raise EmbeddingFailed(
            f"{report.attempts} attempts did not read back; last: {report.failures[-1]}", report
        )

    def hide_many(
        self,
        messages: Iterable[bytes | str],
        *,
        covers: Iterable[Any] | None = None,
        **arguments: Any,
    ) -> list[Stego]:
        """`hide` for each message (and each cover, where the carrier takes them): every file with its own salt."""
        messages = list(messages)
        sources = [None] * len(messages) if covers is None else list(covers)
        if len(sources) != len(messages):
            raise ConfigError("covers", f"{len(sources)} covers were given for {len(messages)} messages.")
        arguments["key"] = arguments.get("key") or Key.generate()
        pairs = zip(messages, sources, strict=True)
        return [self.hide(message, cover=cover, **arguments) for message, cover in pairs]

    def reveal(self, source: Any, *, key: Key) -> Message:
        """The message in a file (path, bytes, file object, `Stego`) or in an array of a known medium.

        Raises:
            NoMessage: wrong key, damaged file and innocent file alike.
            FormatError: no installed channel can open these bytes.
            UnknownPlugin: there is a message for this key, by an extractor that is not installed.
        """
        missing = None
        for cover in self._candidates(source):
            try:
                found = self._reveal_from(cover, key)
            except UnknownPlugin as error:
                missing = error
                continue
            if found is not None:
                result = Message(found.message)
                result.name = found.name
                return result
        raise missing or NoMessage()

    def capacity(
        self,
        *,
        carrier: str,
        cover: Any = None,
        size: tuple[int, int] | None = None,
        bpp: float | None = None,
        bps: float | None = None,
        extractor: str | None = None,
        preset: str = "default",
        set: Mapping[str, Any] | None = None,
    ) -> int:
        """The largest message in bytes that this cover (or a cover of this size) carries, at a rate or at the most."""
        plan = self.plan(**{k: v for k, v in locals().items() if k in _PLANNED})
        if cover is not None:
            item = plan.carrier.open(cover)
        else:
            item = plan.carrier.blank()
        rest = _payload_region(item)
        room = max(plan.room(rest, rung) for rung in plan.rungs(item))
        if room < 0:
            raise CapacityError(0, room)
        return room

    def plan(self, *, preset: str = "default", **given: Any) -> Plan:
        """Resolve names and options, as `hide` takes them; every mistake of the caller surfaces here."""
        if preset not in PRESETS:
            raise ConfigError("preset", f"{preset!r} is unknown.", f"Known: {', '.join(sorted(PRESETS))}.")
        given = {name: value for name, value in given.items() if value is not None}
        asked: dict[str, Any] = dict.fromkeys(_PLANNED) | PRESETS[preset] | given
        parts = _parts(asked["set"] or {})
        if asked["method"] is not None:
            parts["effort"]["method"] = asked["method"]
        carrier_class = self.registry.get("carrier", asked["carrier"])
        if asked["size"] is not None:
            if "size" not in carrier_class.Options.model_fields:
                raise ConfigError("size", f"the carrier {carrier_class.name!r} has none to choose.")
            parts["carrier"]["size"] = asked["size"]
        extractor = self.registry.get("extractor", asked["extractor"] or "phase")
        extractor_options = options.parse(extractor.Options, parts["extractor"], "extractor")
        if extractor_options not in list(options.variants(extractor.Options)):
            raise ConfigError(
                "extractor", "these options cannot be named in a file header.", "Keep their defaults."
            )
        optimizer = None
        if asked["optimizer"] is not None:
            optimizer_class = self.registry.get("optimizer", asked["optimizer"])
            chosen = options.parse(optimizer_class.Options, parts["optimizer"], "optimizer")
            optimizer = optimizer_class(chosen, device=self.device)
        elif parts["optimizer"]:
            raise ConfigError("optimizer", "options were given for it, but no name.", "Use --optimizer NAME.")
        return Plan(
            carrier_class(options.parse(carrier_class.Options, parts["carrier"], "carrier")),
            extractor,
            extractor_options,
            options.parse(Effort, parts["effort"], "effort"),
            optimizer,
            _rate(asked["bpp"], asked["bps"]),
        )

    def _rung(self, plan: Plan, cover: Cover, content: Frame) -> Rung:
        """The lowest rung that carries the message; `CapacityError` where none does."""
        needed, room, rest = frame.needed(content), -1, _payload_region(cover)
        for rung in plan.rungs(cover):
            choose_method(cover, plan.build(_ANYBODY, rung), plan.effort.method)
            room = max(room, plan.room(rest, rung))
            if room >= needed:
                return rung
        hint = "a higher rate or a larger cover holds more" if plan.rate else "a larger cover holds more"
        raise CapacityError(needed, room, hint if room >= 0 else "")

    def _attempt(
        self,
        plan: Plan,
        cover: Cover,
        rung: Rung,
        content: Frame,
        key: Key,
        salt: bytes,
        rng: Generator,
        report: Report,
    ) -> "_Draft | None":
        """One salt, one embedding, one file; None where the file does not read back."""
        file_key = key.file_key(salt)
        header = Header(plan.profile(rung), plan.tag)
        ready = regions.write_bootstrap(cover, salt, header, file_key, rng)
        extractor = plan.build(file_key, rung)
        bits = _payload(content, header, file_key, extractor.count(ready))
        result = embed(ready, bits, extractor, plan.effort, plan.optimizer, rng)
        channel = plan.carrier.channel()
        data = channel.write(cover, result.codes)
        report.method, report.bit_errors = result.method, result.errors
        report.optimizer = plan.optimizer.name if plan.optimizer and result.method == "optimize" else None
        report.evaluations += result.evaluations
        report.milliseconds_embed = round(result.milliseconds, 3)
        report.capacity_bytes = frame.capacity(header.profile.code.room(bits.size // 8))
        report.error_correction = header.profile.code.name
        _measure(report, plan.carrier, cover, result.codes, rung, bits.size)
        try:
            if self.reveal(data, key=key) == content.message:
                return _Draft(data, result.codes, channel)
            problem = "another message was read"
        except StegafieldError as error:
            problem = f"{error} ({result.errors} of {bits.size} bits wrong before writing)"
        report.failures.append(problem)
        return None

    def _candidates(self, source: Any) -> Iterator[Cover]:
        """Every cover that the installed channels (or, for arrays, carriers) see in a source."""
        data = _bytes_of(source)
        if data is None:
            opened = list(self._open_value(source))
            yield from opened
            if not opened:
                raise FormatError(f"no installed carrier takes a {type(source).__name__}")
            return
        known = False
        for channel in self.registry.all("channel"):
            try:
                yield from _read(channel(), data)
                known = True
            except FormatError:
                continue
        if not known:
            for clash in self.registry.duplicates():
                raise clash
            suffix = Path(source).suffix if isinstance(source, str | os.PathLike) else ""
            names = ", ".join(self.registry.names("channel")) or "none"
            raise FormatError(f"no installed channel can open these {len(data)} bytes ({names})", suffix)

    def _open_value(self, source: Any) -> Iterator[Cover]:
        for carrier in self.registry.all("carrier"):
            try:
                yield carrier().open(source)
            except StegafieldError:
                continue

    def _reveal_from(self, cover: Cover, key: Key) -> Frame | None:
        """The frame in one candidate cover, or None."""
        salt = regions.read_salt(cover)
        if salt is None:
            return None
        file_key = key.file_key(salt)
        header = regions.read_header(cover, file_key)
        if header is None:
            return None
        found, chosen = self._named(header.tag)
        seed = file_key.derive("extractor/" + header.tag.hex())
        extractor = found(chosen, seed=seed, rate=header.profile.rung)
        free = regions.payload_free(cover, file_key)
        bits = place.mask(extractor.read(cover.codes, free, cover.spec), file_key.derive("mask"))
        coded = np.packbits(bits[: bits.size // 8 * 8]).tobytes()
        sealed = header.profile.code.decode(coded)
        if sealed is None or len(sealed) < frame.TAG_BYTES:
            return None
        return frame.unseal(sealed, file_key.derive("seal"), header.pack())

    def _named(self, wanted: bytes) -> tuple[type[Extractor], BaseModel]:
        """The extractor and options of a tag; `UnknownPlugin` where it is not installed."""
        for name in self.registry.names("extractor"):
            extractor = self.registry.get("extractor", name)
            for chosen in options.variants(extractor.Options):
                if options.tag(name, chosen) == wanted:
                    return extractor, chosen
        known = self.registry.names("extractor")
        raise UnknownPlugin("extractor", f"with tag {wanted.hex()}", known, self.registry.broken)


@dataclass(frozen=True)
class _Draft:
    data: bytes
    codes: ndarray
    channel: Channel


def _payload_region(cover: Cover) -> Cover:
    """The cover with only the payload's samples free, for a typical key; `CapacityError` where it is too small."""
    if np.count_nonzero(cover.free) < regions.LEAST_FREE:
        raise CapacityError(0, -1)
    return cover.with_free(regions.payload_free(cover, _ANYBODY))


def _payload(content: Frame, header: Header, key: FileKey, count: int) -> ndarray:
    """The masked bits of the whole payload: sealed frame, error correction, zeros for the last few bits, mask."""
    profile, coded = header.profile, count // 8
    sealed = frame.seal(content, profile.code.room(coded), key.derive("seal"), header.pack())
    bits = np.zeros(count, np.uint8)
    bits[: 8 * coded] = np.unpackbits(np.frombuffer(profile.code.encode(sealed, coded), np.uint8))
    return place.mask(bits, key.derive("mask"))


def _read(channel: Channel, data: bytes) -> Iterator[Cover]:
    """A channel's covers; a stranger's channel that fails on foreign bytes has not opened them."""
    try:
        yield from channel.read(data)
    except StegafieldError:
        raise
    except Exception as error:
        raise FormatError(f"{channel.name}: {type(error).__name__}") from None


def _measure(
    report: Report, carrier: Carrier, cover: Cover, codes: ndarray, rung: Rung, bits: int
) -> None:
    """Fill in what embedding cost."""
    changed = codes != cover.codes
    free = int(np.count_nonzero(cover.free))
    report.window_bits, report.window_samples = rung.bits, rung.samples
    report.samples, report.free_samples, report.payload_bits = codes.size, free, bits
    report.bits_per_sample = bits / free
    if carrier.rate_unit == "bpp":
        report.bits_per_pixel = bits / (codes.size // codes.shape[0])
    report.changed_share = float(changed.mean())
    report.rms_change = fidelity.rmse(cover.codes, codes, cover.weight)
    report.rms_change_physical, report.unit = report.rms_change * cover.step, cover.unit
    if cover.peak is not None and changed.any():
        report.psnr = fidelity.psnr(cover.codes, codes, cover.peak)
    report.notes = list(cover.notes)


def _rate(bpp: float | None, bps: float | None) -> tuple[str, float] | None:
    if bpp is not None and bps is not None:
        raise ConfigError("bpp", "and bps were both given.", "Give one of them.")
    return ("bpp", bpp) if bpp is not None else ("bps", bps) if bps is not None else None


def _parts(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{"carrier.variable": "t2m"} as {"carrier": {"variable": "t2m"}, ...}."""
    parts: dict[str, dict[str, Any]] = {p: {} for p in ("carrier", "extractor", "optimizer", "effort")}
    for path, value in settings.items():
        part, dot, option = path.partition(".")
        if part not in parts or not dot:
            raise ConfigError("set", f"{path!r} is not PART.OPTION.", f"PART is {', '.join(parts)}.")
        parts[part][option] = value
    return parts


def _bytes_of(source: Any) -> bytes | None:
    """The bytes of a path, file object, stego or buffer; None for anything else (an array)."""
    if isinstance(source, Stego):
        return source.data
    if isinstance(source, str | os.PathLike):
        return Path(source).read_bytes()
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if hasattr(source, "read"):
        return source.read()
    return None

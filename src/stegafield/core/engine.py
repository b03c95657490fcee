"""The engine: one straight line from a message to a file that reads back, and from a file to its message.

bytes -> frame -> bits ------------------------------------.
carrier -> Cover -> salt, header -> payload: draw | project | optimize -> codes -> channel.write -> file bytes
                          extractor (file key) ---'                                                    |
  new salt or cover, then EmbeddingFailed <---------- no - reveal(file bytes) == message? - yes -> Stego
"""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.random import Generator
from pydantic import BaseModel

from ..errors import (
    ConfigError,
    EmbeddingFailed,
    NoMessage,
    StegafieldError,
    UnknownPlugin,
)
from ..message import frame
from ..message.frame import Frame
from ..message.key import SALT_BYTES, FileKey, Key
from . import options, payload, regions
from .carrier import writer
from .channel import Channel
from .cover import Cover
from .embed import embed, strays, usual_changes
from .extractor import Extractor, suited
from .ladder import Rung
from .plan import Plan, make_plan
from .regions import Header
from .registry import Registry
from .source import candidates
from .stego import Report, Stego


class Message(bytes):
    """The revealed bytes. `name` is the file name that was hidden with them, if one was."""

    name: str | None = None


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
        format: str | None = None,
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
            format: Channel to write, for carriers with several: "webp", "flac", ...; the carrier chooses if not given.
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
        plan = self.plan(
            carrier=carrier,
            size=size,
            format=format,
            bpp=bpp,
            bps=bps,
            extractor=extractor,
            method=method,
            optimizer=optimizer,
            preset=preset,
            set=set,
        )
        message = _checked_message(message)
        if name is not None and len(_encoded("name", name)) > 255:
            raise ConfigError("name", "is longer than 255 bytes.")
        if seed is not None and seed < 0:
            raise ConfigError("seed", f"{seed} is negative.")
        if seed is not None and cover is not None:
            raise ConfigError("seed", "repeats generated covers; it does nothing to your own.")
        whole = Frame(message, name)
        body = frame.pack(whole)
        key = Key.generate() if key is None else _checked_key(key)
        new_salt = rng.bytes if rng else os.urandom
        rng = rng or np.random.default_rng(int.from_bytes(os.urandom(32)))
        cover_rng = np.random.default_rng(seed) if seed is not None else rng
        item = None if cover is None else plan.carrier.open(cover)
        report = Report(
            carrier=carrier,
            channel=writer(plan.carrier, item).name,
            extractor=plan.extractor.name,
            message_bytes=len(message),
        )
        for report.attempts in range(1, plan.effort.attempts + 1):
            current = item or plan.carrier.covers(1, cover_rng)[0]
            rung = plan.rung(current, frame.needed(body))
            salt = new_salt(SALT_BYTES)
            stego = self._attempt(plan, current, rung, whole, body, key, salt, rng, report)
            if stego is not None:
                report.milliseconds_total = round(1000 * (time.perf_counter() - start), 3)
                value = plan.carrier.value(cover, stego.data)
                return Stego(stego.data, value, report, current, stego.codes, stego.channel, key)
        raise EmbeddingFailed(
            f"{report.attempts} attempts did not read back; last: {report.failures[-1]}; "
            "another cover, a larger one or a lower rate may work",
            report,
        )

    def hide_many(
        self,
        messages: Iterable[bytes | str],
        *,
        covers: Iterable[Any] | None = None,
        **arguments: Any,
    ) -> list[Stego]:
        """`hide` for each message (and each cover, where the carrier takes them): every file with its own salt."""
        if isinstance(messages, str | bytes):
            raise ConfigError("messages", "is one message.", "Give a list of them.")
        messages = list(messages)
        sources = [None] * len(messages) if covers is None else list(covers)
        if len(sources) != len(messages):
            raise ConfigError(
                "covers", f"{len(sources)} covers were given for {len(messages)} messages."
            )
        arguments["key"] = arguments.get("key") or Key.generate()
        seed, stegos = arguments.pop("seed", None), []
        for number, (message, cover) in enumerate(zip(messages, sources, strict=True)):
            own = None if seed is None else seed + number
            stegos.append(self.hide(message, cover=cover, seed=own, **arguments))
        return stegos

    def reveal(self, source: Any, *, key: Key) -> Message:
        """The message in a file (path, bytes, file object, `Stego`) or in an array of a known medium.

        Raises:
            NoMessage: wrong key, damaged file and innocent file alike.
            FormatError: no installed channel can open these bytes.
            UnknownPlugin: there is a message for this key, by an extractor that is not installed.
        """
        found = self._reveal(source, _checked_key(key))
        result = Message(found.message)
        result.name = found.name
        return result

    def _reveal(self, source: Any, key: Key) -> Frame:
        missing = None
        for cover in candidates(self.registry, source):
            try:
                found = self._reveal_from(cover, key)
            except UnknownPlugin as error:
                missing = error
                continue
            if found is not None:
                return found
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
        plan = self.plan(
            carrier=carrier,
            size=size,
            bpp=bpp,
            bps=bps,
            extractor=extractor,
            preset=preset,
            set=set,
        )
        if cover is not None:
            item = plan.carrier.open(cover)
        else:
            item = plan.carrier.blank()
        return plan.capacity(item)

    def plan(self, **given: Any) -> Plan:
        """The resolved arguments of `hide`; every mistake of the caller surfaces here."""
        return make_plan(self.registry, self.device, **given)

    def _attempt(
        self,
        plan: Plan,
        cover: Cover,
        rung: Rung,
        message: Frame,
        body: bytes,
        key: Key,
        salt: bytes,
        rng: Generator,
        report: Report,
    ) -> "_Draft | None":
        """One salt, one embedding, one file; None where the file does not read back."""
        codes = self._embedded(plan, cover, rung, body, key.file_key(salt), salt, rng, report)
        if codes is None:
            return None
        channel = writer(plan.carrier, cover)
        data = channel.write(cover, codes)
        try:
            if self._reveal(data, key) == message:
                return _Draft(data, codes, channel)
            problem = "a message hidden earlier with this key, in another part of the file, is found first"
        except StegafieldError as error:
            wrong = f"{report.bit_errors} of {report.payload_bits} bits"
            problem = f"{error} ({wrong} wrong before writing)"
        report.failures.append(problem)
        return None

    def _embedded(
        self,
        plan: Plan,
        cover: Cover,
        rung: Rung,
        body: bytes,
        file_key: FileKey,
        salt: bytes,
        rng: Generator,
        report: Report,
    ) -> ndarray | None:
        """The codes of the three regions; None, with the reason in the report, where this salt will not do.

        Everything else that it made is let go here: a large cover leaves room for a few arrays of its size.
        """
        header = Header(plan.profile(rung), plan.tag)
        extractor = plan.build(file_key, rung)
        typical = usual_changes(plan.extractor, plan.extractor_options, rung)
        ready = regions.write_bootstrap(cover, salt, header, file_key, rng, typical)
        ready = suited(extractor, ready)
        bits = payload.to_bits(body, header, file_key, extractor.count(ready))
        if bits is None:
            report.failures.append("this salt leaves too little room")
            return None
        result = embed(ready, bits, extractor, plan.effort, plan.optimizer, rng)
        if strays(ready, result.codes):
            report.failures.append(f"{extractor.name} moved samples that are not its to move")
            return None
        report.method, report.bit_errors = result.method, result.errors
        report.optimizer = (
            plan.optimizer.name if plan.optimizer and result.method == "optimize" else None
        )
        report.evaluations += result.evaluations
        report.milliseconds_embed = round(result.milliseconds, 3)
        report.capacity_bytes = frame.capacity(header.profile.code.room(bits.size // 8))
        report.error_correction = header.profile.code.name
        report.measure(cover, result.codes, rung, bits.size, pixels=plan.carrier.rate_unit == "bpp")
        if report.psnr is not None and report.psnr < (plan.effort.least_psnr or 0):
            report.failures.append(f"{report.psnr:.1f} dB is too little")
            return None
        return result.codes

    def _reveal_from(self, cover: Cover, key: Key) -> Frame | None:
        """The frame in one candidate cover, or None."""
        salt = regions.read_salt(cover)
        if salt is None:
            return None
        file_key = key.file_key(salt)
        header = regions.read_header(cover, file_key)
        if header is None:
            return None
        named = self._named(header.tag)
        if named is None:
            return None
        found, chosen = named
        seed = payload.extractor_seed(file_key, header.tag)
        extractor = found(chosen, seed=seed, rate=header.profile.rung)
        free = regions.payload_free(cover, file_key)
        codes = suited(extractor, cover).codes
        return payload.from_bits(extractor.read(codes, free, cover.spec), header, file_key)

    def _named(self, wanted: bytes) -> tuple[type[Extractor], BaseModel] | None:
        """The extractor and options of a tag; `UnknownPlugin` where it is not installed.

        None for a tag that is one byte away from an installed one: that is damage, not another plugin.
        """
        near = False
        for name in self.registry.names("extractor"):
            extractor = self.registry.get("extractor", name)
            for chosen in options.variants(extractor.Options):
                tag = options.tag(name, chosen)
                if tag == wanted:
                    return extractor, chosen
                near |= sum(a != b for a, b in zip(tag, wanted, strict=True)) == 1
        if near:
            return None
        known, broken = self.registry.names("extractor"), self.registry.broken
        note = " (a tag in the header: its plugin is not installed, or the file is damaged)"
        raise UnknownPlugin("extractor", wanted.hex(), known, broken, note)


@dataclass(frozen=True)
class _Draft:
    data: bytes
    codes: ndarray
    channel: Channel


def _checked_key(key: Key) -> Key:
    if not isinstance(key, Key):
        hint = "Use Key.load(path), Key.parse(text) or Key.passphrase(text)."
        raise ConfigError("key", f"is a {type(key).__name__}, not a Key.", hint)
    return key


def _encoded(what: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ConfigError(what, "is not UTF-8 text.") from None


def _checked_message(message: bytes | str) -> bytes:
    if isinstance(message, str):
        return _encoded("message", message)
    if isinstance(message, bytes | bytearray | memoryview):
        return bytes(message)
    raise ConfigError("message", f"is a {type(message).__name__}.", "Give bytes or text.")

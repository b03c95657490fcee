"""The engine: one straight line from a message to a file that reads back, and from a file to its message.

bytes -> frame -> bits ------------------------------------.
carrier -> Cover -> salt, header -> payload: draw | project | optimize -> codes -> channel.write -> file bytes
                          extractor (file key) ---'                                                    |
  new salt or cover, then EmbeddingFailed <---------- no - reveal(file bytes) == message? - yes -> Stego
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count as counting
from typing import Any

import numpy as np
from numpy.random import Generator
from pydantic import BaseModel

from ..core import options
from ..core.blame import blamed
from ..core.carrier import draws, writer
from ..core.channel import written
from ..core.cover import Cover
from ..core.extractor import Extractor, suited
from ..core.registry import Registry
from ..errors import ConfigError, NoMessage, UnknownPlugin
from ..message.frame import Frame
from ..message.key import Key
from ..regions import bootstrap, payload, positions
from .candidates import candidates
from .embed import Task, embed_many
from .hiding import Draft, Hiding
from .plan import Plan
from .request import make_plan
from .stego import Stego


class Message(bytes):
    """The revealed bytes. `name` is the file name that was hidden with them, if one was."""

    name: str | None = None


@contextmanager
def _noted(number: int | None) -> Iterator[None]:
    """Says of what fails which item of several it was; None: there is one alone."""
    try:
        yield
    except Exception as error:
        note = f"This was item {number}, counted from 0."
        if number is not None and note not in getattr(error, "__notes__", ()):
            error.add_note(note)
        raise


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
        as_function: bool = False,
        bpp: float | None = None,
        bps: float | None = None,
        extractor: str | None = None,
        method: str | None = None,
        optimizer: str | None = None,
        preset: str = "default",
        max_risk: float | None = None,
        seed: int | None = None,
        rng: Generator | None = None,
        set: Mapping[str, Any] | None = None,
    ) -> Stego:
        """Hide a message and return the stego, after reading the message back from the file's own bytes.

        Args:
            message: Any bytes; text is encoded as UTF-8. An empty message is a mark of presence.
            carrier: The medium: "image", "dataset", "era5", or what a plugin registered.
            key: Who has it can reveal. Without one a fresh key is made: keep `stego.key`.
            cover: The user's own cover (path, bytes, file object, array), for carriers that take one; or a `Cover` that
                the carrier drew before.
            name: The original file name, to be hidden with the message.
            size: (height, width) of a generated cover, or to resample the user's own to.
            as_function: Fit a function to the cover and hide in fresh noisy samples of it: such a cover has a law.
            format: Channel to write, for carriers with several: "webp", "flac", ...; the carrier chooses if not given.
            bpp: Bits per pixel; or bps: bits per sample. Neither: the smallest rung that carries the message.
            extractor: "phase" if not given.
            method: "sample", "project" or "optimize"; the first that is possible if not given.
            optimizer: For "optimize".
            preset: A named set of these arguments.
            max_risk: Refuse where a measured detector is expected to err less often than this (P_E, 0 to 0.5), or
                where nothing was measured.
            seed: Repeats the noise-free part of a generated cover; noise and salt stay fresh. For tests.
            rng: Replaces all randomness but the noise of plain covers, the salt's too. For tests: a repeated salt
                betrays the message.
            set: Further options by name, as in {"carrier.variable": "t2m", "effort.attempts": 8}.

        Raises:
            ConfigError, CapacityError, FormatError, UnknownPlugin: before anything was done. A message that only flat
                or clipped places of the user's own cover could carry is a `CapacityError`; `effort.flat` allows it.
            EmbeddingFailed: no attempt read back; its `report` says why.
        """
        plan = self.plan(
            carrier=carrier,
            size=size,
            format=format,
            as_function=as_function,
            bpp=bpp,
            bps=bps,
            extractor=extractor,
            method=method,
            optimizer=optimizer,
            preset=preset,
            max_risk=max_risk,
            set=set,
        )
        with blamed(*plan.parts):
            job = self._hiding(plan, message, name=name, key=key, cover=cover, seed=seed, rng=rng)
            return self._hide_all(plan, [job], [None])[0]

    def hide_many(
        self,
        messages: Iterable[bytes | str],
        *,
        covers: Iterable[Any] | None = None,
        **arguments: Any,
    ) -> list[Stego]:
        """`hide` for each message (and each cover, where the carrier takes them): every file with its own salt.

        Runs of covers of one shape are optimised together, up to `effort.batch` samples at once. With `rng` the files
        are those of single calls that share it, where no attempt has to be repeated. The first item that fails ends
        it; a note of the error says which one that was.
        """
        if isinstance(messages, str | bytes):
            raise ConfigError("messages", "is one message.", "Give a list of them.")
        messages = list(messages)
        sources = [None] * len(messages) if covers is None else list(covers)
        if len(sources) != len(messages):
            raise ConfigError(
                "covers", f"{len(sources)} covers were given for {len(messages)} messages."
            )
        key, seed = arguments.pop("key", None) or Key.generate(), arguments.pop("seed", None)
        own = {"key": key, "name": arguments.pop("name", None), "rng": arguments.pop("rng", None)}
        plan = self.plan(**arguments)

        def jobs() -> Iterator[Hiding]:
            for number, (message, cover) in enumerate(zip(messages, sources, strict=True)):
                first = None if seed is None else seed + number
                with _noted(number):
                    job = self._hiding(plan, message, cover=cover, seed=first, **own)
                yield job

        with blamed(*plan.parts):
            return self._hide_all(plan, jobs(), counting())

    def _hiding(
        self, plan: Plan, message: bytes | str, *, name: str | None, key: Key | None, **given: Any
    ) -> Hiding:
        """One message, checked, with a fresh key where none is given."""
        message = _checked_message(message)
        if name is not None and len(_encoded("name", name)) > 255:
            raise ConfigError("name", "is longer than 255 bytes.")
        key = Key.generate() if key is None else _checked_key(key)
        return Hiding(plan, message, name=name, key=key, **given)

    def _hide_all(
        self, plan: Plan, jobs: Iterable[Hiding], numbers: Iterable[int | None]
    ) -> list[Stego]:
        """The first attempts of all jobs, in batches; what fails goes on by itself. Jobs are taken as needed."""
        drafts, stegos = deque[tuple[Hiding, Draft, int | None]](), list[Stego]()

        def task(job: Hiding, number: int | None) -> Task:
            with _noted(number):
                draft = job.draft()
            drafts.append((job, draft, number))
            assert draft.task is not None
            return draft.task

        for result in embed_many(map(task, jobs, numbers), plan.effort, plan.optimizer):
            job, draft, number = drafts.popleft()
            with _noted(number):
                while (stego := job.close(draft, result, self._reveal)) is None:
                    again = iter([task(job, number)])
                    _, draft, _ = drafts.pop()
                    result = next(embed_many(again, plan.effort, plan.optimizer))
            stegos.append(stego)
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

    def sample(
        self,
        count: int = 1,
        *,
        carrier: str,
        size: tuple[int, int] | None = None,
        format: str | None = None,
        cover: Any = None,
        as_function: bool = False,
        seed: int | None = None,
        set: Mapping[str, Any] | None = None,
    ) -> Iterator[tuple[Cover, bytes]]:
        """Plain covers and their files, drawn and written as `hide` draws and writes them, with nothing hidden.

        Args:
            count: How many.
            carrier: A medium that draws covers, or one that fits a function to `cover`.
            size: (height, width).
            format: Channel to write, for carriers with several.
            cover, as_function: The user's own, of whose function so many noisy samples are drawn.
            seed: Number k has the noise-free part of the cover that `hide` draws with seed + k. For tests.
            set: Further options by name.
        """
        given = {"size": size, "format": format, "as_function": as_function}
        plan = self.plan(carrier=carrier, set=set, **given)
        if cover is not None and not as_function:
            raise ConfigError("cover", "is drawn from only as a function.", "Use --as-function.")
        if cover is not None and seed is not None:
            raise ConfigError("seed", "repeats generated covers; it does nothing to your own.")
        if cover is None and not draws(plan.carrier):
            hint = "Use one that does, or --as-function with a --cover."
            raise ConfigError("carrier", f"{carrier!r} draws no covers.", hint)
        fresh = np.random.default_rng(int.from_bytes(os.urandom(32)))
        for number in range(count):
            rng = fresh if seed is None else np.random.default_rng(seed + number)
            with blamed(plan.carrier):
                item = plan.carrier.covers(1, rng)[0] if cover is None else plan.carrier.open(cover)
                data = written(writer(plan.carrier, item), item, item.codes)
            yield item, data

    def capacity(
        self,
        *,
        carrier: str,
        cover: Any = None,
        size: tuple[int, int] | None = None,
        as_function: bool = False,
        bpp: float | None = None,
        bps: float | None = None,
        extractor: str | None = None,
        preset: str = "default",
        method: str | None = None,
        max_risk: float | None = None,
        set: Mapping[str, Any] | None = None,
    ) -> int:
        """The largest message in bytes that this cover (or a cover of this size) carries, at a rate or at the most.

        For covers that are drawn from a law, that is within the KL bound, unless `method` says otherwise; for
        the user's own, what leaves flat and clipped places alone, unless `effort.costs` or `effort.flat` say otherwise.
        """
        plan = self.plan(
            carrier=carrier,
            size=size,
            as_function=as_function,
            bpp=bpp,
            bps=bps,
            extractor=extractor,
            preset=preset,
            method=method,
            max_risk=max_risk,
            set=set,
        )
        with blamed(*plan.parts):
            return plan.capacity(plan.carrier.blank() if cover is None else plan.open(cover))

    def plan(self, **given: Any) -> Plan:
        """The resolved arguments of `hide`; every mistake of the caller surfaces here."""
        return make_plan(self.registry, self.device, **given)

    def _reveal_from(self, cover: Cover, key: Key) -> Frame | None:
        """The frame in one candidate cover, or None."""
        salt = bootstrap.read_salt(cover)
        if salt is None:
            return None
        file_key = key.file_key(salt)
        header = bootstrap.read_header(cover, file_key)
        if header is None:
            return None
        named = self._named(header.tag)
        if named is None:
            return None
        found, chosen = named
        seed = payload.extractor_seed(file_key, header.tag)
        free = positions.payload_free(cover, file_key)
        with blamed(found):
            extractor = found(chosen, seed=seed, rate=header.profile.rung)
            bits = extractor.read(suited(extractor, cover).codes, free, cover.spec)
            return payload.from_bits(bits, header, file_key)

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

"""Sound: the user's own, in any format that libsndfile or FFmpeg (extra `av`) opens, or as samples.

The stego is a WAV, a FLAC or an AIFF file.
"""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any, ClassVar, Literal

import numpy as np
from numpy import ndarray
from pydantic import Field, field_validator

from ..channels.sound import DEPTHS, Memory, as_cover, flac, pcm, tags
from ..channels.sound.aiff import AiffChannel
from ..channels.sound.decoding import Sound, decoded
from ..channels.sound.flac import FlacChannel
from ..channels.sound.tags import Tags
from ..channels.sound.wav import WavChannel
from ..core import options
from ..core.artefact import read_bytes
from ..core.carrier import Carrier
from ..core.channel import Channel
from ..core.cover import Costs, Cover
from ..core.foreign import foreign
from ..core.history import Past
from ..core.law import drawn, fitted
from ..costs import masked
from ..errors import ConfigError, FormatError
from ..generators.fit import fit
from ..generators.fitted import Samples
from ..history import sounds

SIGMA = 2.25
"""Standard deviation of the noise on a function's values, in codes: 83 dB below 16-bit full
scale."""
_ARRAYS = {"u1": "PCM_U8", "i2": "PCM_16", "i4": "PCM_24", "f4": "PCM_16", "f8": "PCM_16"}
"""The subtype that an array of samples is stored as.

Full scale is 2^31 for int32, as in soundfile, and 1 for floats.
"""


_MAGIC = (
    *((8, b"WAVE"), (0, b"fLaC"), (0, b"OggS"), (0, b"ID3"), (8, b"AIFF"), (8, b"AIFC")),
    *((4, b"ftyp" + brand) for brand in (b"M4A ", b"M4B ", b"isom", b"iso2", b"mp41", b"mp42")),
    *((0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), (0, b"\xff\xfb"), (0, b"\xff\xf1")),
    *((0, b"caff"), (0, b".snd"), (0, b"wvpk"), (0, b"\x1a\x45\xdf\xa3")),
)
"""How sounds begin, and where: what `open` reads, and what it can say more of than others."""


class AudioCarrier(Carrier):
    """The user's sounds: paths, bytes, file objects, (samples, rate) or samples alone.

    (samples, rate) as soundfile returns them.
    """

    name: ClassVar[str] = "audio"
    channel: ClassVar = WavChannel
    channels: ClassVar[tuple[type[Channel], ...]] = (WavChannel, FlacChannel, AiffChannel)

    class Options(options.Options):
        """Options of the audio carrier."""

        format: Literal["wav", "flac", "aiff"] | None = Field(
            None,
            description="what is written; that of the cover, else wav, if not given",
        )
        subtype: Literal["PCM_U8", "PCM_16", "PCM_24", "PCM_32"] | None = Field(
            None, description="samples of a new file; those of the cover, if not given"
        )
        rate: int = Field(44100, gt=0, lt=1 << 20, description="samples a second, of samples alone")
        as_function: bool = Field(
            False, description="hide in noisy samples of a function fitted to the cover"
        )
        to_rate: int | None = Field(
            None, gt=0, lt=1 << 20, description="as_function: samples a second of the new sound"
        )

        strip_metadata: bool = Field(False, description="drop tags, text and pictures of the cover")

        @field_validator("to_rate")
        @classmethod
        def _of_a_function(cls, rate: Any, info: Any) -> Any:
            if rate is not None and not info.data.get("as_function"):
                raise ValueError("a sound is resampled only with as_function")
            return rate

    @classmethod
    def identify(cls, data: bytes) -> str:
        """The format of a sound, also of one that cannot be opened."""
        import soundfile

        try:
            with foreign("not a readable sound"), soundfile.SoundFile(Memory(data)) as file:
                return "wav" if file.format in ("WAVEX", "RF64") else file.format.lower()
        except FormatError:
            begins = any(data.startswith(magic, at) for at, magic in _MAGIC)
            return "sound" if begins else ""

    def open(self, source: Any) -> Cover:
        """The sound as a cover.

        A WAV, FLAC or AIFF file of integers keeps everything but its samples; anything else
        becomes a new file.
        """
        data, notes = read_bytes(source), ()
        if self.options.as_function:
            return self._drawn(source if data is None else data)
        if data is None:
            samples, rate = self._samples(source)
            return self._new(samples, rate, _ARRAYS[samples.dtype.str[1:]], None, Tags())
        if self.options.strip_metadata:
            with foreign("not a readable sound"):
                bare = tags.stripped(data)
            notes = ("tags, text and pictures of the cover were dropped",) if bare != data else ()
            data = bare
        cover = self._own(data)
        if cover is not None and self._keeps(cover):
            return replace(cover, notes=notes + flac.notes(cover))
        found = decoded(data) if cover is None else _exact(cover, data)
        kept = Tags(mask=found.tags.mask) if self.options.strip_metadata else found.tags
        cover = self._new(found.samples, found.rate, found.subtype, found.kind, kept)
        return replace(cover, notes=cover.notes + notes)

    def samples(self, source: Any) -> Samples:
        """The samples to fit a function to: each channel, full scale at -1 and 1."""
        return Samples(self._sound(source).samples.T, ("mirror",))

    def candidates(self, source: Any) -> Iterator[Cover]:
        """The samples at every depth that holds them exactly."""
        for bits in DEPTHS.values():
            codes, exact = _codes(self._samples(source)[0], bits)
            if exact:
                yield as_cover(codes, bits, "", None)

    def costs(self, cover: Cover) -> Costs:
        """The costs of changes: noise that linear prediction cannot foretell masks them."""
        return Costs.alike(masked.sound(cover.codes, int(cover.low), int(cover.high)))

    def history(self, cover: Cover) -> tuple[Past, ...]:
        """What samples say: cut off above some pitch, or padded."""
        return sounds.of_samples(cover)

    def value(self, source: Any, data: bytes) -> Any:
        """(samples, rate) or samples of the type and shape of the source, else bytes."""
        import soundfile

        if not isinstance(source, tuple | ndarray):
            return data
        samples, _ = source if isinstance(source, tuple) else (source, None)
        with foreign("not a readable sound"):
            found, rate = soundfile.read(Memory(data), dtype="float64", always_2d=True)
        full = {"u": 128.0, "i": 2.0 ** (8 * samples.itemsize - 1), "f": 1.0}[samples.dtype.kind]
        found = found * full + (128 if samples.dtype.kind == "u" else 0)
        found = found.reshape(-1, *samples.shape[1:]).astype(samples.dtype)
        return (found, rate) if isinstance(source, tuple) else found

    def _sound(self, source: Any) -> Sound:
        """The samples, their rate, the subtype that keeps them, and the format they come from."""
        data = read_bytes(source)
        if data is not None:
            cover = self._own(data)
            return decoded(data) if cover is None else _exact(cover, data)
        samples, rate = self._samples(source)
        return Sound(_full(samples), rate, "", _ARRAYS[samples.dtype.str[1:]], Tags())

    def _own(self, data: bytes) -> Cover | None:
        """The samples of a file that one of the channels reads, as it stores them."""
        for channel in self.channels:
            try:
                return next(channel().read(data), None)
            except FormatError:
                continue
        return None

    def _drawn(self, source: Any) -> Cover:
        """Noisy values of the sound's function, in a new file without tags, of 16 bits or more."""
        frames, rate, kind, subtype, _ = self._sound(source)
        subtype = "PCM_16" if subtype == "PCM_U8" else subtype  # noise of 2 codes in 256 is audible
        _, stored = self._form(kind, subtype)
        if not frames.size:
            raise ConfigError("cover", "has no samples.", "Give a sound that lasts.")
        samples, to_rate = Samples(frames.T, ("mirror",)), self.options.to_rate or rate
        count = max(1, round(samples.values.shape[1] * to_rate / rate))
        function, half = fit(samples), 1 << (DEPTHS[stored] - 1)
        share = (function.raster((count,)) * half + half) / (2 * half - 1)
        value = fitted(share, -half, half - 1, SIGMA)
        cover = self._new(np.rint(value).T / half, to_rate, subtype, kind or None, Tags())
        value = value + (half if cover.low == 0 else 0)
        said = f"{function.told(samples, 1.0)} and sampled {to_rate} times a second"
        return replace(drawn(cover, value, SIGMA), notes=(said, "the stego is a new file, no tags"))

    def _keeps(self, cover: Cover) -> bool:
        """Whether a cover can be written as requested without a new file."""
        wanted, subtype = self.options.format, self.options.subtype
        depth = int(cover.peak or 0).bit_length()
        return wanted in (None, cover.channel) and subtype in (None, _subtype(depth))

    def _form(self, kind: str | None, subtype: str) -> tuple[str, str]:
        """The format and subtype of a new file for a sound of this format and subtype."""
        own = {"FLAC": "flac", "AIFF": "aiff"}.get(kind or "", "wav")
        wanted = self.options.format or own
        stored = self.options.subtype or subtype
        if wanted == "flac":  # FLAC has 8 and 32 bits too, but few programs expect them
            stored = {"PCM_U8": "PCM_16", "PCM_32": "PCM_24"}.get(stored, stored)
        return wanted, stored

    def _samples(self, source: Any) -> tuple[ndarray, int]:
        """(frame[, channel]) samples and their rate.

        `FormatError` or `ConfigError` if they are not sound.
        """
        pair = source if isinstance(source, tuple) and len(source) == 2 else (source, None)
        samples, rate = pair
        if not isinstance(samples, ndarray) or not isinstance(rate, int | np.integer | None):
            raise FormatError(f"the audio carrier takes no {type(source).__name__}")
        if samples.ndim not in (1, 2) or samples.dtype.str[1:] not in _ARRAYS:
            raise ConfigError(
                "cover",
                f"is a {samples.dtype} array of shape {samples.shape}.",
                "Give (frame[, channel]) as uint8, int16, int32, float32 or float64; "
                "(samples, rate) sets the rate.",
            )
        return samples, self.options.rate if rate is None else int(rate)

    def _new(
        self, samples: ndarray, rate: int, subtype: str, kind: str | None, kept: Tags
    ) -> Cover:
        """The samples in a new file with these tags.

        `kind` is the format that they come from, None for an array of samples.
        """
        wanted, stored = self._form(kind, subtype)
        channel = next(c for c in self.channels if c.name == wanted)()
        if not samples.size:
            raise ConfigError("cover", "has no samples.", "Give a sound that lasts.")
        bits = DEPTHS[stored]
        codes, exact = _codes(samples, bits)
        data, lost = _file(codes, wanted, bits, rate, kept)
        notes = []
        if kind is not None:
            what = f"the {kind} cover was decoded; the stego is a new {wanted.upper()} ({stored})"
            beside = [name for name, _ in kept.text if f"its tag {name}" not in lost]
            beside += ["the ID3 tag"] if kept.id3 and wanted != "flac" else []
            beside += ["the pictures"] if kept.pictures and wanted == "flac" else []
            beside += ["all its chunks"] if kept.parts and wanted == kept.form else []
            along = f"with its {', '.join(dict.fromkeys(beside))}" if beside else "without tags"
            notes.append(f"{what} {along}")
            if lost:
                notes.append(f"what a new {wanted.upper()} cannot keep: {', '.join(lost)}")
        if not exact:
            notes.append(f"the samples were rounded to {bits} bits")
        return replace(next(channel.read(data)), notes=tuple(notes), past=sounds.of_file(kind))


def _exact(cover: Cover, data: bytes) -> Sound:
    """The sound of a file that a channel reads."""
    file, half = cover.container, cover.peak or 1.0
    assert isinstance(file, flac.FlacFile | pcm.PcmFile)
    samples = (cover.codes.T - (half if cover.low == 0 else 0)) / half
    kind, subtype = cover.channel.upper(), _subtype(file.bits)
    return Sound(samples, file.rate, kind, subtype, tags.read(data))


def _file(codes: ndarray, wanted: str, bits: int, rate: int, kept: Tags) -> tuple[bytes, list[str]]:
    """A new file of (frame, channel) codes, and what it has no place for."""
    channels = codes.shape[1]
    problem = f"cannot be a {wanted.upper()} file"
    if not (0 < rate < 1 << 32 and 0 < channels < 1 << 16):
        raise ConfigError("cover", f"{problem} of {rate} samples a second.", "Resample it first.")
    shape = channels, bits, rate
    if wanted == "aiff":
        return tags.new_aiff(pcm.packed(codes, bits, True, True), shape, kept)
    if wanted == "wav":
        return tags.new_wav(pcm.packed(codes, bits), shape, kept)
    import soundfile

    out = BytesIO()
    try:
        with foreign(problem):
            frames = codes << (32 - bits)
            soundfile.write(out, frames, rate, _subtype(bits), format="FLAC")
    except FormatError as error:
        hint = 'A WAV can be that: format="wav".'
        raise ConfigError("cover", f"{error}.", hint) from None
    blocks, start = flac.parse(out.getvalue())
    made, lost = tags.flac_blocks(kept, tags.vendor_of(blocks), channels)
    return flac.MAGIC + flac.packed([blocks[0], *made]) + out.getvalue()[start:], lost


def _subtype(bits: int) -> str:
    return next(name for name, depth in DEPTHS.items() if depth == bits)


def _codes(samples: ndarray, bits: int) -> tuple[ndarray, bool]:
    """(frame, channel) codes of samples at a depth, and whether the codes are exact."""
    half = 1 << (bits - 1)
    with np.errstate(over="ignore"):  # of doubles far beyond full scale, which are clipped next
        value = _full(samples) * half
    codes = np.rint(value).clip(-half, half - 1)
    return codes.astype(np.int32) + (128 if bits == 8 else 0), bool((codes == value).all())


def _full(samples: ndarray) -> ndarray:
    """(frame, channel) samples with full scale at -1 and 1."""
    value = samples.reshape(len(samples), -1).astype(np.float64)
    if samples.dtype.kind == "u":
        value = value / 128 - 1
    elif samples.dtype.kind == "i":
        value /= 2.0 ** (8 * samples.itemsize - 1)
    if not np.isfinite(value).all():
        raise ConfigError("cover", "has samples that are no numbers.", "Repair them first.")
    return value

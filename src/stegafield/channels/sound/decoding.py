"""Sounds that have to be decoded: by libsndfile, or by FFmpeg's libraries (extra `av`)."""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from ...core.channel import most_samples
from ...core.foreign import foreign
from ...errors import FormatError
from . import Memory, tags
from .tags import Tags

_PART = 1 << 20
_FINE = ("PCM_24", "FLOAT", "DOUBLE", "ALAC_20", "ALAC_24", "ALAC_32")
_TAGS = ("title", "artist", "album", "tracknumber", "date", "genre", "comment", "copyright")
"""What libsndfile knows of tags; not `software`, which it signs with its own name."""
_KINDS = (
    (4, b"ftyp", "MPEG-4 (AAC, ALAC)"),
    (0, bytes.fromhex("3026b2758e66cf11"), "Windows Media"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska"),
    (0, b"\xff\xf1", "AAC"),
    (0, b"\xff\xf9", "AAC"),
    (0, b"fLaC", "FLAC"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"TTA1", "True Audio"),
    (0, b"DSD ", "DSD"),
    (0, b"FORM", "AIFF-C"),
    (0, b"RIFF", "WAV"),
)
"""What FFmpeg may read where libsndfile does not, by the bytes at a place."""
_TAKEN_APART = ("WAV", "WAVEX", "RF64", "AIFF", "FLAC", "OGG", "MP3", "MPEG")
_USUAL = ("WAV", "AIFF-C")
_HOW = "convert it to FLAC or WAV first, as in: ffmpeg -i IN out.flac"


class Sound(NamedTuple):
    """A decoded sound."""

    samples: Float[ndarray, "frame channel"]
    """Full scale at -1 and 1."""
    rate: int
    kind: str
    """The format that it comes from."""
    subtype: str
    """What keeps its samples, by the names of libsndfile."""
    tags: Tags


def decoded(data: bytes) -> Sound:
    """The sound in a file of any format that is known; `FormatError` for others."""
    try:
        return _by_libsndfile(data)
    except FormatError as error:
        kind = next((name for at, magic, name in _KINDS if data[at:].startswith(magic)), None)
        if kind is None or "samples in" in str(error):
            raise
        try:
            return _by_ffmpeg(data, kind, error)
        except FormatError as worse:
            if kind in _USUAL:  # libsndfile knows them better
                raise error from None
            raise worse from None


def _by_libsndfile(data: bytes) -> Sound:
    import soundfile

    most, parts, count = most_samples(len(data)), [], 0
    with foreign("not a readable sound"), soundfile.SoundFile(Memory(data)) as file:
        while not parts or len(parts[-1]) == _PART:
            parts.append(file.read(_PART, always_2d=True))
            count += parts[-1].size
            if count > most:
                raise FormatError(f"the sound has over {most} samples in {len(data)} bytes")
        said = tuple((name, text) for name in _TAGS if (text := getattr(file, name)))
        kept = tags.read(data)
        kept = kept if kept.text else replace(kept, text=said)
        if file.format not in _TAKEN_APART:
            kept = replace(kept, other=(f"what else a {file.format} may hold",))
        narrow = file.subtype if file.subtype in ("PCM_U8", "PCM_32") else "PCM_16"
        subtype = "PCM_24" if file.subtype in _FINE else narrow
        return Sound(np.concatenate(parts), file.samplerate, file.format, subtype, kept)


def _by_ffmpeg(data: bytes, kind: str, error: FormatError) -> Sound:
    try:
        import av
        from av.error import FFmpegError
    except ImportError:
        needed = f'it is {kind} sound: pip install "stegafield[av]" reads it'
        raise FormatError(f"{needed}, or {_HOW}") from error
    with foreign(f"not a readable {kind} sound"):
        try:
            return _from_container(av, data, kind)
        except FFmpegError as broken:
            problem = f"not a readable {kind} sound ({broken.strerror})"
            raise FormatError(problem) from None


def _from_container(av: Any, data: bytes, kind: str) -> Sound:
    most = most_samples(len(data))
    with av.open(BytesIO(data), metadata_errors="replace") as container:
        if not container.streams.audio:
            raise FormatError(f"the {kind} file has no sound", "")
        stream = container.streams.audio[0]
        parts, rate, name, count = [], 0, "", 0
        for piece in _frames(container, stream):
            part, rate, name = piece
            parts.append(part)
            count += part.size
            if count > most:
                raise FormatError(f"the sound has over {most} samples in {len(data)} bytes")
        if not parts or len({part.shape[1] for part in parts}) > 1:
            raise FormatError(f"the {kind} file has no samples, or changes its channels", "")
        text = {key.lower(): str(value) for key, value in container.metadata.items()}
        other = ["its picture"] if container.streams.video else []
        other += ["its chapters"] if container.chapters() else []
        subtype = {"u8": "PCM_U8", "s32": "PCM_24"}.get(name.rstrip("p"), "PCM_16")
        said = tuple(
            ("tracknumber" if key == "track" else key, value)
            for key, value in text.items()
            if key not in _CONTAINER
        )
        codec = stream.codec_context.name.upper()
        return Sound(
            np.concatenate(parts), rate, codec, subtype, Tags(text=said, other=tuple(other))
        )


_CONTAINER = ("major_brand", "minor_version", "compatible_brands", "encoder", "duration")
"""What FFmpeg lists among tags and is about the container."""


def _frames(container: Any, stream: Any) -> Iterator[tuple[ndarray, int, str]]:
    """Samples of each decoded piece, their rate and the name of their kind."""
    for frame in container.decode(stream):
        found, name = frame.to_ndarray(), frame.format.name
        count = len(frame.layout.channels)
        found = found.T if frame.format.is_planar else found.reshape(-1, count)
        if found.dtype.kind == "u":
            found = found / 128.0 - 1
        elif found.dtype.kind == "i":
            found = found / 2.0 ** (8 * found.dtype.itemsize - 1)
        yield found.astype(np.float64), frame.sample_rate, name

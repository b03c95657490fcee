"""Small sounds, made by the real library, and what is in their files besides the samples."""

import struct
from io import BytesIO

import numpy as np
import soundfile


def samples(frames=4000, channels=2, seed=0):
    """A tone with noise, full scale 1."""
    time = np.arange(frames)[:, None] / 8000
    tone = 0.4 * np.sin(2 * np.pi * 440 * time)
    return tone + np.random.default_rng(seed).normal(0, 0.02, (frames, channels))


def sound(form="WAV", subtype="PCM_16", *, values=None, rate=8000, **shape):
    """The bytes of a file that libsndfile wrote."""
    out = BytesIO()
    soundfile.write(out, samples(**shape) if values is None else values, rate, subtype, format=form)
    return out.getvalue()


def chunks(data):
    """(kind, content) of each chunk of a RIFF file, in order, with its form type first."""
    found, at = [data[:4] + data[8:12]], 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        found.append((kind, data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    return found


def with_chunks(data, *, before=(), after=()):
    """A WAV file with further chunks around its samples."""
    pack = lambda kind, body: kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)  # noqa: E731
    parts = chunks(data)[1:]
    cut = next(i for i, (kind, _) in enumerate(parts) if kind == b"data")
    body = b"".join(pack(*part) for part in [*parts[:cut], *before, *parts[cut:], *after])
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def blocks(data):
    """(kind, content) of each metadata block of a FLAC file."""
    found, at, last = [], 4, 0
    while not last:
        last, kind, size = data[at] & 128, data[at] & 127, int.from_bytes(data[at + 1 : at + 4])
        found.append((kind, data[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


def with_blocks(data, extra):
    """A FLAC file with these metadata blocks behind its STREAMINFO, and no others."""
    frames = data[4 + sum(4 + len(body) for _, body in blocks(data)) :]
    kept = [blocks(data)[0], *extra]
    packed = b"".join(
        bytes([kind | 128 * (i == len(kept) - 1)]) + len(body).to_bytes(3) + body
        for i, (kind, body) in enumerate(kept)
    )
    return b"fLaC" + packed + frames


def tagged(title=b"a holiday"):
    """Metadata blocks as music players write them, and a seek table."""
    comment = struct.pack("<I", 3) + b"lab" + struct.pack("<I", 1)
    comment += struct.pack("<I", 6 + len(title)) + b"TITLE=" + title
    point = struct.pack(">QQH", 0, 0, 4000)
    return [(4, comment), (3, point), (2, b"ABCDdata"), (6, bytes(32)), (1, bytes(100))]


def of_unknown_length(data):
    """A FLAC file as a program writes it to a pipe: no length, no sizes of frames, no check sum."""
    facts = int.from_bytes(data[18:26]) >> 36 << 36
    return data[:12] + bytes(6) + facts.to_bytes(8) + bytes(16) + data[42:]

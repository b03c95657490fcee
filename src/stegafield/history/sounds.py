"""The past of sounds: what their file says, and what their samples say."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from ..core import tiles
from ..core.cover import Cover
from ..core.history import Past

_LOSSY = {"MPEG": "an MP3", "MP3": "an MP3", "OGG": "an Ogg file", "OPUS": "an Opus file"}
_LOSSY |= {name: f"{name}" for name in ("AAC", "WMA", "M4A", "MP4")}
_TELLS = "in samples decoded from {} changes can be seen: no such file decodes to them"
_ADVICE = "take a recording that was never compressed"
_FRAME, _FRAMES = 2048, 256
_FLOOR = 4.0
"""Above the power of rounding, up to which a band counts as empty."""
_LOUD = 100.0
"""Above it, from which a band counts as full."""
_EMPTY = 0.08
"""Share of all bands, the highest ones, that are empty where sound was cut off."""


def of_file(form: str | None) -> tuple[Past, ...]:
    """What the format of a cover's file says, by libsndfile's name for it."""
    if form not in _LOSSY:
        return ()
    return (Past("lossy", _TELLS.format(_LOSSY[form]), _ADVICE),)


def of_samples(cover: Cover) -> tuple[Past, ...]:
    """What the samples say: nothing above some pitch but rounding, or lowest bits that are never
    used."""
    found = list[Past]()
    if cover.codes.ndim != 2 or not cover.codes.size:
        return ()
    bits = int(cover.peak or 0).bit_length()
    parts = tiles.blocks(cover.codes.size)
    middle = int(cover.peak or 0) + 1 >> 1 if int(np.min(cover.low)) == 0 else 0
    used = 0
    for part in parts:
        used |= int(np.bitwise_or.reduce(tiles.piece(cover.codes, part).astype(np.int64) - middle))
    zeros = (used & -used).bit_length() - 1 if used else 0
    if zeros >= 2:
        told = f"the lowest {zeros} of {bits} bits are never used, as after padding"
        found.append(Past("padded", told, "hide at the lower depth"))
    elif any(_cut(channel - middle) for channel in cover.codes):
        told = "nothing but rounding is above some pitch, as after an MP3 or a lower rate"
        found.append(Past("lowpass", told, _ADVICE))
    return tuple(found)


def _cut(samples: Int[ndarray, " sample"]) -> bool:
    """Whether the highest pitches are empty, and those below them are not."""
    power = _power(samples)
    if power is None:
        return False
    empty = power < _FLOOR / 12
    highest = int(np.argmin(empty[::-1])) if not empty.all() else 0
    share, below = highest / empty.size, power[: empty.size - highest]
    return share >= _EMPTY and bool((below[-empty.size // 10 :] > _LOUD / 12).any())


def _power(samples: Int[ndarray, " sample"]) -> Float[ndarray, " band"] | None:
    """The median power of a sample in each band, over loud frames from everywhere."""
    count = samples.size // _FRAME
    if count < 8:
        return None
    chosen = np.unique(np.linspace(0, count - 1, min(count, _FRAMES)).astype(int))
    frames = np.stack([samples[k * _FRAME : (k + 1) * _FRAME] for k in chosen]).astype(float)
    window = np.hanning(_FRAME + 2)[1:-1]
    spectra = np.abs(np.fft.rfft(frames * window)) ** 2 / (window**2).sum()
    loud = spectra.mean(axis=1) >= np.median(spectra.mean(axis=1))
    bands = np.median(spectra[loud], axis=0)[1:-1]
    return bands[: bands.size // 8 * 8].reshape(-1, 8).mean(axis=1)

"""The covers that every contestant gets: faces drawn from the model, and photographs."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from stegafield.core.carrier import Carrier
from stegafield.core.cover import Cover
from stegafield.errors import ConfigError
from stegafield.extras import need

from ..measure.fidelity import cropped, pictures

PACKAGED = ("astronaut", "chelsea", "coffee", "rocket", "retina", "hubble_deep_field")
"""Colour photographs that scikit-image ships, for users who name no folder."""


@dataclass(frozen=True)
class Subject:
    """One cover, with what it is called in rows."""

    kind: str
    """"faces" or "photographs"."""
    name: str
    cover: Cover
    whole: bool = False
    """Whether it is a whole photograph, not its central part."""

    @property
    def inputs(self) -> dict[str, Any]:
        """Its part of a row's key: the digest changes where the pixels do."""
        codes = np.ascontiguousarray(self.cover.codes)
        digest = hashlib.sha256(codes.astype(np.int64).tobytes()).hexdigest()[:12]
        size = list(codes.shape[1:])
        named = {"kind": self.kind, "cover": self.name, "size": size, "digest": digest}
        return named | ({"whole": True} if self.whole else {})


def face(carrier: Carrier, number: int, size: tuple[int, int]) -> Subject:
    """A face as the paper samples its functions: without noise, rounded to 8 bits.

    The same number is the same face at every size.
    """
    need("torch", "torch")
    need("safetensors", "torch")
    from stegafield.generators.zoo import load

    model = load("celeba")
    value = model.raster(model.latents(1, np.random.default_rng(number)), size)[0]
    pixels = np.rint(255 * (value.clip(-1, 1) + 1) / 2).astype(np.uint8)
    return Subject("faces", f"face {number}", carrier.open(pixels))


def photographs(folder: Path | None) -> list[tuple[str, Path | None]]:
    """(name, path) of the photographs of a folder.

    Without a folder: those that scikit-image ships, by name, without a path.
    """
    if folder is not None:
        found = [(path.name, path) for path in pictures(folder)]
        if not found:
            raise ConfigError("photos", f"there is no picture in {folder}.")
        return list(found)
    return [(name, None) for name in PACKAGED]


def photograph(
    carrier: Carrier, name: str, path: Path | None, size: tuple[int, int] | None = None
) -> Subject:
    """A photograph, whole or its central (height, width).

    Without a path, one that scikit-image ships.
    """
    source: Any = path
    if path is None:
        from skimage import data

        source = np.asarray(getattr(data, name)())[..., :3]
        source = source if size is None else _centre(source, size)
    elif size is not None:
        source = cropped(path, size)
    return Subject("photographs", name, carrier.open(source), whole=size is None)


def spread(items: list[Any], count: int) -> list[Any]:
    """`count` of the items, evenly spaced; all where there are not more."""
    step = max(1, len(items) // max(1, count))
    return items[::step][:count]


def _centre(pixels: ndarray, size: tuple[int, int]) -> ndarray:
    top, left = ((have - want) // 2 for have, want in zip(pixels.shape, size, strict=False))
    return np.ascontiguousarray(pixels[top : top + size[0], left : left + size[1]])


def seeds(name: str, number: int) -> bytes:
    """The 32 bytes that decide network and bits: the same for all contestants."""
    return hashlib.sha256(f"{name}/{number}".encode()).digest()


def colours(subjects: Iterable[Subject]) -> list[Subject]:
    """Those with three channels: the paper's network and the baselines take RGB."""
    return [one for one in subjects if len(one.cover.codes) == 3]

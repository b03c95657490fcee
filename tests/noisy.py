"""Generated pictures with a law of any sigma, and a direct sampler that shares no code."""

from dataclasses import replace
from io import BytesIO
from typing import ClassVar

import numpy as np
from PIL import Image
from pydantic import Field

from stegafield.channels.picture.png import PngChannel
from stegafield.core import options
from stegafield.core.carrier import Carrier
from stegafield.core.cover import Cover, GridSpec, Law
from stegafield.core.noise import normals
from stegafield.core.registry import Registry
from stegafield.extractors.phase import Phase
from stegafield.pipeline.engine import Engine


class Noisy(Carrier):
    """A smooth picture with headroom, and normal noise."""

    name: ClassVar[str] = "noisy"
    channel: ClassVar = PngChannel
    rate_unit: ClassVar[str] = "bpp"

    class Options(options.Options):
        size: tuple[int, int] = (64, 64)
        sigma: float = 2.25
        headroom: float = Field(5, description="in sigmas; less than 5 is a planted fault")

    def covers(self, count, rng):
        return [self._one(rng) for _ in range(count)]

    def blank(self):
        return self._one(np.random.default_rng(0))

    def _one(self, rng):
        room = self.options.headroom * self.options.sigma
        value = smooth((3, *self.options.size), room, 255 - room, rng)
        noise = self.options.sigma * normals(value.shape)
        codes = np.rint(value + noise).clip(0, 255).astype(np.uint8)
        out = BytesIO()
        Image.fromarray(codes.transpose(1, 2, 0)).save(out, "PNG")
        cover = next(iter(self.channel().read(out.getvalue())))
        return replace(cover, law=Law(value, self.options.sigma))


def noisy_engine(carrier=Noisy):
    registry = Registry()
    for kind, found in (("carrier", carrier), ("channel", PngChannel), ("extractor", Phase)):
        registry.add(kind, found, "test")
    return Engine(registry, device="cpu")


def smooth(shape, low, high, rng):
    """Waves that reach from `low` to `high` exactly."""
    y, x = np.meshgrid(*(np.linspace(0, 1, n) for n in shape[1:]), indexing="ij")
    out = []
    for _ in range(shape[0]):
        a, b, c, d = rng.uniform(1, 9, 4)
        wave = np.sin(a * x + b * y + c) + 0.5 * np.cos(d * (x - y))
        out.append(low + (high - low) * (wave - wave.min()) / np.ptp(wave))
    return np.stack(out).clip(low, high)


def line(values, sigma, low=-(10**6), high=10**6):
    """A cover of one line whose law has these values."""
    values = np.asarray(values, float).reshape(1, -1)
    spec, free = GridSpec(("x",), (False,), "line"), np.ones(values.shape, bool)
    return Cover(np.zeros(values.shape, np.int32), low, high, free, spec, law=Law(values, sigma))


def direct(values, sigma, rng):
    """round(f + noise), by NumPy's normal numbers and nothing of the package."""
    return np.floor(values + sigma * rng.standard_normal(values.shape) + 0.5).astype(np.int64)

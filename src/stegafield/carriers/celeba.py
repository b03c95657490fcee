"""Generated faces: functions drawn from a learned distribution, with a camera's noise."""

from dataclasses import replace
from io import BytesIO
from typing import ClassVar

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from numpy.random import Generator
from PIL import Image
from pydantic import Field, field_validator

from ..channels.picture.png import PngChannel
from ..core import options
from ..core.carrier import Carrier
from ..core.cover import Cover, Law
from ..core.noise import normals
from ..generators import faces

SIGMA = 2.25
"""Standard deviation of the noise, in codes: as much as 4 bits per pixel need."""
_LOW, _HIGH = 5 * SIGMA, 255 - 5 * SIGMA


class CelebaCarrier(Carrier):
    """Faces as RGB pictures of any size, drawn from functions that were trained on CelebA at 64x64.

    Codes are round(f + noise): f lies 5 standard deviations of the noise within the range.
    """

    name: ClassVar[str] = "celeba"
    channel: ClassVar = PngChannel
    rate_unit: ClassVar[str] = "bpp"

    class Options(options.Options):
        """Options of the celeba carrier."""

        size: tuple[int, int] = Field((64, 64), description="(height, width)")

        @field_validator("size")
        @classmethod
        def _sensible(cls, size: tuple[int, int]) -> tuple[int, int]:
            if not (32 <= min(size) and max(size) <= 2048):
                raise ValueError("a face has 32 to 2048 pixels on a side")
            return size

    def covers(self, count: int, rng: Generator) -> list[Cover]:
        """`count` independent faces, each in a file of its own."""
        model = faces.shipped()
        return [_cover(model.draw(rng, self.options.size)) for _ in range(count)]

    def blank(self) -> Cover:
        """A grey picture of the requested size: as free and as noisy as any face."""
        return _cover(np.zeros((*self.options.size, 3)))


def _cover(features: Float[ndarray, "y x 3"]) -> Cover:
    """A file of one function with fresh noise; features are in [-1, 1]."""
    value = _LOW + (_HIGH - _LOW) * (features.astype(np.float64) + 1) / 2
    value = value.clip(_LOW, _HIGH)
    codes = np.rint(value + SIGMA * normals(value.shape)).clip(0, 255)
    law = Law(np.ascontiguousarray(value.transpose(2, 0, 1)), SIGMA)
    return replace(_file(codes.astype(np.uint8)), law=law)


def _file(pixels: UInt8[ndarray, "y x 3"]) -> Cover:
    out = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG")
    return next(PngChannel().read(out.getvalue()))

"""SteganoGAN (Zhang et al. 2019): a trained encoder writes what a trained decoder reads.

Nothing is searched.

Two things differ from the published program. It shows its encoder pictures in [-1, 1] and its
decoder the same pictures in [0, 1], and truncates where it should round; here both see [-1, 1], and
codes are rounded. It normalises by the statistics of the batch at hand; here the statistics are
those of training, so one item never depends on another.
"""

from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray
from numpy.random import Generator

from stegafield.core.cover import Cover

from .decoded import FULL_SCALE, Decoded, carrying, pictured


class SteganoGan(Decoded):
    """SteganoGAN, basic or dense, trained on 64x64 faces.

    For comparison; never the default. Needs torch.
    """

    name: ClassVar[str] = "steganogan"

    def project(
        self, cover: Cover, bits: UInt8[ndarray, " bit"], rng: Generator
    ) -> Int[ndarray, "channel *space"]:
        """What the encoder makes of the cover, rounded.

        The decoder reads a share of the bits wrongly; nothing bounds that share.
        """
        wanted = np.rint(self.encoded(cover, bits, rng)).astype(cover.codes.dtype)
        return np.where(cover.free, wanted, cover.codes)

    def encoded(
        self, cover: Cover, bits: UInt8[ndarray, " bit"], rng: Generator
    ) -> Float[ndarray, "channel *space"]:
        """The encoder's picture in codes, not yet rounded.

        Pixels that carry nothing get bits from `rng`.
        """
        import torch

        where = carrying(cover.free)
        planes = self.planes(cover.free, cover.spec)
        message = rng.integers(0, 2, (planes, *where.shape), dtype=np.uint8)
        message[:, where] = bits.reshape(planes, -1)
        with torch.no_grad():
            stego = self.coder.encoder(
                pictured(cover.codes), torch.from_numpy(message.astype(np.float32))[None]
            )
        return (stego[0].clamp(-1, 1).numpy().astype(np.float64) + 1) * (FULL_SCALE / 2)

"""The reader of SteganoGAN, FNNS-D and FNNS-DE: a shipped SteganoGAN decoder."""

from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Int, Real, UInt8
from numpy import ndarray

from stegafield.core import options
from stegafield.core.cover import Cover, GridSpec
from stegafield.core.extractor import Extractor, depth
from stegafield.extras import need

FULL_SCALE = 255
MOST_DEPTH = 4


class Decoded(Extractor):
    """Reads colour pictures of eight bits, at 1 to 4 bits per pixel.

    The network is public: it holds no key.
    """

    class Options(options.Options):
        """Options that sender and receiver must agree on."""

        architecture: Literal["dense", "basic"] = "dense"

    def read(
        self,
        codes: Int[ndarray, "channel *space"],
        free: Bool[ndarray, "channel *space"],
        spec: GridSpec,
    ) -> UInt8[ndarray, " bit"]:
        """The signs of the logits at all pixels whose channels are all free, plane after plane."""
        return self.decoded(codes, free) if self.planes(free, spec) else np.empty(0, np.uint8)

    def decoded(
        self, values: Real[ndarray, "3 y x"], free: Bool[ndarray, "3 y x"]
    ) -> UInt8[ndarray, " bit"]:
        """The bits of codes, or of floats that are not rounded to codes yet."""
        need("torch", "torch")
        import torch

        with torch.no_grad():
            found = self.coder.decoder(pictured(values))[0].numpy()
        return (found[:, carrying(free)] > 0).astype(np.uint8).ravel()

    def count(self, cover: Cover) -> int:
        """D bits for each pixel whose channels are all free."""
        return self.planes(cover.free, cover.spec) * int(np.count_nonzero(carrying(cover.free)))

    def planes(self, free: Bool[ndarray, "channel *space"], spec: GridSpec) -> int:
        """D; 0 where this is no colour picture, no rate of ours, or no pixel is free."""
        found = depth(self.rung, 3)
        fits = len(free) == 3 and spec.kind == "plane" and free.ndim == 3 and found <= MOST_DEPTH
        return found if fits and bool(carrying(free).any()) else 0

    @property
    def coder(self) -> Any:
        """The networks of this architecture and rate, ready to read."""
        need("torch", "torch")
        need("safetensors", "torch")
        from .zoo import shipped

        return shipped(self.options.architecture, depth(self.rung, 3))


def carrying(free: Bool[ndarray, "channel *space"]) -> Bool[ndarray, "*space"]:
    """The positions that carry bits: all their channels are free."""
    return np.asarray(free.all(axis=0))


def pictured(codes: ndarray) -> Any:
    """Codes, or floats between them, as the networks see a picture.

    A torch batch of one in [-1, 1], in both directions.
    """
    import torch

    return torch.from_numpy((codes * (2 / FULL_SCALE) - 1).astype(np.float32))[None]

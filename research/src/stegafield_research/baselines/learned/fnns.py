"""Fixed neural network steganography: the picture is trained, the network stays.

Kishore, Chen, Wang, Li, Weinberger, ICLR 2022.

    FNNS-R     the network is random
    FNNS-D     it is SteganoGAN's decoder
    FNNS-DE    the same, and the search starts from what SteganoGAN's encoder makes of the cover

All three are the optimizer `paper` on the summed cross-entropy. The notebook of the latter two
raises epsilon to 0.7 once hardly a bit is wrong; here it is what it says, counted from the cover.
"""

from typing import Any, ClassVar, Literal, get_args

import numpy as np
from jaxtyping import Bool, Int, UInt8
from numpy import ndarray

from stegafield.core import options
from stegafield.core.cover import Cover, GridSpec
from stegafield.core.extractor import Extractor, depth
from stegafield.extras import need
from stegafield.solving.convolution import convolve

from .decoded import FULL_SCALE, Decoded, carrying
from .loss import CrossEntropy
from .steganogan import SteganoGan

Seed = Literal[11111, 22222, 33333, 44444, 55555, 66666, 777777, 88888, 99999, 0]
SEEDS: tuple[int, ...] = get_args(Seed)
"""The random networks of the notebook, in its order.

The next one is tried where the PSNR of luma is not above 19 dB.
"""
HIDDEN, LAYERS = 128, 4
_TINY = 1e-5  # of torch's batch normalisation


class FnnsD(Decoded):
    """FNNS-D: SteganoGAN's trained decoder is the fixed network.

    For comparison; never the default.
    """

    name: ClassVar[str] = "fnns-d"

    def objective(self, cover: Cover, bits: UInt8[ndarray, " bit"]) -> CrossEntropy:
        """Cross-entropy of what the decoder reads.

        Pictures are in [-1, 1]; the notebook has [0, 1].
        """
        decoder: Any = self.coder.decoder

        def network(value: Any) -> Any:
            return decoder.to(value.device)(2 * value - 1)

        return CrossEntropy(network, cover.codes, carrying(cover.free), bits)


class FnnsDE(FnnsD):
    """FNNS-DE: FNNS-D, started from the encoder's picture.

    For comparison; never the default.
    """

    name: ClassVar[str] = "fnns-de"

    def objective(self, cover: Cover, bits: UInt8[ndarray, " bit"]) -> CrossEntropy:
        """The objective of FNNS-D, started from what SteganoGAN changes."""
        found = super().objective(cover, bits)
        encoder = SteganoGan(self.options, seed=self.seed, rung=self.rung)
        rng = np.random.default_rng(list(self.seed))  # for pixels that carry nothing
        found.origin = (encoder.project(cover, bits, rng) - cover.codes).astype(np.float64)
        return found


class FnnsR(Extractor):
    """FNNS-R: the fixed network is random, one of the notebook's ten.

    For comparison; never the default. Needs torch.
    """

    name: ClassVar[str] = "fnns-r"

    class Options(options.Options):
        """Options that sender and receiver must agree on."""

        seed: Seed = 11111
        """The weights, from NumPy's old generator, as in the notebook.

        Its ten networks are public: they hold no key.
        """

    def read(
        self,
        codes: Int[ndarray, "channel *space"],
        free: Bool[ndarray, "channel *space"],
        spec: GridSpec,
    ) -> UInt8[ndarray, " bit"]:
        """The signs of the outputs, plane after plane.

        Positions count where all channels are free.
        """
        where = carrying(free)
        if not depth(self.rung, len(codes)) or not where.any():
            return np.empty(0, np.uint8)
        need("torch", "torch")
        import torch

        network = self._network(len(codes), spec)
        with torch.no_grad():
            found = network(torch.from_numpy((codes / FULL_SCALE).astype(np.float32))[None])[0]
        return (found.numpy()[:, where] > 0).astype(np.uint8).ravel()

    def count(self, cover: Cover) -> int:
        """D bits for each position whose channels are all free."""
        planes = depth(self.rung, len(cover.codes))
        return planes * int(np.count_nonzero(carrying(cover.free)))

    def objective(self, cover: Cover, bits: UInt8[ndarray, " bit"]) -> CrossEntropy:
        """Cross-entropy of what the random network reads; pictures in [0, 1]."""
        need("torch", "torch")
        network = self._network(len(cover.codes), cover.spec)
        return CrossEntropy(network, cover.codes, carrying(cover.free), bits)

    def _network(self, channels: int, spec: GridSpec) -> "_Random":
        return _Random(self.options.seed, channels, depth(self.rung, channels), spec.periodic)


class _Random:
    """SteganoGAN's basic decoder, 128 features wide, every weight normal.

    Three blocks of 3x3 convolution, LeakyReLU and normalisation by the item's own statistics, then
    a last convolution.

    The published program never leaves training mode, so its statistics are those of the batch: of
    one item.
    """

    def __init__(self, seed: int, channels: int, planes: int, periodic: tuple[bool, ...]) -> None:
        import torch

        self._periodic, kernel = periodic, [3] * len(periodic)
        source = np.random.RandomState(seed)  # frozen by NumPy, for programs like the notebook

        def draw(*shape: int) -> Any:
            return torch.from_numpy(source.normal(0, 1, shape).astype(np.float32))

        fans = [channels, *[HIDDEN] * (LAYERS - 2)]
        self._blocks = [(draw(HIDDEN, fan, *kernel), draw(HIDDEN)) for fan in fans]
        self._last = draw(planes, HIDDEN, *kernel)

    def __call__(self, value: Any) -> Any:
        """Outputs ``(item, D, *space)`` of pictures ``(item, channel, *space)``."""
        from torch.nn import functional

        for weight, scale in self._blocks:
            value = convolve(value, weight.to(value.device), self._periodic)
            value = functional.leaky_relu(value)
            value = functional.instance_norm(value, weight=scale.to(value.device), eps=_TINY)
        return convolve(value, self._last.to(value.device), self._periodic)

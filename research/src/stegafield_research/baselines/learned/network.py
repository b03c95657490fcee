"""SteganoGAN's networks, from the paper's formulas.

Zhang, Cuesta-Infante, Xu, Veeramachaneni 2019, arXiv 1901.03892.

    encoder    a = conv(cover)    b = conv(a, M)
               basic    stego = tanh conv(conv(b))
               dense    c = conv(a, b, M)    stego = cover + conv(a, b, c, M)
    decoder    a = conv(stego)    b = conv(a)
               basic    logits = conv(conv(b))
               dense    c = conv(a, b)    logits = conv(a, b, c)
    critic     mean of conv(conv(conv(conv(picture))))

Every conv but a last one is 3x3, then LeakyReLU, then batch normalisation; pictures are in [-1, 1];
M has one plane for each bit of a pixel.
"""

from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from stegafield.generators.model import Model

_MOMENTUM = 0.1  # share of a batch in the running statistics, torch's default
_MOST = 4


class CoderConfig(BaseModel):
    """Which networks, and how many bits per pixel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Literal["basic", "dense"] = "dense"
    depth: int = Field(default=1, ge=1, le=_MOST)
    """D: bits per pixel."""
    hidden: int = Field(default=32, ge=1, le=256)
    """Features of every layer but the last; 32 as published."""


class Coder(Model):
    """The encoder and the decoder, which are trained together."""

    family: ClassVar[str] = "steganogan"
    Config: ClassVar = CoderConfig

    def __init__(self, config: CoderConfig | None = None) -> None:
        super().__init__()
        self.config: CoderConfig = config or CoderConfig()
        self.encoder = Encoder(self.config)
        self.decoder = Decoder(self.config)


class Encoder(nn.Module):
    """Turns a cover and a message into a stego."""

    def __init__(self, config: CoderConfig) -> None:
        super().__init__()
        hidden, depth = config.hidden, config.depth
        self.dense = config.architecture == "dense"
        self.look = Block(3, hidden)
        self.join = Block(hidden + depth, hidden)
        self.mix = Block(2 * hidden + depth if self.dense else hidden, hidden)
        self.leave = _convolution(3 * hidden + depth if self.dense else hidden, 3)

    def forward(
        self, cover: Float[Tensor, "item 3 y x"], message: Float[Tensor, "item depth y x"]
    ) -> Float[Tensor, "item 3 y x"]:
        """The stego, not yet clipped to [-1, 1]; bits are 0 and 1."""
        a = self.look(cover)
        b = self.join(torch.cat([a, message], 1))
        if not self.dense:
            return torch.tanh(self.leave(self.mix(b)))
        c = self.mix(torch.cat([a, b, message], 1))
        return cover + self.leave(torch.cat([a, b, c, message], 1))


class Decoder(nn.Module):
    """Turns a stego into one logit for each bit."""

    def __init__(self, config: CoderConfig) -> None:
        super().__init__()
        hidden = config.hidden
        self.dense = config.architecture == "dense"
        self.look = Block(3, hidden)
        self.join = Block(hidden, hidden)
        self.mix = Block(2 * hidden if self.dense else hidden, hidden)
        self.leave = _convolution(3 * hidden if self.dense else hidden, config.depth)

    def forward(self, stego: Float[Tensor, "item 3 y x"]) -> Float[Tensor, "item depth y x"]:
        """Logits, positive where the bit is one."""
        a = self.look(stego)
        b = self.join(a)
        if not self.dense:
            return self.leave(self.mix(b))
        c = self.mix(torch.cat([a, b], 1))
        return self.leave(torch.cat([a, b, c], 1))


class Critic(nn.Module):
    """Scores a picture: high where it looks like a stego."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(Block(3, hidden), Block(hidden, hidden), Block(hidden, hidden))
        self.leave = _convolution(hidden, 1)

    def forward(self, picture: Float[Tensor, "item 3 y x"]) -> Float[Tensor, " item"]:
        """The score, averaged over the picture."""
        return self.leave(self.blocks(picture)).mean((1, 2, 3))


class Block(nn.Module):
    """3x3 convolution, LeakyReLU, batch normalisation.

    Evaluation uses the running statistics of training, so what is read from one item never depends
    on others, nor on the item's own mean. (torch's own class also counts its batches, in a 64-bit
    integer that no reader needs.)
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = _convolution(inputs, outputs)
        self.scale = nn.Parameter(torch.ones(outputs))
        self.shift = nn.Parameter(torch.zeros(outputs))
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(outputs))
        self.register_buffer("variance", torch.ones(outputs))

    def forward(self, value: Float[Tensor, "item inputs y x"]) -> Float[Tensor, "item outputs y x"]:
        """Normalised by the batch while training, else by the running statistics."""
        found = F.leaky_relu(self.convolution(value))
        return F.batch_norm(
            found, self.mean, self.variance, self.scale, self.shift, self.training, _MOMENTUM
        )


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)

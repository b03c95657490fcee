"""Covers with a law: a noise-free function brought into the range of the codes, and a plain cover's
codes."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from .cover import Cover, Law
from .noise import normals


def fitted(
    share: Float[ndarray, "*any"], low: float, high: float, sigma: float
) -> Float[ndarray, "*any"]:
    """Shares of full scale (what is outside of 0 to 1 is cut off) as codes, `HEADROOM` sigma within
    the range."""
    room = HEADROOM * sigma
    return low + room + share.clip(0, 1) * (high - low - 2 * room)


def drawn(cover: Cover, value: Float[ndarray, "channel *space"], sigma: float) -> Cover:
    """The cover with this law, and with round(value + noise) in its free elements: fresh at every
    call."""
    noisy = np.rint(value + sigma * normals(value.shape)).clip(cover.low, cover.high)
    codes = np.where(cover.free, noisy, cover.codes).astype(cover.codes.dtype)
    return replace(cover, codes=codes, law=Law(value, sigma))


HEADROOM = 5
"""Sigmas that f keeps from both ends of the range."""

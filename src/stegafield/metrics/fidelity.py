"""Distances between a cover and its stego, in codes."""

import math
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray


def rmse(
    cover: Int[ndarray, "*shape"],
    stego: Int[ndarray, "*shape"],
    weight: Float[ndarray, "*shape"] | None = None,
) -> float:
    """Root mean square change in codes, weighted by the share of the domain of each sample."""
    change = (stego.astype(np.float64) - cover) ** 2
    return float(np.sqrt(np.average(change, weights=weight)))


def psnr(cover: Int[ndarray, "*shape"], stego: Int[ndarray, "*shape"], peak: float) -> float:
    """Peak signal-to-noise ratio in dB; infinite where nothing changed."""
    error = rmse(cover, stego)
    return math.inf if error == 0 else 20 * math.log10(peak / error)


def psnr_luma(cover: Int[ndarray, "3 y x"], stego: Int[ndarray, "3 y x"], peak: float) -> float:
    """PSNR in dB of the luma-weighted difference (BT.601), as in the FNNS notebook: about 5 dB above plain RGB."""
    luma = np.tensordot([0.299, 0.587, 0.114], stego.astype(np.float64) - cover, axes=1)
    error = float(np.sqrt(np.mean(luma**2)))
    return math.inf if error == 0 else 20 * math.log10(peak / error)


def ssim(
    cover: Int[ndarray, "channel y x"], stego: Int[ndarray, "channel y x"], peak: float
) -> float:
    """Structural similarity (scikit-image's, 7x7 windows, mean over channels)."""
    from skimage.metrics import structural_similarity

    found: Any = structural_similarity(cover, stego, channel_axis=0, data_range=peak)
    return float(found)


def bound(
    codes: Int[ndarray, "*shape"], low: int, high: int, bits: int, peak: float
) -> float | None:
    """The PSNR in dB that no embedding of `bits` by changes of +-1 exceeds on these samples; None above its capacity.

    Rate-distortion for changes of -1, 0, +1: a sample inside its range gives h(b) + b bits at change rate b, one at
    the end of its range h(b) (binary entropy h). Both kinds have the slope of one common multiplier.
    """
    inside = int(np.count_nonzero((codes > low) & (codes < high)))
    ends = codes.size - inside
    if bits == 0:
        return math.inf
    if bits > inside * math.log2(3) + ends:
        return None
    both = one = 0.0
    lo, hi = 0.0, 64.0  # the multiplier: 2**-m is the odds of a change, for each direction
    for _ in range(200):
        m = (lo + hi) / 2
        q = 2.0**-m
        both, one = 2 * q / (1 + 2 * q), q / (1 + q)
        rate = inside * (_entropy(both) + both) + ends * _entropy(one)
        lo, hi = (m, hi) if rate > bits else (lo, m)
    return 20 * math.log10(peak) - 10 * math.log10((inside * both + ends * one) / codes.size)


def _entropy(p: float) -> float:
    return 0.0 if p in (0.0, 1.0) else -p * math.log2(p) - (1 - p) * math.log2(1 - p)

"""Distances between a cover and its stego, in codes."""

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

_PART = 1 << 18


def change(
    cover: Int[ndarray, "*shape"],
    stego: Int[ndarray, "*shape"],
    weight: Float[ndarray, "*shape"] | None = None,
) -> tuple[float, float]:
    """The share of elements that changed, and the weighted mean square change in codes.

    The weight of an element is its share of the domain. Works in parts, without a second array of
    the size of a cover.
    """
    changed, square, total = 0, 0.0, 0.0
    for one, other, share in _parts(cover, stego, weight):
        moved = np.subtract(other, one, dtype=np.int64)
        changed += int(np.count_nonzero(moved))
        energy = moved.astype(np.float64) ** 2  # codes of doubles need all 64 bits
        square += float(energy.sum() if share is None else (energy * share).sum())
        total += energy.size if share is None else float(share.sum())
    return changed / max(1, cover.size), square / total if total else 0.0


def _parts(
    cover: ndarray, stego: ndarray, weight: ndarray | None
) -> Iterator[tuple[ndarray, ndarray, ndarray | None]]:
    """Views of up to about 262,144 elements, whatever the layout of the arrays in memory."""
    if cover.size <= _PART or not cover.ndim:
        yield cover, stego, weight
        return
    rows = max(1, _PART * len(cover) // cover.size)
    for start in range(0, len(cover), rows):
        part = start if rows == 1 else slice(start, start + rows)
        yield from _parts(cover[part], stego[part], None if weight is None else weight[part])


def rmse(
    cover: Int[ndarray, "*shape"],
    stego: Int[ndarray, "*shape"],
    weight: Float[ndarray, "*shape"] | None = None,
) -> float:
    """The root mean square change in codes, weighted by each element's share of the domain."""
    return math.sqrt(change(cover, stego, weight)[1])


def decibels(peak: float, error: float) -> float:
    """The peak signal-to-noise ratio of a root mean square error; infinite where there is none."""
    return math.inf if error == 0 else 20 * math.log10(peak / error)


def psnr(cover: Int[ndarray, "*shape"], stego: Int[ndarray, "*shape"], peak: float) -> float:
    """The peak signal-to-noise ratio in dB; infinite where nothing changed."""
    return decibels(peak, rmse(cover, stego))


def psnr_luma(cover: Int[ndarray, "3 y x"], stego: Int[ndarray, "3 y x"], peak: float) -> float:
    """The PSNR in dB of the luma-weighted difference (BT.601), as in the FNNS notebook.

    It is about 5 dB above the PSNR of plain RGB.
    """
    luma = np.tensordot([0.299, 0.587, 0.114], stego.astype(np.float64) - cover, axes=1)
    return decibels(peak, float(np.sqrt(np.mean(luma**2))))


_STEPS = 4096.0
"""The most steps inwards that count: an element of 24 bits has millions, and those beyond are never
likely."""


def bound(
    codes: Int[ndarray, "*shape"], low: int, high: int, bits: int, peak: float
) -> float | None:
    """The highest PSNR in dB that embedding `bits` by small changes can reach.

    None above the capacity. Rate-distortion: an element inside its range changes by -1, 0 or +1,
    one at the end of its range by 0, 1, 2, ... inwards. Each carries at most the entropy of its
    change, which for a given energy is greatest for p(change) ~ exp(-m change^2), with one
    multiplier m for all elements.
    """
    if bits == 0:
        return math.inf
    inside = int(np.count_nonzero((codes > low) & (codes < high)))
    shares = (
        (inside, np.array([-1.0, 0.0, 1.0])),
        (codes.size - inside, np.arange(min(high - low + 1.0, _STEPS))),
    )
    if bits >= sum(number * math.log2(steps.size) for number, steps in shares):
        return None
    least, most, energy = 0.0, 64.0, 0.0
    for _ in range(100):
        m = (least + most) / 2
        rate, energy = (
            sum(part) for part in zip(*(_spread(n, d, m) for n, d in shares), strict=True)
        )
        least, most = (m, most) if rate > bits else (least, m)
    return 20 * math.log10(peak) - 10 * math.log10(energy / codes.size)


def _spread(number: int, steps: Float[ndarray, " step"], m: float) -> tuple[float, float]:
    """Entropy in bits and energy of `number` elements whose changes follow exp(-m change^2)."""
    p = np.exp(-m * steps**2)
    p /= p.sum()
    entropy = -np.sum(p * np.log2(p, where=p > 0, out=np.zeros_like(p)))
    return number * float(entropy), number * float(np.sum(p * steps**2))

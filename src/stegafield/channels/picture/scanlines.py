"""The rows of a PNG, filtered and compressed: for 16-bit pixels that Pillow does not write."""

import zlib

import numpy as np
from jaxtyping import UInt8, UInt16
from numpy import ndarray

_BAND = 1 << 20  # bytes that are filtered at once


def packed(pixels: UInt16[ndarray, "y x sample"]) -> bytes:
    """The zlib stream of a PNG's rows (PNG specification, section 9), each with the best filter.

    That is the filter whose bytes, taken as signed, have the least sum of magnitudes: the rule that
    the specification suggests and libpng follows.
    """
    height, _, number = pixels.shape
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, -1)
    above = np.zeros_like(rows[:1])
    packer, band = zlib.compressobj(), max(1, _BAND // rows.shape[1])
    parts = []
    for start in range(0, height, band):
        here = rows[start : start + band]
        lines = _filtered(here, np.concatenate([above, here[:-1]]), 2 * number)
        parts.append(packer.compress(lines.tobytes()))
        above = here[-1:]
    return b"".join([*parts, packer.flush()])


def _filtered(
    here: UInt8[ndarray, "row byte"], above: UInt8[ndarray, "row byte"], pixel: int
) -> UInt8[ndarray, "row byte_and_type"]:
    """Rows after the number of their filter; `pixel` is the number of bytes of a pixel."""
    before = ((0, 0), (pixel, 0))
    left, corner = (np.pad(rows, before)[:, :-pixel] for rows in (here, above))
    a, b, c = (rows.astype(np.int16) for rows in (left, above, corner))
    to_left, to_above, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    paeth = np.where(to_above <= to_corner, above, corner)
    paeth = np.where((to_left <= to_above) & (to_left <= to_corner), left, paeth)
    mean = ((a + b) >> 1).astype(np.uint8)
    residues = np.stack([here, here - left, here - above, here - mean, here - paeth])
    cost = np.abs(residues.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)
    chosen = cost.argmin(axis=0)
    lines = residues[chosen, np.arange(len(here))]
    return np.concatenate([chosen[:, None].astype(np.uint8), lines], axis=1)

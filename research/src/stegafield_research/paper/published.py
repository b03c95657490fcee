"""What the paper (arXiv 2406.01918) and its abstract state, as far as known here.

Nothing is guessed. The paper measured on an RTX 2070, on 64x64 CelebA unless a row says otherwise,
and on floats that were not yet rounded to a file.
"""

from collections.abc import Mapping
from typing import NamedTuple

RATES = (1, 2, 3, 4)
"""Bits per pixel."""
PAPER = "GINR-Stega"
"""The paper's own method."""
UNKNOWN = "not stated here"
"""What a cell says where the paper has a number that is not known to this project."""


class Published(NamedTuple):
    """One number of the paper."""

    table: int
    quantity: str
    """"ber" in %, "psnr" in dB, "ssim", "seconds" of embedding, "detections" of StegExpose."""
    method: str
    data: str
    """"CelebA", "DIV2K", "MS-COCO"."""
    bpp: int | None
    """Bits per pixel; None where it is not known which."""
    value: float


def _row(table: int, quantity: str, method: str, *values: float) -> list[Published]:
    pairs = zip(RATES, values, strict=True)
    return [Published(table, quantity, method, "CelebA", bpp, value) for bpp, value in pairs]


NUMBERS: tuple[Published, ...] = (
    Published(1, "psnr", PAPER, "DIV2K", None, 38.41),
    Published(1, "ssim", PAPER, "DIV2K", None, 0.93),
    Published(1, "psnr", PAPER, "MS-COCO", None, 30.76),
    Published(1, "ssim", PAPER, "MS-COCO", None, 0.91),
    *_row(2, "ber", PAPER, 0.00, 0.00, 0.00, 0.19),
    *_row(2, "ber", "SteganoGAN", 3.94, 7.36, 8.84, 10.00),
    *_row(2, "ber", "FNNS-D", 0.00, 0.00, 0.00, 3.17),
    *_row(2, "ber", "FNNS-DE", 0.00, 0.00, 0.00, 2.58),
    *_row(3, "psnr", PAPER, 34.50, 28.37, 29.64, 27.14),
    *_row(3, "ssim", PAPER, 0.95, 0.82, 0.87, 0.83),
    *_row(4, "seconds", PAPER, 2.5, 14.9, 16.5, 26.4),
    *_row(5, "detections", PAPER, 7, 16, 26, 33),
)


def known(quantity: str, method: str, data: str = "CelebA") -> Mapping[int | None, float]:
    """{bits per pixel: number} of a quantity.

    Empty where the paper states none, or none that is known here.
    """
    return {
        one.bpp: one.value
        for one in NUMBERS
        if (one.quantity, one.method, one.data) == (quantity, method, data)
    }

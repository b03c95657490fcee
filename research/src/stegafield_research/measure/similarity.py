"""Structural similarity of a cover and its stego, by scikit-image."""

from typing import Any

from jaxtyping import Int
from numpy import ndarray


def ssim(
    cover: Int[ndarray, "channel y x"], stego: Int[ndarray, "channel y x"], peak: float
) -> float:
    """Structural similarity in windows of 7x7 pixels, averaged over the channels."""
    from skimage.metrics import structural_similarity

    found: Any = structural_similarity(cover, stego, channel_axis=0, data_range=peak)
    return float(found)

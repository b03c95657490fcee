"""Items as one picture, so that a person can see how training goes."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def draw(features: Float[ndarray, "item rows columns feature"], path: Path) -> None:
    """Write a square sheet of features in [-1, 1]: RGB, or grey where there is one feature."""
    from PIL import Image

    count, rows, columns, channels = features.shape
    side = int(np.ceil(count**0.5))
    sheet = np.zeros((side * rows, side * columns, channels), np.uint8)
    for k, item in enumerate(features):
        top, left = k // side * rows, k % side * columns
        sheet[top : top + rows, left : left + columns] = np.rint(127.5 * (item + 1)).clip(0, 255)
    Image.fromarray(sheet if channels == 3 else sheet[..., 0]).save(path)

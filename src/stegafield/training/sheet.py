"""Samples of a model as one picture, so that a person can see how training goes."""

from pathlib import Path

import numpy as np
from numpy.random import Generator

from ..generators.distribution import FunctionDistribution


def draw(model: FunctionDistribution, path: Path, rng: Generator, count: int = 64) -> None:
    """Write a square sheet of `count` samples at the model's own size: RGB, or grey where there is one feature."""
    from PIL import Image

    rows, columns = model.domain.size
    latents = model.latents(count, rng)
    features = model.raster(latents, (rows, columns))
    side = int(np.ceil(count**0.5))
    sheet = np.zeros((side * rows, side * columns, features.shape[-1]), np.uint8)
    for k, item in enumerate(features):
        top, left = k // side * rows, k % side * columns
        sheet[top : top + rows, left : left + columns] = np.rint(127.5 * (item + 1)).clip(0, 255)
    Image.fromarray(sheet if sheet.shape[2] == 3 else sheet[..., 0]).save(path)

"""Metrics against references."""

import numpy as np
import pytest

from stegafield.metrics import fidelity


def test_bound_is_the_published_one():
    inside = np.full(10**6, 100)
    for bpp, expected in {1: 61.19, 2: 57.18, 3: 54.57, 4: 52.36, 0.25: 68.6}.items():
        assert fidelity.bound(inside, 0, 255, round(bpp / 3 * 10**6), 255) == pytest.approx(
            expected, abs=0.05
        )
    for bpp, expected in {1: 60.2, 2: 55.8, 3: 52.5, 4: 49.5}.items():
        found = fidelity.bound(np.zeros(10**6, int), 0, 255, round(bpp / 3 * 10**6), 255)
        assert found == pytest.approx(expected, abs=0.06)
    assert fidelity.bound(inside, 0, 255, 2 * 10**6, 255) is None
    assert fidelity.bound(inside, 0, 255, 0, 255) == np.inf


def test_psnr_is_scikit_images(rng, photographs):
    from skimage.metrics import peak_signal_noise_ratio

    cover = photographs["coffee"].transpose(2, 0, 1).astype(np.int32)
    stego = np.clip(cover + rng.integers(-2, 3, cover.shape), 0, 255).astype(np.int32)
    assert fidelity.psnr(cover, stego, 255) == pytest.approx(
        peak_signal_noise_ratio(cover, stego, data_range=255)
    )
    assert fidelity.psnr(cover, cover, 255) == np.inf

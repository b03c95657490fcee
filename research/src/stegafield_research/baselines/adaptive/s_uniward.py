"""S-UNIWARD, simulated: a change costs what it does to wavelet coefficients.

The change of each coefficient counts relative to its size.

V. Holub, J. Fridrich, T. Denemark, "Universal distortion function for steganography in an arbitrary
domain", EURASIP Journal on Information Security 2014(1): Daubechies wavelets with 8 vanishing
moments, stabilised with sigma 1.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator

from .sender import least_cost

_HIGH = np.array(
    [
        *(-0.0544158422, 0.3128715909, -0.6756307363, 0.5853546837, 0.0158291053, -0.2840155430),
        *(-0.0004724846, 0.1287474266, 0.0173693010, -0.0440882539, -0.0139810279, 0.0087460940),
        *(0.0048703530, -0.0003917404, -0.0006754494, -0.0001174768),
    ]
)
_LOW = np.where(np.arange(16) % 2, -1, 1) * _HIGH[::-1]
_SIGMA = 1.0


def costs(codes: Int[ndarray, "channel y x"]) -> Float[ndarray, "channel y x"]:
    """The cost of a change of one step, channel by channel."""
    from scipy import ndimage

    def filtered(plane: ndarray, down: ndarray, across: ndarray, shift: int) -> ndarray:
        first = ndimage.correlate1d(plane, down, axis=0, mode="constant", origin=shift)
        return ndimage.correlate1d(first, across, axis=1, mode="constant", origin=shift)

    margin = _HIGH.size
    found = np.empty(codes.shape)
    for channel, plane in zip(found, codes.astype(np.float64), strict=True):
        padded, total = np.pad(plane, margin, mode="symmetric"), 0.0
        for down, across in ((_LOW, _HIGH), (_HIGH, _LOW), (_HIGH, _HIGH)):
            size = np.abs(filtered(padded, down[::-1], across[::-1], 0))
            # Each coefficient that the element takes part in: the filter is not reversed, so it is
            # centred on its other side.
            total = total + filtered(1 / (size + _SIGMA), np.abs(down), np.abs(across), -1)
        channel[:] = total[margin:-margin, margin:-margin]
    return found


def simulate(
    codes: Int[ndarray, "channel y x"], low: int, high: int, rate: float, rng: Generator
) -> Int[ndarray, "channel y x"]:
    """The codes after changes that cost least at an entropy of `rate` bits per element."""
    return least_cost(codes, costs(codes), low, high, rate, rng)

"""Whether the bits came back."""

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray


def ber(sent: UInt8[ndarray, " bit"], read: UInt8[ndarray, " bit"]) -> float:
    """The bit error rate, wrong bits / bits, before error correction.

    A reading of another length counts as all wrong.
    """
    if sent.shape != read.shape:
        return 1.0
    return float(np.count_nonzero(sent != read)) / max(1, sent.size)

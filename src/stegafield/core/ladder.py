"""The ladder: every rate that a file can have, from one bit per thousand samples to four bits per sample.

Part of the format: a header names a rung by its index, so rows are never changed, only added. `scripts/search_taps.py`
found the searched taps. Rows marked "ruler" have the taps 1..n and 2n phases: one step of one sample in a window.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ..errors import ConfigError


@dataclass(frozen=True)
class Rung:
    """One rate: `bits` (k) per window of `samples` (n), and the integer taps of the window."""

    bits: int
    samples: int
    listed: tuple[int, ...] = ()

    @property
    def phases(self) -> int:
        """2**k: how many residues a window can have."""
        return 1 << self.bits

    @property
    def rate(self) -> float:
        """Bits per free sample."""
        return self.bits / self.samples

    @cached_property
    def taps(self) -> Int[ndarray, " sample"]:
        """The taps; 1..n where none are listed."""
        return np.array(self.listed or range(1, self.samples + 1), np.int64)


def _searched(bits: int, taps: str) -> Rung:
    listed = tuple(map(int, taps.split()))
    return Rung(bits, len(listed), listed)


LADDER: tuple[Rung, ...] = (
    Rung(15, 16384),  # ruler: one bit per 1,092 samples
    Rung(14, 8192),
    Rung(13, 4096),
    Rung(12, 2048),
    Rung(11, 1024),
    Rung(10, 512),
    Rung(9, 256),
    Rung(8, 128),
    Rung(7, 64),
    Rung(6, 32),  # ruler: 0.1875
    Rung(5, 15),  # 1 bpp (RGB)
    _searched(12, "550 435 1946 1673 1886 118 875 683 445 1077 1163 379 193 1231 218 547 1327 1262"),  # 2 bpp
    _searched(12, "382 659 243 127 1681 357 1482 621 1524 1156 379 1316"),  # 3 bpp
    _searched(12, "1307 403 1195 539 1248 1626 790 1172 1017"),  # 4 bpp
)

_BOOTSTRAP = tuple(
    map(
        int,
        "13 14 42 78 80 99 117 124 10 30 86 91 33 64 70 1 2 3 4 5 6 7 8 9 11 12 15 16 17 18 19 20 21 22 23 24 25 26 27 "
        "28 29 31 32 34 35 36 37 38 39 40 41 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 65 66 67 68 "
        "69 71 72 73 74 75 76 77 79 81 82 83 84 85 87 88 89 90 92 93 94 95 96 97 98 100 101 102 103 104 105 106 107 108 "
        "109 110 111 112 113 114 115 116 118 119 120 121 122 123 125 126 127 128".split(),
    )
)


def bootstrap_rung(free: int) -> Rung:
    """The fixed windows of salt and header: one byte in n = clip(free // 384, 8, 128) samples, nested taps."""
    samples = min(max(free // 384, 8), 128)
    return Rung(8, samples, _BOOTSTRAP[:samples])


def at_least(rate: float, field: str) -> Rung:
    """The lowest rung that carries `rate` bits per free sample or more."""
    if not rate > 0:
        raise ConfigError(field, f"a rate of {rate:g} is not positive.")
    for rung in LADDER_BY_RATE:
        if rung.rate >= rate * (1 - 1e-9):
            return rung
    top = LADDER_BY_RATE[-1].rate
    raise ConfigError(field, f"{rate:g} bits per sample is above the top of the ladder, {top:g}.")


LADDER_BY_RATE: tuple[Rung, ...] = tuple(sorted(LADDER, key=lambda rung: rung.rate))

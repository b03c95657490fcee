"""The ladder: every rate of a file, from one bit per thousand elements to four per element.

Part of the format: a header names a rung by its index, so rows are never changed, only added.
`research/scripts/search_taps.py` found the searched taps. Rows marked "ruler" have the taps 1..n
and 2n phases: one step of one element in a window.
"""

from ..core.rung import Rung


def _searched(bits: int, taps: str) -> Rung:
    listed = tuple(map(int, taps.split()))
    return Rung(bits, len(listed), listed)


def _trellis(taps: str) -> Rung:
    listed = tuple(map(int, taps.split()))
    return Rung(2, len(listed), listed, 5)


_BLOCK: tuple[Rung, ...] = (
    Rung(15, 16384),  # ruler: one bit per 1,092 elements
    Rung(14, 8192),
    Rung(13, 4096),
    Rung(12, 2048),
    Rung(11, 1024),
    Rung(10, 512),
    Rung(9, 256),
    Rung(8, 128),
    Rung(7, 64),
    Rung(6, 32),  # ruler: 0.1875
    _searched(  # 0.25
        12,
        "20 55 70 138 174 202 240 252 272 273 275 290 312 333 393 395 417 441 517 574 616 "
        "642 731 734 813 822 825 1012 1019 1025 1068 1228 1365 1513 1524 1543 1587 1644 1652 "
        "1683 1696 1723 1748 1750 1845 1874 1923 2009",
    ),
    Rung(5, 15),  # 1 bpp (RGB)
    _searched(  # 0.5
        12,
        "57 150 168 262 429 557 791 807 1001 1037 1233 1256 1323 1531 1563 1587 1612 1672 "
        "1683 1687 1716 1911 1928 2010",
    ),
    _searched(  # 2 bpp (RGB)
        12, "211 288 734 843 959 1227 1380 1420 1480 1516 1518 1551 1603 1607 1706 1714 1878 1920"
    ),
    _searched(12, "197 269 737 940 974 1115 1142 1426 1670 1843 1856 1936"),  # 3 bpp (RGB)
    _searched(12, "448 624 894 1091 1251 1359 1372 1863 1872"),  # 4 bpp (RGB)
    _searched(8, "10 38 81 97"),  # 2 bits per element
    _searched(9, "14 29 126"),  # 3
    Rung(4, 1),  # 4
)
_TRELLIS: tuple[Rung, ...] = (  # two bits in blocks of n elements, kernels of five blocks
    _trellis(  # 0.05
        "459 313 405 847 399 393 337 951 839 809 349 389 277 411 419 1003 307 897 335 "
        "859 465 447 989 931 489 825 937 1017 869 373 853 869 265 329 881 793 271 941 "
        "397 481"
    ),
    _trellis(  # 0.06667
        "931 293 425 957 977 431 971 291 773 285 793 283 359 493 943 385 865 277 375 467 "
        "309 487 961 973 419 365 399 887 899 921"
    ),
    _trellis(  # 0.08333
        "393 829 931 263 473 371 979 471 809 799 443 839 333 407 307 377 285 389 345 449 "
        "303 769 853 849"
    ),
    _trellis(  # 0.1
        "937 809 1021 491 415 1017 325 807 461 379 889 345 371 495 303 423 435 391 787 819"
    ),
    _trellis("283 339 257 507 957 881 311 877 481 891 991 459 929 1023 405 329"),  # 0.125
    _trellis("813 853 357 999 493 499 793 1003 475 385 409 285"),  # 0.1667
    _trellis("487 787 937 773 501 467 903 463 969 1015"),  # 0.2
    _trellis("419 955 309 353 301 489 859 1015"),  # 0.25
    _trellis("997 311 879 861 403 379"),  # 0.3333
    _trellis("473 313 813 849 417"),  # 0.4
    _trellis("447 873 305 509"),  # 0.5
    _trellis("361 295 497"),  # 0.6667
)
_DUAL: tuple[Rung, ...] = (  # the block form with taps for the sampler, by the dual criterion
    _searched(1, "1 " * 16),  # 0.0625
    _searched(1, "1 " * 8),  # 0.125
    _searched(1, "1 " * 4),  # 0.25
    _searched(1, "1 1 1"),  # 1 bpp (RGB)
    _searched(1, "1 1"),  # 0.5
    _searched(2, "1 1 2"),  # 2 bpp (RGB)
    _searched(8, "19 49 59 62 64 76 80 87 96 104 122 128"),
    _searched(1, "1"),  # 3 bpp (RGB)
    _searched(4, "1 2 4 7"),
    _searched(6, "2 13 16 19 24 28"),
    _searched(8, "2 25 39 51 52 56 87 96"),
    _searched(4, "2 5 6"),  # 4 bpp (RGB)
    _searched(8, "7 33 42 52 93 106"),
    _searched(2, "1"),  # 2 bits per element
    _searched(8, "13 19 48 50"),
    _searched(3, "1"),  # 3
)

LADDER: tuple[Rung, ...] = _BLOCK + _TRELLIS + _DUAL
"""All rungs; a header names one by its index. New ones are added at the end."""

_BOOTSTRAP = tuple(
    map(
        int,
        "13 14 42 78 80 99 117 124 10 30 86 91 33 64 70 1 2 3 4 5 6 7 8 9 11 12 15 16 17 18 "
        "19 20 21 22 23 24 25 26 27 28 29 31 32 34 35 36 37 38 39 40 41 43 44 45 46 47 48 49 "
        "50 51 52 53 54 55 56 57 58 59 60 61 62 63 65 66 67 68 69 71 72 73 74 75 76 77 79 81 "
        "82 83 84 85 87 88 89 90 92 93 94 95 96 97 98 100 101 102 103 104 105 106 107 108 "
        "109 110 111 112 113 114 115 116 118 119 120 121 122 123 125 126 127 128".split(),
    )
)


def bootstrap_rung(free: int) -> Rung:
    """The fixed windows of salt and header.

    They carry one byte in n = clip(free // 384, 8, 128) elements, with nested taps.
    """
    elements = min(max(free // 384, 8), 128)
    return Rung(8, elements, _BOOTSTRAP[:elements])


PROJECTED: tuple[Rung, ...] = _BLOCK + _TRELLIS
"""The rungs of `project`: taps of least energy, in both forms."""
LADDER_BY_RATE: tuple[Rung, ...] = tuple(sorted(_BLOCK, key=lambda rung: rung.rate))
"""The rungs of the block form with taps of least energy, from the lowest rate to the highest."""
DRAWN: tuple[Rung, ...] = tuple(
    sorted((*_DUAL, LADDER[11], LADDER[18]), key=lambda rung: (rung.rate, rung.phases))
)
"""The rungs that the sampler draws at, by rate and then by phases, which is by cost.

5, 15 and 4, 1 are old ones.
"""

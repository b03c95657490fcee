"""Pixels that were decoded from a JPEG, and blocks of them that no JPEG decodes to.

A JPEG file holds whole multiples of its quantisation table for each block of 8x8 pixels. So few of
all blocks are decodings that one changed pixel almost always leaves them: J. Fridrich, M. Goljan,
R. Du, "Steganalysis based on JPEG compatibility", SPIE 4518, 2001.

    pixels -> grid and tables (from the histogram of each frequency)
           -> for each block: transform, quantise, decode as libjpeg does, compare

Of colour, the luminance of a decoded pixel is known to the integer, as libjpeg makes colours of
whole luminances and chrominances: its blocks are looked at whatever became of the chrominances. And
only a quarter of all colours is one that a decoder makes of whole numbers (J. Fridrich, M. Long,
"Steganalysis of LSB encoding in color images", ICME 2000, counts colours in this spirit): a changed
pixel mostly has none of them.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from ..core.tiles import each

_BLOCK = 8
_SOUGHT = 1024
"""Blocks in which grid and tables are looked for."""
_FEWEST = 12
"""The fewest blocks that say anything about tables."""
_COARSEST = 121
"""The largest step that is looked for: that of quality 50."""
_STRAY = 0.05
"""Share of the coefficients that clipping, or a change, may move anywhere."""
_CERTAIN = 12.0
"""The logarithm of odds from which the step of a frequency counts as found."""
_LIKELY = 2.0
"""From here on it is the best guess."""
_ROUNDED = 1.6
"""More than rounding pixels makes of a coefficient that was zero."""
_ALIKE = 0.9
"""Share of the certain steps that a standard table has to have."""
_TRIED = 256
"""Blocks that choose between a standard table and the one that was found."""
_STEPS_FOUND = 3
"""So many frequencies tell tables from chance."""
_LOOKED, _COLOURS = 1 << 16, 64
"""Pixels whose colours are looked at, and the fewest different ones that say anything."""
_NEVER = 1 << 14
"""A step that no coefficient reaches half of."""
_GUESSES = 12
_DOUBTFUL, _AT_ONCE, _SEARCHED = 6, 512, 8192
"""Coefficients of a block that are tried both ways, blocks at once, and blocks in all."""
_LUMINANCE = np.array(
    [
        *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
    ]
)
"""Of quality 50, in rows: the recommendation T.81, table K.1."""


@dataclass(frozen=True)
class Decoded:
    """That a plane of luminance was decoded from a JPEG: where its grid begins, and its table."""

    row: int
    column: int
    table: Int[ndarray, " frequency"]
    """Quantisation steps in rows; 0 where no block says: nothing but zeros were there."""


def standard(quality: int) -> Int[ndarray, " frequency"]:
    """The luminance table of a quality from 1 to 100, as libjpeg scales it."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((_LUMINANCE * scale + 50) // 100, 1, 255)


@lru_cache(maxsize=1)
def standards() -> Int[ndarray, "quality frequency"]:
    """All standard tables, quality 1 first."""
    return np.stack([standard(quality) for quality in range(1, 101)])


def decoded(
    plane: Int[ndarray, "y x"], known: Bool[ndarray, "y x"] | None = None
) -> Decoded | None:
    """Whether a plane of 8-bit luminance was decoded from a JPEG; None where nothing says so.

    Only blocks whose pixels are all `known` say anything.
    """
    for row, column in _grids(plane, known):
        found = _spread(plane, known, row, column, _SOUGHT)
        table = _table(np.unique(found, axis=0))
        if table is not None:
            return Decoded(row, column, table)
    return None


def contradictions(plane: Int[ndarray, "y x"], past: Decoded) -> Bool[ndarray, "row column"]:
    """Which blocks of a plane no block of a JPEG with these tables decodes to."""
    corner = plane[past.row :, past.column :]
    height, width = (side // _BLOCK for side in corner.shape)
    found, rows = np.zeros((height, width), bool), max(1, 4096 // max(1, width))

    def one(first: int) -> None:
        here = blocks(corner[_BLOCK * first : _BLOCK * (first + rows)], 0, 0)
        found[first : first + rows] = _impossible(here, past.table).reshape(-1, width)

    each(one, range(0, height if width else 0, rows))
    return found


def by_block(pixels: Bool[ndarray, "y x"], row: int, column: int) -> Bool[ndarray, "row column"]:
    """Which blocks of a grid have any of these pixels."""
    corner = pixels[row:, column:]
    height, width = (side // _BLOCK for side in corner.shape)
    whole = corner[: _BLOCK * height, : _BLOCK * width]
    return np.asarray(whole.reshape(height, _BLOCK, width, _BLOCK).any(axis=(1, 3)))


def blocks(plane: Int[ndarray, "y x"], row: int, column: int) -> Int[ndarray, "block pixel"]:
    """The whole blocks of a plane in a grid that begins at (row, column), pixels in rows."""
    down, across = (plane.shape[0] - row) // _BLOCK, (plane.shape[1] - column) // _BLOCK
    part = plane[row : row + down * _BLOCK, column : column + across * _BLOCK]
    tiles = part.reshape(down, _BLOCK, across, _BLOCK).swapaxes(1, 2)
    return tiles.reshape(down * across, _BLOCK * _BLOCK).astype(np.int32)


def _grids(plane: Int[ndarray, "y x"], known: Bool[ndarray, "y x"] | None) -> list[tuple[int, int]]:
    """Where a grid may begin: at the corner, and where blocks have the most small coefficients."""
    best, most = [(0, 0)], -1.0
    for row in range(_BLOCK):
        for column in range(_BLOCK):
            here = _spread(plane, known, row, column, _SOUGHT // 5)
            if len(here) >= _FEWEST:
                share = float((np.abs(_transformed(here)[:, 1:]) < 0.5).mean())
                if share > most:
                    best, most = [(0, 0), (row, column)], share
    return list(dict.fromkeys(best))


def _spread(
    plane: Int[ndarray, "y x"],
    known: Bool[ndarray, "y x"] | None,
    row: int,
    column: int,
    most: int,
) -> Int[ndarray, "block pixel"]:
    """Blocks of a grid, from everywhere, without those that are flat or clipped."""
    height, width = (plane.shape[0] - row) // _BLOCK, (plane.shape[1] - column) // _BLOCK
    number = np.arange(0, height * width, max(1, height * width // (2 * most)))
    y, x = (_BLOCK * at for at in np.divmod(number, max(1, width)))
    inner = np.arange(_BLOCK)
    at = (
        (row + y)[:, None, None] + inner[:, None],
        (column + x)[:, None, None] + inner,
    )
    found = plane[at].reshape(len(number), _BLOCK * _BLOCK).astype(np.int32)
    low, high = found.min(axis=1, initial=255), found.max(axis=1, initial=0)
    good = (low > 0) & (high < 255) & (low < high)
    if known is not None:
        good &= known[at].reshape(len(number), _BLOCK * _BLOCK).all(axis=1)
    return found[good][:: max(1, int(good.sum()) // most)][:most]


@lru_cache(maxsize=1)
def _cosines() -> Float[ndarray, "frequency pixel"]:
    k = np.arange(_BLOCK)
    one = np.sqrt(2 / _BLOCK) * np.cos(np.pi * (2 * k + 1) * k[:, None] / (2 * _BLOCK))
    one[0] /= np.sqrt(2)
    return np.kron(one, one)


def _transformed(found: Int[ndarray, "block pixel"]) -> Float[ndarray, "block frequency"]:
    """The orthonormal cosine transform of blocks, which is that of the JPEG recommendation."""
    return (found - 128.0) @ _cosines().T


def _table(found: Int[ndarray, "block pixel"]) -> Int[ndarray, " frequency"] | None:
    """The steps whose multiples the coefficients of blocks lie at; None where they lie anywhere.

    For each frequency, coefficients beyond half a step are either near a multiple of it, off by
    what rounding 64 pixels does (a normal law of variance 1/12), or anywhere. Steps that few
    coefficients tell are those of the standard table that has all others, if there is one.
    """
    if len(found) < _FEWEST:
        return None
    values, table = _transformed(found), np.zeros(_BLOCK * _BLOCK, np.int64)
    certain = np.zeros(table.size, bool)
    for number, here in enumerate(values.T.astype(np.float32)):
        reach = float(np.abs(here).max())
        here = here[np.abs(here) > 1]  # half of the finest step
        steps = np.arange(2, max(3, min(_COARSEST, int(reach + 1.5)) + 1), dtype=np.float32)
        steps = steps[:, None]
        off = here - steps * np.rint(here / steps)
        near = np.exp(-6 * off**2) * np.sqrt(6 / np.pi) * steps
        odds = np.log(_STRAY + (1 - _STRAY) * near) * (np.abs(here) > steps / 2)
        total = odds.sum(axis=1)
        best = int(total.argmax())
        certain[number] = total[best] > _CERTAIN
        if total[best] > _LIKELY:
            table[number] = int(steps[best, 0])
        elif reach >= _ROUNDED:
            table[number] = 1
    if certain.sum() < _STEPS_FOUND:
        return None
    alike = (standards() == table)[:, certain].mean(axis=1)
    known = standards()[int(alike.argmax())]
    if alike.max() < _ALIKE:
        return table
    return min((known, table), key=lambda one: int(_impossible(found[:_TRIED], one).sum()))


def _impossible(
    found: Int[ndarray, "block pixel"], table: Int[ndarray, " frequency"]
) -> Bool[ndarray, " block"]:
    """Which blocks are no decoding with these steps."""
    steps = np.where(table > 0, table, _NEVER)
    whole = np.rint(_transformed(found) / steps).astype(np.int64)
    wrong = (inverse(whole * steps) != found).any(axis=1)
    clipped = np.flatnonzero(wrong & ((found == 0) | (found == 255)).any(axis=1))
    wrong[clipped] = ~_clipped(found[clipped], steps)
    if (steps < 3).any():
        rest = np.flatnonzero(wrong)[:_SEARCHED]
        wrong[rest] = ~_searched(found[rest], steps)
    return wrong


def _clipped(
    found: Int[ndarray, "block pixel"], steps: Int[ndarray, " frequency"]
) -> Bool[ndarray, " block"]:
    """Which blocks are decodings that were cut off at black and white: what lies beyond is put in
    from one guess to the next."""
    guess, right = found.astype(np.float64), np.zeros(len(found), bool)
    for _ in range(_GUESSES if len(found) else 0):
        values = (guess - 128) @ _cosines().T
        whole = np.rint(values / steps).astype(np.int64) * steps
        right |= (inverse(whole) == found).all(axis=1)
        beyond = whole @ _cosines() + 128
        guess = np.where(found == 255, np.maximum(beyond, 255), found)
        guess = np.where(found == 0, np.minimum(beyond, 0), guess)
    return right


def _searched(
    found: Int[ndarray, "block pixel"], steps: Int[ndarray, " frequency"]
) -> Bool[ndarray, " block"]:
    """Which blocks are decodings where the coefficients nearest to the middle between two multiples
    may be either: fine steps are as small as what rounding pixels does."""
    right = np.zeros(len(found), bool)
    for start in range(0, len(found), _AT_ONCE):
        here = found[start : start + _AT_ONCE]
        values = _transformed(here) / steps
        whole = np.rint(values)
        off = values - whole
        order = np.argsort((0.5 - np.abs(off)) * steps, axis=1)[:, :_DOUBTFUL]
        other = np.where(off < 0, -1, 1)
        for choice in range(1 << _DOUBTFUL):
            turned = whole.copy()
            for bit in range(_DOUBTFUL):
                if choice >> bit & 1:
                    rows, at = np.arange(len(here)), order[:, bit]
                    turned[rows, at] += other[rows, at]
            same = inverse(turned.astype(np.int64) * steps) == here
            right[start : start + _AT_ONCE] |= same.all(axis=1)
    return right


_BITS, _PASS = 13, 2
_F = {
    name: round(value * (1 << _BITS))
    for name, value in {
        "0.298": 0.298631336,
        "0.390": 0.390180644,
        "0.541": 0.541196100,
        "0.765": 0.765366865,
        "0.899": 0.899976223,
        "1.175": 1.175875602,
        "1.501": 1.501321110,
        "1.847": 1.847759065,
        "1.961": 1.961570560,
        "2.053": 2.053119869,
        "2.562": 2.562915447,
        "3.072": 3.072711026,
    }.items()
}


def inverse(coefficients: Int[ndarray, "block frequency"]) -> Int[ndarray, "block pixel"]:
    """The pixels that libjpeg's integer decoder (`islow`) makes of coefficients, to the bit.

    C. Loeffler, A. Ligtenberg, G. Moschytz, "Practical fast 1-D DCT algorithms with 11
    multiplications", ICASSP 1989, in fixed point of 13 bits; two more are kept between the passes.
    """
    block = coefficients.reshape(-1, _BLOCK, _BLOCK).astype(np.int64)
    columns = _one_way([block[:, k, :] for k in range(_BLOCK)], _BITS - _PASS)
    half = np.stack(columns, axis=1)
    rows = _one_way([half[:, :, k] for k in range(_BLOCK)], _BITS + _PASS + 3)
    pixels = np.stack(rows, axis=2).reshape(-1, _BLOCK * _BLOCK) + 128
    return np.clip(pixels, 0, 255)


def _one_way(x: list[ndarray], shift: int) -> list[ndarray]:
    """One dimension of the inverse transform, rounded by `shift` bits."""
    z1 = (x[2] + x[6]) * _F["0.541"]
    even2, even3 = z1 - x[6] * _F["1.847"], z1 + x[2] * _F["0.765"]
    even0, even1 = (x[0] + x[4]) << _BITS, (x[0] - x[4]) << _BITS
    t10, t13, t11, t12 = even0 + even3, even0 - even3, even1 + even2, even1 - even2
    o0, o1, o2, o3 = x[7], x[5], x[3], x[1]
    z1, z2, z3, z4 = o0 + o3, o1 + o2, o0 + o2, o1 + o3
    z5 = (z3 + z4) * _F["1.175"]
    o0, o1, o2, o3 = o0 * _F["0.298"], o1 * _F["2.053"], o2 * _F["3.072"], o3 * _F["1.501"]
    z1, z2 = -z1 * _F["0.899"], -z2 * _F["2.562"]
    z3, z4 = z5 - z3 * _F["1.961"], z5 - z4 * _F["0.390"]
    o0, o1, o2, o3 = o0 + z1 + z3, o1 + z2 + z4, o2 + z2 + z3, o3 + z1 + z4
    half = 1 << (shift - 1)
    pairs = ((t10, o3), (t11, o2), (t12, o1), (t13, o0))
    return [(a + b + half) >> shift for a, b in pairs] + [
        (a - b + half) >> shift for a, b in reversed(pairs)
    ]


@lru_cache(maxsize=1)
def _chrominances() -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """What libjpeg adds to luminance: red by Cr, blue by Cb, and green by both in 1/65536."""
    x, half, one = np.arange(-128, 128, dtype=np.int64), 1 << 15, 1 << 16
    red, blue = ((round(w * one) * x + half) >> 16 for w in (1.402, 1.772))
    return red, blue, -round(0.34414 * one) * x + half, -round(0.71414 * one) * x


@lru_cache(maxsize=1)
def _inverted() -> tuple[ndarray, ndarray]:
    """Cr of each red excess from -256 to 255, and Cb of each blue one; -1 where there is none."""
    red, blue, _, _ = _chrominances()
    found = []
    for excess in (red, blue):
        table = np.full(512, -1)
        table[excess + 256] = np.arange(256)
        found.append(table)
    return found[0], found[1]


def luminance(planes: Int[ndarray, "channel y x"]) -> Int[ndarray, "y x"]:
    """Y of red, green and blue, rounded: for a decoded pixel that was not clipped, the very Y that
    the decoder had, as what it adds to Y differs from whole numbers by less than a half."""
    red, green, blue = planes.astype(np.int32)
    return (19595 * red + 38470 * green + 7471 * blue + (1 << 15)) >> 16


def foreign(planes: Int[ndarray, "channel y x"]) -> Bool[ndarray, "y x"]:
    """Which pixels have a colour that no decoder makes of a luminance and two chrominances.

    Never those with a channel at an end of its range: they may have been cut off.
    """
    red, green, blue = planes.astype(np.int32)
    y = luminance(planes)
    cr, cb = (table[side - y + 256] for table, side in zip(_inverted(), (red, blue), strict=True))
    _, _, by_cb, by_cr = _chrominances()
    wrong = (cr < 0) | (cb < 0) | (green - y != (by_cb[cb] + by_cr[cr]) >> 16)
    inside = (planes.min(axis=0) > 0) & (planes.max(axis=0) < 255)
    return wrong & inside


def coloured(planes: Int[ndarray, "channel y x"]) -> float | None:
    """The share of coloured pixels whose colour some decoder makes; None where too few are.

    About a quarter of the pixels of a picture that never was a JPEG.
    """
    every = max(1, int(np.sqrt(planes[0].size / _LOOKED)))
    some = planes[:, ::every, ::every].reshape(3, 1, -1)
    grey = (some[0] == some[1]) & (some[1] == some[2])
    inside = (some.min(axis=0) > 0) & (some.max(axis=0) < 255) & ~grey
    if len(np.unique(some[:, inside], axis=1).T) < _COLOURS:
        return None
    return 1.0 - float(foreign(some)[inside].mean())

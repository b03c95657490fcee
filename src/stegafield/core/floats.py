"""Floats as codes: order-preserving integers of their bits, without shared trailing zero bits.

`shift` is the number of trailing zero bits that all values share; `reveal` reads it from the stego
again. Embedding moves codes by whole steps of 2^shift, so it never becomes less. It becomes more
only if every code turns even. Then every symbol is even too, and the symbols are random: for the 24
bootstrap windows alone that happens for one salt in 2^24, and `hide`, which reads the file back,
takes another salt.

Bit grooming sets the bits at the end to zeros in some values and to ones in others. With `ends`
such bits count as shared, too: a code is what stands before them, and each value keeps its own.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from . import tiles
from .gaps import between

_SAMPLED = 1 << 20
_MOST = 1e100  # products of greater lengths would overflow, and no packing needs them


def ordered(values: Float[ndarray, "*shape"]) -> Int[ndarray, "*shape"]:
    """Integers that grow with the values; both zeros are 0, and negation is kept.

    They are as wide as the floats, and at least int32: the greatest is 2^23 below the greatest
    int32.
    """
    bits = values.view(f"i{values.itemsize}")
    found = (bits & np.iinfo(bits.dtype).max).astype(
        np.promote_types(bits.dtype, np.int32), copy=False
    )
    return np.negative(found, out=found, where=bits < 0)


def unordered(integers: Int[ndarray, "*shape"], dtype: np.dtype) -> Float[ndarray, "*shape"]:
    """The floats of `ordered`; its inverse."""
    bits = np.abs(integers).astype(f"u{dtype.itemsize}")
    sign = (integers < 0).astype(bits.dtype) << bits.dtype.type(8 * dtype.itemsize - 1)
    return (bits | sign).view(dtype)


def read(
    raw: Float[ndarray, "*shape"],
    missing: list[float],
    least: float | None,
    most: float | None,
    ends: bool = False,
) -> tuple[Int[ndarray, "*shape"], Bool[ndarray, "*shape"], Any, Any, int]:
    """Codes, free, low, high and shift.

    Not free are NaN, infinite and missing values, values out of the valid range, and exact zeros. A
    zero stays a zero, with its sign, and nothing else becomes one or changes its sign: zeros mean
    "none" (no rain, no ice), and a step from one would give a denormal number, which no instrument
    measures. With `ends`, bits at the end that are all zeros or all ones in every value are left
    out of the codes; without such bits the codes are the same.
    """
    values, dtype = ordered(raw), raw.dtype
    fills = ordered(_finite(missing, dtype))
    low, high = (int(x) for x in ordered(np.array([-np.inf, np.inf], dtype)))
    low, high = low + 1, high - 1
    for bound in ordered(_finite([] if least is None else [least], dtype)).tolist():
        low = max(low, bound)
    for bound in ordered(_finite([] if most is None else [most], dtype)).tolist():
        high = min(high, bound)
    known = np.isfinite(raw)
    for fill in fills:
        known &= values != fill
    shift = _common_zeros(values, known, np.finfo(dtype).nmant - 1)
    groomed = _common_ends(values, known, np.finfo(dtype).nmant - 1) if ends and not shift else 0
    free = known & (values >= low) & (values <= high) & (values != 0)
    stops = sorted({stop for stop in (0, *fills.tolist()) if low <= stop <= high})
    stops = [low - 1, *stops, max(low, high + 1)]
    if groomed:  # the greatest float ends in ones: elements at an end of their range say nothing
        least_code, most_code = between(values, free, stops)
        if not (free & (values > least_code) & (values < most_code)).any():
            groomed = 0
    shift = shift or groomed
    least_code, most_code = between(values, free, stops, shift)
    codes = values >> shift
    if groomed:  # a value may be above its code's least
        most_code = most_code - 1
        free &= (codes >= least_code) & (codes <= most_code)
    return codes, free, least_code, most_code, shift


def write(
    raw: Float[ndarray, "*shape"], codes: Int[ndarray, "*shape"], shift: int
) -> Float[ndarray, "*shape"]:
    """The floats of codes.

    A value that did not change keeps its bits: NaN of any kind, and the sign of zero.
    """
    out = raw.copy()

    def patch(block: slice) -> None:
        here, new = tiles.piece(raw, block), tiles.piece(codes, block)
        old = ordered(here)
        kept = old & ((1 << shift) - 1)
        changed = new != old >> shift
        tiles.place(out, block, np.where(changed, unordered(new << shift | kept, raw.dtype), here))

    tiles.each(patch, tiles.blocks(raw.size))
    return out


def step(raw: Float[ndarray, "*shape"], free: Bool[ndarray, "*shape"], shift: int) -> float:
    """What one code is worth at the median value, in the units of the variable.

    The worth grows with the values.
    """
    sample = _sample(raw[free])
    with np.errstate(over="ignore"):  # the spacing of the greatest float is infinite
        least = np.spacing(np.abs(sample).astype(raw.dtype))
    return float(np.median(least)) * 2.0**shift if sample.size else 1.0


def lattice(raw: Float[ndarray, "*shape"], free: Bool[ndarray, "*shape"]) -> float | None:
    """The step of the lattice that all values lie on up to rounding; None if there is none.

    Unpacked integers lie on such a lattice.
    """
    values = np.unique(_sample(raw[free])).astype(np.float64)
    if values.size < 3 or np.abs(values[[0, -1]]).max() > _MOST:
        return None
    gaps = np.diff(values)
    with np.errstate(over="ignore"):  # as above
        rounding = float(np.spacing(np.abs(values[[0, -1]]).max().astype(raw.dtype)))
    if gaps.min() < 8 * rounding:
        return None
    found, offsets = float(gaps.min()), values - values[0]
    for lengths in (
        gaps,
        offsets[1:],
    ):  # short lengths first: each refines the step for those twice as long
        reach = 4 * found if lengths is gaps else gaps.max()
        while reach < 2 * lengths.max():
            near = lengths[lengths <= reach]
            count = np.rint(near / found)
            found = float(near @ count / (count @ count))
            reach *= 2
    off = np.abs(offsets - found * np.rint(offsets / found)).max()
    return found if off < min(4 * rounding, found / 8) else None


def kept(
    raw: Float[ndarray, "*shape"], free: Bool[ndarray, "*shape"], shift: int, lattice: float
) -> bool:
    """Whether steps of 2^shift stay on a lattice, as those of bit-groomed floats do.

    The steps of greater values are 2, 4, 8 ... times as long as the shortest one.
    """
    least = np.abs(_sample(raw[free])).min()
    steps = float(np.spacing(least)) * 2.0**shift / lattice
    return steps > 0.5 and abs(steps - round(steps)) < 1e-3


def _finite(values: list[float], dtype: np.dtype) -> Float[ndarray, " value"]:
    with np.errstate(over="ignore"):
        cast = np.array(values, np.float64).astype(dtype)
    return cast[np.isfinite(cast)]


def _sample(values: Float[ndarray, " value"]) -> Float[ndarray, " value"]:
    return values[:: -(-values.size // _SAMPLED) or 1]


def _common_ends(values: Int[ndarray, "*shape"], known: Bool[ndarray, "*shape"], most: int) -> int:
    """How many bits at the end are all zeros or all ones in every known value; 0 for less than 2.

    One bit always is. Of random bits, two are in n values once in 2^n.
    """
    sizes = np.abs(values)
    turns = int(np.bitwise_or.reduce(sizes ^ (sizes >> 1), axis=None, where=known))
    return min((turns & -turns).bit_length(), most) if turns and not turns & 1 else 0


def _common_zeros(values: Int[ndarray, "*shape"], known: Bool[ndarray, "*shape"], most: int) -> int:
    """How many trailing zero bits all known integers share, `most` at most.

    The limit keeps the greatest code odd: it is less than the bits of a fraction.
    """
    used = int(np.bitwise_or.reduce(values, axis=None, where=known))
    return min((used & -used).bit_length() - 1, most) if used else 0

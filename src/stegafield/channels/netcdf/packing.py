"""What the numbers of a variable stand for: missing values, valid ranges, packing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Integer
from numpy import ndarray

from ...core.gaps import between
from .model import FILLS, Variable


def unsigned(variable: Variable) -> bool:
    """Whether a file says that its signed integers stand for unsigned ones."""
    return variable.text("_Unsigned").lower() == "true"


def meant(dtype: np.dtype, unsigned: bool) -> np.dtype:
    """The integer type that the stored one stands for.

    `_Unsigned` marks unsigned integers in files whose format has signed ones only.
    """
    return np.dtype(f"{'u' if unsigned or dtype.kind == 'u' else 'i'}{dtype.itemsize}")


def integers(
    raw: Integer[ndarray, "channel *space"], variable: Variable
) -> tuple[
    Int[ndarray, "channel *space"], Bool[ndarray, "channel *space"], int | ndarray, int | ndarray
]:
    """Codes, free, low and high of stored integers.

    Within its range a code may move without becoming missing, or ceasing to be.
    """
    stored = raw.dtype
    kind = meant(stored, unsigned(variable))
    codes = raw.view(kind)
    if kind != np.int16:
        codes = codes.astype(np.int32 if kind.itemsize < 4 else np.int64)  # u8: see `_limits`
    low, high = _limits(kind, variable.bits)
    bounds = _bounds(variable.attributes)
    for i, bound in enumerate(bounds):
        whole = bound is not None and np.asarray(bound).dtype.kind in "iu"  # else in physical units
        value = _integer(bound, stored, kind) if whole else None
        if value is not None:
            low, high = (max(low, value), high) if i == 0 else (low, min(high, value))
    fills = [
        variable.attributes.get("_FillValue", FILLS.get(stored.str[1:])),
        *np.ravel(variable.attributes.get("missing_value", [])),
    ]
    missing = sorted(
        {v for f in fills if (v := _integer(f, stored, kind)) is not None and low <= v <= high}
    )
    free = (codes >= low) & (codes <= high)
    for value in missing:
        free &= codes != value
    return codes, free, *between(codes, free, [low - 1, *missing, max(low, high + 1)])


def _limits(kind: np.dtype, bits: int | None) -> tuple[int, int]:
    """The least and the greatest integer of a type, of which only so many bits may be in use.

    Of 64 bits both ends are left out, so that no sum overflows; and unsigned ones above 2^63 are
    negative codes, which are not free.
    """
    count = min(bits or 64, 8 * kind.itemsize)
    if count == 64:
        ends = np.iinfo(np.int64)
        return (0 if kind.kind == "u" else int(ends.min) + 2), int(ends.max) - 2
    half = 1 << (count - 1)
    return (0, 2 * half - 1) if kind.kind == "u" else (-half, half - 1)


def float_limits(variable: Variable) -> tuple[list[float], float | None, float | None]:
    """Missing values, the least and the greatest valid value of floats.

    What is not a number counts as absent.
    """
    assert variable.dtype is not None

    def numbers(value: Any) -> list[float]:
        try:
            return np.ravel(() if value is None else value).astype(np.float64).tolist()
        except (ValueError, TypeError):
            return []

    attributes = variable.attributes
    fills = numbers(attributes.get("_FillValue", FILLS[variable.dtype.str[1:]]))[:1]
    both = numbers(attributes.get("valid_range"))
    ends = (
        numbers(attributes.get("valid_min")) or both[:1],
        numbers(attributes.get("valid_max")) or both[-1:],
    )
    least, most = (found[0] if found else None for found in ends)
    return fills + numbers(attributes.get("missing_value")), least, most


def physical(variable: Variable) -> Float[ndarray, "..."]:
    """The values of a variable in its units as 64-bit floats, NaN where they are missing.

    As the NetCDF library gives them.
    """
    raw = variable.values()
    raw = raw.astype(raw.dtype.newbyteorder("="), copy=False)
    attributes, stored = variable.attributes, raw.dtype
    if stored.kind != "f":
        raw = raw.view(meant(stored, unsigned(variable)))
    missing = np.zeros(raw.shape, bool)
    default = None if stored.itemsize == 1 else FILLS.get(stored.str[1:])
    fills = [attributes.get("_FillValue", default), *np.ravel(attributes.get("missing_value", []))]
    for fill in fills:
        value = _stored(fill, stored, raw.dtype)
        if value is not None:
            missing |= np.isnan(raw) if value != value else raw == value
    for bound, outside in zip(_bounds(attributes), (np.less, np.greater), strict=True):
        value = _stored(bound, stored, raw.dtype)
        if value is not None:
            missing |= outside(raw, value)
    found: ndarray = raw
    for name, apply in (("scale_factor", np.multiply), ("add_offset", np.add)):
        if (factor := attributes.get(name)) is not None and np.ravel(factor).size == 1:
            if np.ravel(factor).dtype.kind in "iuf":
                found = apply(found, np.ravel(factor)[0])
    return np.where(missing, np.nan, found.astype(np.float64))


def _bounds(attributes: Mapping[str, Any]) -> list[Any]:
    """`valid_min` and `valid_max`, or else what `valid_range` says; None where neither does."""
    both = [*np.ravel(attributes.get("valid_range", []))] or [None, None]
    return [attributes.get("valid_min", both[0]), attributes.get("valid_max", both[-1])]


def _stored(value: Any, stored: np.dtype, kind: np.dtype) -> Any:
    """An attribute as a value of the type of its variable; None where it is none of that type."""
    if kind.kind != "f":
        return _integer(value, stored, kind)
    try:
        found = np.ravel(value)[0]
        with np.errstate(over="ignore"):
            return None if value is None else kind.type(found)
    except (ValueError, TypeError, IndexError):
        return None


def _integer(value: Any, stored: np.dtype, meant: np.dtype) -> int | None:
    """An attribute in terms of the codes, or None where it is absent or cannot be stored."""
    if value is None:
        return None
    try:
        number = np.ravel(value)[0].item()
        if number != int(number):
            return None
        number = int(number)
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None
    if stored.kind == "i" and meant.kind == "u" and number < 0:
        number += 1 << (8 * meant.itemsize)
    return number if np.iinfo(meant).min <= number <= np.iinfo(meant).max else None

"""The contract of channels, and of the covers that they and carriers make."""

from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from ..core.channel import Channel
from ..core.cover import Cover, GridSpec, sound, widened
from ..errors import FormatError
from .law import judging, keeping, made, require

_FOREIGN = (b"", b"\0", b"not a file of any medium", bytes(range(256)) * 8)


@judging("check_channel()")
def check_channel(channel: Channel | type[Channel], data: bytes) -> None:
    """Check a channel on one file of its format.

    What it writes it reads back, `free` does not depend on the codes that change, and bytes of
    another format are a `FormatError`.
    """
    channel = made("channel", channel)
    require(isinstance(data, bytes), f"the sample file is a {type(data).__name__}, not bytes")
    covers = _read(channel, data)
    require(bool(covers), "read() finds no candidate in the sample file")
    for number, cover in enumerate(covers):
        rng = np.random.default_rng(number)
        step = np.where(rng.random(cover.codes.shape) < 0.5, 1, -1).astype(cover.codes.dtype)
        moved = np.clip(widened(cover.codes) + step, cover.low, cover.high)
        ends = [np.broadcast_to(np.asarray(b), cover.codes.shape) for b in (cover.low, cover.high)]
        for wanted in (cover.codes, moved, *ends):
            codes = np.where(cover.free, wanted, cover.codes).astype(cover.codes.dtype)
            written = _written(channel, cover, codes)
            require(_written(channel, cover, codes) == written, "write() is not deterministic")
            read = _read(channel, written)
            require(len(read) == len(covers), "writing changes the number of candidates")
            require(
                np.array_equal(read[number].codes, codes),
                "codes read back differ from those written",
            )
            require(
                np.array_equal(read[number].free, cover.free),
                "free depends on the codes that change",
            )
            others = [
                same(a, b) for i, (a, b) in enumerate(zip(covers, read, strict=True)) if i != number
            ]
            require(all(others), "writing one candidate changes another")
    for foreign in (*_FOREIGN, data[: len(data) // 3], data[:7]):
        try:
            list(channel.read(foreign))
        except FormatError:
            continue
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            told = f"read() must raise FormatError on foreign bytes, not {problem}"
            raise AssertionError(told) from error
        require(
            foreign not in _FOREIGN,
            "read() takes bytes of another format; it must raise FormatError",
        )


@judging("check_cover()")
def check_cover(cover: Any) -> None:
    """Check a cover: shapes agree, and codes are integers within their range."""
    require(
        isinstance(cover, Cover), f"read() or covers() gives a {type(cover).__name__}, no Cover"
    )
    with keeping("the parts of the cover do not fit"):
        sound(cover)
    codes = cover.codes
    good = (np.int16, np.int32, np.int64)
    require(codes.dtype in good, f"codes are {codes.dtype}, not int16, int32 or int64")
    require(codes.ndim >= 2, "codes need a channel axis and at least one space axis")
    require(
        cover.free.dtype == bool and cover.free.shape == codes.shape,
        "free is not a mask of the shape of codes",
    )
    bounds = np.asarray(cover.low), np.asarray(cover.high)
    require(all(one.dtype.kind in "iu" for one in bounds), "low or high are no integers")
    inside = (codes >= cover.low) & (codes <= cover.high)
    require(bool(inside[cover.free].all()), "a free code lies outside [low, high]")
    require(isinstance(cover.spec, GridSpec), "spec is no GridSpec")
    require(
        len(cover.spec.axes) == len(cover.spec.periodic) == codes.ndim - 1,
        "spec does not fit the space axes",
    )
    require(
        cover.weight is None or cover.weight.shape == codes.shape,
        "weight has another shape than codes",
    )


def same(a: Cover, b: Cover) -> bool:
    """Whether two covers have the same codes and the same free elements."""
    return np.array_equal(a.codes, b.codes) and np.array_equal(a.free, b.free)


def _read(channel: Channel, data: bytes) -> list[Cover]:
    """All candidates of a file, each looked at."""
    with keeping("read() fails on a file of its own format"):
        read: Any = channel.read(data)
        require(not isinstance(read, Cover), "read() returns a Cover; it must yield covers")
        require(hasattr(read, "__iter__"), f"read() returns {read!r}; it must yield covers")
        found = list(read)
    for cover in found:
        check_cover(cover)
    return found


def _written(channel: Channel, cover: Cover, codes: Int[ndarray, "channel *space"]) -> bytes:
    """The file of a cover with other codes; the codes stay what they are."""
    before = codes.copy()
    with keeping("write() fails"):
        data: Any = channel.write(cover, codes)
    require(isinstance(data, bytes), f"write() returns a {type(data).__name__}, not bytes")
    require(np.array_equal(before, codes), "write() changes the codes")
    return data

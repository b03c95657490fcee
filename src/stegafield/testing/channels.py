"""The contract of channels, and of the covers that they and carriers make."""

import numpy as np

from ..core.channel import Channel
from ..core.cover import Cover, widened
from ..errors import FormatError
from .law import require

_FOREIGN = (b"", b"\0", b"not a file of any medium", bytes(range(256)) * 8)


def check_channel(channel: Channel, data: bytes) -> None:
    """Check a channel on one file of its format.

    What it writes it reads back, `free` does not depend on the codes that change, and bytes of
    another format are a `FormatError`.
    """
    require(
        all(s.startswith(".") and s == s.lower() for s in channel.suffixes),
        "suffixes are not like '.png'",
    )
    covers = list(channel.read(data))
    require(bool(covers), "read() finds no candidate in the sample file")
    for number, cover in enumerate(covers):
        check_cover(cover)
        rng = np.random.default_rng(number)
        step = np.where(rng.random(cover.codes.shape) < 0.5, 1, -1).astype(cover.codes.dtype)
        moved = np.clip(widened(cover.codes) + step, cover.low, cover.high)
        ends = [np.broadcast_to(np.asarray(b), cover.codes.shape) for b in (cover.low, cover.high)]
        for wanted in (cover.codes, moved, *ends):
            codes = np.where(cover.free, wanted, cover.codes).astype(cover.codes.dtype)
            written = channel.write(cover, codes)
            require(channel.write(cover, codes) == written, "write() is not deterministic")
            read = list(channel.read(written))
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
        require(
            foreign not in _FOREIGN,
            "read() takes bytes of another format; it must raise FormatError",
        )


def check_cover(cover: Cover) -> None:
    """Check a cover: shapes agree, and codes are integers within their range."""
    codes = cover.codes
    good = (np.int16, np.int32, np.int64)
    require(codes.dtype in good, f"codes are {codes.dtype}, not int16, int32 or int64")
    require(codes.ndim >= 2, "codes need a channel axis and at least one space axis")
    require(
        cover.free.dtype == bool and cover.free.shape == codes.shape,
        "free is not a mask of the shape of codes",
    )
    inside = (codes >= cover.low) & (codes <= cover.high)
    require(bool(inside[cover.free].all()), "a free code lies outside [low, high]")
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

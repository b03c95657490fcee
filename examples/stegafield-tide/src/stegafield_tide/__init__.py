"""Tide gauge records: hourly water levels, drawn from the four main tides, in a plain text file."""

from typing import ClassVar

import numpy as np

from stegafield import hookimpl
from stegafield.core import Carrier, Channel, Cover, GridSpec, Options
from stegafield.errors import FormatError

HEADER = b"hour,level_mm\n"
PERIODS = np.array([12.4206, 12.0, 23.9345, 25.8193])  # hours: M2, S2, K1, O1
NOISE = 8.0  # millimetres: waves that the gauge does not filter out


class TideChannel(Channel):
    """Comma-separated hours and water levels in whole millimetres: one level is one code."""

    api_version: ClassVar[int] = 1
    name: ClassVar[str] = "tide"
    suffixes: ClassVar[tuple[str, ...]] = (".tide",)

    def read(self, data):
        """One cover: every level is free."""
        if not data.startswith(HEADER):
            raise FormatError("not a tide gauge record", ".tide")
        try:
            levels = [int(line.split(b",")[1]) for line in data[len(HEADER) :].splitlines()]
            codes = np.array([levels], np.int32)
        except (ValueError, IndexError, OverflowError):
            raise FormatError("the tide gauge record is damaged", ".tide") from None
        free = (codes > -100_000) & (codes < 100_000)
        yield Cover(
            codes,
            -99_999,
            99_999,
            free,
            GridSpec(("hour",), (False,), "line"),
            step=0.001,
            unit="m",
        )

    def write(self, cover, codes):
        """The record with these levels."""
        return HEADER + b"".join(b"%d,%d\n" % row for row in enumerate(codes[0].tolist()))


class TideCarrier(Carrier):
    """Water levels of a made-up harbour."""

    api_version: ClassVar[int] = 1
    name: ClassVar[str] = "tide"
    channel: ClassVar = TideChannel

    class Options(Options):
        """Options of the tide carrier."""

        hours: int = 8760

    def covers(self, count, rng):
        """`count` records with random tides."""
        return [self._record(rng) for _ in range(count)]

    def blank(self):
        """Any record of the length."""
        return self._record(np.random.default_rng(0))

    def _record(self, rng):
        angle = 2 * np.pi * (np.arange(self.options.hours)[:, None] / PERIODS + rng.random(4))
        level = np.cos(angle) @ rng.uniform((800, 250, 80, 60), (1600, 500, 160, 120))
        codes = np.rint(level + NOISE * rng.standard_normal(level.size)).astype(np.int32)
        free = np.ones((1, level.size), bool)
        return Cover(
            codes[None],
            -99_999,
            99_999,
            free,
            GridSpec(("hour",), (False,), "line"),
            step=0.001,
            unit="m",
        )


@hookimpl
def register_carriers():
    """The one carrier."""
    return [TideCarrier]


@hookimpl
def register_channels():
    """The one file format."""
    return [TideChannel]

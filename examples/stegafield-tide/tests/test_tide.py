"""The contract tests that stegafield offers, on this plugin's classes."""

import numpy as np
from stegafield_tide import TideCarrier, TideChannel

from stegafield.testing import check_carrier, check_channel


def test_carrier():
    """Covers are valid and repeatable, and a message makes the round trip."""
    check_carrier(TideCarrier(TideCarrier.Options(hours=2000)))


def test_channel():
    """What is written is read."""
    record = TideCarrier().covers(1, np.random.default_rng(0))[0]
    check_channel(TideChannel(), TideChannel().write(record, record.codes))

"""Contract tests for plugin authors: each raises `AssertionError` naming the broken rule.

    from stegafield.testing import check_carrier
    def test_carrier(): check_carrier(TideCarrier())

They run on every plugin of the project itself. Nothing here needs pytest.
"""

from .carriers import check_carrier, check_costs
from .channels import check_channel, check_cover
from .detectors import check_detector
from .extractors import check_extractor
from .optimizers import check_optimizer

__all__ = [
    "check_carrier",
    "check_channel",
    "check_costs",
    "check_cover",
    "check_detector",
    "check_extractor",
    "check_optimizer",
]

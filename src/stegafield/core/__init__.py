"""The contracts that plugins meet, and the small values that they exchange.

    from stegafield.core import Carrier, Channel, Cover, GridSpec

is all that a plugin imports; deeper paths may move.
"""

from .artefact import Artefact, read_bytes
from .carrier import Carrier
from .channel import Channel
from .cover import Costs, Cover, GridSpec, Law, widened
from .detector import Detector, TrainedDetector
from .extractor import Drawn, Extractor, Positionwise
from .history import Past
from .law import drawn, fitted
from .noise import Source, normals, uniforms
from .optimizer import Box, Objective, Optimizer, Solution
from .options import Options
from .registry import Registry
from .rung import Rung

__all__ = [
    "Artefact",
    "Box",
    "Carrier",
    "Channel",
    "Costs",
    "Cover",
    "Detector",
    "Drawn",
    "Extractor",
    "GridSpec",
    "Law",
    "Objective",
    "Optimizer",
    "Options",
    "Past",
    "Positionwise",
    "Registry",
    "Rung",
    "Solution",
    "Source",
    "TrainedDetector",
    "drawn",
    "fitted",
    "normals",
    "read_bytes",
    "uniforms",
    "widened",
]

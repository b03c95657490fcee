"""The door through which the baselines reach a registry: `stegafield` finds this module by its entry point."""

from stegafield import hookimpl
from stegafield.core.extractor import Extractor

from .baselines import EXTRACTORS


@hookimpl
def register_extractors() -> list[type[Extractor]]:
    """The extractors of the baselines."""
    return list(EXTRACTORS)

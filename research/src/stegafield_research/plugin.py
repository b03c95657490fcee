"""The plugin of this distribution: `stegafield` finds it by its entry point in `pyproject.toml`."""

from stegafield import hookimpl
from stegafield.core.extractor import Extractor

from .baselines import EXTRACTORS


@hookimpl
def register_extractors() -> list[type[Extractor]]:
    """The extractors of the baselines."""
    return list(EXTRACTORS)

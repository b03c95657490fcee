"""The registry that measurements use: all that is installed, and always the baselines."""

from stegafield.core.registry import Registry
from stegafield.plugins.discovery import discover, register

from . import plugin

DISTRIBUTION = "stegafield-research"


def registry() -> Registry:
    """A fresh registry with the baselines, even where `STEGAFIELD_PLUGINS` excludes them."""
    found = discover()
    if all(owner != DISTRIBUTION for owner, _, _ in found.owned()):
        register(found, plugin, DISTRIBUTION)
    return found

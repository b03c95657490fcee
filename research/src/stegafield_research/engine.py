"""The registry that measurements use: everything that is installed, and the baselines in any case."""

from stegafield.core.registry import Registry
from stegafield.plugins.discovery import discover, register

from . import plugin

DISTRIBUTION = "stegafield-research"


def registry() -> Registry:
    """A fresh registry that has the baselines, also where the environment excludes this distribution's plugin."""
    found = discover()
    if all(owner != DISTRIBUTION for owner, _, _ in found.owned()):
        register(found, plugin, DISTRIBUTION)
    return found

"""The five hooks.

This file is the plugin manual's reference; docs/plugins/first-carrier.md is the tutorial.

A plugin is a module (or any object) named by an entry point in the group "stegafield", with
functions of these names marked with `stegafield.hookimpl`. Each hook is called once, at discovery,
and returns classes; what is called in a loop are methods of their objects. Names are short and
lower-case, and unique for each kind: a name that two plugins claim belongs to neither.
"""

import pluggy

from ..core.carrier import Carrier
from ..core.channel import Channel
from ..core.detector import Detector
from ..core.extractor import Extractor
from ..core.optimizer import Optimizer

hookspec = pluggy.HookspecMarker("stegafield")
hookimpl = pluggy.HookimplMarker("stegafield")


@hookspec
def register_carriers() -> list[type[Carrier]]:  # type: ignore[empty-body]
    """Return carrier classes: media that have covers (`stegafield hide --carrier NAME`)."""


@hookspec
def register_channels() -> list[type[Channel]]:  # type: ignore[empty-body]
    """Return channel classes: file formats.

    `reveal` tries every one of them on the bytes it is given.
    """


@hookspec
def register_extractors() -> list[type[Extractor]]:  # type: ignore[empty-body]
    """Return extractor classes: keyed, fixed networks that read bits (`--extractor NAME`)."""


@hookspec
def register_optimizers() -> list[type[Optimizer]]:  # type: ignore[empty-body]
    """Return optimizer classes: solvers in a box (`--optimizer NAME`)."""


@hookspec
def register_detectors() -> list[type[Detector]]:  # type: ignore[empty-body]
    """Return detector classes: steganalysis methods."""

"""What the literature does, for comparison; one method a file, never on the default path.

`BASELINES` are the methods that carry messages: ordinary extractors, which the plugin of this
distribution registers.

    engine = Engine(stegafield_research.engine.registry())
    for baseline in BASELINES:
        for attempt in baseline.attempts:
            # the next attempt where the notebook's PSNR is not above LEAST_PSNR
            engine.plan(carrier="image", bpp=1, **baseline.arguments(attempt))
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from stegafield.core.extractor import Extractor

from .learned.fnns import SEEDS, FnnsD, FnnsDE, FnnsR
from .learned.steganogan import SteganoGan
from .lsb.matching import LsbMatching
from .lsb.replacement import LsbReplacement

EXTRACTORS: tuple[type[Extractor], ...] = (
    *(LsbMatching, LsbReplacement),
    *(SteganoGan, FnnsR, FnnsD, FnnsDE),
)
TRAININGS = {"steganogan": "stegafield_research.baselines.training:SteganoGanTraining"}
"""Config classes of the baselines that are trained, by family."""
CONFIGS = files("stegafield_research.baselines") / "configs"
"""Their TOML files."""
LEAST_PSNR = 19.0
"""FNNS-R's notebook accepts a seed above this PSNR, in dB by the notebook's own measure."""
NOTEBOOK_ABOVE_LUMA = 20 * math.log10(255 / 219)
"""The notebook's PSNR minus `psnr_luma`: 1.32 dB.

The notebook takes the luma difference in studio swing (16 to 235). `psnr_luma` itself is some 4 dB
above plain RGB.
"""


@dataclass(frozen=True)
class Baseline:
    """A published method as arguments of `Engine.plan` and `Engine.hide`."""

    label: str
    """What tables call it."""
    source: str
    given: Mapping[str, Any]
    """The arguments, but for what `set` holds."""
    set: Mapping[str, Any] = field(default_factory=dict)
    attempts: tuple[Mapping[str, Any], ...] = ({},)
    """More of `set`, to be tried in turn; most methods have one attempt and nothing more."""
    rates: tuple[int, ...] = (1, 2, 3, 4)
    """Bits per pixel of a colour picture that it has."""

    def arguments(self, attempt: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Keyword arguments of `Engine.plan` and `Engine.hide`, of one of the attempts.

        The first attempt if none is given.
        """
        return {**self.given, "set": {**self.set, **(attempt or self.attempts[0])}}


_SEARCH = {"optimizer": "paper", "method": "optimize"}
_FLOATS = {"effort.finish": False, "effort.epsilon": 0.3}
_ZHANG = "Zhang et al. 2019, arXiv 1901.03892"
_KISHORE = "Kishore et al. 2022, ICLR"
BASELINES: tuple[Baseline, ...] = (
    Baseline(
        "LSB matching",
        "Sharp 2001",
        {"extractor": "lsb-matching", "method": "project"},
        rates=(1, 2, 3),
    ),
    Baseline(
        "LSB replacement",
        "folklore",
        {"extractor": "lsb-replacement", "method": "project"},
        rates=(1, 2, 3),
    ),
    *(
        Baseline(
            f"SteganoGAN {architecture}",
            _ZHANG,
            {"extractor": "steganogan", "method": "project"},
            {"extractor.architecture": architecture},
        )
        for architecture in ("basic", "dense")
    ),
    Baseline(
        "FNNS-R",
        _KISHORE,
        {"extractor": "fnns-r", **_SEARCH},
        {**_FLOATS, "optimizer.rounds": 100, "optimizer.iterations": 20},
        attempts=tuple(
            {"extractor.seed": seed, "effort.epsilon": round(0.3 - 0.005 * k, 3)}
            for k, seed in enumerate(SEEDS)
        ),
    ),
    *(
        Baseline(
            label,
            _KISHORE,
            {"extractor": name, **_SEARCH},
            {**_FLOATS, "extractor.architecture": "dense", "optimizer.rounds": 200},
        )
        for label, name in (("FNNS-D", "fnns-d"), ("FNNS-DE", "fnns-de"))
    ),
    Baseline("GINR-Stega", "arXiv 2406.01918", {"preset": "paper"}),
)
"""In the order of the years; the paper that this package started from is the last."""

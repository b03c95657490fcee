"""What the sampler costs: the KL bound of every rung at a noise and a size, and the least noise that it needs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from stegafield.coding import bound
from stegafield.coding.ladder import DRAWN
from stegafield.errors import ConfigError

COLUMNS = ("samples", "bps", "bpp", "k", "n", "taps", "smallest_sigma", "sigma", "nats", "offered")


def table(samples: Iterable[int], sigmas: Sequence[float]) -> Iterator[dict[str, Any]]:
    """One row per size (free samples), rung and sigma (in codes); nats are the most for any f with headroom."""
    for free in samples:
        if free < 1:
            raise ConfigError("samples", f"{free} is not positive.")
        for rung in DRAWN:
            least = bound.smallest_sigma(rung, free)
            for sigma in sigmas:
                if not 0 < sigma < 1e6:
                    raise ConfigError("sigma", f"{sigma:g} is no standard deviation.")
                yield {
                    "samples": free,
                    "bps": rung.rate,
                    "bpp": 3 * rung.rate,
                    "k": rung.bits,
                    "n": rung.samples,
                    "taps": " ".join(map(str, rung.taps)),
                    "smallest_sigma": least,
                    "sigma": sigma,
                    "nats": bound.file_nats(rung, sigma, free),
                    "offered": rung in bound.offered(sigma, free),
                }

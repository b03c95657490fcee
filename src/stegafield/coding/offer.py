"""Which rungs of the ladder suit a cover."""

from collections.abc import Sequence

from ..core.rung import Rung
from ..errors import ConfigError
from .ladder import _TRELLIS, LADDER_BY_RATE, PROJECTED

TRELLIS_MOST = 1 << 18
"""More free samples than this take the block form: the trellis form would need more than a few seconds."""


ADAPTIVE_MOST = 1 << 20
"""The same where changes have costs: there it is worth some ten seconds."""


ADAPTIVE_BELOW = 0.7


_TRELLIS_BELOW = 0.3


_QUICK_BITS, _LONG = 8, 128


_CROWDED, _TRELLIS_CROWDED = 0.4, 0.35


def with_trellis(free: int, crowded: float) -> list[Rung]:
    """The rungs of both forms for a cover, by rate; where a rate has both, the one that suits the cover.

    Args:
        free: How many samples are free.
        crowded: The share of them that stand at an end of their range. Where that is much, windows of 5 bits in 15
            samples come to 2 dB below the bound; those of higher rates have more to choose from, and lose little.
    """
    if free > TRELLIS_MOST:
        return list(LADDER_BY_RATE)
    most = _TRELLIS_CROWDED if crowded > _CROWDED else _TRELLIS_BELOW
    trellis = [rung for rung in _TRELLIS if rung.rate < most]
    taken = {rung.rate for rung in trellis}
    block = [rung for rung in LADDER_BY_RATE if rung.rate not in taken]
    return sorted(trellis + block, key=lambda rung: rung.rate)


def follows_costs(rung: Rung) -> bool:
    """Whether changes can be chosen by their costs: in the trellis form, and in windows that are quickly searched.

    Above two thirds of a bit per sample there is no choice left.
    """
    quick = rung.bits <= _QUICK_BITS or not rung.listed
    return rung.rate < ADAPTIVE_BELOW and (bool(rung.span) or quick)


def with_costs(free: int) -> list[Rung]:
    """The rungs for a cover whose changes have costs: those that follow them, and the block form at higher rates."""
    small = free <= ADAPTIVE_MOST
    adaptive = [
        rung
        for rung in PROJECTED
        if follows_costs(rung) and (bool(rung.span) is small or rung.elements > _LONG)
    ]
    most = max(rung.rate for rung in adaptive)
    high = [rung for rung in LADDER_BY_RATE if rung.rate > most]
    return sorted(adaptive + high, key=lambda rung: rung.rate)


def at_least(
    rate: float,
    unit: str,
    samples: int = 1,
    rungs: Sequence[Rung] = LADDER_BY_RATE,
    hint: str = "",
) -> Rung:
    """The first of some rungs that carries `rate` bits in `samples` free samples (a pixel's, say) or more."""
    if not rate > 0:
        raise ConfigError(unit, f"a rate of {rate:g} is not positive.")
    for rung in rungs:
        if rung.rate * samples >= rate * (1 - 1e-9):
            return rung
    top = rungs[-1].rate * samples
    problem = f"{rate:g} is above the top of the ladder, {top:g} for this cover."
    raise ConfigError(unit, problem, hint)

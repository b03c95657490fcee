"""Which rungs of the ladder suit a cover."""

from collections.abc import Sequence

from ..core.rung import Rung
from ..errors import ConfigError
from .ladder import _TRELLIS, LADDER_BY_RATE, PROJECTED

TRELLIS_MOST = 1 << 18
"""With more free elements than this a cover takes the block form: the trellis form would need
more than a few seconds."""


ADAPTIVE_MOST = 1 << 20
"""The same where changes have costs: there it is worth about ten seconds."""


ADAPTIVE_BELOW = 0.7


_TRELLIS_BELOW = 0.3


_QUICK_BITS, _LONG = 8, 128


_CROWDED, _TRELLIS_CROWDED = 0.4, 0.35


def with_trellis(free: int, crowded: float) -> list[Rung]:
    """The rungs of both forms for a cover, by rate; of two with one rate, the one that suits it.

    Args:
        free: How many elements are free.
        crowded: The share of them that are at an end of their range. Where that is large, windows
            of 5 bits in 15 elements come to 2 dB below the bound; those of higher rates have more
            to choose from, and lose little.
    """
    if free > TRELLIS_MOST:
        return list(LADDER_BY_RATE)
    most = _TRELLIS_CROWDED if crowded > _CROWDED else _TRELLIS_BELOW
    trellis = [rung for rung in _TRELLIS if rung.rate < most]
    taken = {rung.rate for rung in trellis}
    block = [rung for rung in LADDER_BY_RATE if rung.rate not in taken]
    return sorted(trellis + block, key=lambda rung: rung.rate)


def follows_costs(rung: Rung) -> bool:
    """Whether changes can be chosen by their costs.

    They can in the trellis form, and in windows that are quickly searched. Above two thirds of a
    bit per element there is no choice left.
    """
    quick = rung.bits <= _QUICK_BITS or not rung.listed
    return rung.rate < ADAPTIVE_BELOW and (bool(rung.span) or quick)


def with_costs(free: int) -> list[Rung]:
    """The rungs for a cover whose changes have costs.

    They are those that follow the costs, and the block form at higher rates.
    """
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
    elements: int = 1,
    rungs: Sequence[Rung] = LADDER_BY_RATE,
    hint: str = "",
) -> Rung:
    """The first of some rungs that carries `rate` bits or more in so many free elements.

    `elements` is the number of elements of a unit: of a pixel, say.
    """
    if not rate > 0:
        raise ConfigError(unit, f"a rate of {rate:g} is not positive.")
    for rung in rungs:
        if rung.rate * elements >= rate * (1 - 1e-9):
            return rung
    top = rungs[-1].rate * elements
    problem = f"{rate:g} is above the top of the ladder, {top:g} for this cover."
    raise ConfigError(unit, problem, hint)

"""How well scores tell stegos from covers: ROC, AUC, P_E, and bootstrap intervals."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray


def roc(
    cover: Float[ndarray, " cover"], stego: Float[ndarray, " stego"]
) -> tuple[Float[ndarray, " point"], Float[ndarray, " point"]]:
    """The shares of covers and of stegos above each threshold, from (0, 0) to (1, 1).

    The highest threshold comes first.
    """
    steps = np.unique(np.concatenate([cover, stego]))[::-1]
    alarms, hits = (
        (part.size - np.searchsorted(np.sort(part), steps, side="left")) / part.size
        for part in (cover, stego)
    )
    return np.append(0.0, alarms), np.append(0.0, hits)


def auc(cover: Float[ndarray, " cover"], stego: Float[ndarray, " stego"]) -> float:
    """The area under the ROC curve.

    That is the probability that a stego scores above a cover; equal scores count as a half.
    """
    ranked = np.sort(cover)
    below, upto = (np.searchsorted(ranked, stego, side=side) for side in ("left", "right"))
    return float((below + upto).mean() / (2 * cover.size))


def least_error(
    cover: Float[ndarray, " cover"], stego: Float[ndarray, " stego"]
) -> tuple[float, float]:
    """(P_E, threshold) where P_E is least; the threshold lies between two scores.

    On the scores that chose the threshold, P_E is too low.
    """
    values = np.unique(np.concatenate([cover, stego]))
    false, missed = (
        np.searchsorted(np.sort(part), values, side="right") for part in (cover, stego)
    )
    errors = (1 - false / cover.size + missed / stego.size) / 2
    best = int(np.argmin(errors))
    above = values[min(best + 1, values.size - 1)]
    return min(0.5, float(errors[best])), float((values[best] + above) / 2)


def intervals(
    statistics: Callable[[Int[ndarray, " source"]], dict[str, float]],
    sources: int,
    *,
    seed: int,
    level: float = 0.95,
    count: int = 300,
) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap intervals of statistics.

    Each statistic receives how often each source was drawn. One that returns nothing, because no
    source that it looks at was drawn, does not count.
    """
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(0, sources, sources) for _ in range(count))
    found = [statistics(np.bincount(index, minlength=sources)) for index in drawn]
    found = [one for one in found if one]
    ends = ((1 - level) / 2, (1 + level) / 2)
    return {
        name: (float(low), float(high))
        for name in found[0]
        for low, high in [np.quantile([one[name] for one in found], ends)]
    }

"""Rounds of a solver: between them the loss is tightened, and elements settle on whole numbers.

    solve -> tighten -> solve -> tighten, settle half -> solve
          -> tighten, settle half of the rest -> ... -> solve

An objective with the method `tightened` is an augmented Lagrangian (Hestenes 1969, Powell 1969):
its constraints have multipliers, which are raised where a constraint is not met. If the box is
`whole`, too, the result must be whole numbers: elements nearest to one are settled there first, and
the rest makes up for what that broke.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from jaxtyping import Float

from ..core.optimizer import Objective

if TYPE_CHECKING:
    import torch

_FREE, _SETTLING = (20, 14), (8, 6, 6, 6)
"""Shares of the evaluations, for the rounds without and with settling: the first ones find the
place."""


class Round(NamedTuple):
    """One round: how many evaluations it may take, and what comes before it."""

    evaluations: int
    tightens: bool
    settles: bool


def rounds(evaluations: int, objective: Objective, whole: bool) -> list[Round]:
    """The rounds that share so many evaluations.

    A single one for an objective that cannot be tightened.
    """
    if not hasattr(objective, "tightened"):
        return [Round(evaluations, False, False)]
    shares = [(share, False) for share in _FREE]
    if whole:
        shares += [(share, True) for share in _SETTLING]
    total, found, taken, done = sum(share for share, _ in shares), [], 0, 0
    for share, settles in shares:
        done += share
        count = round(evaluations * done / total) - taken
        taken += count
        if count:
            found.append(Round(count, bool(found), settles))
    return found


def settle(
    point: "Float[torch.Tensor, 'item n']",
    lower: "Float[torch.Tensor, 'item n']",
    upper: "Float[torch.Tensor, 'item n']",
) -> tuple[Any, Any, Any]:
    """Point and bounds with half of the open elements fixed on whole numbers.

    That half is the nearest to whole numbers.
    """
    import torch

    whole = torch.maximum(torch.minimum(point.round(), upper.floor()), lower.ceil())
    opened = upper > lower
    far = torch.where(opened, (point - whole).abs(), torch.inf)
    half = (opened.sum(1, keepdim=True) // 2).clamp_max(far.shape[1] - 1)
    fixed = far <= far.sort(dim=1).values.gather(1, half)
    fixed &= opened
    point = torch.where(fixed, whole, point)
    return point, torch.where(fixed, whole, lower), torch.where(fixed, whole, upper)

"""A turn of a solver as a CUDA graph: its kernels are recorded once, and replayed together.

    state -> turn -> state          becomes          [state -> turn -> state], in place, one launch

A turn of L-BFGS is hundreds of kernels of a few microseconds, each of which takes about as long to
launch as to run.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from ..core.optimizer import Objective

State = TypeVar("State", bound=tuple[Any, ...])
MOST = 1 << 20  # elements of a batch up to which launching takes a good part of the time


def suits(objective: Objective, point: Any) -> bool:
    """Whether recording is possible (`Objective`), and pays for the batch of `point`."""
    recordable = getattr(objective, "recordable", False)
    return recordable and point.is_cuda and point.numel() <= MOST


def recorded(turn: Callable[[State], State], state: State) -> Callable[[State], State]:
    """`turn`, recorded at `state`.

    The result ignores its argument: it continues from its own last result, in the same tensors.
    """
    import torch

    kept = [part.clone() for part in state]
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for old, new in zip(kept, turn(_like(state, kept)), strict=True):
            old.copy_(new)

    def replay(_: State) -> State:
        graph.replay()
        return _like(state, kept)

    return replay


def _like(state: State, parts: list[Any]) -> State:
    kind: Any = type(state)
    return kind(*parts)

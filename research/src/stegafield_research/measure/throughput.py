"""Covers per second that an optimizer solves, batch by batch.

Each row also has what the device could do at most.

    64 distinct covers -> a batch of any size -> solve, timed
    counted work       -> max(flops / rate of products, bytes / rate of copies): the least time

Floating-point operations and bytes are counted: what the network must compute for the outputs and
their gradient, and each array read and written once. The two rates are those of a large product and
a large copy, measured in the same run.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import prod
from statistics import median
from typing import Any, NamedTuple, cast

import numpy as np

from stegafield.core.optimizer import Box, Objective, Optimizer, Solution
from stegafield.errors import ConfigError
from stegafield.extras import need
from stegafield.message.key import FileKey
from stegafield.metrics.fidelity import psnr
from stegafield.pipeline.choice import Offer
from stegafield.pipeline.embedding import embed_many
from stegafield.pipeline.engine import Engine
from stegafield.pipeline.methods.optimize import objective_of, pose
from stegafield.pipeline.plan import Plan
from stegafield.pipeline.task import Task

from .machine import machine

DISTINCT = 64
"""Covers with networks of their own.

Larger batches repeat them, so that preparing them does not take the longest.
"""
REPEATS, ENOUGH = 3, 3.0
"""How many times of a batch a median is of, and the seconds after which fewer will do."""
COLUMNS = (
    *("size", "batch", "device", "covers_per_second", "whole_covers_per_second", "evaluations"),
    *("share_of_bound", "tera_flops", "giga_bytes_per_second", "unreadable", "psnr", "peak_gib"),
)
_FLOAT = 4  # bytes


class Work(NamedTuple):
    """What one evaluation and one step of the solver take at least, for one cover."""

    flops: float
    bytes: float


def measure(
    engine: Engine,
    sizes: Iterable[tuple[int, int]],
    batches: Sequence[int],
    *,
    bpp: float = 1.0,
    history: int = 10,
) -> Iterator[dict[str, Any]]:
    """One row per size and batch, of `lbfgs` on `cnn` with norm=batch; see `COLUMNS`.

    `covers_per_second` counts the solver alone, from covers to changes; `whole_covers_per_second`
    counts all that `embed_many` does, networks and rounding included, for batches of distinct
    covers, as do PSNR and unreadable covers. A batch that does not fit into the memory of the
    device has `error`.
    """
    need("torch", "torch")
    import torch

    settings = {"extractor.norm": "batch", "optimizer.history": history, "effort.batch": 1 << 40}
    settings["effort.attempts"] = 1
    plan = engine.plan(
        carrier="image",
        bpp=bpp,
        extractor="cnn",
        method="optimize",
        optimizer="lbfgs",
        set=settings,
    )
    assert plan.optimizer is not None
    device = plan.optimizer.place()
    rates = ceilings(device)
    where = {"machine": machine(), "device": _named(device)}
    for size in sizes:
        tasks = _tasks(plan, size, min(DISTINCT, max(batches)))
        objectives = [objective_of(task, plan.effort) for task in tasks]
        extractor = cast(Any, tasks[0].extractor)
        work = least_work([one.shape for one in extractor.weights(3, 2)], size, history)
        for batch in batches:
            row: dict[str, Any] = {"size": f"{size[0]}x{size[1]}", "batch": batch, **where}
            chosen = [number % len(tasks) for number in range(batch)]
            if device.startswith("cuda"):
                torch.cuda.reset_peak_memory_stats()
            try:
                timed = Timed(plan.optimizer)
                posed = pose(
                    [tasks[i].cover for i in chosen],
                    [objectives[i] for i in chosen],
                    plan.effort,
                    timed,
                )
                while len(timed.seconds) < REPEATS and sum(timed.seconds) < ENOUGH:
                    timed.solve(posed.objective, posed.box)
                del posed
                if batch <= len(tasks):
                    row |= _whole(plan, tasks[:batch])
            except torch.cuda.OutOfMemoryError:
                yield {**row, "error": "the batch does not fit into the memory of the device"}
                continue
            yield {**row, **_rates(timed, work, rates)}


def _whole(plan: Plan, tasks: Sequence[Task]) -> dict[str, Any]:
    start = time.perf_counter()
    found = list(embed_many(tasks, plan.effort, plan.optimizer))
    seconds = time.perf_counter() - start
    decibels = [
        psnr(task.cover.codes, one.codes, 255) for task, one in zip(tasks, found, strict=True)
    ]
    return {
        "whole_covers_per_second": len(tasks) / seconds,
        "unreadable": sum(bool(one.errors) for one in found),
        "psnr": median(decibels),
        "psnr_least": min(decibels),
    }


def _rates(timed: "Timed", work: Work, rates: Work) -> dict[str, Any]:
    seconds, asked = median(timed.seconds), timed.evaluations
    # The share counts what items did: one that stopped early waits for the others, for nothing.
    total = Work(work.flops * asked.sum(), work.bytes * asked.sum())
    bound = max(total.flops / rates.flops, total.bytes / rates.bytes)
    row = {
        "covers_per_second": len(asked) / seconds,
        "seconds": seconds,
        "evaluations": float(median(asked.tolist())),
        "bound_seconds": bound,
        "share_of_bound": bound / seconds,
        "tera_flops": total.flops / seconds / 1e12,
        "giga_bytes_per_second": total.bytes / seconds / 1e9,
        "product_tera_flops": rates.flops / 1e12,
        "copy_giga_bytes_per_second": rates.bytes / 1e9,
    }
    return row | {"peak_gib": timed.peak}


def least_work(kernels: Sequence[tuple[int, ...]], size: tuple[int, int], history: int) -> Work:
    """What one evaluation of `cnn` and one step of `lbfgs` take, for one cover.

    The evaluation is with norm=batch and includes the gradient.

    `kernels`: the shapes ``(out, in, 3, 3)`` of the weights of its layers.

    Operations are those of the convolutions, forward and back to the input: two per tap. Bytes:
    each map of features, before and after it is normalised, is written and read once, and so is its
    gradient; weights are read twice; and the solver reads its history once, and a dozen vectors
    beside it.
    """
    positions, channels = prod(size), kernels[0][1]
    widths = [channels, *(kernel[0] for kernel in kernels)]
    taps = sum(prod(kernel) for kernel in kernels)
    features = sum(widths) + sum(widths[1:-1])
    maps = 2 * 2 * features * positions * _FLOAT
    solver = (2 * history + 12) * channels * positions * _FLOAT
    return Work(2 * 2 * taps * positions, maps + 2 * taps * _FLOAT + solver)


def ceilings(device: str) -> Work:
    """Operations and bytes per second of the device.

    Measured on a product of float32 matrices in full precision, and on a copy.
    """
    import torch

    large = device.startswith("cuda")
    one, two = torch.randn(2, *[8192 if large else 2048] * 2, device=device)
    source = torch.randn((1 << 30 if large else 1 << 28) // _FLOAT, device=device)
    target = torch.empty_like(source)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        product = _seconds(lambda: one @ two, device)
    finally:
        torch.set_float32_matmul_precision(before)
    copy = _seconds(lambda: target.copy_(source), device)
    return Work(2 * len(one) ** 3 / product, 2 * source.numel() * _FLOAT / copy)


class Timed(Optimizer):
    """An optimizer that notes its time, its evaluations and the peak of a GPU's memory."""

    def __init__(self, inner: Optimizer) -> None:
        super().__init__(inner.options, device=inner.device)
        self.inner, self.seconds, self.peak = inner, list[float](), None
        self.evaluations = np.zeros(0, np.int64)

    def solve(self, objective: Objective, box: Box) -> Solution:
        """What the optimizer finds."""
        device, found = self.place(), []
        self.seconds.append(
            _seconds(lambda: found.append(self.inner.solve(objective, box)), device, 1)
        )
        self.evaluations = found[0].evaluations
        if device.startswith("cuda"):
            import torch

            self.peak = torch.cuda.max_memory_allocated() / (1 << 30)
        return found[0]


def _seconds(work: Callable[[], object], device: str, repeats: int = 5) -> float:
    """The median time of `work`, once all that was queued before is done."""
    import torch

    def wait() -> None:
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    took = []
    if repeats > 1:
        work()
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        work()
        wait()
        took.append(time.perf_counter() - start)
    return median(took)


def _tasks(plan: Plan, size: tuple[int, int], count: int) -> list[Task]:
    """Crops of the colour photographs that scikit-image ships.

    Each has a key and bits of its own.
    """
    from skimage import data

    pictures = [getattr(data, name)()[..., :3] for name in ("astronaut", "coffee", "chelsea")]
    if any(side > least for side, least in zip(size, pictures[2].shape[:2], strict=True)):
        raise ConfigError("size", f"{size} is larger than the photographs.", "Use up to 300x451.")
    found, rng = [], np.random.default_rng(0)
    for number in range(count):
        picture = pictures[number % len(pictures)]
        top, left = (
            int(rng.integers(0, length - side + 1))
            for length, side in zip(picture.shape[:2], size, strict=True)
        )
        cover = plan.carrier.open(picture[top : top + size[0], left : left + size[1]])
        offer = Offer(plan, cover, blank=True)
        extractor = plan.build(FileKey(rng.bytes(32)), offer.requested or offer.rungs[0])
        bits = rng.integers(0, 2, extractor.count(cover), dtype=np.uint8)
        found.append(Task(cover, bits, extractor, rng))
    return found


def _named(device: str) -> str:
    if not device.startswith("cuda"):
        return "cpu"
    import torch

    return torch.cuda.get_device_name()

"""The training loop: order of the items, log, checkpoints, sheets.

It can be stopped at any time and resumed to the same bits.

    OUT/  state.json, state-N.safetensors   to resume from
          model/                            to sample from (`from_pretrained`)
          log.jsonl                         a line every few steps
          samples/N.png                     a sheet of samples, of the same latents each time

Nothing random has a state: the generators of step n are seeded with (seed, n, rank), and the order
of the items in an epoch with (seed, epoch). So a resumed run and an uninterrupted one are the same
run.
"""

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from numpy import ndarray

from ..core.device import placed
from ..errors import ConfigError
from ..extras import need
from ..generators.checkpoint import save_pretrained
from ..progress import report
from . import sheet, state
from .config import TrainingConfig
from .recipe import Recipe

_ORDER, _SHEET = 1 << 40, 1 << 41
"""Streams of the seed that no step uses."""


def train(
    config: TrainingConfig,
    items: Shaped[ndarray, "item rows columns feature"],
    out: str | Path,
    *,
    resume: bool = False,
    steps: int | None = None,
    device: str = "auto",
    devices: int = 1,
) -> state.Progress:
    """Train until `steps` or the epochs of the config are done; returns how far the run is.

    Args:
        config: What to do.
        items: Values in the unit of the config's domain.
        out: The folder of the run; made if needed.
        resume: Continue the run in that folder; without one, begin.
        steps: The last step; all epochs of the config by default.
        device: "auto", "cpu" or "cuda".
        devices: How many of them. More than one starts as many processes (data parallel), each on
            its share of a batch.

    Reports its progress after each step, with the metrics.

    Raises:
        ConfigError: A run is there already, or one of another config; or an extra is missing.
    """
    need("lightning_fabric", "train")
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

    _check(items, config, device)
    # Batch statistics are not kept: there is nothing to broadcast, and broadcasting would break
    # the second backward pass.
    strategy = DDPStrategy(broadcast_buffers=False) if devices > 1 else "auto"
    fabric = Fabric(
        accelerator=device,
        devices=devices,
        strategy=strategy,
    )
    fabric.launch()
    out = Path(out)
    found = _begin(out, config, len(items), resume) if fabric.is_global_zero else None
    progress: Any = fabric.broadcast(found)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        recipe: Recipe = config.build(fabric)
    if progress.tensors:
        state.restore(out, recipe, progress)
    run = _Run(config, items, out, fabric, recipe, progress)
    run.go(steps)
    return progress


class _Run:
    def __init__(
        self,
        config: TrainingConfig,
        items: ndarray,
        out: Path,
        fabric: Any,
        recipe: Recipe,
        progress: state.Progress,
    ) -> None:
        self.config, self.items, self.out = config, items, out
        self.fabric, self.recipe, self.progress = fabric, recipe, progress
        rest = len(items) % config.batch
        self.per_epoch = len(items) // config.batch + (rest >= fabric.world_size)

    def go(self, steps: int | None) -> None:
        """Do all remaining steps."""
        config, progress = self.config, self.progress
        last = self.per_epoch * config.epochs if steps is None else steps
        before, start = progress.seconds, time.perf_counter()
        while progress.step < last:
            metrics = self.recipe.step(
                self._batch(progress.step),
                progress.step,
                self._rng(progress.step, self.fabric.global_rank),
            )
            progress.step += 1
            if not all(map(math.isfinite, metrics.values())):
                raise ConfigError(
                    "config", f"the run diverged at step {progress.step}.", "Try lower rates."
                )
            progress.seconds = before + time.perf_counter() - start
            done = progress.step == last
            if self.fabric.is_global_zero:
                if done or progress.step % config.log_every == 0:
                    self._log(metrics)
                if done or progress.step % config.save_every == 0:
                    self._save()
                told = " ".join(f"{name} {value:.3g}" for name, value in metrics.items())
                report(told, progress.step, last)
        self.fabric.barrier()

    def _batch(self, step: int) -> torch.Tensor:
        epoch, number = divmod(step, self.per_epoch)
        order = self._rng(_ORDER, epoch).permutation(len(self.items))
        chosen = order[number * self.config.batch : (number + 1) * self.config.batch]
        chosen = np.array_split(chosen, self.fabric.world_size)[self.fabric.global_rank]
        features = self.config.domain.scaled(self.items[chosen].astype(np.float32))
        return self.fabric.to_device(torch.from_numpy(features))

    def _rng(self, *stream: int) -> np.random.Generator:
        return np.random.default_rng([self.config.seed, *stream])

    def _log(self, metrics: dict[str, float]) -> None:
        line = {"step": self.progress.step, "epoch": self.progress.step / self.per_epoch}
        line |= {"seconds": round(self.progress.seconds, 3), **metrics}
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _save(self) -> None:
        state.save(self.out, self.recipe, self.progress)
        save_pretrained(self.recipe.model, self.out / "model")
        (self.out / "samples").mkdir(exist_ok=True)
        path = self.out / "samples" / f"{self.progress.step:07}.png"
        sheet.draw(self.recipe.pictures(64, self._rng(_SHEET)), path)


def _begin(out: Path, config: TrainingConfig, items: int, resume: bool) -> state.Progress:
    """The progress of the run in a folder, or that of a fresh one."""
    out.mkdir(parents=True, exist_ok=True)
    plain = config.model_dump(mode="json")
    if not (out / state.STATE).exists():
        (out / "log.jsonl").write_text("", encoding="utf-8")
        return state.Progress(items=items, config=plain)
    if not resume:
        raise ConfigError(
            "out", f"there is a run in {out}.", "Go on with it (resume=True), or choose another."
        )
    progress = state.read(out)
    if progress.config != plain or progress.items != items:
        raise ConfigError("config", f"the run in {out} has another config, or other data.")
    log = (out / "log.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [
        line for line in log if line.endswith("\n") and json.loads(line)["step"] <= progress.step
    ]
    (out / "log.jsonl").write_text("".join(kept), encoding="utf-8")
    return progress


def _check(items: ndarray, config: TrainingConfig, device: str) -> None:
    if device not in ("auto", "cpu", "cuda"):
        raise ConfigError("device", f"{device!r} is unknown.", "Use auto, cpu or cuda.")
    placed(device)
    wanted = (*config.domain.size, config.features)
    if items.shape[1:] != wanted or not len(items):
        raise ConfigError("data", f"has the shape {items.shape}, and (items, {wanted}) is needed.")

"""Counts that depend on the code, not on the machine: changes, their size, and evaluations.

python tests/guard/counts.py      measures again and replaces counts.json

Replace the file only where a change of these numbers is meant; say in the commit why it is better.
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from stegafield.coding.ladder import PROJECTED
from stegafield.core.cover import Cover, GridSpec
from stegafield.core.optimizer import Box
from stegafield.extractors.phase import Phase
from stegafield.optimizers.lbfgs import Lbfgs

FILE = Path(__file__).parent / "counts.json"
SEED = bytes(range(32))
TRELLIS = (20, 8, 4, 3)
"""Samples of a block of the counted trellis rungs: a sparse one, and those of crowded covers."""
PLANE = GridSpec(("y", "x"), (False, False))


def covers():
    """A picture in the middle of its range, and one with a third of its samples at the ends."""
    rng = np.random.default_rng(7)
    middle = rng.integers(60, 196, (3, 75, 75), np.int32)
    ends = np.where(rng.random(middle.shape) < 1 / 3, rng.choice([0, 255], middle.shape), middle)
    free = np.ones(middle.shape, bool)
    for name, codes in (("middle", middle), ("ends", ends)):
        yield name, Cover(codes.astype(np.int32), 0, 255, free, PLANE, peak=255.0)


def changes():
    """{rung and cover: [samples changed, sum of squared changes]} of `project`."""
    found = {}
    for name, cover in covers():
        for number, rung in enumerate(PROJECTED):
            if rung.span and rung.elements not in TRELLIS:
                continue
            extractor = Phase(Phase.Options(), seed=SEED, rung=rung)
            rng = np.random.default_rng(number)
            bits = rng.integers(0, 2, extractor.count(cover), dtype=np.uint8)
            moved = extractor.project(cover, bits, rng) - cover.codes
            form = "trellis" if rung.span else "block"
            counts = [int(np.count_nonzero(moved)), int((moved.astype(np.int64) ** 2).sum())]
            found[f"{name}, {form} {rung.bits}/{rung.elements}"] = counts
    return found


def evaluations():
    """{steepness: evaluations} until `lbfgs` finds the bottom of a bowl, partly out of the box."""
    import torch

    rng = np.random.default_rng(3)
    goal = torch.tensor(rng.normal(0, 1, (3, 60)))
    steep = torch.tensor(np.stack([np.logspace(0, power, 60) for power in (0.5, 1, 2)]))
    options = Lbfgs.Options(evaluations=500, precision="float64", tolerance=1e-6)
    bound = np.ones((3, 60))
    solution = Lbfgs(options, device="cpu").solve(
        lambda change: (steep * (change - goal) ** 2).sum(1), Box(-bound, bound)
    )
    return dict(zip(("0.5", "1", "2"), map(int, solution.evaluations), strict=True))


def main():
    """Write the file."""
    counts = {"changes": changes(), "evaluations": evaluations()}
    FILE.write_text(json.dumps(counts, indent=1) + "\n")


if __name__ == "__main__":
    main()

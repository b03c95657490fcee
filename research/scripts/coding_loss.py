"""How much more the trellis form changes than the best code would, at prices of HILL.

    python research/scripts/coding_loss.py PHOTOS [COUNT]

For each rate: the share by which a payload would be larger that the best code carries at the same
expected cost (see `adaptive.CODING_LOSS`), mean over photographs, and seconds for each. Kernels of
five blocks are the ladder's; those of six are drawn at random, six of them, to see what longer ones
could give.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image

from stegafield.coding import gibbs, trellis
from stegafield.coding.ladder import LADDER
from stegafield.core.cover import Costs
from stegafield.core.rung import Rung
from stegafield.costs.rough import hill


def covers(folder, count, rng):
    """Codes and costs of central pieces of 256x256, shuffled."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".jpg", ".png"))
    if not paths:
        raise SystemExit(f"{folder} has no photographs.")
    for path in paths[:: max(1, len(paths) // count)][:count]:
        codes = np.asarray(Image.open(path).convert("L")).astype(np.int64)
        top, left = ((size - 256) // 2 for size in codes.shape)
        codes = codes[top : top + 256, left : left + 256]
        price = hill(codes.astype(np.float64))
        order = rng.permutation(codes.size)
        yield codes.ravel()[order], (price / np.median(price)).ravel()[order]


def loss(rung, codes, price, rng):
    """By which share more the best code carries at the cost of this one."""
    count = codes.size // rung.elements * rung.elements
    blocks, price = (one[:count].reshape(-1, rung.elements) for one in (codes, price))
    costs = Costs(np.where(blocks > 0, price, np.inf), np.where(blocks < 255, price, np.inf))
    symbols = rng.integers(0, 4, len(blocks))
    stego = trellis.project(blocks, 0, 255, symbols, rung, rng, costs)
    assert (trellis.read_symbols(stego, rung) == symbols).all(), "no way through"
    spent = (np.abs(stego - blocks) * price).sum()
    low, high = 0.0, 1.2
    for _ in range(30):
        middle = (low + high) / 2
        down, up = gibbs.shares(costs, gibbs.multiplier(costs, middle))
        best = ((down + up) * price).sum()
        low, high = (middle, high) if best < spent else (low, middle)
    return low / rung.rate - 1


def longer(rung, rng):
    """A rung of the same rate with random kernels of six blocks."""
    digits = rng.integers(0, 4, (rung.elements, 6))
    digits[:, 0] = rng.choice([1, 3], rung.elements)
    digits[:, -1] = rng.choice([1, 2, 3], rung.elements)
    return Rung(rung.bits, rung.elements, tuple(map(int, digits @ 4 ** np.arange(6))), 6)


def main():
    """Print a line for each rung."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("count", type=int, nargs="?", default=6)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    pictures = list(covers(args.photos, args.count, rng))
    five = [rung for rung in LADDER if rung.span]
    for rung in [*five, *(longer(five[-3], rng) for _ in range(6))]:
        start = time.perf_counter()
        found = [loss(rung, *picture, rng) for picture in pictures]
        seconds = (time.perf_counter() - start) / len(found)
        told = f"kernels of {rung.span}, {rung.rate:.4f} bits per element"
        print(f"{told}: {np.mean(found):.3f}, {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()

"""Search the taps of the ladder's trellis rungs (stegafield/coding/ladder.py).

A rung of blocks of n elements has n columns of five digits modulo 4: what an element adds to the
symbol of its own block and of the next four. Columns are drawn at random with an odd first and an
odd last digit, so that every step of an element changes the first symbol it enters and the last. A
table of columns is scored by the PSNR that embedding random symbols reaches; there is no formula
for it. The best eight of some hundred tables on a short run are compared on a longer one. Tables of
one n differ by a few tenths of a decibel, so a longer search gains little.

    python research/scripts/search_trellis.py 8 --candidates 400     search
    python research/scripts/search_trellis.py 8 --candidate 31       one table, here the ladder's

The sequence of tables depends on n alone. `LADDER` says which of them the ladder has. They came
from a search that a clock stopped after some hundred tables, so a search of another length may rank
near equals otherwise.
"""

import argparse
import math
from itertools import count, islice

import numpy as np

from stegafield.coding.trellis import project
from stegafield.core.rung import Rung

SPAN = 5
SHORT, LONG, LAST = 8192, 49152, 98304
"""Samples to score on: all tables, the best eight, the best one."""
LADDER = {40: 57, 30: 109, 24: 358, 20: 157, 16: 130, 12: 344, 10: 72, 8: 31, 6: 300, 5: 118}
LADDER |= {4: 19, 3: 103}
"""Samples of a block: the number of the ladder's table in the sequence."""


def tables(samples):
    """The endless sequence of candidate rungs for blocks of so many elements."""
    rng = np.random.default_rng(samples)
    for _ in count():
        columns = rng.integers(0, 4, (samples, SPAN))
        columns[:, 0] = rng.choice([1, 3], samples)
        columns[:, -1] = rng.choice([1, 3], samples)
        rng.integers(0, 4, SHORT // samples)  # the symbols that the first search scored with
        yield Rung(2, samples, tuple(map(int, columns @ 4 ** np.arange(SPAN))), SPAN)


def psnr(rung, samples, seed=0):
    """PSNR in dB against a peak of 255 of random symbols in codes far from any end."""
    rng = np.random.default_rng(seed)
    blocks = np.zeros((samples // rung.elements, rung.elements), np.int32)
    symbols = rng.integers(0, 4, len(blocks))
    change = project(blocks, -99, 99, symbols, rung, rng)
    return 10 * math.log10(255**2 / np.mean(change.astype(float) ** 2))


def search(samples, candidates):
    """The best table of the first so many."""
    pool = sorted(islice(tables(samples), candidates), key=lambda rung: -psnr(rung, SHORT))
    return max(pool[:8], key=lambda rung: psnr(rung, LONG))


def main():
    """Print a table and the PSNR that it reaches."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("samples", type=int, help="of a block: 2 bits in so many samples")
    parser.add_argument("--candidates", type=int, default=400)
    parser.add_argument("--candidate", type=int, help="show this one instead of a search")
    args = parser.parse_args()
    if args.candidate is None:
        rung = search(args.samples, args.candidates)
    else:
        rung = next(islice(tables(args.samples), args.candidate, None))
    print(args.samples, f"{psnr(rung, LAST):.3f} dB", " ".join(map(str, rung.listed)), flush=True)


if __name__ == "__main__":
    main()

"""Search the integer taps of the ladder (stegafield/coding/ladder.py) and of the bootstrap.

A window of n elements with taps w carries k bits in ``sum(w * u) mod 2**k``. The best taps are
those whose residues are reached with the least energy (sum of squared changes), averaged over all
residues (a uniform symbol). The search is a hill climb from random starts that replaces one tap at
a time; every step is scored exactly.

For the sampler the best taps are those whose residue law is flattest under normal noise: the least
over j of sum ||w_i j / 2**k||^2 (distance to the nearest integer) is as large as possible.

    python research/scripts/search_taps.py 12 18 --seconds 400      one rung
    python research/scripts/search_taps.py 8 6 --dual --seconds 60  one rung of the sampler
    python research/scripts/search_taps.py --bootstrap              the taps of salt and header
"""

import argparse
import math
import time

import numpy as np


def energies(taps, bits):
    """Least energy of a change that moves the residue by r, for every r: shape (2**bits,)."""
    size = 1 << bits
    index = np.arange(size)
    best = np.full(size, 9999, np.int16)
    best[0] = 0
    reach = math.ceil(2 ** (bits / len(taps))) + 1
    for tap in taps:
        grown = best
        for step in range(1, reach + 1):
            for sign in (tap, -tap):
                grown = np.minimum(
                    grown, best[(index - step * sign) % size] + np.int16(step * step)
                )
        best = grown
    return best


def psnr(taps, bits):
    """Expected PSNR in dB against a peak of 255 when every window carries a uniform symbol."""
    return 10 * math.log10(255**2 / (energies(taps, bits).mean() / len(taps)))


def dual(taps, bits):
    """The least over j of sum ||w_i j / 2**bits||^2: what the sampler's bound falls with."""
    turn = np.arange(1, 1 << bits)[:, None] * np.asarray(taps) / (1 << bits)
    return ((turn - np.rint(turn)) ** 2).sum(axis=1).min()


def search(bits, samples, seconds, rng, badness=lambda taps, bits: energies(taps, bits).mean()):
    """The taps of least `badness` found in the time given, by restarts of a one-tap hill climb."""
    half = 1 << (bits - 1)
    best, best_score = None, math.inf
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        taps = rng.choice(np.arange(1, half + 1), samples, replace=samples > half)
        score, stale = badness(taps, bits), 0
        while stale < 40 * samples and time.monotonic() < end:
            trial = taps.copy()
            trial[rng.integers(samples)] = rng.integers(1, half + 1)
            new = badness(trial, bits)
            stale = 0 if new < score else stale + 1
            if new <= score:
                taps, score = trial, new
        if score < best_score:
            best, best_score = np.sort(taps), score
    return best


def bootstrap(seconds, rng):
    """128 taps modulo 256 of which every prefix of 8 or more is good.

    All of them together reach any residue in one step.
    """
    taps = list(search(8, 8, seconds, rng))
    while len(taps) < 128:
        left = [tap for tap in range(1, 129) if tap not in taps]
        taps.append(min(left, key=lambda tap: (energies([*taps, tap], 8).mean(), tap)))
    return np.array(taps)


def main():
    """Print the taps and the PSNR they are expected to give."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bits", type=int, nargs="?")
    parser.add_argument("samples", type=int, nargs="?")
    parser.add_argument("--bootstrap", action="store_true")
    parser.add_argument("--dual", action="store_true")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    if args.bootstrap:
        bits, taps = 8, bootstrap(args.seconds, rng)
    else:
        bits = args.bits
        chosen = [lambda taps, bits: -dual(taps, bits)] if args.dual else []
        taps = search(bits, args.samples, args.seconds, rng, *chosen)
    print("dual", round(float(dual(taps, bits)), 4), end=" ")
    print(bits, len(taps), f"{psnr(taps, bits):.3f} dB", " ".join(map(str, taps)), flush=True)


if __name__ == "__main__":
    main()

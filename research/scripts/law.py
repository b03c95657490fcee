"""Rows for docs/detection.md: stego windows and an independent sampler's, PNG files and plain ones.

    python research/scripts/law.py ROWS [SAMPLES] [FILES]

The comparisons of windows are those of stegafield_research.measure.law, ten times over: the
p-values of one kind are combined as R. A. Fisher did. A true sampler has p-values that are uniform
between 0 and 1; with sigma 5 % off (the control, once) they have to vanish. Sizes are compared in
pairs of one function each.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np

from stegafield import Key
from stegafield.core.carrier import writer
from stegafield.core.channel import written
from stegafield.core.noise import normals
from stegafield.plugins.wiring import Engine
from stegafield_research.measure.law import RUNGS, drawn_and_direct

REPEATS = 10


def combined(values):
    """Combine independent p-values of one hypothesis by Fisher's method.

    -2 sum log p is chi-square with 2 degrees of freedom for each.
    """
    half = -sum(map(math.log, values))
    return math.exp(-half) * sum(half**k / math.factorial(k) for k in range(len(values)))


def sizes(count):
    """By how many bytes stegos and draws of the wrong sigma exceed plain files.

    The plain files are of the same functions.
    """
    engine = Engine(device="cpu")
    carrier = engine.plan(carrier="celeba").carrier
    found = {"sample": [], "wrong-sigma": []}
    lengths = []
    for seed in range(count):
        [(cover, plain)] = engine.sample(carrier="celeba", seed=seed)
        lengths.append(len(plain))
        stego = engine.hide(b"", carrier="celeba", bpp=3, seed=seed, key=Key.generate())
        found["sample"].append(len(stego.data) - len(plain))
        noisy = cover.law.value + 1.05 * cover.law.sigma * normals(cover.codes.shape)
        codes = np.rint(noisy).clip(cover.low, cover.high).astype(cover.codes.dtype)
        wrong = written(writer(carrier, cover), cover, codes)
        found["wrong-sigma"].append(len(wrong) - len(plain))
    for against, longer in found.items():
        mean, error = np.mean(longer), np.std(longer, ddof=1) / math.sqrt(count)
        yield {
            "sizes": against,
            "files": count,
            "plain": float(np.mean(lengths)),
            "longer": float(mean),
            "p": math.erfc(abs(mean / error) / math.sqrt(2)),
        }


def main():
    """One row for each rung and noise, and for the sizes of files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", type=Path)
    parser.add_argument("samples", type=int, nargs="?", default=10_000_000)
    parser.add_argument("files", type=int, nargs="?", default=1000)
    args = parser.parse_args()
    lines = []
    for rung, sigma in RUNGS:
        row = {"law": rung.listed, "bits_per_sample": rung.rate, "sigma": sigma}
        found = [drawn_and_direct(rung, sigma, args.samples) for _ in range(REPEATS)]
        row |= {"samples": REPEATS * args.samples}
        row["p"] = {way: combined([one[way] for one in found]) for way in found[0]}
        row["p_wrong"] = drawn_and_direct(rung, 1.05 * sigma, args.samples, true_sigma=sigma)
        lines.append(json.dumps(row) + "\n")
        print(lines[-1], end="", flush=True)
    lines += [json.dumps(row) + "\n" for row in sizes(args.files)]
    print(*lines[-2:], sep="", end="")
    (args.rows / "law.jsonl").write_text("".join(lines))


if __name__ == "__main__":
    main()

"""Everything that docs/detection.md needs: run `stegafield bench detect` on each set, describe the sets.

    python scripts/detection.py PHOTOS ROWS [SET ...]
    stegafield bench report ROWS --out docs/detection.md

PHOTOS is a folder with `bsds` and `kodak` (pictures), and `sounds` and `fields` of scripts/detection_covers.py. A set
that has its rows is left alone.
"""

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

_BOTH = ["--images", "bsds", "kodak", "--crop", "256x256"]
_SIMPLE = ["spam", "stegexpose", "rs", "sample-pairs", "weighted-stego"]
_METHODS = ["phase", "lsb-matching", "lsb-replacement", "hill", "s-uniward"]


def _grey(rate, every, methods, detectors, *more):
    some = ["--every", str(every)] if every > 1 else []
    pairs = ["--bpp", rate, "--against", *methods, "--detector", *detectors]
    return [*_BOTH, "--grey", *some, *pairs, *more]


_PLAIN = ["--set", "effort.costs=false"]
_ADAPTIVE = ["phase", "hill", "s-uniward"]
SETS = {
    **{
        f"adaptive-{rate}": (
            f"Luminance, {rate} bits per pixel, with costs",
            "Every second one of 400 photographs of BSDS500 and 12 of Kodak: the central 256x256, one channel.",
            _grey(rate, 2, _ADAPTIVE, _SIMPLE),
        )
        for rate in ("0.4", "0.2", "0.1")
    },
    "adaptive-rich-0.4": (
        "The subset of the rich model, with costs",
        "The same photographs.",
        _grey("0.4", 2, ["phase", "hill"], ["rich"], "--splits", "3"),
    ),
    "grey-0.4": (
        "Luminance, 0.4 bits per pixel, without costs",
        "All of them.",
        _grey("0.4", 1, _METHODS, _SIMPLE, *_PLAIN),
    ),
    "grey-0.2": (
        "Luminance, 0.2 bits per pixel, without costs",
        "Every second one of them.",
        _grey("0.2", 2, _METHODS, _SIMPLE, *_PLAIN),
    ),
    "grey-0.1": (
        "Luminance, 0.1 bits per pixel, without costs",
        "Every second one of them.",
        _grey("0.1", 2, _METHODS, _SIMPLE, *_PLAIN),
    ),
    "rich-0.4": (
        "The subset of the rich model, without costs",
        "Every second one of them, as above.",
        _grey("0.4", 2, ["phase", "lsb-matching", "hill"], ["rich"], *_PLAIN, "--splits", "3"),
    ),
    **{
        f"{kind}-{name}": (
            f"{title}, {note}",
            text,
            [*pairs, "--against", "phase", "lsb-matching", "--detector", seen, *setting],
        )
        for kind, title, text, pairs, seen in (
            (
                "sound",
                "Sound, 0.2 and 0.4 bits per sample",
                "Four spoken digits of one speaker each: 188 sounds of some 14,000 samples at 8 kHz, 16 bits.",
                [
                    "--carrier",
                    "audio",
                    "--covers",
                    "sounds",
                    "--every",
                    "4",
                    "--bps",
                    "0.2",
                    "--bps",
                    "0.4",
                ],
                "line",
            ),
            (
                "fields",
                "Real weather, 0.2 and 0.4 bits per sample",
                "226 fields of 2 m temperature, 46x90, in steps of 0.05 K; pole rows are not free.",
                ["--carrier", "dataset", "--covers", "fields", "--bps", "0.2", "--bps", "0.4"],
                "sphere",
            ),
        )
        for name, note, setting in (("costs", "with costs", []), ("plain", "without costs", _PLAIN))
    },
    "rgb-1": (
        "Colour, 1 bit per pixel",
        "Every fourth one of them, all three channels: a pixel is three samples.",
        [
            *_BOTH,
            *("--every", "4", "--bpp", "1", "--against", "phase", "lsb-matching", "hill"),
            *("--detector", *_SIMPLE),
        ],
    ),
    "era5-1": (
        "Generated weather, 1 bit per sample, by `project`",
        "Fields that `era5` draws, 91x180. Cover and stego of a pair are the same draw.",
        [
            *("--carrier", "era5", "--set", "carrier.size=[91,180]", "--count", "200"),
            *("--bps", "1", "--method", "project", "--against", "phase", "lsb-matching"),
            *("--detector", "sphere", "rs", "sample-pairs", "weighted-stego"),
        ],
    ),
}


def main():
    """Measure what has no rows yet, and write down what the sets are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("only", nargs="*")
    args = parser.parse_args()
    args.rows.mkdir(parents=True, exist_ok=True)
    rows = args.rows.resolve()
    about = []
    for name, (title, text, arguments) in SETS.items():
        command = [
            "bench",
            "detect",
            *arguments,
            "--json",
            f"{name}.jsonl",
            "--figure",
            f"{name}.png",
        ]
        shown = f"stegafield {shlex.join(command)}"
        figure = f"images/detection/{name}.png"
        about.append(
            {"about": name, "title": title, "text": text, "command": shown, "figure": figure}
        )
        if (rows / f"{name}.jsonl").exists() or (args.only and name not in args.only):
            continue
        print(shown, flush=True)
        outputs = {f"{name}.{kind}": str(rows / f"{name}.{kind}") for kind in ("jsonl", "png")}
        filled = [outputs.get(word, word) for word in command]
        subprocess.run([sys.executable, "-m", "stegafield", *filled], check=True, cwd=args.photos)
    (rows / "about.jsonl").write_text("".join(json.dumps(line) + "\n" for line in about))


if __name__ == "__main__":
    main()

"""Everything that docs/detection.md needs: run `bench detect` on each set, describe it.

    python research/scripts/detection.py PHOTOS ROWS [SET ...]
    stegafield bench report ROWS --out docs/detection.md

PHOTOS is a folder with `bsds` and `kodak` (pictures), and `sounds` and `fields` of
research/scripts/detection_covers.py; sets of generated covers do not look at it. A set that was
measured to its end is left alone (ROWS/sets.journal says which); remove its rows to measure it
again. Covers and stegos of large sets are kept in ROWS/pairs, so a run that was stopped goes on
there.
"""

import argparse
import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from stegafield.carriers.audio import AudioCarrier
from stegafield.core.carrier import Carrier
from stegafield.core.cover import Law
from stegafield.core.noise import normals
from stegafield.plugins.wiring import Engine
from stegafield_research.measure import detection, evidence
from stegafield_research.measure.sets import Sets

_BOTH = ["--images", "bsds", "kodak", "--crop", "256x256"]
_SIMPLE = ["spam", "stegexpose", "rs", "sample-pairs", "weighted-stego"]
_METHODS = ["phase", "lsb-matching", "lsb-replacement", "hill", "s-uniward"]


def _grey(rate, every, methods, detectors, *more):
    some = ["--every", str(every)] if every > 1 else []
    pairs = ["--bpp", rate, "--against", *methods, "--detector", *detectors]
    return [*_BOTH, "--grey", *some, *pairs, *more]


_PLAIN = ["--set", "effort.costs=false"]
_COMPATIBLE = ["--bps", "0.02", "--against", "phase", "--detector", "jpeg-compatibility"]
_ADAPTIVE = ["phase", "hill", "s-uniward"]


def _faces(count, rates, methods, detectors, training, splits):
    return [
        *("--carrier", "celeba", "--count", str(count), "--training", str(training)),
        *("--bpp", *rates.split(), "--against", *methods, "--detector", *detectors),
        *("--splits", str(splits), "--pairs", "pairs"),
    ]


_LSB = [*("stegexpose", "rs", "sample-pairs", "primary-sets", "chi-square", "weighted-stego")]
_LAW_TEXT = (
    "Faces of 64x64 that `celeba` draws, each with a function of its own. A pair is a plain file, "
    "as `stegafield sample` writes it, and a stego that `hide` draws: both have the same function "
    "and noise of their own, so that nothing but noise differs, which is what helps a detector "
    "most."
)


SETS = {
    **{
        f"adaptive-{rate}": (
            f"Luminance, {rate} bits per pixel, with costs",
            "400 photographs of BSDS500 and 12 of Kodak: the central 256x256, one channel.",
            _grey(rate, 1, _ADAPTIVE, _SIMPLE),
        )
        for rate in ("0.4", "0.2", "0.1")
    },
    "adaptive-rich-0.4": (
        "The subset of the rich model, with costs",
        "The same photographs.",
        _grey("0.4", 1, ["phase", "hill"], ["rich"], "--splits", "3"),
    ),
    "hill-rich-0.42": (
        "The same detector before HILL that carries a tenth more",
        "What the code of `phase` costs: it changes as much as the best code would for a tenth "
        "more bits. So this is the line that `phase` should come to in the section above.",
        _grey("0.4225", 1, ["hill"], ["rich"], "--splits", "3"),
    ),
    "grey-0.4": (
        "Luminance, 0.4 bits per pixel, without costs",
        "The same photographs.",
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
        "The same photographs.",
        _grey("0.4", 1, ["phase", "lsb-matching", "hill"], ["rich"], *_PLAIN, "--splits", "3"),
    ),
    "compatibility": (
        "Pixels decoded from a JPEG, 0.02 bits per element, with costs",
        "Every second one, in colour. `jpeg-compatibility` needs no training: it asks which blocks "
        "no JPEG decodes to. The photographs of BSDS500 were JPEGs, those of Kodak were not.",
        [*_BOTH, "--every", "2", *_COMPATIBLE],
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
                "Sound, 0.2 and 0.4 bits per element",
                "Four spoken digits of one speaker each: 188 sounds of some 14,000 samples "
                "at 8 kHz, 16 bits.",
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
                "Real weather, 0.2 and 0.4 bits per element",
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
    "faces-3": (
        "Generated faces by the sampler, 3 bits per pixel",
        _LAW_TEXT + " `wrong-sigma` is a control on the same functions.",
        _faces(6000, "3", ["sample", "wrong-sigma"], [*_LSB, "spam"], 5000, 3),
    ),
    "faces-3-rich": (
        "The same faces before the subset of the rich model",
        "The pairs of the section above.",
        _faces(6000, "3", ["sample", "wrong-sigma"], ["rich"], 5000, 2),
    ),
    "faces-3-xunet": (
        "The same faces before a network",
        "Xu's network, six passes over 5,000 pairs, one channel of each at a time.",
        _faces(6000, "3", ["sample", "wrong-sigma"], ["xunet"], 5000, 1),
    ),
    "faces-3-project": (
        "The same by `project`: what the sampler is for",
        "A control: `project` and LSB replacement change the plain cover of the pair.",
        _faces(1000, "3", ["project", "lsb-replacement"], [*_LSB, "spam", "rich"], 500, 3),
    ),
    "faces-all": (
        "Generated faces by the sampler, 1, 2 and 4 bits per pixel",
        "Pairs as at 3 bits, but fewer of them.",
        _faces(3000, "1 2 4", ["sample"], [*_LSB, "spam", "rich"], 2000, 3),
    ),
    **{
        f"era5-1{name}": (
            f"Generated weather{title}, 1 bit per sample",
            text,
            [
                *("--carrier", "era5", "--set", f"carrier.size={size}", "--count", str(count)),
                *("--training", str(count // 2), "--bps", "1"),
                *("--against", "sample", "wrong-sigma", "project"),
                *("--detector", "sphere", *_LSB, "--splits", "3", "--pairs", "pairs"),
            ],
        )
        for name, title, text, size, count in (
            ("", "", "Fields that `era5` draws, 181x360. Pairs as with faces.", "[181,360]", 1000),
            (
                "-small",
                " of 46x90",
                "Neighbours differ by hundreds of codes here: noise drowns.",
                "[46,90]",
                4000,
            ),
        )
    },
}


class Chimes(Carrier):
    """Sound with a law, as 16-bit WAV: decaying partials, and noise of 1.5 codes.

    The partials are low and quiet, so that a detector can see the noise.
    """

    name = "chimes"
    channel = AudioCarrier.channel
    rate, sigma, seconds = 8000, 1.5, 0.5
    pitches, strengths = (40, 300), (20, 400)
    """Least and most of a partial, in Hz and codes."""

    def covers(self, count, rng):
        """`count` chimes."""
        return [self._one(rng) for _ in range(count)]

    def blank(self):
        """Any of them."""
        return self._one(np.random.default_rng(0))

    def _one(self, rng):
        time = np.arange(round(self.rate * self.seconds)) / self.rate
        value = np.zeros(time.size)
        for _ in range(6):
            pitch, decay = rng.uniform(*self.pitches), rng.uniform(1, 12)
            wave = np.sin(2 * np.pi * (pitch * time + rng.random()))
            value += rng.uniform(*self.strengths) * np.exp(-decay * time) * wave
        codes = np.rint(value + self.sigma * normals(value.shape)).astype(np.int16)
        return replace(AudioCarrier().open((codes, self.rate)), law=Law(value[None], self.sigma))


class Bells(Chimes):
    """Higher and louder partials, with the same noise."""

    name = "bells"
    pitches, strengths = (100, 3000), (200, 4000)


SOUNDS = {
    "sound-1": (
        "Generated sound, 1 bit per sample",
        "Half seconds of low and quiet partials (40 to 300 Hz, 20 to 400 codes) with noise of "
        "1.5 codes, through the package's WAV channel. No carrier of the package draws sound; "
        "this one stands in `research/scripts/detection.py`.",
        Chimes,
        4000,
    ),
    "sound-1-loud": (
        "Higher and louder generated sound, 1 bit per sample",
        "The same with partials of 100 to 3,000 Hz and 200 to 4,000 codes: noise drowns in sound.",
        Bells,
        4000,
    ),
}


def sound(rows, name):
    """The rows of one of `SOUNDS`."""
    _, _, carrier, count = SOUNDS[name]
    engine = Engine(device="cpu")
    known = engine.registry
    known.add("carrier", carrier, "research/scripts/detection.py")
    arguments = {"carrier": carrier.name, "method": None, "optimizer": None, "set": {}}
    setting = evidence.Setting(
        engine,
        [known.get("detector", one)() for one in ("line", *_LSB)],
        ["sample", "wrong-sigma", "project"],
        [1.0],
        "bps",
        arguments,
    )
    sources = evidence.draws(engine.plan(**arguments), count, 0)
    found = list(detection.measure(setting, sources, splits=2))
    (rows / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
    detection.draw(found, rows / f"{name}.png")


SOURCES = {
    (
        "adaptive-",
        "grey-",
        "hill-",
        "rich-",
    ): "luminance of photographs decoded from JPEG (97 of 100)",
    ("rgb-", "compatibility"): "photographs decoded from JPEG (97 of 100)",
    ("sound-costs", "sound-plain"): "spoken digits at 8 kHz",
    ("fields-",): "fields of 2 m temperature of 46x90",
    ("faces-",): "generated faces",
    ("era5-",): "generated weather",
    ("sound-",): "generated sound",
}
"""What the covers of sets were, by how their names begin: the first that fits."""


def source_of(name):
    """What the covers of a set were."""
    return next(told for begins, told in SOURCES.items() if name.startswith(begins))


def main():
    """Measure the sets that are not done yet, and describe all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("only", nargs="*")
    args = parser.parse_args()
    args.rows.mkdir(parents=True, exist_ok=True)
    rows = args.rows.resolve()
    sets = Sets(rows)
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
            {
                **{"about": name, "title": title, "text": text, "source": source_of(name)},
                **{"command": shown, "figure": figure},
            }
        )
        if sets.done(name) or (args.only and name not in args.only):
            continue
        print(shown, flush=True)
        outputs = {f"{name}.{kind}": str(rows / f"{name}.{kind}") for kind in ("jsonl", "png")}
        outputs["pairs"] = str(rows / "pairs")
        filled = [outputs.get(word, word) for word in command]
        subprocess.run([sys.executable, "-m", "stegafield", *filled], check=True, cwd=args.photos)
        sets.add(name)
    for name, (title, text, _, _) in SOUNDS.items():
        shown = f"python research/scripts/detection.py PHOTOS ROWS {name}"
        figure = f"images/detection/{name}.png"
        about.append(
            {
                **{"about": name, "title": title, "text": text, "source": source_of(name)},
                **{"command": shown, "figure": figure},
            }
        )
        if not sets.done(name) and (not args.only or name in args.only):
            sound(rows, name)
            sets.add(name)
    (rows / "about.jsonl").write_text("".join(json.dumps(line) + "\n" for line in about))


if __name__ == "__main__":
    main()

"""Put a trained SteganoGAN into stegafield_research: weights in half precision, and a card.

The card says what the model does to held-out faces.

    python research/scripts/ship_steganogan.py RUN --data FACES.zip [--before STEPS SECONDS]
    python research/scripts/ship_steganogan.py --data FACES.zip

Without RUN the models that ship are measured again, and their cards rewritten. RUN is the folder of
`stegafield train-baseline --config steganogan-dense` (or -basic). BER is counted on codes, as a
file holds them, and on floats; PSNR is the mean over pictures, on codes; both over the last hundred
of the faces that were kept out, by which nothing was chosen. The table of docs/models/steganogan.md
is made from the cards. `--before`: what the model that it started from had cost.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np

from stegafield.coding.ladder import LADDER_BY_RATE
from stegafield.coding.offer import at_least
from stegafield.core.cover import Cover, GridSpec
from stegafield.generators.checkpoint import save_pretrained
from stegafield.generators.zoo import CARD, Card
from stegafield.generators.zoo import card as read_card
from stegafield.metrics import fidelity, recovery
from stegafield.training import config, data, state
from stegafield_research import baselines
from stegafield_research.baselines.learned import zoo
from stegafield_research.baselines.learned.steganogan import SteganoGan
from stegafield_research.places import Checkout

DATA = (
    "CelebA, the first 8,500 of 9,000 aligned faces (89x109), the 74x74 square at left 7, top 18, "
    "resized to 64x64; squares of 32x32 out of them, mirrored every other time."
)
PAGE = Checkout.of(__file__).docs / "models" / "steganogan.md"
COLUMNS = ("model", "steps", "seconds", "BER of the codes, %", "BER of the floats, %", "PSNR dB")
HELD_OUT = "the last 500 of the 9,000; measured on the last 100 of them"
LICENCE = (
    "Weights: MIT. The training pictures are for non-commercial research only, and are not shipped."
)
LIMITS = (
    "Short training on small faces at a hidden width of 32: a comparison, not a tool. "
    "A share of its bits is wrong."
)


def measured(name: str, faces: np.ndarray) -> dict[str, float]:
    """BER of codes and floats, and PSNR, over faces (item, y, x, 3)."""
    architecture, depth = name.rsplit("-", 1)
    rate, rng = at_least(int(depth), "bpp", 3, LADDER_BY_RATE), np.random.default_rng(0)
    extractor = SteganoGan(SteganoGan.Options(architecture=architecture), seed=bytes(32), rung=rate)
    rows = []
    for face in faces:
        codes = np.ascontiguousarray(face.transpose(2, 0, 1)).astype(np.int32)
        free, spec = np.ones(codes.shape, bool), GridSpec(("y", "x"), (False, False))
        cover = Cover(codes, 0, 255, free, spec, peak=255.0)
        bits = rng.integers(0, 2, extractor.count(cover), dtype=np.uint8)
        stego = extractor.project(cover, bits, rng)
        floats = extractor.encoded(cover, bits, rng)
        wrong = [recovery.ber(bits, extractor.decoded(v, free)) for v in (stego, floats)]
        rows.append([*wrong, fidelity.psnr(codes, stego, 255.0)])
    means = np.mean(rows, axis=0).round(5).tolist()
    return dict(zip(("ber", "ber_floats", "psnr"), means, strict=True))


def unseen(source: Path, settings: config.TrainingConfig) -> np.ndarray:
    """The last hundred faces.

    The first ones of those kept out were looked at while the models were made.
    """
    return data.load(source, settings, held_out=True)[-100:]


def write(name: str, card: Card) -> None:
    """Put the card beside the weights."""
    (zoo.SHIPPED / name / CARD).write_text(card.model_dump_json(indent=2) + "\n")
    print(name, json.dumps(card.metrics), flush=True)


def table() -> str:
    """A line for each card."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    for name in zoo.names():
        card = read_card(name, zoo.SHIPPED)
        wrong = (f"{100 * card.metrics[kind]:.2f}" for kind in ("ber", "ber_floats"))
        cells = (name, card.steps, f"{card.seconds:.0f}", *wrong, f"{card.metrics['psnr']:.1f}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def ship(run: Path, source: Path, before: list[float]) -> None:
    """Weights and card of a run."""
    progress, coder = state.read(run), zoo.read(run / "model")
    name = f"{coder.config.architecture}-{coder.config.depth}"
    save_pretrained(coder, zoo.SHIPPED / name, half=True)
    card = Card(
        about=f"SteganoGAN, {coder.config.architecture}, {coder.config.depth} bits a pixel.",
        data=DATA,
        items=progress.items,
        held_out=HELD_OUT,
        steps=progress.step + int(before[0]),
        seconds=round(progress.seconds + before[1], 1),
        machine="part of one core of a crowded server processor",
        metrics=measured(name, unseen(source, config.parse(progress.config, baselines.TRAININGS))),
        licence=LICENCE,
        attribution="Trained on CelebA (Liu et al. 2015).",
        limits=LIMITS,
    )
    write(name, card)


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("run", type=Path, nargs="?")
    asked.add_argument("--data", type=Path, required=True)
    asked.add_argument("--before", type=float, nargs=2, default=[0, 0])
    given = asked.parse_args()
    if given.run:
        ship(given.run, given.data, given.before)
    else:
        where = {"families": baselines.TRAININGS, "folder": baselines.CONFIGS}
        faces = unseen(given.data, config.read("steganogan-dense", **where))
        for name in zoo.names():
            card = read_card(name, zoo.SHIPPED)
            write(
                name,
                card.model_copy(update={"metrics": measured(name, faces), "held_out": HELD_OUT}),
            )
    text = PAGE.read_text(encoding="utf-8")
    made = re.sub(
        r"(<!-- table -->\n).*?(<!-- end -->)", lambda m: m[1] + table() + m[2], text, flags=re.S
    )
    PAGE.write_text(made, encoding="utf-8")

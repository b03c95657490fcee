"""Measure the baselines, and put the table of docs/baselines.md together.

    python research/scripts/baselines_page.py [--images FOLDER] [--crop 64x64] [--bpp 1 2 3 4]
        [--only LABEL ...] [--set NAME]

Rows replace those of the same set, picture, rate and baseline in research/data/baselines.jsonl;
without --images only the tables are made anew, one for each set.
"""

import argparse
import json
import re
from pathlib import Path

from stegafield import Engine
from stegafield_research.engine import registry
from stegafield_research.measure.baselines import compare, summary
from stegafield_research.measure.fidelity import pictures
from stegafield_research.places import Checkout

HERE = Checkout.of(__file__)
PAGE, ROWS = HERE.docs / "baselines.md", HERE.data / "baselines.jsonl"
KEPT = (
    *("set", "image", "bpp", "baseline", "ber", "ber_unrounded", "psnr", "psnr_notebook", "ssim"),
    *("evaluations", "attempts", "error"),
)
TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str, rows: list[dict]) -> str:
    """The text with the tables of these rows."""
    return TABLE.sub(
        lambda match: match[1] + summary(r for r in rows if r["set"] == match[2]) + match[3], text
    )


def kept(row: dict) -> dict:
    """What the page needs of a row, in few digits."""
    return {k: round(row[k], 6) if isinstance(row[k], float) else row[k] for k in KEPT if k in row}


def stored() -> dict:
    """The rows there are, by set, rate, picture and baseline."""
    found = [json.loads(line) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []
    return {(r["set"], r["bpp"], r["image"], r["baseline"]): r for r in found}


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--images", type=Path)
    asked.add_argument("--crop")
    asked.add_argument("--bpp", type=int, nargs="+", default=[1, 2, 3, 4])
    asked.add_argument("--only", nargs="+", default=[])
    asked.add_argument("--set", default="photographs")
    given = asked.parse_args()
    if given.images:
        crop = tuple(map(int, given.crop.split("x"))) if given.crop else None
        covers = pictures(given.images)
        for row in compare(Engine(registry()), covers, given.bpp, crop=crop, only=given.only):
            row["set"] = given.set
            merged = stored() | {(given.set, row["bpp"], row["image"], row["baseline"]): kept(row)}
            ROWS.write_text("".join(json.dumps(merged[place]) + "\n" for place in sorted(merged)))
            print(json.dumps(kept(row)), flush=True)
    PAGE.write_text(page(PAGE.read_text(), list(stored().values())))

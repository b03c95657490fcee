"""Put table and figure of docs/optimizers.md together from rows of `stegafield bench optimizers`.

    python research/scripts/optimizers_page.py [ROWS.jsonl ...]

Rows replace those of the same extractor, picture, rate, seed and arm in
research/data/optimizers.jsonl; without any, only table and figure are made anew.
"""

import json
import re
import sys
from pathlib import Path

from stegafield_research.measure.optimizers import draw, summary
from stegafield_research.places import Checkout

HERE = Checkout.of(__file__)
PAGE, ROWS = HERE.docs / "optimizers.md", HERE.data / "optimizers.jsonl"
FIGURE = HERE.docs / "images" / "optimizers.png"
KEPT = (
    *("image", "bpp", "seed", "arm", "extractor", "extractor_options", "ber", "ber_unrounded"),
    *("psnr", "ssim", "evaluations", "processor_seconds", "error"),
)
TABLE = re.compile(r"(<!-- table -->\n).*?(<!-- end -->)", re.DOTALL)


def rows(path: Path) -> list[dict]:
    """The rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def page(text: str, found: list[dict]) -> str:
    """The text with the table of these rows."""
    return TABLE.sub(lambda match: match[1] + summary(found) + match[2], text)


if __name__ == "__main__":
    sources = ([ROWS] if ROWS.exists() else []) + [Path(name) for name in sys.argv[1:]]
    merged = {
        (row["extractor"], row["bpp"], row["image"], row["seed"], row["arm"]): {
            k: row[k] for k in KEPT if k in row
        }
        for source in sources
        for row in rows(source)
    }
    found = [merged[place] for place in sorted(merged)]
    ROWS.write_text("".join(json.dumps(row) + "\n" for row in found))
    PAGE.write_text(page(PAGE.read_text(), found))
    draw(found, FIGURE)

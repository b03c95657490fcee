"""Make docs/reproduction.md from the rows of a run of `stegafield paper`.

    stegafield paper --suite research/data/reproduction/suite.json --photos PHOTOS --data FACES \\
        --out RUN
    python research/scripts/reproduction_page.py RUN

Rows and suite of RUN are copied to research/data/reproduction/, its figures to docs/reproduction/.
Without RUN the page is made again from what is there.
"""

import shutil
import sys
from pathlib import Path

from stegafield_research.journal import Journal
from stegafield_research.paper import document, report
from stegafield_research.places import Checkout

HERE = Checkout.of(__file__)
KEPT, FIGURES = HERE.data / "reproduction", HERE.docs / "reproduction"


def page() -> str:
    """The page that the kept rows give."""
    blocks = list(report.blocks(report.recalled(KEPT), Journal(KEPT / report.ROWS)))
    return document.markdown(blocks, FIGURES.name)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run = Path(sys.argv[1])
        for folder, sources in (
            (KEPT, [run / report.ROWS, run / report.SUITE]),
            (FIGURES, (run / report.FIGURES).glob("*.png")),
        ):
            folder.mkdir(exist_ok=True)
            for source in sources:
                shutil.copy(source, folder / source.name)
    (HERE.docs / "reproduction.md").write_text(page(), encoding="utf-8")

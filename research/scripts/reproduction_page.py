"""Make docs/reproduction.md from the rows of a run of `stegafield paper`.

    stegafield paper --suite docs/reproduction/suite.json --photos PHOTOS --data FACES --out RUN
    python research/scripts/reproduction_page.py RUN

Rows, suite and figures of RUN are copied to docs/reproduction/. Without RUN the page is made again from what is there.
"""

import shutil
import sys
from pathlib import Path

from stegafield_research.paper import document, report
from stegafield_research.paper.journal import Journal

DOCS = Path(__file__).resolve().parents[1] / "docs"
KEPT = DOCS / "reproduction"


def page() -> str:
    """The page that the kept rows give."""
    blocks = list(report.blocks(report.recalled(KEPT), Journal(KEPT / report.ROWS)))
    return document.markdown(blocks, KEPT.name)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run = Path(sys.argv[1])
        KEPT.mkdir(exist_ok=True)
        for source in (
            run / report.ROWS,
            run / report.SUITE,
            *(run / report.FIGURES).glob("*.png"),
        ):
            shutil.copy(source, KEPT / source.name)
    (DOCS / "reproduction.md").write_text(page(), encoding="utf-8")

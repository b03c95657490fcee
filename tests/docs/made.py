"""Tables of pages that are made from code: between two comments, compared and made anew."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; bars inside of cells are escaped."""
    first, *others = (
        " | ".join(cell.replace("|", r"\|") for cell in line) for line in (head, *rows)
    )
    return "\n".join([f"| {first} |", "|---" * len(head) + "|", *(f"| {one} |" for one in others)])


def between(page: str, mark: str) -> str:
    """What a page has between `<!-- mark -->` and the next `<!-- end -->`."""
    return _cut(page, mark)[1].strip()


def rebuild(page: str, mark: str, made: str) -> None:
    """Write what was made in its place."""
    before, _, after = _cut(page, mark)
    (DOCS / page).write_text(f"{before}\n{made}\n{after}", encoding="utf-8")
    print(f"wrote {mark} in docs/{page}", file=sys.stderr)


def _cut(page: str, mark: str) -> tuple[str, str, str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    before, begin, rest = text.partition(f"<!-- {mark} -->")
    found, end, after = rest.partition("<!-- end -->")
    assert begin and end, f"{page} has no place for {mark}"
    return before + begin, found, end + after

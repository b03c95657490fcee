"""docs/contributing.md has the import table that tests/layers checks, and a line for each room.

`python -m tests.docs.test_contributing` makes the table anew.
"""

from tests.docs import made
from tests.layers.test_imports import EVERYWHERE, MAY, ROOT

PAGE, MARK = "contributing.md", "imports"
NAMES = {"__init__": "the package's `__init__`", "__main__": "the package's `__main__`"}


def imports() -> str:
    """Each room, and the rooms that it may import."""
    rows = []
    for room, others in MAY.items():
        allowed = ", ".join(f"`{other}`" for other in sorted(others)) or "nothing"
        rows.append([NAMES.get(room, f"`{room}`"), allowed])
    everywhere = ", ".join(f"`{one}`" for one in sorted(EVERYWHERE))
    head = f"Every room may import {everywhere}. Beyond that:\n\n"
    return head + made.table(["room", "may import"], rows)


def test_the_page_has_the_import_table():
    assert made.between(PAGE, MARK) == imports(), "run python -m tests.docs.test_contributing"


def test_the_page_has_a_line_for_each_room():
    page = (made.DOCS / PAGE).read_text(encoding="utf-8")
    for found in sorted(ROOT.iterdir()):
        if found.is_dir() and (found / "__init__.py").is_file():
            assert f"\n  {found.name}/ " in page, found.name
        elif found.suffix == ".py" and not found.name.startswith("__"):
            assert f"\n  {found.name} " in page, found.name


if __name__ == "__main__":
    made.rebuild(PAGE, MARK, imports())

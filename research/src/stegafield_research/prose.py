"""Prose of pages: Markdown files beside the modules that fill them.

A comment begins each passage, `<!-- name -->`, and `$name` is a hole in it. The module computes
numbers and tables and decides which passages appear; what they say is in the file.
"""

import re
from importlib.resources import files
from string import Template

_MARK = re.compile(r"^<!-- (\S+) -->\n", re.MULTILINE)


class Prose:
    """The passages of a file of a package."""

    def __init__(self, package: str, name: str) -> None:
        text = (files(package) / name).read_text(encoding="utf-8")
        _, *parts = _MARK.split(text)
        self._passages = dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))

    def passage(self, name: str, /, **holes: object) -> str:
        """A passage with its holes filled; `KeyError` names what is missing."""
        return Template(self._passages[name]).substitute(holes)

    def paragraph(self, name: str, /, **holes: object) -> str:
        """The same on one line."""
        return " ".join(self.passage(name, **holes).splitlines())

    def points(self, name: str, /, **holes: object) -> tuple[str, ...]:
        """The items of a passage that is a list, each on one line."""
        items = ("\n" + self.passage(name, **holes)).split("\n* ")[1:]
        return tuple(" ".join(map(str.strip, item.splitlines())) for item in items)

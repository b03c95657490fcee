"""A report as blocks, and its writers.

They write Markdown with pictures beside it, or one HTML file with everything in it.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from ..prose import Prose

PROSE = Prose("stegafield_research.paper", "report.md")
"""What the report says under its headings."""
_STYLE = files("stegafield_research.paper") / "report.css"


@dataclass(frozen=True)
class Heading:
    """A title; level 1 is the document's."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph. `code`, **bold** and *italics* are understood, and nothing else."""

    text: str


@dataclass(frozen=True)
class Points:
    """A list of short statements."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """A row of a table, and whose it is: "paper" for published numbers, "ours", or ""."""

    cells: tuple[str, ...]
    whose: str = ""


@dataclass(frozen=True)
class Table:
    """Lines under columns; the first column names them."""

    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    prose: tuple[int, ...] = ()
    """Columns that hold sentences."""


@dataclass(frozen=True)
class Picture:
    """A figure that is drawn into a PNG file when the report is written."""

    name: str
    """Of the file, without suffix."""
    caption: str
    draw: Callable[[Path], None]


Block = Heading | Text | Points | Table | Picture


def pictures(blocks: Iterable[Block], folder: Path) -> dict[str, bytes]:
    """Draw every picture of a document as NAME.png in a folder; their bytes by name."""
    found = {}
    for block in blocks:
        if isinstance(block, Picture):
            path = folder / f"{block.name}.png"
            block.draw(path)
            found[block.name] = path.read_bytes()
    return found


def markdown(blocks: Sequence[Block], folder: str) -> str:
    """The document; `folder` is where its pictures are, relative to it."""
    return "\n\n".join(_markdown(block, folder) for block in blocks) + "\n"


def _markdown(block: Block, folder: str) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {text}"
        case Text(text):
            return text
        case Points(items):
            return "\n".join(f"* {item}" for item in items)
        case Picture(name, caption):
            return f"![{caption}]({folder}/{name}.png)\n\n*{caption}*"
        case Table(columns, lines):
            rows = [columns, ["---"] + ["---:"] * (len(columns) - 1), *map(_bold, lines)]
            return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _bold(line: Line) -> Sequence[str]:
    first, *rest = line.cells
    return [f"**{first}**" if line.whose == "ours" else first, *rest]


def html(blocks: Sequence[Block], drawn: Mapping[str, bytes]) -> str:
    """The document as one file: no script, and nothing that has to be fetched."""
    title = next((b.text for b in blocks if isinstance(b, Heading) and b.level == 1), "")
    parts, listed = [], False
    for number, block in enumerate(blocks):
        if isinstance(block, Heading) and block.level == 2 and not listed:
            parts.append(_contents(blocks))
            listed = True
        parts.append(_html(block, number, drawn))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _contents(blocks: Sequence[Block]) -> str:
    links = (
        f'<a href="#s{number}">{escape(block.text.partition(":")[0])}</a>'
        for number, block in enumerate(blocks)
        if isinstance(block, Heading) and block.level == 2
    )
    return f"<nav>{' '.join(links)}</nav>"


def _html(block: Block, number: int, drawn: Mapping[str, bytes]) -> str:
    match block:
        case Heading(text, level):
            return f'<h{level} id="s{number}">{_inline(text)}</h{level}>'
        case Text(text):
            return f"<p>{_inline(text)}</p>"
        case Points(items):
            return "<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in items) + "</ul>"
        case Picture(name, caption):
            data = b64encode(drawn[name]).decode()
            picture = f'<img src="data:image/png;base64,{data}" alt="{escape(caption)}">'
            return f"<figure>{picture}<figcaption>{_inline(caption)}</figcaption></figure>"
        case Table(columns, lines, prose):
            head = "".join(f"<th>{_inline(column)}</th>" for column in columns)
            body = "".join(
                f'<tr class="{line.whose}">'
                + "".join(
                    f"<td{' class=prose' if k in prose else ''}>{_inline(cell)}</td>"
                    for k, cell in enumerate(line.cells)
                )
                + "</tr>\n"
                for line in lines
            )
            table = f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
            return f'<div class="wide">{table}</div>'


def _inline(text: str) -> str:
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)

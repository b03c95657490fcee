"""Run the cells of a notebook in order, without Jupyter, and write what they show into it.

    python research/scripts/notebook.py docs/latent-to-stego.ipynb

A cell shows what it prints, and the value of its last line: as a picture where it has `_repr_png_`,
else as text.
"""

import ast
import contextlib
import io
import json
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any


def run(notebook: dict[str, Any]) -> None:
    """Run all code cells in one namespace and replace their outputs."""
    names: dict[str, Any] = {"__name__": "notebook"}
    number = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        number += 1
        cell["execution_count"] = number
        cell["outputs"] = _outputs("".join(cell["source"]), names, number)


def _outputs(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    said, value = io.StringIO(), None
    with contextlib.redirect_stdout(said):
        exec(compile(tree, f"cell {number}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
    found: list[dict[str, Any]] = []
    if said.getvalue():
        text = said.getvalue().splitlines(keepends=True)
        found.append({"output_type": "stream", "name": "stdout", "text": text})
    if value is not None:
        data: dict[str, Any] = {"text/plain": [repr(value)]}
        if hasattr(value, "_repr_png_"):
            data = {"image/png": b64encode(value._repr_png_()).decode(), "text/plain": ["a figure"]}
        result = {"output_type": "execute_result", "execution_count": number}
        found.append({**result, "data": data, "metadata": {}})
    return found


if __name__ == "__main__":
    path = Path(sys.argv[1])
    content = json.loads(path.read_text(encoding="utf-8"))
    run(content)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")

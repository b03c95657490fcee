"""What is wrong with a value, in our words: pydantic finds it, and says it in its own."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

_LONGEST = 60
"""Characters of a value that an error repeats."""
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "bytes": "bytes",
    "dict": "a dictionary",
    "mapping": "a dictionary",
    "list": "a list",
    "iterable": "a list",
    "tuple": "a list, as in [181,360]",
}
_BOUNDS = {
    "greater_than": ("gt", "above {}"),
    "greater_than_equal": ("ge", "{} or more"),
    "less_than": ("lt", "below {}"),
    "less_than_equal": ("le", "{} or less"),
}


def problem(first: Mapping[str, Any]) -> str:
    """One sentence on the value of one of pydantic's errors."""
    kind, about = str(first["type"]), first.get("ctx", {})
    shown = repr(first["input"])
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
    if kind == "value_error":
        return f"{shown}: {about['error']}."
    if kind == "literal_error":
        known = str(about["expected"]).replace(" or ", ", ").split(", ")
        close = get_close_matches(repr(first["input"]), known, n=1)
        meant = f"; did you mean {close[0]}?" if close else "."
        return f"{shown} is unknown{meant} Known: {', '.join(one.strip(chr(39)) for one in known)}."
    if kind in _BOUNDS:
        name, form = _BOUNDS[kind]
        return f"{shown} is not {form.format(format(about[name], 'g'))}."
    if kind in ("too_short", "too_long", "missing"):
        return f"{shown} has too {'many' if kind == 'too_long' else 'few'} entries."
    if kind in ("finite_number", "int_from_float"):
        return f"{shown} is not {_KINDS['int' if 'int' in kind.split('_') else 'float']}."
    wanted = _KINDS.get(kind.split("_")[0])
    return f"{shown} is not {wanted}." if wanted else f"{shown}: {first['msg']}."

"""What errors advise, as the command line writes it.

Errors of the package speak Python, as in `size=(512, 768)` or `set={"effort.flat": True}`: that is
the only form in their texts. Here each becomes the option that does the same.
"""

import re

_SET = re.compile(r'set=\{"([\w.-]+)": ("[^"]*"|[^\s"}]+)\}')
_OPTIONS = (
    (re.compile(r"size=\((\d+), (\d+)\)"), r"--size \1x\2"),
    (re.compile(r"\b(as_function|force|resume)=True\b"), lambda found: f"--{_dashed(found[1])}"),
    (re.compile(r'\bformat="(\w+)"'), r"--out NAME.\1"),
    (re.compile(r"\bcover=\.\.\."), "--cover FILE"),
    (
        re.compile(r'\b(carrier|method|extractor|optimizer|preset|device)=("[\w-]+"|\.\.\.)'),
        lambda found: f"--{found[1]} {_shown(found[2])}",
    ),
    (re.compile(r"\b(bpp|bps|seed|max_risk)=(\d[\d.]*)"), lambda f: f"--{_dashed(f[1])} {f[2]}"),
)
_FIELD = re.compile(r"^(max_risk|as_function):")


def spoken(text: str) -> str:
    """A text of the package in the words of the command line."""
    text = _SET.sub(lambda found: f"--set {found[1]}={_value(found[2])}", text)
    for pattern, option in _OPTIONS:
        text = pattern.sub(option, text)
    return _FIELD.sub(lambda found: f"{_dashed(found[1])}:", text)


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _shown(value: str) -> str:
    return "NAME" if value == "..." else value.strip('"')


def _value(value: str) -> str:
    """A Python value as --set takes it."""
    return value.strip('"') if value[0] == '"' else value.lower()

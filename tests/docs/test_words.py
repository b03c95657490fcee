"""The glossary, held: words that were replaced do not come back (docs/contributing.md, Words)."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HISTORY = {"CHANGELOG.md", "docs/decisions.md"}
"""Pages that tell what was, in the words of then."""
FORBIDDEN = {
    r"[Ss]trangers?\b": "third party",
    r"\basked for\b": "requested",
    r"\b[Ww]hoever\b": "anyone who",
    r"\b(handed one|handed it)\b": "receives",
    r"\bbits per sample\b": "bits per element",
    r"\bfree samples?\b": "free elements",
    r"\berror[- ]correcting codes?\b": "correction",
    r"\bself\.rate\.rate\b": "self.rung.rate",
    r"\bcosts that are none\b": "no valid costs",
    r"\b(core\.(ladder|window|priced|trellis|adaptive|engine|plan|resolve|apart|recorded))\b": (
        "the rooms coding, pipeline, solving"
    ),
}
"""Pattern: what to say."""
SELF = Path(__file__).resolve()


def _texts():
    for folder in ("src", "research", "tests", "examples", "docs"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".md") and path != SELF:
                yield path
    yield ROOT / "README.md"


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_words_of_the_glossary(pattern):
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in _texts()
        if str(path.relative_to(ROOT)) not in HISTORY
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert not found, f"say {FORBIDDEN[pattern]!r}:\n" + "\n".join(found)

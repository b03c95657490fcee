"""One text for both: errors speak Python, and the command line says the option (E)."""

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

import stegafield
from stegafield.cli.wording import spoken
from stegafield.errors import ConfigError, FormatError

SOURCE = Path(stegafield.__file__).parent
PAIRS = {
    'set={"effort.flat": True} allows that': "--set effort.flat=true allows that",
    'Choose set={"carrier.variable": "/a b/t2m"}.': "Choose --set carrier.variable=/a b/t2m.",
    "As in size=(512, 768).": "As in --size 512x768.",
    "use force=True to replace it": "use --force to replace it",
    "Use as_function=True.": "Use --as-function.",
    'as in carrier="era5", or give a cover=...': "as in --carrier era5, or give a --cover FILE",
    "Name one: optimizer=...": "Name one: --optimizer NAME",
    'method="project" has no bound': "--method project has no bound",
    "max_risk: cannot be promised": "max-risk: cannot be promised",
    'can be that: format="wav".': "can be that: --out NAME.wav.",
    "nothing of that kind": "nothing of that kind",
}


@pytest.mark.parametrize("text", PAIRS)
def test_python_becomes_options(text):
    assert spoken(text) == PAIRS[text]


def test_errors_of_the_package_name_no_options():
    """Texts outside of the command line advise what Python takes; docstrings may say both."""
    for path in SOURCE.rglob("*.py"):
        if path.relative_to(SOURCE).parts[0] in ("cli", "plugins"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            raised = re.search(
                r"(ConfigError|FormatError|Error\(|hint =|problem =|advice =).*", line
            )
            if raised and "`stegafield " not in line:
                assert not re.search(r"[\"' (]--[a-z]", raised[0]), f"{path}:{number}"


NOISE = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"size": (20, 20), "set": {"carrier.size": (30, 30)}}, "size: "),
        ({"method": "project", "set": {"effort.method": "optimize"}}, "method: "),
        ({"format": "png", "set": {"carrier.format": "bmp"}}, "format: "),
        ({"set": {"effort.atempts": 2}}, "did you mean effort.attempts?"),
        ({"set": {"effort.attempts": "many"}}, "'many' is not a whole number"),
        ({"set": {"effort.attempts": 0}}, "0 is not 1 or more"),
        ({"set": {"effort.epsilon": 2}}, "2 is not 1 or less"),
        ({"set": {"effort.loss": "hinges"}}, "did you mean 'hinge'?"),
        ({"set": {"effort.flat": "perhaps"}}, "'perhaps' is not true or false"),
        ({"set": {"carrier.size": [1]}}, "carrier.size: "),
    ],
    ids=str,
)
def test_contradictions_and_mistakes_are_told_in_our_words(engine, wishes, said):
    with pytest.raises(ConfigError) as caught:
        engine.hide(b"m", carrier="image", cover=NOISE, **wishes)
    assert said in str(caught.value)
    for theirs in ("Input should", "Extra inputs", "permitted", "pydantic"):
        assert theirs not in str(caught.value)


def test_what_says_the_same_twice_is_no_contradiction(engine):
    wishes = {"size": (20, 20), "set": {"carrier.size": "[20,20]", "effort.method": "project"}}
    assert engine.hide(b"", carrier="image", cover=NOISE, method="project", **wishes)


def test_a_preset_gives_way_to_a_setting(engine):
    plan = engine.plan(carrier="image", preset="paper", set={"effort.method": "project"})
    assert plan.effort.method == "project" and plan.extractor.name == "cnn"


def test_a_cover_without_its_file_is_told_so(engine):
    cover = engine.hide(b"", carrier="image", cover=NOISE).cover
    with pytest.raises(ConfigError, match="without a container"):
        engine.hide(b"m", carrier="image", cover=replace(cover, container=None))


def test_the_medium_follows_from_bytes_in_python(engine, tmp_path):
    data = engine.hide(b"", carrier="image", cover=NOISE).data
    (tmp_path / "no-suffix").write_bytes(data)
    for source in (data, tmp_path / "no-suffix", BytesIO(data)):
        stego = engine.hide(b"hi", cover=source)
        assert stego.report.carrier == "image"
        assert engine.reveal(stego.data, key=stego.key) == b"hi"
    with pytest.raises(ConfigError, match='carrier="image"'):
        engine.hide(b"hi", cover=NOISE)
    with pytest.raises(ConfigError, match="carrier"):
        engine.hide(b"hi")
    with pytest.raises(FormatError, match="no file that a carrier takes"):
        engine.hide(b"hi", cover=b"words")


def test_a_lack_of_memory_is_a_sentence():
    from stegafield.cli.program import _sentence

    assert _sentence(MemoryError()) == "there is not enough memory: take a smaller file"
    assert "(an array of 9 GiB)" in _sentence(MemoryError("an array of 9 GiB"))

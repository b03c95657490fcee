"""Classes of other versions of the contracts, and detectors of other geometries."""

import pytest

from stegafield.carriers.image import ImageCarrier
from stegafield.core import Detector, GridSpec
from stegafield.core.registry import API_VERSION, KINDS, Registry
from stegafield.errors import BrokenPlugin
from stegafield.plugins.discovery import registry


def _carrier(version):
    return type("Theirs", (ImageCarrier,), {"name": "theirs", "api_version": version})


@pytest.mark.parametrize("version", [v for v in (API_VERSION, API_VERSION - 1) if v > 0])
def test_this_version_and_the_one_before_are_used(version):
    known = Registry()
    known.add("carrier", _carrier(version), "someone")
    assert known.names("carrier") == ["theirs"]


@pytest.mark.parametrize(
    ("version", "todo"),
    [
        (API_VERSION + 1, "Update stegafield"),
        (API_VERSION - 2, "newer release of someone"),
        (0, "newer release of someone"),
        (True, "newer release of someone"),
        ("1", "newer release of someone"),
        (None, "newer release of someone"),
    ],
)
def test_other_versions_are_refused_with_what_to_do(version, todo):
    with pytest.raises(BrokenPlugin, match=todo):
        Registry().add("carrier", _carrier(version), "someone")


def test_every_installed_class_has_a_version():
    for kind in KINDS:
        assert {found.api_version for found in registry().all(kind)} == {API_VERSION}


def test_detectors_say_which_geometry_they_judge():
    plane, line = GridSpec(("y", "x"), (False, False)), GridSpec(("t",), (False,), "line")
    judged = {one.name: (one.judges(plane), one.judges(line)) for one in registry().all("detector")}
    assert judged["rs"] == judged["spam"] == (True, False) and judged["line"] == (False, True)
    assert type("Any", (Detector,), {}).judges(line)

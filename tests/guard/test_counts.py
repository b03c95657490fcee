"""A change of the code that makes embedding dearer is seen here, on any machine."""

import json

import pytest

from . import counts

KNOWN = json.loads(counts.FILE.read_text())


@pytest.mark.slow
def test_the_same_samples_change_by_the_same_amounts():
    assert counts.changes() == KNOWN["changes"]


def test_lbfgs_needs_no_more_evaluations():
    """At most: another processor adds floats in another order, and may need one more or less."""
    found = counts.evaluations()
    assert found.keys() == KNOWN["evaluations"].keys()
    for name, number in KNOWN["evaluations"].items():
        assert found[name] <= 1.2 * number, name

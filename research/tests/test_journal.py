"""The journal: runs that were stopped go on, whatever they left behind."""

import json

import pytest

from stegafield.errors import FormatError
from stegafield_research.journal import Journal
from stegafield_research.measure.sets import Sets

ONE, TWO = {"what": "a", "n": 1}, {"what": "a", "n": 2}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "rows.jsonl"


def test_a_run_goes_on_with_what_is_not_done(path):
    journal = Journal(path)
    assert journal.done(ONE) is None and not path.exists()
    journal.add(ONE, {"x": 1.5})
    again = Journal(path)
    assert again.done(ONE) == {"x": 1.5} and again.done(TWO) is None and len(again) == 1
    again.add(TWO, {"x": 2})
    assert Journal(path).rows("a") == [{"x": 1.5, **ONE}, {"x": 2, **TWO}]
    assert Journal(path).rows("b") == []
    first, second = map(json.loads, path.read_text().splitlines())
    assert first == {"inputs": ONE, "found": {"x": 1.5}} and second["inputs"] == TWO


def test_keys_are_equal_whatever_the_order_and_the_kind_of_number(path):
    journal = Journal(path)
    journal.add(ONE, {"x": 1})
    assert journal.done({"n": 1.0, "what": "a"}) == {"x": 1}


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_a_torn_last_line_does_not_count(path, kept):
    journal = Journal(path)
    journal.add(ONE, {"x": 1})
    whole = path.read_bytes()
    path.write_bytes(whole + (json.dumps({"inputs": TWO, "found": {}}) + "\n").encode()[:kept])
    journal = Journal(path)
    assert journal.done(ONE) == {"x": 1} and journal.done(TWO) is None
    journal.add(TWO, {"x": 2})
    assert path.read_bytes().startswith(whole) and len(Journal(path)) == 2


def test_a_broken_line_in_the_middle_is_named(path):
    Journal(path).add(ONE, {})
    path.write_text("no row\n" + path.read_text())
    with pytest.raises(FormatError, match="line 1 of rows.jsonl"):
        Journal(path)


def test_what_failed_is_tried_again(path):
    journal = Journal(path)
    journal.add(ONE, {"error": "no model"})
    assert journal.done(ONE) is None and len(journal) == 0
    journal.add(ONE, {"x": 1})
    assert Journal(path).rows("a") == [{"x": 1, **ONE}]


def test_two_runs_may_share_a_journal(path):
    first, second = Journal(path), Journal(path)
    first.add(ONE, {"x": 1})
    second.add(TWO, {"x": 2})
    assert first.done(TWO) == {"x": 2} and second.done(ONE) == {"x": 1}
    assert len(Journal(path)) == 2


def test_payloads_lie_beside_the_journal(path):
    journal = Journal(path)
    journal.add(ONE, {}, b"one")
    journal.add(TWO, {"x": 2}, b"two")
    again = Journal(path)
    assert (again.payload(ONE), again.payload(TWO)) == (b"one", b"two")
    (lost,) = (file for file in path.parent.iterdir() if file.read_bytes() == b"one")
    lost.unlink()
    assert again.done(ONE) is None and again.done(TWO) == {"x": 2}
    again.add(ONE, {}, b"one")
    assert again.payload(ONE) == b"one" and len(list(path.parent.iterdir())) == 3


def test_a_damaged_payload_is_named(path):
    journal = Journal(path)
    journal.add(ONE, {}, b"one")
    (file,) = path.parent.glob("*.bin")
    file.write_bytes(b"on")
    with pytest.raises(FormatError, match="is damaged; remove it"):
        journal.payload(ONE)


@pytest.mark.parametrize("payload", ["../../x", 3, None])
def test_a_payload_is_a_digest(path, payload):
    path.parent.mkdir()
    path.write_text(json.dumps({"inputs": ONE, "found": {}, "payload": payload}) + "\n")
    with pytest.raises(FormatError, match="line 1"):
        Journal(path)


def test_sets_are_done_once_they_are_measured_to_the_end(tmp_path):
    (tmp_path / "earlier.jsonl").write_text("{}\n")
    sets = Sets(tmp_path)
    assert sets.done("earlier") and not sets.done("next")
    sets.rows("next").write_text("{}\n")
    assert not Sets(tmp_path).done("next"), "a run that was stopped left these rows"
    sets.add("next")
    assert Sets(tmp_path).done("next")
    sets.rows("next").unlink()
    assert not Sets(tmp_path).done("next"), "who removes rows wants them anew"

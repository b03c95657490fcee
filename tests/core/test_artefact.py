"""What users give: one file or several, by any of its forms."""

import io

import numpy as np
import pytest

from stegafield.core import Artefact
from stegafield.errors import FormatError


class Bytes:
    """Like a stego."""

    def __bytes__(self):
        return b"data"


def test_every_form_of_one_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"data")
    forms = (path, str(path), b"data", bytearray(b"data"), memoryview(b"data"), io.BytesIO(b"data"))
    for source in (*forms, Bytes(), {"a.png": b"data"}):
        found = Artefact.of(source)
        assert found.data == bytes(found) == b"data" and len(found) == 1
        assert Artefact.of(found) is found
    assert Artefact.of(path).suffix == ".png" and list(Artefact.of(path)) == ["a.png"]
    assert Artefact.of(b"data").suffix == ""


def test_bytes_are_read_once_and_when_they_are_needed(tmp_path):
    found = Artefact.of(tmp_path / "later")
    (tmp_path / "later").write_bytes(b"now")
    assert found.data == b"now"
    (tmp_path / "later").unlink()
    assert found.data == b"now"
    with pytest.raises(FileNotFoundError):
        _ = Artefact.of(tmp_path / "never").data


def test_several_files_are_no_single_one():
    found = Artefact.of({"a": b"1", "b": b"2"})
    assert dict(found) == {"a": b"1", "b": b"2"}
    with pytest.raises(FormatError, match="2 files"):
        _ = found.data


def test_arrays_are_no_artefacts():
    assert Artefact.of(np.zeros(3)) is None and Artefact.of(7) is None
    assert Artefact.of({"a": 1}) is None

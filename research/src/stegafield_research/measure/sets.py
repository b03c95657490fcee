"""Folders of rows with a `NAME.jsonl` for each set of covers, as the pages are made from them."""

from pathlib import Path

from ..journal import Journal, Row


class Sets:
    """Which sets of a folder are measured: a run that was stopped goes on with the others.

    Sets that are there when the journal begins were measured before there was one: they count as
    done. It has a suffix of its own, as `bench report` reads every `*.jsonl`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._journal = Journal(folder / "sets.journal")
        begun = {"what": "begun"}
        if self._journal.done(begun) is None:
            for path in sorted(folder.glob("*.jsonl")):
                self.add(path.stem)
            self._journal.add(begun, {})

    def rows(self, name: str) -> Path:
        """Where the rows of a set are."""
        return self._folder / f"{name}.jsonl"

    def done(self, name: str) -> bool:
        """Whether a set was measured to its end, and its rows are still there."""
        return self._journal.done(_inputs(name)) is not None and self.rows(name).exists()

    def add(self, name: str) -> None:
        """Note that all rows of a set are there."""
        self._journal.add(_inputs(name), {})


def _inputs(name: str) -> Row:
    return {"what": "set", "set": name}

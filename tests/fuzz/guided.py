"""`python -m tests.fuzz.guided FOLDER`: damage that is guided by what code it reaches (atheris).

Needs `pip install atheris`. Runs until it finds a fault or is stopped; FOLDER keeps the files that
reached something new, and `--help` of libFuzzer's options is `-help=1`. One process: it finds
exceptions, crashes and hangs, not memory.
"""

import sys
import tempfile
from pathlib import Path

import atheris
import numpy as np

from tests.fuzz.mutators import mutated
from tests.fuzz.seeds import seeds

with atheris.instrument_imports(include=["stegafield"]):
    from stegafield import Engine, Key
    from stegafield.errors import StegafieldError

_ENGINE, _KEY = Engine(device="cpu"), Key.generate()
_CARRIERS = ("image", "audio", "dataset")


def one(data: bytes) -> None:
    """Every verb on a file; only errors of ours may come of it."""
    for carrier in _CARRIERS:
        for verb in (_ENGINE.capacity, lambda **given: _ENGINE.hide(b"meet", key=_KEY, **given)):
            try:
                verb(carrier=carrier, cover=data)
            except StegafieldError:
                pass
    try:
        _ENGINE.reveal(data, key=_KEY)
    except StegafieldError:
        pass


def damaged(data: bytes, size: int, seed: int) -> bytes:
    """libFuzzer's mutator of a file: ours, by its format."""
    rng = np.random.default_rng(seed)
    files = seeds()
    other = files[int(rng.integers(len(files)))][1]
    return mutated(data or other, rng, other)[:size]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, data in seeds():
            Path(folder, name).write_bytes(data)
        atheris.Setup([*sys.argv, folder], one, custom_mutator=damaged)
        atheris.Fuzz()

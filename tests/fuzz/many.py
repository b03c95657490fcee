"""Many cases: a journal for each process, which a later run goes on with, and their sum."""

import json
import os
import tempfile
from collections import Counter
from pathlib import Path

from tests.fuzz import target
from tests.fuzz.seeds import seeds


def shard(number: int, of: int, cases: int, out: str) -> None:
    """Runs every `of`-th case that the journal does not have."""
    path = Path(out, f"{number}-{of}.jsonl")
    done = {row["case"] for row in rows(path)}
    with tempfile.TemporaryDirectory() as folder, path.open("a") as journal:
        warmed(Path(folder))
        for case in range(number, cases, of):
            if case not in done:
                journal.write(json.dumps(target.run(case, Path(folder)).asdict()) + "\n")
                journal.flush()


def warmed(folder: Path) -> None:
    """Imports what verbs use, so that every child has it, and makes a key."""
    import scipy.stats
    from PIL import Image

    from stegafield import Engine, Key
    from stegafield.cli import commands, detect

    Image.init()
    assert scipy.stats and commands and detect
    os.environ["OMP_NUM_THREADS"] = "1"
    key, engine, files = Key.generate(), Engine(device="cpu"), dict(seeds())
    key.save(folder / "key.txt")
    for carrier, name in (("image", "rgb.bmp"), ("audio", "24.wav"), ("dataset", "netcdf4.nc")):
        engine.capacity(carrier=carrier, cover=files[name])
        stego = engine.hide(b"", carrier=carrier, cover=files[name], key=key)
        engine.reveal(stego.data, key=key)


def rows(path: Path) -> list[dict]:
    """The finished cases of a journal; a last line that is cut off does not count."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def summed(out: Path) -> dict:
    """Counts, extremes and faults of all journals of a folder."""
    found = [row for path in sorted(out.glob("*.jsonl")) for row in rows(path)]
    codes = Counter(f"{row['verb']} exit {row['code']}" for row in found)
    return {
        "cases": len(found),
        "outcomes": dict(sorted(codes.items())),
        "most seconds": max((row["seconds"] for row in found), default=0),
        "most MiB": max((row["memory"] for row in found), default=0) >> 20,
        "faults": [row for row in found if row["fault"]],
    }

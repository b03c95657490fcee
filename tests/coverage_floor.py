"""Branch coverage of each room of the product, and a floor under five of them.

`make coverage` writes out/coverage.json and runs this on it: `coverage_floor.py out/coverage.json`.
Measured by it, per cent of branches: core 91.3, coding 97.3, regions 95.5, message 97.2,
pipeline 91.2. A floor is one to two below.
"""

import json
import sys
from collections import Counter
from pathlib import Path, PurePosixPath

FLOORS = {"core": 90, "coding": 96, "regions": 94, "message": 96, "pipeline": 90}
"""Least per cent of branches that the tests of the product take."""
KEYS = ("covered_branches", "num_branches", "covered_lines", "num_statements")


def rooms(report):
    """{room: per cent of its branches, of its lines} of a report by `coverage json`."""
    seen = Counter()
    for path, found in report["files"].items():
        room, *within = PurePosixPath(path.replace("\\", "/").rpartition("stegafield/")[2]).parts
        if not within:
            continue  # a module beside the rooms
        for key in KEYS:
            seen[room, key] += found["summary"][key]
    return {
        room: (
            _share(seen[room, "covered_branches"], seen[room, "num_branches"]),
            _share(seen[room, "covered_lines"], seen[room, "num_statements"]),
        )
        for room in sorted({room for room, _ in seen})
    }


def _share(taken, there):
    return 100 * taken / there if there else 100.0


def main(path):
    """Print the table; the exit status is 1 where a room is below its floor or was not seen."""
    found = rooms(json.loads(Path(path).read_text(encoding="utf-8")))
    print(f"{'room':12}{'branches':>10}{'lines':>8}{'floor':>8}")
    for room, (branches, lines) in found.items():
        print(f"{room:12}{branches:10.1f}{lines:8.1f}{FLOORS.get(room, ''):>8}".rstrip())
    low = [room for room, floor in FLOORS.items() if found.get(room, (0,))[0] < floor]
    if low:
        print(f"below the floor: {', '.join(low)}", file=sys.stderr)
    return bool(low)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

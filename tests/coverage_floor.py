"""Branch coverage of each room of the product, and a floor under five of them.

`make coverage` writes out/coverage.json and runs this on it: `coverage_floor.py out/coverage.json`.
"""

import json
import sys
from collections import Counter
from pathlib import Path, PurePosixPath

FLOORS = {"core": 90, "coding": 90, "regions": 90, "message": 90, "pipeline": 90}
"""Least per cent of lines and branches that tests take."""


def rooms(report):
    """{room: per cent of lines and branches that were taken}, of a report of `coverage json`."""
    taken, there = Counter(), Counter()
    for path, found in report["files"].items():
        parts = PurePosixPath(path.replace("\\", "/")).parts
        within = parts[len(parts) - parts[::-1].index("stegafield") :]
        room = within[0] if len(within) > 1 else "the package itself"
        numbers = found["summary"]
        taken[room] += numbers["covered_lines"] + numbers["covered_branches"]
        there[room] += numbers["num_statements"] + numbers["num_branches"]
    return {room: 100 * taken[room] / count for room, count in there.items() if count}


def main(path):
    """Print the table; the exit status is 1 where a room is below its floor or was not seen."""
    found = rooms(json.loads(Path(path).read_text(encoding="utf-8")))
    for room, share in sorted(found.items()):
        print(f"{room:20}{share:6.1f} %" + (f"  at least {FLOORS[room]}" * (room in FLOORS)))
    low = [room for room, floor in FLOORS.items() if found.get(room, 0) < floor]
    if low:
        print(f"below the floor: {', '.join(low)}", file=sys.stderr)
    return bool(low)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

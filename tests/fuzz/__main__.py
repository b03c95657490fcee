"""`python -m tests.fuzz`: many cases, on as many processes as there are cores; resumable."""

import argparse
import json
import os
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

from tests.fuzz import target
from tests.fuzz.many import shard, summed, warmed


def main() -> int:
    """0 where no case is at fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--out", type=Path, default=Path("out/fuzz"), help="journal and summary")
    parser.add_argument("--case", type=int, help="repeat one, and show all it prints")
    parser.add_argument("--keep", type=Path, help="write the file of --case here")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    asked = parser.parse_args()
    if asked.case is not None:
        return _one(asked.case, asked.keep)
    asked.out.mkdir(parents=True, exist_ok=True)
    context = get_context("spawn")
    shards = [
        context.Process(target=shard, args=(i, asked.processes, asked.cases, str(asked.out)))
        for i in range(asked.processes)
    ]
    for process in shards:
        process.start()
    for process in shards:
        process.join()
    summary = summed(asked.out)
    (asked.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    print(json.dumps(summary, indent=1))
    return int(bool(summary["faults"]) or summary["cases"] < asked.cases)


def _one(case: int, keep: Path | None) -> int:
    verb, name, data = target.made(case)
    if keep is not None:
        keep.write_bytes(data)
    with tempfile.TemporaryDirectory() as folder:
        warmed(Path(folder))
        outcome = target.run(case, Path(folder))
    print(f"{verb} of a damaged {name}, {len(data)} bytes")
    print(json.dumps(outcome.asdict(), indent=1))
    return int(bool(outcome.fault))


if __name__ == "__main__":
    sys.exit(main())

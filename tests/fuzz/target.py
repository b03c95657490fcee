"""One case: a verb on a damaged file, in a child of its own, and what came of it."""

import os
import resource
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tests.fuzz.mutators import mutated
from tests.fuzz.seeds import seeds

VERBS = ("reveal", "hide", "capacity", "detect", "info")
_FINE = {0, 2, 3, 4, 5, 6}
"""Exit codes of docs/cli.md that a file may lead to."""
SECONDS, WALL = 20, 300
MEMORY = 256 << 20
_TOLD = 4000


@dataclass(frozen=True)
class Outcome:
    """What came of a case."""

    case: int
    verb: str
    file: str
    code: int
    """Exit code; negative: the signal that ended the process."""
    seconds: float
    """Of processor time."""
    memory: int
    """Bytes at the most, beyond those of the idle child."""
    fault: str = ""
    told: str = ""
    """The end of what it printed, where it is at fault."""

    asdict = asdict


def made(case: int) -> tuple[str, str, bytes]:
    """The verb, the name of the good file, and the damaged file of a case."""
    rng = np.random.default_rng([17, case])
    files = seeds()
    (name, data), (_, other) = (files[int(rng.integers(len(files)))] for _ in range(2))
    return VERBS[case % len(VERBS)], name, mutated(data, rng, other)


def run(case: int, folder: Path) -> Outcome:
    """The outcome of a case; `folder` holds `key.txt` and takes what the verb writes."""
    return measured(*made(case), folder, case)


def measured(verb: str, name: str, data: bytes, folder: Path, case: int = 0) -> Outcome:
    """What comes of a verb on a file."""
    path = folder / f"case{case}{Path(name).suffix}"
    path.write_bytes(data)
    with tempfile.TemporaryFile() as printed:
        begun, (ready, idle) = time.monotonic(), os.pipe()
        child = os.fork()
        if not child:
            os.write(idle, str(_resident()).encode())
            _child(_arguments(verb, path, folder), printed.fileno())
        os.close(idle)
        before = int(os.read(ready, 32) or 0)
        os.close(ready)
        status, usage, timed_out = _waited(child, begun)
        printed.seek(0)
        told = printed.read(1 << 20).decode(errors="replace")
    code = os.waitstatus_to_exitcode(status)
    seconds = usage.ru_utime + usage.ru_stime
    memory = max(0, 1024 * usage.ru_maxrss - before)
    wrong = "timed out" if timed_out else fault(code, seconds, memory, told, data)
    for left in folder.glob(f"case{case}*"):
        left.unlink()
    told = told[-_TOLD:] if wrong else ""
    return Outcome(case, verb, name, code, round(seconds, 2), memory, wrong, told)


def _arguments(verb: str, path: Path, folder: Path) -> list[str]:
    key = ["--key-file", str(folder / "key.txt")]
    out = ["--out", str(path.with_name(f"{path.stem}-out{path.suffix}"))]
    return {
        "reveal": ["reveal", str(path), *key],
        "hide": ["hide", str(path), "meet", *key, *out],
        "capacity": ["capacity", str(path)],
        "detect": ["detect", str(path)],
        "info": ["info", str(path)],
    }[verb]


def _child(arguments: list[str], printed: int) -> None:
    """Runs a command and never returns."""
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (2 * SECONDS, 2 * SECONDS + 1))
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (printed, 1), (printed, 2)):
            os.dup2(source, target)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(i, mode, closefd=False) for i, mode in ((0, "r"), (1, "w"), (2, "w"))
        )
        sys.argv = ["stegafield", *arguments]
        from stegafield.cli import main

        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1 if end.code else 0
        sys.stdout.flush()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _waited(child: int, begun: float) -> tuple[int, resource.struct_rusage, bool]:
    """The child's status and usage; one that waits for ever is killed."""
    late = False
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return status, usage, late
        if time.monotonic() - begun > WALL:
            late = True
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)


def fault(code: int, seconds: float, memory: int, told: str, data: bytes) -> str:
    """What is wrong with an outcome; "" for nothing."""
    if code < 0:
        return f"killed by signal {-code}"
    if code not in _FINE:
        return f"exit {code}"
    if "Traceback" in told or " object at 0x" in told:
        return "raw words"
    if seconds > SECONDS:
        return f"{seconds:.0f} s"
    if memory > MEMORY and memory > 10 * decoded(data):
        return f"{memory >> 20} MiB"
    return ""


def decoded(data: bytes) -> int:
    """Bytes of the samples of a file, the largest variable's, as its own library says."""
    from io import BytesIO

    import h5py
    import soundfile
    from PIL import Image

    try:
        with h5py.File(BytesIO(data)) as file:
            return max((one.nbytes for one in file.values() if hasattr(one, "nbytes")), default=0)
    except Exception:
        pass
    try:
        with Image.open(BytesIO(data)) as image:
            bands = {"P": 3, "I;16": 2}.get(image.mode, len(image.getbands()))
            return image.width * image.height * bands
    except Exception:
        pass
    try:
        with soundfile.SoundFile(BytesIO(data)) as sound:
            return 4 * sound.frames * sound.channels
    except Exception:
        return 0


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

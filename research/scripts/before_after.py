"""Compare the cost of two checkouts of stegafield in one run: processor seconds and peak memory.

    python research/scripts/before_after.py BEFORE_SRC AFTER_SRC [--repeats 5] [--limit 1.05]
        [--json OUT.jsonl] [--only NAME ...]

The sources are `src` folders. Each run of a case is a fresh child process; before and after
alternate, so that the noise of the machine hits both alike. Numbers are medians, and both checkouts
reveal what BEFORE hid. All cases but `help` contain `start`. The exit code is 1 where a ratio
exceeds the limit, and 2 where a child failed.

On a busy machine identical checkouts differed by up to 9 % in seconds with 5 repeats, and by 3 %
with 15; 15 repeats of all but the hour of sound take four minutes. The sound takes five minutes, 2
GB of disk and 5 GB of memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

REPEATS, REPEATS_OF_SOUND = 5, 1
MIB = (1 << 20) if sys.platform == "darwin" else (1 << 10)
"""`ru_maxrss` of one MiB: macOS counts bytes, Linux KiB."""

# All that needs NumPy is text for a child: on Linux the peak of a child is at least that of the
# process that started it, so this one has to stay small.
COVERS = {
    "picture.png": """
import numpy as np
from PIL import Image
y, x, c = np.ogrid[:512, :512, :3]
smooth = 128 + 60 * np.sin(y / 40 + c) + 40 * np.cos(x / 55 - c)
noise = np.random.default_rng(1).normal(0, 4, smooth.shape)
Image.fromarray(np.rint(smooth + noise).clip(0, 255).astype(np.uint8)).save("picture.png")
""",
    "small.png": """
import numpy as np
from PIL import Image
y, x = np.ogrid[:64, :64]
smooth = 128 + 60 * np.sin(y / 9) + 40 * np.cos(x / 13)
noise = np.random.default_rng(2).normal(0, 4, smooth.shape)
Image.fromarray(np.rint(smooth + noise).clip(0, 255).astype(np.uint8)).save("small.png")
""",
    "sound.wav": """
import numpy as np
import soundfile
rng, rate = np.random.default_rng(3), 44100
with soundfile.SoundFile("sound.wav", "w", rate, 2, "PCM_16") as file:
    for minute in range(60):
        time = np.arange(60 * rate)[:, None] / rate
        tones = 0.2 * np.sin(2 * np.pi * (220 + 5 * minute) * time * [1, 1.5])
        file.write(tones + rng.normal(0, 0.003, tones.shape))
""",
    "field.nc": """
import numpy as np
import xarray
times, latitude, longitude = np.arange(24), np.linspace(90, -90, 181), np.arange(360.0)
t, y, x = np.ix_(times, np.radians(latitude), np.radians(longitude))
values = 250 + 45 * np.cos(y) ** 2 + 6 * np.cos(y) * np.cos(x + t * np.pi / 12)
values = values + np.random.default_rng(4).normal(0, 0.3, values.shape)
axes = {"time": times, "latitude": latitude, "longitude": longitude}
data = xarray.Dataset({"t2m": (tuple(axes), values, {"units": "K"})}, axes)
data["latitude"].attrs["units"], data["longitude"].attrs["units"] = "degrees_north", "degrees_east"
data["time"].attrs["units"] = "hours since 2020-01-01"
packed = {"dtype": "i2", "scale_factor": 0.002, "add_offset": 270.0, "_FillValue": -32767}
data.to_netcdf("field.nc", format="NETCDF4", engine="netcdf4", encoding={"t2m": packed})
""",
}
START = """
import sys
from stegafield import Engine, Key
engine, key, message = Engine(), Key(bytes(range(32))), bytes(range(100))
"""
CHECK = """
import sys, stegafield
assert stegafield.__file__.startswith(sys.argv[1]), stegafield.__file__
"""
HIDE = """
_, carrier, cover, out = sys.argv
engine.hide(message, carrier=carrier, key=key, cover=cover).save(out, force=True)
"""
REVEAL = """
_, path, times = sys.argv
for _ in range(int(times)):
    assert engine.reveal(path, key=key) == message
"""
REVEAL_NONE = """
from stegafield.errors import NoMessage
_, path, times = sys.argv
for _ in range(int(times)):
    try:
        engine.reveal(path, key=Key(bytes(32)))
    except NoMessage:
        continue
    raise AssertionError("a wrong key revealed a message")
"""


class Case(NamedTuple):
    """What a child does with a cover or its stego; `times` over, where it is quick."""

    does: str
    file: str = ""
    carrier: str = ""
    times: int = 1

    def arguments(self, side: str) -> list[str]:
        """What follows `python` on the command line."""
        if self.does == "help":
            return ["-m", "stegafield", "--help"]
        if self.does == "start":
            return ["-c", START]
        if self.does == "hide":
            return ["-c", START + HIDE, self.carrier, self.file, f"{side}/{self.file}"]
        code = START + (REVEAL if self.does == "reveal" else REVEAL_NONE)
        return ["-c", code, f"before/{self.file}", str(self.times)]


CASES = {
    "help": Case("help"),
    "start": Case("start"),
    "hide-picture": Case("hide", "picture.png", "image"),
    "reveal-picture": Case("reveal", "picture.png", "image"),
    "reveal-small": Case("reveal", "small.png", "image", 200),
    "reveal-none": Case("reveal none", "picture.png", "image", 20),
    "hide-field": Case("hide", "field.nc", "dataset"),
    "reveal-field": Case("reveal", "field.nc", "dataset"),
    "hide-sound": Case("hide", "sound.wav", "audio"),
    "reveal-sound": Case("reveal", "sound.wav", "audio"),
}


class Failed(Exception):
    """A child ended with an error, which it has printed."""


class Bench:
    """A temporary folder with covers and stegos, and the two checkouts that work in it."""

    def __init__(self, folder: Path, sources: dict[str, Path]) -> None:
        self.folder, self.sources = folder, sources
        for side, source in sources.items():
            (folder / side).mkdir()
            # Else the first run of a case, always one of "before", would pay for compiling.
            self.run(side, ["-m", "compileall", "-q", str(source)])
            # Else an environment that puts another checkout first would be measured twice.
            self.run(side, ["-c", CHECK, str(source)])

    def run(self, side: str, arguments: list[str]) -> tuple[float, float]:
        """Processor seconds and peak MiB of a child of one checkout."""
        environment = os.environ | {
            "PYTHONPATH": str(self.sources[side]),
            "PYTHONHASHSEED": "0",
            "STEGAFIELD_PLUGINS": "none",
        }
        child = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise Failed(f"A child of {side} ended with {child.returncode}: {arguments}")
        return used.ru_utime + used.ru_stime, used.ru_maxrss / MIB

    def prepare(self, case: Case) -> None:
        """Make the files that a case reads, where an earlier one has not."""
        if case.file and not (self.folder / case.file).exists():
            self.run("before", ["-c", COVERS[case.file]])
        if case.does.startswith("reveal") and not (self.folder / "before" / case.file).exists():
            self.run("before", case._replace(does="hide").arguments("before"))

    def compare(self, case: Case, repeats: int) -> dict[str, list[float]]:
        """All seconds and MiB of both checkouts, which take turns."""
        self.prepare(case)
        found: dict[str, list[float]] = {}
        for _ in range(repeats):
            for side in self.sources:
                seconds, peak = self.run(side, case.arguments(side))
                found.setdefault(f"{side}_seconds", []).append(seconds)
                found.setdefault(f"{side}_mib", []).append(peak)
        return found


def source(text: str) -> Path:
    """The absolute path of a `src` folder: children work elsewhere."""
    path = Path(text).resolve()
    if not (path / "stegafield" / "__init__.py").exists():
        raise argparse.ArgumentTypeError(f"{text} has no stegafield; give the src folder.")
    return path


def main() -> int:
    """Print the table; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=source)
    parser.add_argument("after", type=source)
    parser.add_argument("--repeats", type=int, help="5 if not given, and 1 of the hour of sound")
    parser.add_argument("--limit", type=float, default=1.05, help="of both ratios")
    parser.add_argument("--json", type=Path, help="all numbers, a line for each case")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="NAME")
    given = parser.parse_args()
    if given.repeats is not None and given.repeats < 1:
        parser.error("--repeats is at least 1")
    if given.json:
        given.json.write_text("")
    head = ("case", "before s", "after s", "ratio", "before MiB", "after MiB", "ratio")
    print("{:14} {:>9} {:>9} {:>6} {:>11} {:>10} {:>6}".format(*head), flush=True)
    over = False
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), {"before": given.before, "after": given.after})
        for name in [name for name in CASES if name in given.only]:
            case = CASES[name]
            usual = REPEATS_OF_SOUND if case.carrier == "audio" else REPEATS
            found = bench.compare(case, given.repeats or usual)
            middle = {key: median(numbers) for key, numbers in found.items()}
            slower = middle["after_seconds"] / middle["before_seconds"]
            larger = middle["after_mib"] / middle["before_mib"]
            over |= max(slower, larger) > given.limit
            print(
                f"{name:14} {middle['before_seconds']:9.3f} "
                f"{middle['after_seconds']:9.3f} {slower:6.3f} "
                f"{middle['before_mib']:11.1f} {middle['after_mib']:10.1f} {larger:6.3f}",
                flush=True,
            )
            if given.json:
                ratios = {"seconds_ratio": slower, "mib_ratio": larger}
                with given.json.open("a") as file:
                    file.write(json.dumps({"case": name, **ratios, **found}) + "\n")
    return int(over)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as error:
        print(error, file=sys.stderr)
        sys.exit(2)

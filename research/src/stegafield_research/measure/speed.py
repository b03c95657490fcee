"""Time and memory of embedding, reading and the codec, from small covers to large ones.

Each cover has a process of its own, so that the peak of its memory is its own:

    this process     draw a cover, write its file
    child, one per   -> open the file, find costs, embed, read, write the file, several times:
    cover               medians, peak
                     -> hide a message in it as a user would, once: time, peak
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from .machine import machine, peak_mib

SIZES = ((64, 64), (128, 128), (256, 256), (512, 512), (1024, 1024), (2048, 2048))
"""Pictures that are measured unless others are requested."""
COLUMNS = (
    *("cover", "samples", "rate", "costs_ms", "embed_ms", "verify_ms", "cpu_ms"),
    *("open_ms", "write_ms"),
    *("peak_mib", "hide_ms", "hide_cpu_ms", "hide_peak_mib", "load"),
)
_PARTS = ("costs_ms", "embed_ms", "verify_ms")
_HELP = "from stegafield.cli import main; import sys; sys.argv[1:] = ['--help']; main()"


class Case(NamedTuple):
    """One cover: its carrier, its name in the row, and the rate to embed at."""

    carrier: str
    size: tuple[int, ...]
    """Shape of the cover: an RGB picture, packed fields or 16-bit sound.

    (height, width); (step, latitude, longitude); (time, channel).
    """
    name: str
    unit: str
    rate: float


def pictures(sizes: Iterable[tuple[int, int]], bpp: float) -> list[Case]:
    """RGB pictures."""
    return [Case("image", size, f"RGB {size[0]}x{size[1]}", "bpp", bpp) for size in sizes]


def field(size: tuple[int, int, int], bps: float) -> Case:
    """A packed field of several steps."""
    return Case("dataset", size, "field " + "x".join(map(str, size)), "bps", bps)


def sound(minutes: float, bps: float) -> Case:
    """Stereo sound, 44,100 samples a second, 16 bits."""
    return Case("audio", (round(minutes * 60 * 44100), 2), f"sound, {minutes:g} min", "bps", bps)


def drawn(carrier: str, sizes: Iterable[tuple[int, int]], unit: str, rate: float) -> list[Case]:
    """Covers that a carrier generates."""
    return [Case(carrier, one, f"{carrier} {one[0]}x{one[1]}", unit, rate) for one in sizes]


def measure(
    cases: Iterable[Case], repeats: int = 5, settings: dict[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """One row per cover, then linear fits, then the start-up.

    A fit is of one carrier and form of code, where three sizes were measured. Times are medians in
    milliseconds; `cpu_ms` is what costs, embedding and reading take of all processors together,
    which a busy machine changes little. Peaks are those of the whole process, the largest of all
    repeats: interpreter and libraries (`base_mib`) included. Every row names the machine.
    """
    where, rows = machine(), []
    with TemporaryDirectory() as folder:
        for case in cases:
            source = Path(folder, "cover")
            if case.carrier in _COVERS:
                _COVERS[case.carrier](case.size, source)
            else:
                source = "x".join(map(str, case.size))
            arguments = [case.carrier, case.unit, str(case.rate), str(repeats)]
            row = _child([str(source), *arguments, json.dumps(settings or {})])
            row = {
                "cover": _named(case, settings),
                "carrier": case.carrier,
                "unit": case.unit,
                **row,
                **_load(),
            }
            rows.append(row)
            yield {**row, "machine": where}
    for kind in dict.fromkeys((row["carrier"], row["form"]) for row in rows):
        alike = [row for row in rows if (row["carrier"], row["form"]) == kind]
        if len(alike) >= 3:
            samples = [row["samples"] for row in alike]
            for what, times in (
                ("on the clock", [sum(row[part] for part in _PARTS) for row in alike]),
                ("of processors", [row["cpu_ms"] for row in alike]),
            ):
                named = {"carrier": kind[0], "form": kind[1], "settings": settings or {}}
                yield {**named, "time": what, **fit(samples, times)}
    yield {**_help(repeats), "machine": where}


def _named(case: Case, settings: dict[str, Any] | None) -> str:
    return ", ".join([case.name, *(f"{name}={value}" for name, value in (settings or {}).items())])


def fit(samples: Sequence[int], milliseconds: Sequence[float]) -> dict[str, float]:
    """The line through times that is nearest in relative terms.

    `worst_deviation` is the largest relative deviation from it.
    """
    n, t = np.array(samples, float), np.array(milliseconds, float)
    rows = np.stack([1 / t, n / t], axis=1)
    scale = np.abs(rows).max(axis=0)
    found = np.linalg.lstsq(rows / scale, np.ones(len(t)), rcond=None)[0]
    intercept, slope = found / scale
    return {
        "ns_per_sample": 1e6 * float(slope),
        "intercept_ms": float(intercept),
        "worst_deviation": float(np.abs((intercept + slope * n) / t - 1).max()),
    }


def _load() -> dict[str, float]:
    """How many processes wanted to run, on average over the last minute; where the system tells."""
    return {"load": os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0}


def _help(repeats: int) -> dict[str, float]:
    """What `stegafield --help` takes, in a process of its own.

    Measured in seconds on the clock, and of processors.
    """
    took, busy = [], []
    for _ in range(repeats):
        before, start = os.times(), time.perf_counter()
        subprocess.run([sys.executable, "-c", _HELP], check=True, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - start)
        after = os.times()
        busy.append(sum(after[2:4]) - sum(before[2:4]))  # of children
    return {"help_seconds": median(took), "help_cpu_seconds": median(busy), **_load()}


def _picture(size: tuple[int, ...], path: Path) -> None:
    """Waves with noise, far from the ends of the range, as a PNG."""
    from PIL import Image

    rng, (height, width) = np.random.default_rng(0), size
    rows = (100 + 40 * np.sin(np.arange(height) / 37)).astype(np.uint8)
    columns = (60 + 40 * np.cos(np.arange(width) / 53)).astype(np.uint8)
    pixels = np.empty((height, width, 3), np.uint8)
    for colour in range(3):
        pixels[..., colour] = rng.integers(0, 8, (height, width), np.uint8)
        pixels[..., colour] += rows[:, None]
        pixels[..., colour] += columns
    Image.fromarray(pixels).save(path, "PNG")


def _field(size: tuple[int, ...], path: Path) -> None:
    """Temperatures packed into 16 bits, as a compressed NetCDF-4."""
    import netCDF4

    rng, (steps, rows, columns) = np.random.default_rng(0), size
    latitude = np.linspace(90, -90, rows)
    with netCDF4.Dataset(path, "w") as file:
        for name, length in (("time", steps), ("latitude", rows), ("longitude", columns)):
            file.createDimension(name, length)
        where = file.createVariable("latitude", "f4", ("latitude",))
        where.units, where[:] = "degrees_north", latitude
        shape = ("time", "latitude", "longitude")
        packed = file.createVariable("t2m", "i2", shape, zlib=True, complevel=1)
        packed.scale_factor, packed.add_offset = 0.002, 260.0
        packed.set_auto_maskandscale(False)
        smooth = 20000 * np.cos(np.radians(latitude))[:, None] - 10000
        for step in range(steps):
            packed[step] = smooth + rng.integers(-250, 250, (rows, columns))


def _sound(size: tuple[int, ...], path: Path) -> None:
    """A tone with noise, as a WAV."""
    import soundfile

    rng, (frames, channels) = np.random.default_rng(0), size
    with soundfile.SoundFile(path, "w", 44100, channels, "PCM_16", format="WAV") as file:
        for start in range(0, frames, 1 << 20):
            at = np.arange(start, min(frames, start + (1 << 20)))
            tone = 9000 * np.sin(2 * np.pi * 440 / 44100 * at)
            file.write((tone[:, None] + rng.integers(-500, 500, (at.size, channels))).astype("i2"))


_COVERS: dict[str, Callable[[tuple[int, ...], Path], None]] = {
    "image": _picture,
    "dataset": _field,
    "audio": _sound,
}


def _child(arguments: list[str]) -> dict[str, Any]:
    """Run this module in a process of its own."""
    command = [sys.executable, "-m", __name__, *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _measured(
    source: str, carrier: str, unit: str, rate: float, repeats: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """What the child finds out about one file, or about covers that the carrier draws."""
    from stegafield.core.carrier import writer
    from stegafield.message.key import FileKey, Key
    from stegafield.pipeline.choice import Offer
    from stegafield.pipeline.embedding import embed
    from stegafield.plugins.wiring import Engine

    engine = Engine(device="cpu")
    asked: dict[str, Any] = {"carrier": carrier, unit: rate, "set": settings}
    if carrier not in _COVERS:
        rows, columns = map(int, source.split("x"))
        asked["size"] = rows, columns
    plan = engine.plan(**asked)
    base, rng = peak_mib(), np.random.default_rng(0)
    took: dict[str, list[float]] = {}
    found: dict[str, Any] = {}
    for number in range(repeats):
        start = time.perf_counter()
        if carrier in _COVERS:
            cover = plan.carrier.open(source)
        else:
            cover = plan.carrier.covers(1, rng)[0]
        took.setdefault("open_ms", []).append(_since(start))
        start, busy = time.perf_counter(), time.process_time()
        offer = Offer(plan, cover)
        cover = offer.cover
        took.setdefault("costs_ms", []).append(_since(start))
        paused = time.process_time()
        rung = offer.rungs[0]
        extractor = plan.build(FileKey(bytes([number] * 32)), rung)
        bits = rng.integers(0, 2, extractor.count(cover), dtype=np.uint8)
        busy += time.process_time() - paused
        result = embed(cover, bits, extractor, plan.effort, None, rng)
        took.setdefault("embed_ms", []).append(result.milliseconds)
        start = time.perf_counter()
        read = extractor.read(result.codes, cover.free, cover.spec)
        took.setdefault("verify_ms", []).append(_since(start))
        took.setdefault("cpu_ms", []).append(1000 * (time.process_time() - busy))
        start = time.perf_counter()
        written = writer(plan.carrier, cover).write(cover, result.codes)
        took.setdefault("write_ms", []).append(_since(start))
        found = {
            "samples": int(np.count_nonzero(cover.free)),
            "rate": rung.rate,
            "rung": f"{rung.bits}/{rung.elements}",
            "form": "trellis" if rung.span else "block",
            "errors": int(np.count_nonzero(read != bits)),
            "file_mib": len(written) / (1 << 20),
        }
        del cover, bits, result, read, written
    parts = peak_mib()
    if carrier in _COVERS:
        asked["cover"] = source
    start, busy = time.perf_counter(), time.process_time()
    engine.hide(b"m", key=Key(bytes(32)), **asked)
    whole = {"hide_ms": _since(start), "hide_cpu_ms": 1000 * (time.process_time() - busy)}
    times = {name: median(values) for name, values in took.items()}
    peaks = {"base_mib": base, "peak_mib": parts, "hide_peak_mib": peak_mib()}
    return found | times | whole | peaks


def _since(start: float) -> float:
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    source, kind, unit, rate, repeats, settings = sys.argv[1:]
    found = _measured(source, kind, unit, float(rate), int(repeats), json.loads(settings))
    print(json.dumps(found))

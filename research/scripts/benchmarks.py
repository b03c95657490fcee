"""Prepare covers for docs/benchmarks.md, measure on them with `bench`, write the page.

    python research/scripts/benchmarks.py prepare DATA COVERS             copies and crops, once
    python research/scripts/benchmarks.py measure COVERS ROWS [SET ...]   the long part
    stegafield bench report ROWS --out docs/benchmarks.md \\
        --json research/data/benchmarks/summary.jsonl

A set that was measured to its end is left alone (ROWS/sets.journal says which); remove its rows to
measure it again.

DATA is a folder with `photos/kodak`, `photos/coco`, `photos/bsds` (pictures), `faces/*.zip`
(aligned CelebA, 89x109), `weather` (NetCDF files) and `audio/clips` (WAV and FLAC). It is not part
of the repository; scikit-image's photographs are its own.
"""

import argparse
import json
import shutil
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

from stegafield_research.measure.sets import Sets

SETS = {
    "skimage": (
        "colour photographs that scikit-image ships: astronaut, chelsea, coffee, rocket; "
        "300x451 to 512x512"
    ),
    "kodak": "12 of the Kodak photographs, 768x512",
    "coco": "4 pictures of MS-COCO, JPEG, about 640x480",
    "bsds": "100 of the 400 photographs of BSDS500 (every fourth file), JPEG, 481x321",
    "bsds-few": "25 of them (every sixteenth)",
    "faces-64x64": (
        "200 CelebA faces (000001 to 009000, every 45th), JPEG 89x109; "
        "the 74x74 square at left 7, top 18, resized to 64x64 by Lanczos"
    ),
    "faces-256x256": "the same faces and squares, enlarged to 256x256 by Lanczos",
    "t2m": "ERA5 2 m temperature, packed int16: 24 steps of 181x360, and 159 weekly means of 32x64",
    "u10": "ERA5 10 m wind, packed int16: 24 steps of 181x360",
    "interim": "ERA-Interim 2 m temperature, packed int16, NetCDF-3, 241x480",
    "clips": (
        "7 WAV and FLAC clips of 8 to 32 bits, mono and stereo; "
        "float and 32-bit ones become 24-bit files"
    ),
    "digits": "20 spoken digits, 8 kHz mono, 16 bits",
}
RATES = ["--bpp", "1", "2", "3", "4"]


def runs(covers, rows):
    """{set: arguments of `stegafield bench`}, quick ones first."""
    pictures = {}
    for name in ("skimage", "kodak", "coco", "bsds"):
        pictures[f"{name}-64x64"] = (name, ["--crop", "64x64"])
    pictures["faces-64x64"] = ("faces-64x64", [])
    for name in ("skimage", "coco", "kodak", "bsds-few"):
        pictures[f"{name}-256x256"] = (name, ["--crop", "256x256"])
    for name in ("skimage", "coco", "bsds-few", "kodak"):
        pictures[f"{name}-whole"] = (name, [])
    pictures["faces-256x256"] = ("faces-256x256", [])
    found = {
        name: ["fidelity", "--images", covers / folder, *RATES, *more]
        for name, (folder, more) in pictures.items()
    }
    for name, carrier in (
        *(("t2m", "dataset"), ("u10", "dataset"), ("interim", "dataset")),
        *(("clips", "audio"), ("digits", "audio")),
    ):
        wanted = {"u10": ["--set", "carrier.variable=u10"], "clips": [], "digits": []}
        settings = wanted.get(name, ["--set", "carrier.variable=t2m"])
        rate = ["--carrier", carrier, "--bps", "0.1", "0.5", "1", *settings]
        found[name] = ["fidelity", "--covers", covers / name, *rate]
    found["curve"] = [
        *("curve", "--images", covers / "skimage", "--crop", "64x64"),
        *("--figure", rows / "curve.png"),
    ]
    sizes = [f"{2**power}x{2**power}" for power in range(6, 14)]
    found["speed"] = ["speed", "--size", *sizes, "--field", "24x721x1440", "--minutes", "60"]
    found["speed-plain"] = [*found["speed"], "--set", "effort.costs=false"]
    return found


def prepare(data, covers):
    """Copy and crop the covers into one folder for each set."""
    from PIL import Image
    from skimage import data as photographs

    for name in SETS:
        (covers / name).mkdir(parents=True, exist_ok=True)
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        pixels = getattr(photographs, name)()[..., :3]
        Image.fromarray(pixels).save(covers / "skimage" / f"{name}.png")
    for name, folder, every in (
        *(("kodak", "kodak", 1), ("coco", "coco", 1)),
        *(("bsds", "bsds", 4), ("bsds-few", "bsds", 16)),
    ):
        for path in sorted((data / "photos" / folder).iterdir())[::every]:
            shutil.copyfile(path, covers / name / path.name)
    (archive,) = (data / "faces").glob("*.zip")
    with zipfile.ZipFile(archive) as file:
        names = sorted(name for name in file.namelist() if name.endswith(".jpg"))
        for name in names[:: len(names) // 200][:200]:
            face = Image.open(BytesIO(file.read(name))).convert("RGB").crop((7, 18, 81, 92))
            for size in (64, 256):
                small = face.resize((size, size), Image.Resampling.LANCZOS)
                small.save(covers / f"faces-{size}x{size}" / f"{Path(name).stem}.png")
    weather = {
        "era5_1deg_24steps.nc": ("t2m", "u10"),
        "era5_t2m_weekly_5p625deg_1980-1982.nc": ("t2m",),
        "formats/ERA_Interim_2017a.nc": ("interim",),
    }
    for path, sets in weather.items():
        for name in sets:
            shutil.copyfile(data / "weather" / path, covers / name / Path(path).name)
    for path in sorted((data / "audio" / "clips").iterdir()):
        shutil.copyfile(path, covers / "clips" / path.name)
    _digits(data / "audio" / "fsdd_8k_i16_8192.npz", covers / "digits")


def _digits(archive, folder):
    import numpy as np
    import soundfile

    with np.load(archive) as found:
        arrays = {name: found[name] for name in found.files}
    sounds = next(array for array in arrays.values() if array.ndim == 2)
    for number in range(0, len(sounds), len(sounds) // 20)[:20]:
        samples = sounds[number][: int(arrays["length"][number])]
        soundfile.write(folder / f"{number:04}.wav", samples, 8000, "PCM_16")


def measure(covers, rows, only):
    """Measure the sets that are not done yet, and describe all of them."""
    rows.mkdir(parents=True, exist_ok=True)
    sets = Sets(rows)
    about = [{"about": name, "text": text} for name, text in SETS.items()]
    (rows / "about.jsonl").write_text("".join(json.dumps(line) + "\n" for line in about))
    for name, arguments in runs(covers, rows).items():
        if sets.done(name) or (only and name not in only):
            continue
        print(name, flush=True)
        command = [sys.executable, "-m", "stegafield", "bench", *arguments]
        command += ["--json", sets.rows(name)]
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
        sets.add(name)


def main():
    """Prepare or measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["prepare", "measure"])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("only", nargs="*")
    args = parser.parse_args()
    if args.step == "prepare":
        prepare(args.source, args.target)
    else:
        measure(args.source, args.target, args.only)


if __name__ == "__main__":
    main()

"""How the golden files were made. Files that exist are never made again: `reveal` reads them for ever.

python tests/vectors/make.py      adds what is missing
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from stegafield import Engine, Key
from stegafield.core.bound import smallest_sigma
from stegafield.core.ladder import LADDER
from tests.datasets import packed
from tests.noisy import noisy_engine

HERE = Path(__file__).parent / "files"
RNG = np.random.default_rng(2026)
RGB = RNG.integers(0, 256, (24, 24, 3), dtype=np.uint8)
RGBA = np.dstack([RGB, np.where(np.arange(576).reshape(24, 24) % 9, 255, 0).astype(np.uint8)])
DEEP = RNG.integers(0, 65536, (30, 20)).astype(np.uint16)
NETWORK = {
    "carrier": "image",
    "cover": np.tile(RGB, (2, 2, 1))[:36, :36],
    "bpp": 1,
    "optimizer": "lbfgs",
}
CASES = {
    "phase-conv.png": NETWORK | {"extractor": "phase-conv"},
    "cnn-batch.png": NETWORK | {"extractor": "cnn", "set": {"extractor.norm": "batch"}},
    "rgb-smallest.png": {"carrier": "image", "cover": RGB},
    "rgb-1bpp.png": {"carrier": "image", "cover": RGB, "bpp": 1},
    "rgb-2bpp.png": {"carrier": "image", "cover": RGB, "bpp": 2},
    "rgb-3bpp.png": {"carrier": "image", "cover": RGB, "bpp": 3},
    "rgb-4bpp.png": {"carrier": "image", "cover": RGB, "bpp": 4},
    "rgba.png": {"carrier": "image", "cover": RGBA, "bps": 0.5},
    "grey-4bps.png": {"carrier": "image", "cover": RGB[..., 0], "bps": 4},
    "grey16.png": {"carrier": "image", "cover": DEEP, "bps": 1},
    "black.png": {
        "carrier": "image",
        "cover": np.zeros((20, 20, 3), np.uint8),
        "bpp": 2,
        "set": {"effort.flat": True},
    },
    "packed-netcdf4.nc": {"carrier": "dataset", "cover": packed(rows=37, columns=60), "bps": 1},
    "packed-netcdf3.nc": {
        "carrier": "dataset",
        "cover": packed(rows=37, columns=60, model="NETCDF3_CLASSIC"),
        "bps": 0.33,
    },
    "unsigned.nc": {
        "carrier": "dataset",
        "cover": packed(rows=37, columns=60, dtype="u2", fill=65535),
        "bps": 1,
    },
    "era5.nc": {"carrier": "era5", "size": (19, 36), "bps": 1},
    **{
        f"drawn-{rung.bits}-{rung.samples}.png": {
            "carrier": "noisy",
            "bps": rung.rate,
            "set": {"carrier.size": (48, 48), "carrier.sigma": smallest_sigma(rung, 6912) + 0.01},
        }
        for rung in LADDER[31:47]
    },
    "era5-drawn.nc": {"carrier": "era5", "size": (37, 72), "bps": 1},
    "passphrase.png": {
        "carrier": "image",
        "cover": RGB,
        "bpp": 1,
        "key": Key.passphrase("correct horse"),
    },
}
KEY = Key(bytes(range(32)))


def main():
    """Hide "golden: NAME" in each file that does not exist yet."""
    HERE.mkdir(exist_ok=True)
    for name, arguments in CASES.items():
        if not (HERE / name).exists():
            message = f"golden: {name}"[: 20 if "smallest" in name else None]
            engine = noisy_engine() if name.startswith("drawn") else Engine(device="cpu")
            stego = engine.hide(message, name=None, **{"key": KEY, **arguments})
            stego.save(HERE / name)
            (HERE / f"{name}.json").write_text(json.dumps({"message": message}) + "\n")


if __name__ == "__main__":
    main()

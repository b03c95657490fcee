"""How the golden files were made. Those that exist stay as they are: `reveal` reads them for ever.

python tests/vectors/make.py      adds what is missing
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from stegafield import Engine
from stegafield.coding.bound import smallest_sigma
from stegafield.coding.ladder import LADDER
from tests.datasets import field, floats, groomed, grouped, packed
from tests.noisy import noisy_engine, smooth
from tests.pictures import tiff
from tests.sounds import of_unknown_length, samples, sound
from tests.vectors.reading import KEYS, facts

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
DEEP_RGB = RNG.integers(0, 65536, (20, 20, 3)).astype(np.uint16)
NODATA = np.random.default_rng(7).integers(1, 9, (48, 48), dtype=np.uint8) % 8
SOUND = samples(frames=1500)
FIELD = field(rows=25, columns=36)[2]
HOLES = np.arange(FIELD[0].size).reshape(FIELD[0].shape) % 11 > 0
FACE = smooth((3, 32, 32), 20, 235, RNG).transpose(1, 2, 0).astype(np.uint8)


def slope(rung, noise=1):
    """A grey picture that compresses well, with room for a message of 20 bytes at a rung."""
    free = 24 * 128 + rung.elements * (8 * (18 + 20) // rung.bits + 2)
    line = (64 + np.arange(256) // 2).astype(np.uint8)
    return line + RNG.integers(0, noise, (free // 256 + 1, 256), np.uint8)


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
        f"drawn-{rung.bits}-{rung.elements}.png": {
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
        "key": "passphrase",
    },
    **{  # block form, without costs: where changes have some, the trellis form is taken instead
        f"rung-{number:02}.png": {
            "carrier": "image",
            "cover": slope(LADDER[number]),
            "bps": LADDER[number].rate,
            "set": {"effort.costs": False},
        }
        for number in (*range(10), 16, 17)
    },
    **{  # trellis form, with costs: a smooth picture could not bear the higher rates
        f"rung-{number:02}.png": {
            "carrier": "image",
            "cover": slope(LADDER[number], noise=8),
            "bps": LADDER[number].rate,
        }
        for number in range(19, 31)
    },
    "trellis-tiles.png": {  # two tiles, each of several runs
        "carrier": "image",
        "cover": slope(LADDER[0])[:576],
        "bps": 0.05,
        "set": {"effort.costs": False},
    },
    "cnn-none.png": NETWORK | {"extractor": "cnn"},
    "phase-conv.flac": {  # one space axis
        "carrier": "audio",
        "cover": (SOUND * 32767).astype(np.int16),
        "format": "flac",
        "bps": 1,
        "extractor": "phase-conv",
        "optimizer": "lbfgs",
    },
    "cnn.nc": {  # an axis that goes round the globe
        "carrier": "dataset",
        "cover": packed(rows=25, columns=36, times=3, model="NETCDF3_CLASSIC"),
        "bps": 0.33,
        "extractor": "cnn",
        "optimizer": "lbfgs",
    },
    "grey-alpha.png": {"carrier": "image", "cover": RGBA[..., 2:], "bps": 2},
    "rgb16.png": {"carrier": "image", "cover": DEEP_RGB, "bps": 1},
    "rgb16.tiff": {"carrier": "image", "cover": DEEP_RGB, "bps": 1, "format": "tiff"},
    **{
        f"rgb.{form}": {"carrier": "image", "cover": RGB, "bpp": 1, "format": form}
        for form in ("tiff", "bmp", "webp")
    },
    "rgba.webp": {"carrier": "image", "cover": RGBA, "bps": 0.5, "format": "webp"},
    "grey.tiff": {"carrier": "image", "cover": RGB[..., 0], "bps": 2, "format": "tiff"},
    **{  # a value that means "no data", of which the first version knew nothing
        f"nodata-{packing or 'plain'}.tiff": {
            "carrier": "image",
            "cover": tiff(
                NODATA,
                compression=packing,
                extratags=[(42113, "s", 2, "0", True)],
            ),
            "bps": 1,
            "format": "tiff",
        }
        for packing in (None, "zlib")
    },
    **{
        f"field-{name}.tiff": {
            "carrier": "image",
            "cover": tiff(
                np.where(HOLES, FIELD[0], fill).astype(dtype),
                photometric="minisblack",
                extratags=[(42113, "s", 0, str(fill), True)],
                **options,
            ),
            "bps": 1,
            "format": "tiff",
        }
        for name, dtype, fill, options in (
            ("float32", "f4", -9999, {"tile": (16, 16)}),
            ("int16", "i2", -9999, {"compression": "zlib", "predictor": 2, "byteorder": ">"}),
            ("uint32", "u4", 0, {"bigtiff": True}),
        )
    },
    "nodata.tiff": {
        "carrier": "image",
        "cover": tiff(NODATA, extratags=[(42113, "s", 2, "0", True)]),
        "bps": 1,
        "format": "tiff",
    },
    "planes.tiff": {
        "carrier": "image",
        "cover": tiff(RGB.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
        "bps": 1,
        "format": "tiff",
    },
    "grey.bmp": {"carrier": "image", "cover": RGB[..., 0], "bps": 2, "format": "bmp"},
    "sound8.wav": {"carrier": "audio", "cover": (128 + SOUND * 127).astype(np.uint8), "bps": 0.5},
    **{
        f"sound{bits}.{form}": {"carrier": "audio", "cover": cover, "bps": 0.5, "format": form}
        for bits, cover in (
            (16, (SOUND * 32767).astype(np.int16)),
            (24, (SOUND * (2**23 - 1)).astype(np.int32) << 8),
        )
        for form in ("wav", "flac")
    },
    **{
        f"sound{bits}.aiff": {"carrier": "audio", "cover": cover, "bps": 0.5, "format": "aiff"}
        for bits, cover in (
            (8, (128 + SOUND * 127).astype(np.uint8)),
            (16, (SOUND * 32767).astype(np.int16)),
            (24, (SOUND * (2**23 - 1)).astype(np.int32) << 8),
        )
    },
    "sound32.wav": {
        "carrier": "audio",
        "cover": sound("WAV", "PCM_32", values=SOUND),
        "bps": 0.5,
    },
    "sound8.flac": {
        "carrier": "audio",
        "cover": sound("FLAC", "PCM_S8", values=SOUND),
        "bps": 0.5,
    },
    "sound-unknown-length.flac": {
        "carrier": "audio",
        "cover": of_unknown_length(sound("FLAC", values=SOUND)),
        "bps": 0.5,
    },
    "float32.nc": {"carrier": "dataset", "cover": floats(FIELD), "bps": 1},
    "float64.nc": {
        "carrier": "dataset",
        "cover": floats(FIELD, dtype="f8", model="NETCDF3_64BIT_DATA"),
        "bps": 1,
    },
    "float32-shifted.nc": {
        "carrier": "dataset",
        "cover": floats(np.rint(FIELD * 64) / 64, model="NETCDF3_CLASSIC"),
        "bps": 1,
    },
    "groomed.nc": {"carrier": "dataset", "cover": floats(groomed(FIELD)), "bps": 1},
    "integers-in-a-group.nc": {
        "carrier": "dataset",
        "cover": grouped(np.rint(FIELD[0] * 10)),
        "bps": 1,
        "set": {"carrier.variable": "/PRODUCT/count"},
    },
    "lattice.png": {  # every fifth level, clipped at the upper end
        "carrier": "image",
        "cover": np.minimum(RGB.astype(int) // 5 * 5 + 3, 255).astype(np.uint8),
        "bpp": 1,
    },
    "lattice24.wav": {  # 16 bits padded to 24
        "carrier": "audio",
        "cover": (SOUND * 32767).astype(np.int32) << 16,
        "bps": 0.5,
    },
    "celeba.png": {"carrier": "celeba", "size": (32, 32), "bpp": 1},
    "function.png": {"carrier": "image", "cover": FACE, "bpp": 1, "as_function": True},
    "function.wav": {"carrier": "audio", "cover": SOUND[:, 0], "bps": 0.5, "as_function": True},
    "function.nc": {
        "carrier": "dataset",
        "cover": packed(rows=25, columns=36),
        "bps": 1,
        "as_function": True,
    },
}


def main():
    """Hide "golden: NAME" in each file that does not exist yet, and write beside it what it is."""
    HERE.mkdir(exist_ok=True)
    for name, arguments in CASES.items():
        if not (HERE / name).exists():
            message = f"golden: {name}"[: 20 if "smallest" in name else None]
            engine = noisy_engine() if name.startswith("drawn") else Engine(device="cpu")
            kind = arguments.get("key", "file")
            stego = engine.hide(message, name=None, **{**arguments, "key": KEYS[kind]})
            stego.save(HERE / name)
            known = facts(engine.registry, stego.data, KEYS[kind])
            sidecar = {"message": message, "carrier": arguments["carrier"], **known, "key": kind}
            (HERE / f"{name}.json").write_text(json.dumps(sidecar) + "\n")


if __name__ == "__main__":
    main()

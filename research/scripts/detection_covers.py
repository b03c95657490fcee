"""Sounds and fields for research/scripts/detection.py, from arrays: folders `sounds` and `fields`.

    python research/scripts/detection_covers.py DIGITS.npz FIELDS.npz FOLDER

`sounds` gets WAV files, `fields` NetCDF files. DIGITS: the free spoken digit dataset as `audio`
(clip, sample; int16, 8 kHz), `length` and `speaker`; four clips of one speaker make one sound.
FIELDS: `t2m` (field, latitude, longitude) in K, with `latitude` and `longitude`; stored as 16-bit
integers in steps of 0.05 K.
"""

import argparse
from pathlib import Path

import numpy as np


def sounds(path, folder):
    """Four clips of a speaker, one after the other."""
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    with np.load(path) as file:
        clips, lengths, speakers = (file[name] for name in ("audio", "length", "speaker"))
    for speaker in np.unique(speakers):
        own = np.flatnonzero(speakers == speaker)
        for number in range(len(own) // 4):
            parts = [clips[k][: lengths[k]] for k in own[number :: len(own) // 4][:4]]
            name = folder / f"{speaker}-{number:03}.wav"
            soundfile.write(name, np.concatenate(parts), 8000, subtype="PCM_16")


def fields(path, folder):
    """Each field in a file of its own."""
    import xarray

    folder.mkdir(parents=True, exist_ok=True)
    with np.load(path) as file:
        values, axes = file["t2m"], {name: file[name] for name in ("latitude", "longitude")}
    for number, field in enumerate(values):
        found = xarray.Dataset({"t2m": (("latitude", "longitude"), field)}, axes)
        packing = {
            "dtype": "int16",
            "scale_factor": 0.05,
            "add_offset": 260.0,
            "_FillValue": -32767,
        }
        found.to_netcdf(folder / f"{number:03}.nc", encoding={"t2m": packing})


def main():
    """Make both folders."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("digits", "fields", "folder"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    sounds(args.digits, args.folder / "sounds")
    fields(args.fields, args.folder / "fields")


if __name__ == "__main__":
    main()

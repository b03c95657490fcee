"""How often traces of interpolation are found: in pictures without any, and after enlarging.

    python research/scripts/history.py PHOTOS

PHOTOS is a folder with `kodak` and `bsds`; the latter are reduced to half first. Prints a table.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from stegafield.history import interpolated, jpeg

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
FILTERS["Lanczos"] = Image.Resampling.LANCZOS


def light(image):
    """The luminance of a picture."""
    return jpeg.luminance(np.asarray(image).transpose(2, 0, 1))


def bilinear(image):
    """The green of a picture as a camera would have put it in between that of its sensor."""
    green = np.asarray(image)[..., 1].astype(np.int32)
    near = np.pad(green, 1, mode="reflect")
    around = near[:-2, 1:-1] + near[2:, 1:-1] + near[1:-1, :-2] + near[1:-1, 2:]
    board = np.indices(green.shape).sum(axis=0) % 2 == 1
    return np.where(board, green, np.rint(around / 4)).astype(np.int32)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    photos = parser.parse_args().photos
    images = [Image.open(path).convert("RGB") for path in sorted(photos.glob("kodak/*"))]
    for path in sorted(photos.glob("bsds/*"))[::20]:
        image = Image.open(path).convert("RGB")
        images.append(image.resize((image.width // 2, image.height // 2), FILTERS["Lanczos"]))
    print(f"| of {len(images)} pictures | found as |\n|---|---|")
    greens = [np.asarray(image)[..., 1].astype(np.int32) for image in images]
    found = {"untouched, `resampled`": [interpolated.period(light(one)) for one in images]}
    found["untouched, `demosaiced`"] = [interpolated.demosaiced(one) or None for one in greens]
    made = [interpolated.demosaiced(bilinear(one)) or None for one in images]
    found["bilinear from a sensor, `demosaiced`"] = made
    for scale in (1.1, 1.25, 1.5, 2, 3):
        for name, kind in FILTERS.items():
            large = [
                one.resize((round(one.width * scale), round(one.height * scale)), kind)
                for one in images
            ]
            what = [interpolated.period(light(one)) for one in large]
            found[f"enlarged {scale:g} times, {name}, `resampled`"] = what
    for name, answers in found.items():
        print(f"| {name} | {sum(one is not None for one in answers)} |")


if __name__ == "__main__":
    main()

"""How the samples of a TIFF page are stored, from its tags; or why they have to be converted."""

from dataclasses import replace
from typing import Any

from ...core.channel import most_samples
from ...errors import FormatError
from . import strips
from .ifd import Directory, Structure
from .strips import Layout, Segment

KIND, COLOUR, EXTRA, ORIENTATION = 254, 262, 338, 274
WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, ROWS, PLANES = 256, 257, 258, 259, 277, 278, 284
OFFSETS, COUNTS = 273, 279
_FILL_ORDER, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _FORMAT = 266, 317, 322, 323, 339
_TILE_OFFSETS, _TILE_COUNTS = 324, 325
_PACKINGS = {
    **{2: "CCITT run lengths", 3: "CCITT fax", 4: "CCITT fax", 6: "JPEG", 7: "JPEG"},
    **{34712: "JPEG 2000", 34887: "LERC", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL"},
}
_LEAST_BITS = 3  # fewer: a step is as large as the contrast
_MOST_SAMPLES = 4096  # of a pixel: more than any camera has bands
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}


def layout(structure: Structure, page: Directory) -> Layout | str:
    """How a page is stored; in words, what about it has to be converted."""

    def number(tag: int, otherwise: int) -> int:
        return structure.number(page, tag, otherwise)

    width, height, samples = number(WIDTH, 0), number(HEIGHT, 0), number(SAMPLES, 1)
    if min(width, height, samples) < 1:
        raise FormatError("the TIFF file has no picture", ".tif")
    limit = most_samples(len(structure.data))
    if width * height * samples > limit:
        size = f"{width} x {height} pixels of {samples} samples"
        raise FormatError(f"the TIFF file declares {size} in {len(structure.data)} bytes", ".tif")
    if samples > _MOST_SAMPLES:
        return f"has {samples} samples a pixel"
    depths = set(structure.numbers(page.get(BITS))) or {1}
    formats = set(structure.numbers(page.get(_FORMAT))) or {1}
    bits: int = max(depths)
    kind: Any = _KINDS.get(max(formats), "")
    good = {"u": range(_LEAST_BITS, 33), "i": (8, 16, 32), "f": (16, 32, 64)}.get(kind, ())
    if len(depths) > 1 or len(formats) > 1:
        return "has samples of several kinds"
    if bits not in good or (bits > 16 and bits not in (32, 64)):
        names = {"u": "", "i": "signed ", "f": "floating point "}
        return f"has {names.get(kind, 'complex ')}samples of {bits} bit{'s' if bits > 1 else ''}"
    packing, predictor = number(COMPRESSION, strips.RAW), number(_PREDICTOR, strips.PLAIN)
    if packing not in strips.COMPRESSIONS:
        return f"is compressed as {_PACKINGS.get(packing, f'number {packing}')}"
    if packing == strips.ZSTD and strips.zstandard() is None:
        return "is compressed as Zstandard, which takes the library zstandard"
    if packing in (strips.RAW, strips.PACKBITS):
        predictor = strips.PLAIN  # libtiff looks at it for the other compressions alone
    fits = predictor == strips.PLAIN or (predictor == strips.FLOATING and kind == "f")
    if not (fits or (predictor == strips.DIFFERENCES and bits in (8, 16, 32, 64))):
        return f"has the predictor {predictor}"
    planar = number(PLANES, 1) == 2 and samples > 1
    tiled = page.get(_TILE_OFFSETS) is not None
    places, sizes = _segments(structure, page, tiled)
    rows = min(number(ROWS, height) or height, height)
    if packing != strips.RAW and not sizes:
        return "has strips without sizes"
    size = (number(_TILE_HEIGHT, 0), number(_TILE_WIDTH, 0)) if tiled else (rows, width)
    if min(size) < 1:
        raise FormatError("the TIFF file has tiles without a size", ".tif")
    down, across = -(-height // size[0]), -(-width // size[1])
    count = down * across * (samples if planar else 1)
    if count * size[0] * size[1] * (1 if planar else samples) > max(limit, 1 << 26) * 2:
        raise FormatError("the TIFF file has tiles that are larger than any picture", ".tif")
    if len(places) < count:
        raise FormatError(f"the TIFF file has {len(places)} of {count} strips", ".tif")
    found = Layout(
        structure.order, (height, width, samples), kind, bits, planar, size, tiled, packing,
        predictor, number(_FILL_ORDER, 1) == 2, (),
    )  # fmt: skip
    made = []
    for k in range(count):
        plane, rest = divmod(k, down * across)
        top, left = rest // across * size[0], rest % across * size[1]
        tall = size[0] if tiled else min(size[0], height - top)
        needed = tall * found.row
        length = sizes[k] if k < len(sizes) else 0
        if packing == strips.RAW and (length > needed or (length == 0 and places[k] and not sizes)):
            length = needed
        if length and places[k] + length > len(structure.data):
            raise FormatError("the TIFF file is cut short", ".tif")
        if packing == strips.RAW and 0 < length < needed:
            raise FormatError("a strip of the TIFF file is cut short", ".tif")
        made.append(Segment(places[k], length if places[k] else 0, plane, top, left, tall))
    if not any(part.size for part in made):
        raise FormatError("the TIFF file has no strips", ".tif")
    return replace(found, segments=tuple(made))


def _segments(
    structure: Structure, page: Directory, tiled: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Places and sizes of the strips or tiles of a page."""
    at, size = (_TILE_OFFSETS, _TILE_COUNTS) if tiled else (OFFSETS, COUNTS)
    return structure.numbers(page.get(at)), structure.numbers(page.get(size))

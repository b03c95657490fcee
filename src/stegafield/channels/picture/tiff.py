"""TIFF and BigTIFF, GeoTIFF among them: pictures and fields of integers or floats.

A file is patched, never rebuilt: new samples go into its strips or tiles, with their compression,
predictor and layout. Every tag, sub-directory and other page stays, byte for byte.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Integer, UInt16
from numpy import ndarray

from ...core import floats
from ...core.channel import Channel
from ...core.cover import Cover, GridSpec
from ...core.gaps import between
from . import ifd, pages, relaid, strips
from .ifd import Directory, Structure
from .strips import Layout

_NO_DATA = 42113
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK = 0, 1, 2, 5
_COLOURS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _CMYK: 4}
"""Samples of a pixel, without further ones."""
_NAMES = {3: "a palette", 4: "a mask", 6: "YCbCr colours", 8: "CIE L*a*b* colours"}
_ASSOCIATED, _UNASSOCIATED = 1, 2
_REDUCED, _MASK = 1, 4  # bits of a page's kind
_MOST_TEXT = 64
MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""The first bytes of a TIFF."""
_STRIP = 1 << 16  # bytes of a strip of a new file


@dataclass(frozen=True)
class TiffFile:
    """What a TIFF holds besides its codes."""

    structure: Structure
    page: Directory
    layout: Layout
    bands: tuple[int, ...]
    """Which samples of a pixel are codes."""
    inverted: bool
    """Whether white is zero: then a code is the full scale less the sample."""
    fill: float
    """Of segments that the file leaves out."""
    shift: int = 0
    """For floats: see `core.floats`."""


class TiffChannel(Channel):
    """TIFF files: grey, RGB, CMYK or bands of 3 to 64 bits, integers or floats.

    Transparent pixels and those without data are not free.
    """

    name: ClassVar[str] = "tiff"
    suffixes: ClassVar[tuple[str, ...]] = (".tif", ".tiff")

    def read(self, data: bytes) -> Iterator[Cover]:
        """The cover of the first page that is no reduced picture and no mask; none for kinds that
        have to be converted (`why_not`).

        Where "no data" keeps elements from being free, a second cover without it: the first
        version did not know of this tag.
        """
        found = _file(data)
        if isinstance(found, str):
            return
        yield from _covers(found)

    def write(self, cover: Cover, codes: Integer[ndarray, "channel y x"]) -> bytes:
        """The file with new samples in its strips or tiles."""
        file = cover.container
        assert isinstance(file, TiffFile)
        layout, data = file.layout, file.structure.data
        samples = strips.read(data, layout, file.fill)
        for band, plane in zip(file.bands, codes, strict=True):
            old = samples[..., band]
            if layout.kind == "f":
                new = floats.write(np.ascontiguousarray(old), plane, file.shift)
            else:
                new = _peak(layout) - plane if file.inverted else plane
            samples[..., band] = new
        changed = strips.changed(data, layout, samples)
        pieces = [relaid.Piece(part.at, part.size, new) for part, new in changed]
        return relaid.replaced(file.structure, file.page, pieces) if pieces else data


def why_not(data: bytes) -> str | None:
    """Why the samples of a TIFF have to be converted, in words; None if they need not."""
    found = _file(data)
    return found if isinstance(found, str) else None


def beyond(data: bytes) -> str | None:
    """What the samples of a TIFF are, in words, where no other format of pictures holds them."""
    found = _file(data)
    if isinstance(found, str):
        return None
    layout = found.layout
    colour = found.structure.number(found.page, pages.COLOUR, _WHITE_IS_ZERO)
    usual = len(found.bands) == _COLOURS[colour] and layout.shape[2] - len(found.bands) < 2
    if layout.kind == "u" and layout.bits in (4, 8, 16) and usual:
        return None
    name = {"u": "integers", "i": "signed integers", "f": "floats"}[layout.kind]
    bands = len(found.bands)
    return f"{name} of {layout.bits} bits" + (f" in {bands} bands" if bands > 1 else "")


def warnings(cover: Cover) -> tuple[str, ...]:
    """A warning where floats lie on a lattice that steps of their codes leave: that will show."""
    file = cover.container
    assert isinstance(file, TiffFile)
    if file.layout.kind != "f" or not cover.free.any():
        return ()
    samples = strips.read(file.structure.data, file.layout, file.fill)[..., list(file.bands)]
    planes = np.ascontiguousarray(samples.transpose(2, 0, 1))
    found = floats.lattice(planes, cover.free)
    if found is None or floats.kept(planes, cover.free, file.shift, found):
        return ()
    said = f"the values lie on a lattice of {found:.4g}, as unpacked or rounded data do"
    return (f"{said}; the stego leaves it, and that shows",)


def pages_of(data: bytes) -> int:
    """How many pictures a TIFF holds, without reduced ones and masks; all pages where the first is
    one of those."""
    structure = ifd.parse(data)
    full = _full(structure)
    first = bool(full) and full[0] is structure.pages[0]
    return len(full) if first else len(structure.pages)


def deep(data: bytes) -> UInt16[ndarray, "y x *sample"] | None:
    """The pixels of a TIFF of 16 bits, grey or RGB, with or without alpha; None for others."""
    found = _file(data)
    if isinstance(found, str):
        return None
    layout, colour = found.layout, found.structure.number(found.page, pages.COLOUR, _WHITE_IS_ZERO)
    upright = found.structure.number(found.page, pages.ORIENTATION, 1) == 1
    alpha = layout.shape[2] - len(found.bands)
    if (layout.kind, layout.bits) != ("u", 16) or colour == _CMYK or found.inverted or not upright:
        return None
    if len(found.bands) != _COLOURS[colour] or alpha > 1:
        return None
    if alpha and found.structure.numbers(found.page.get(pages.EXTRA)) != (_UNASSOCIATED,):
        return None
    samples = strips.read(data, layout, found.fill)
    return samples if layout.shape[2] > 1 else samples[..., 0]


def made(
    pixels: Integer[ndarray, "y x *sample"],
    more: Iterable[ifd.Field] = (),
    order: ifd.Order = "<",
) -> bytes:
    """A new TIFF of 8 or 16 bits, grey or RGB, with or without alpha, deflated in strips of 64 kB.

    `more` are further tags, in the byte order that the file is to have.
    """
    height, width = pixels.shape[:2]
    number = pixels[0, 0].size
    stored = pixels.astype(pixels.dtype.newbyteorder(order), order="C")
    rows = stored.reshape(height, -1).view(np.uint8)
    tall = min(height, max(1, _STRIP // rows.shape[1]))
    pieces, packing = strips.compressed(rows, tall)
    writer = ifd.Writer(order, b"")
    more = list(more)
    writer.keep(more)
    places = [writer.place(piece) for piece in pieces]
    values = {
        **{
            pages.WIDTH: [width],
            pages.HEIGHT: [height],
            pages.BITS: [8 * pixels.itemsize] * number,
        },
        **{pages.COMPRESSION: [packing], pages.COLOUR: [_RGB if number > 2 else _BLACK_IS_ZERO]},
        **{
            pages.OFFSETS: places,
            pages.SAMPLES: [number],
            pages.ROWS: [tall],
            pages.COUNTS: list(map(len, pieces)),
            pages.PLANES: [1],
        },
    }
    if number in (2, 4):
        values[pages.EXTRA] = [_UNASSOCIATED]
    long = {pages.WIDTH, pages.HEIGHT, pages.ROWS, pages.OFFSETS, pages.COUNTS}
    fields = [
        ifd.numbers(tag, ifd.LONG if tag in long else ifd.SHORT, found, order)
        for tag, found in values.items()
    ]
    have = set(values)
    return writer.finished(
        writer.directory([*fields, *(one for one in more if one.tag not in have)])
    )


def deepened(data: bytes, pixels: Integer[ndarray, "y x *sample"]) -> bytes:
    """A new TIFF of these samples, with all tags of another new one."""
    old = ifd.parse(data)
    return made(pixels, ifd.tree(old, old.pages[0]), old.order)


def _peak(layout: Layout) -> int:
    return (1 << layout.bits) - 1


def _file(data: bytes) -> TiffFile | str:
    """Where the codes of a TIFF are, or why it has none; `FormatError` where it is damaged."""
    structure = ifd.parse(data)
    page = next(iter(_full(structure)), None)
    if page is None:
        return "has no page of full size"
    found = pages.layout(structure, page)
    if isinstance(found, str):
        return found
    colour = structure.number(page, pages.COLOUR, _WHITE_IS_ZERO)  # as Pillow takes it
    number = found.shape[2]
    extra = structure.numbers(page.get(pages.EXTRA))
    if colour not in _COLOURS:
        return f"has {_NAMES.get(colour, f'colours of kind {colour}')}"
    if number < _COLOURS[colour] or len(extra) > number:
        return f"has {number} samples a pixel"
    own = number - len(extra) if colour in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) else _COLOURS[colour]
    unknown = colour == _BLACK_IS_ZERO  # bands of a satellite are "extra samples" of no kind
    bands = [i for i in range(number) if i < own or (unknown and not extra[i - own])]
    if not bands:
        return "has no samples beside alpha"
    segments = [(part.at, part.size) for part in found.segments if part.size]
    if not relaid.apart(structure, segments):
        return "has strips that share bytes with each other, or with its tags"
    fill = _no_data(structure, page)
    inverted = colour == _WHITE_IS_ZERO and found.kind == "u"
    return TiffFile(structure, page, found, tuple(bands), inverted, _held(fill, found.dtype))


def _full(structure: Structure) -> list[Directory]:
    """The pages that are neither reduced pictures nor masks."""
    kinds = [(structure.number(page, pages.KIND, 0), page) for page in structure.pages]
    return [page for kind, page in kinds if not kind & (_REDUCED | _MASK)]


def _no_data(structure: Structure, page: Directory) -> float | None:
    """The value that means "no data", as GDAL writes it: in text."""
    text = structure.raw(page.get(_NO_DATA))[:_MOST_TEXT].split(b"\0")[0]
    try:
        return float(text)
    except ValueError:
        return None


def _held(value: float | None, dtype: np.dtype) -> float:
    """A value as samples hold it: 0 where they cannot."""
    if value is None:
        return 0
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return float(np.array(value, np.float64).astype(dtype))
    limits = np.iinfo(dtype)
    whole = math.isfinite(value) and value == int(value)
    return int(value) if whole and limits.min <= value <= limits.max else 0


def _covers(file: TiffFile) -> Iterator[Cover]:
    structure, page, layout = file.structure, file.page, file.layout
    samples = strips.read(structure.data, layout, file.fill)
    planes = np.ascontiguousarray(samples[..., list(file.bands)].transpose(2, 0, 1))
    given = _given(layout)[..., list(file.bands)].transpose(2, 0, 1)
    extra = structure.numbers(page.get(pages.EXTRA))
    first = layout.shape[2] - len(extra)
    alphas = [first + i for i, kind in enumerate(extra) if kind in (_ASSOCIATED, _UNASSOCIATED)]
    alpha = samples[..., alphas[0]] if alphas else None
    if alpha is not None:
        given = given & (alpha > 0)
    missing = _no_data(structure, page)
    spec, notes = GridSpec(("y", "x"), (False, False)), _notes(structure)
    if layout.kind == "f":
        fills = [] if missing is None else [missing]
        codes, free, low, high, shift = floats.read(planes, fills, None, None, ends=True)
        free = free & given
        held = replace(file, shift=shift)
        step = floats.step(planes, free, shift)
        yield Cover(codes, low, high, free, spec, held, TiffChannel.name, step=step, notes=notes)
        return
    full = np.iinfo(layout.dtype) if layout.kind == "i" else None
    low, high = (0, _peak(layout)) if full is None else (int(full.min), int(full.max))
    short = layout.bits < 16 or (layout.kind == "i" and layout.bits == 16)
    wide = np.int64 if layout.kind == "u" and layout.bits > 31 else np.int32
    codes = planes.astype(np.int16 if short else wide)
    if file.inverted:
        codes = high - codes
    if alpha is not None and _ASSOCIATED in extra:
        given = given & (planes <= alpha)  # colours are weighted by it
    peak = float(high) if layout.kind == "u" and layout.bits <= 16 else None
    plain = Cover(
        codes, low, high, np.broadcast_to(given, codes.shape).copy(), spec, file,
        TiffChannel.name, peak=peak, notes=notes,
    )  # fmt: skip
    if alpha is not None and _ASSOCIATED in extra:
        top = np.broadcast_to(alpha, codes.shape).astype(codes.dtype)
        plain = replace(plain, low=np.zeros_like(top), high=top)
    known = _known(plain, file, missing)
    yield known
    old = layout.kind == "u" and layout.bits in (8, 16) and _ASSOCIATED not in extra
    if known is not plain and old and not file.inverted:
        yield plain


def _known(cover: Cover, file: TiffFile, missing: float | None) -> Cover:
    """The cover of integers whose value for "no data" is not free, and never reached."""
    low, high = int(np.min(cover.low)), int(np.max(cover.high))
    if missing is None or not math.isfinite(missing) or missing != int(missing):
        return cover
    value = high - int(missing) if file.inverted else int(missing)
    if not low <= value <= high:
        return cover
    free = cover.free & (cover.codes != value)
    least, most = between(cover.codes, free, [low - 1, value, high + 1])
    if isinstance(cover.high, ndarray):
        shape, dtype = cover.codes.shape, cover.codes.dtype
        least, most = (np.broadcast_to(end, shape).astype(dtype) for end in (least, most))
        most = np.minimum(most, cover.high)
    return replace(cover, free=free, low=least, high=most)


def _given(layout: Layout) -> Bool[ndarray, "y x sample"]:
    """Which samples are in the file: GDAL leaves segments out that hold no data."""
    found = np.ones(layout.shape, bool)
    for part in layout.segments:
        if not part.size:
            found[strips.area(layout, part)] = False
    return found


def _notes(structure: Structure) -> tuple[str, ...]:
    """What a file shows of its old samples, in words."""
    full, notes = _full(structure), []
    if len(full) > 1:
        notes.append(f"the TIFF has {len(full)} pages; the message is in the first of them")
    small = [page for page in structure.every() if structure.number(page, pages.KIND, 0) & _REDUCED]
    if small:
        which = "a smaller picture" if len(small) == 1 else f"{len(small)} smaller pictures"
        notes.append(
            f"the TIFF holds {which} of the cover as it was (overviews, a thumbnail): who makes "
            "them anew from the full one sees that it changed; make them anew after hiding"
        )
    return tuple(notes)

"""TIFF: its tags, but those of its samples."""

from ....errors import FormatError
from .. import ifd
from ..metadata import Metadata, joined, resolution_in

LAYOUT = {
    *range(254, 260), *range(262, 269), 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291, 292,
    293, 301, 317, *range(320, 333), *range(338, 348), *range(512, 522), *range(529, 533), 559,
    33421, 33422,
}  # fmt: skip
"""Tags that say where and how samples are stored, and what they mean in that way of storing."""
_APART = {ifd.SUBIFDS, 700, 33723, 34377, 34675}
OF_EXIF = {
    *(269, 270, 271, 272, 274, 282, 283, 285, 286, 287, 296, 297, 305, 306, 315, 316, 318, 319),
    *(18246, 18249, 33432, 34665, 34853, 40091, 40092, 40093, 40094, 40095, 50341),
}
"""Tags of a TIFF that EXIF data have in other formats."""
_TRANSFER, _NO_DATA = 301, 42113
_NAMES = {
    301: "TransferFunction",
    33550: "ModelPixelScale", 33922: "ModelTiepoint", 34264: "ModelTransformation",
    34735: "GeoKeyDirectory", 34736: "GeoDoubleParams", 34737: "GeoAsciiParams",
    42112: "GDAL_METADATA", 42113: "GDAL_NODATA", 50838: "ImageJ", 50839: "ImageJ",
    34118: "SEM", 34412: "LSM", 34361: "MM header", 37724: "ImageSourceData",
}  # fmt: skip


def read(data: bytes) -> Metadata:
    """What the tags of a TIFF's first page hold."""
    try:
        structure = ifd.parse(data)
        page = structure.pages[0]
    except (FormatError, IndexError):
        return Metadata(other=("all tags of its damaged directory",))
    tree = ifd.tree(structure, page)
    untrue = set() if _plain(structure, page) else {_TRANSFER, _NO_DATA}
    fields = tuple(one for one in tree if one.tag not in LAYOUT | untrue)
    exif = tuple(one for one in fields if one.tag in OF_EXIF)
    alien = sorted({one.tag for one in fields} - OF_EXIF - _APART)
    other = [_named(tag) for tag in sorted({one.tag for one in tree} & (untrue | {_TRANSFER}))]
    if ifd.SUBIFDS in page.subs:
        other.append("its sub-pages")
    if len(structure.pages) > 1:
        other.append("its other pages")
    damaged = sorted({str(e.tag) for e in page.entries if e.size < 0 and e.tag not in LAYOUT})
    if damaged:
        other.append(f"the damaged TIFF tag {joined(damaged)}")

    def bytes_of(tag: int) -> bytes:
        return structure.raw(page.get(tag))

    return Metadata(
        exif=ifd.serialized(exif, structure.order) if exif else b"",
        xmp=bytes_of(700),
        icc=bytes_of(34675),
        photoshop=bytes_of(34377),
        iptc=bytes_of(33723),
        resolution=resolution_in(structure),
        fields=fields,
        order=structure.order,
        of_tiff=tuple(_named(tag) for tag in alien),
        other=tuple(other),
    )


def _plain(structure: ifd.Structure, page: ifd.Directory) -> bool:
    """Whether a new file has the very numbers of the old one: no palette, no bits that become 8."""
    bits, colour = structure.number(page, 258, 1), structure.number(page, 262, 0)
    jpeg = colour == 6 and structure.number(page, 259, 1) == 7  # whose decoder gives RGB
    return bits in (8, 16) and (colour in (1, 2) or jpeg)


def _named(tag: int) -> str:
    return f"the TIFF tag {tag}" + (f" ({_NAMES[tag]})" if tag in _NAMES else "")

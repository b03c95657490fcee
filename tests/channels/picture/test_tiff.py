"""TIFF: patched in its own layout, every tag and page as it was; other libraries see only steps."""

import struct
import warnings
from io import BytesIO
from itertools import product

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stegafield.channels.picture import ifd, relaid, tiff
from stegafield.channels.picture.tiff import TiffChannel
from stegafield.errors import CapacityError, ConfigError, FormatError, StegafieldError
from tests.pictures import noise, saved
from tests.pictures import tiff as made

GEO = [
    (33550, "d", 3, (30.0, 30.0, 0.0), False),
    (33922, "d", 6, (0.0, 0, 0, 4e5, 5e6, 0), False),
    (34735, "H", 8, (1, 1, 0, 1, 1024, 0, 1, 1), False),
]
PLACES = (273, 279, 324, 325)
PREDICTORS = {None: (1,), "packbits": (1,), "lzw": (1, 2, 3), "zlib": (1, 2, 3), "zstd": (1, 2, 3)}
PREDICTORS |= {"lzma": (1, 2)}


def smooth(shape, dtype, seed=0):
    """Values that compress, of any type."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "u" and np.dtype(dtype).itemsize == 4:
        return rng.integers(2**31 - 50, 2**31 + 50, shape, dtype=dtype)
    return rng.normal(100, 9, shape).astype(dtype)


def field(dtype, shape=(48, 64), **options):
    return made(smooth(shape, dtype), photometric="minisblack", **options)


def told(data):
    """Every tag of every page and sub-page but places and sizes of strips, by tifffile."""

    def of(page):
        values = {
            t.code: (int(t.dtype), t.count, t.value)
            for t in page.tags
            if t.code not in (*PLACES, 330)
        }
        return values, [of(sub) for sub in page.pages or ()]

    with tifffile.TiffFile(BytesIO(data)) as file:
        return [of(page) for page in file.pages], file.byteorder, file.is_bigtiff


def others(data):
    """The samples of all pages but the first, with those below it."""
    with tifffile.TiffFile(BytesIO(data)) as file:
        subs = [sub for page in file.pages for sub in page.pages or ()]
        return [page.asarray().tolist() for page in [*file.pages[1:], *subs]]


def stepped(data, seed=1):
    """The file with a step up wherever one is allowed; the codes that it holds now."""
    cover = next(TiffChannel().read(data))
    up = np.random.default_rng(seed).random(cover.codes.shape) < 0.5
    up &= cover.free & (cover.codes < cover.high)
    codes = cover.codes + up.astype(cover.codes.dtype)
    return TiffChannel().write(cover, codes), codes, cover


def planes(pixels, like):
    """Samples as tifffile or Pillow gives them, in the order of codes."""
    found = np.asarray(pixels)
    if found.ndim == 2:
        return found[None]
    return found if found.shape == like else found.transpose(2, 0, 1)


KINDS = st.tuples(
    st.sampled_from([(c, p) for c, found in PREDICTORS.items() for p in found]),
    st.sampled_from([None, (16, 32)]),
    st.sampled_from(["contig", "separate"]),
    st.sampled_from("<>"),
    st.booleans(),
    st.sampled_from(["u1", "u2", "i1", "i2", "i4", "u4", "f2", "f4", "f8"]),
    st.sampled_from([1, 3]),
    st.sampled_from([1, 7, 100]),
)


@settings(max_examples=60, deadline=None)
@given(kind=KINDS)
def test_all_but_the_samples_stays(kind):
    """A2, A8, A10, B2: compression, predictor, tiles, planes, byte order, BigTIFF, type."""
    (packing, predictor), tile, planar, order, big, dtype, bands, rows = kind
    if (predictor == 3) != (dtype[0] == "f") and predictor != 1:
        return
    shape = (45, 50) if bands == 1 else (3, 45, 50) if planar == "separate" else (45, 50, 3)
    data = made(
        smooth(shape, dtype), compression=packing, predictor=predictor if predictor > 1 else None,
        tile=tile, rowsperstrip=None if tile else rows, byteorder=order, bigtiff=big,
        planarconfig=planar if bands > 1 else None,
        photometric="rgb" if bands > 1 else "minisblack",
        description="Zoë".encode("latin-1"), extratags=[*GEO, (42113, "s", 2, "99", True)],
    )  # fmt: skip
    written, codes, cover = stepped(data)
    (again, *_) = TiffChannel().read(written)
    assert np.array_equal(again.codes, codes) and np.array_equal(again.free, cover.free)
    assert told(written) == told(data)
    seen = planes(tifffile.imread(BytesIO(written)), codes.shape)
    before = planes(tifffile.imread(BytesIO(data)), codes.shape)
    change = seen.astype(np.float64) - before
    if dtype[0] != "f":
        assert np.array_equal(change, codes - cover.codes)
    assert np.array_equal(change != 0, codes != cover.codes) and (change >= 0).all()
    shown, was = by_pillow(written), by_pillow(data)
    if was is not None and np.array_equal(planes(was, codes.shape), before):
        assert np.array_equal(planes(shown, codes.shape), seen)


def by_pillow(data):
    """What Pillow sees; None where it reads nothing. Some kinds it reads wrongly, or by halves."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return np.asarray(Image.open(BytesIO(data)))
    except OSError:
        return None


@pytest.mark.parametrize("packing", ["zlib", "lzw", "packbits", None])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_sub_pages_stay(engine, key, packing, tile):
    """A2: a reduced sub-page, and a page behind it, were damaged."""
    out = BytesIO()
    array = noise(48, 64, 3)
    with tifffile.TiffWriter(out) as file:
        options = {"photometric": "rgb", "compression": packing, "tile": tile, "metadata": None}
        file.write(array, subifds=2, **options)
        file.write(array[::2, ::2], subfiletype=1, **options)
        file.write(array[::4, ::4], subfiletype=1, **options)
        file.write(array[::3, ::3], subfiletype=1, **options)
    data = out.getvalue()
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    assert told(stego.data) == told(data) and others(stego.data) == others(data)
    assert 0 < np.abs(tifffile.imread(BytesIO(stego.data)).astype(int) - array).max() <= 4
    assert any("3 smaller pictures" in note for note in stego.report.notes)


def test_text_that_is_not_ascii_stays(engine, key):
    """A3: tags of a compressed TIFF were decoded and encoded again."""
    name = "Zoë\0".encode("latin-1")
    data = made(noise(40, 40), compression="zlib", extratags=[(315, 2, len(name), name, True)])
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    structure = ifd.parse(stego.data)
    assert structure.raw(structure.pages[0].get(315)) == name


def bare(array, tags, order="<", more=()):
    """A TIFF written by hand: one strip behind its directory."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    height, width = array.shape
    values = {256: width, 257: height, 258: 8, 262: 1, 277: 1, 278: height, 279: array.size} | tags
    values = {tag: value for tag, value in values.items() if value is not None}
    count = len(values) + 1 + len(more)
    end = 8 + 2 + 12 * count + 4
    values[273] = end + sum(len(data) for _, _, _, data in more)
    rows, rest = {}, b""
    for tag, value in values.items():
        rows[tag] = struct.pack(order + "HHII", tag, 4, 1, value)
    for tag, kind, number, data in more:
        rows[tag] = struct.pack(order + "HHII", tag, kind, number, end + len(rest))
        rest += data
    body = b"".join(rows[tag] for tag in sorted(rows))
    return head + struct.pack(order + "IH", 8, count) + body + bytes(4) + rest + array.tobytes()


NATIVE = {
    "planes": made(noise(3, 40, 40), photometric="rgb", planarconfig="separate"),
    "deep planes": made(
        noise(3, 40, 40, dtype=np.uint16), photometric="rgb", planarconfig="separate"
    ),
    "packbits": made(noise(40, 40, 3), compression="packbits", photometric="rgb"),
    "no compression tag": bare(noise(40, 40), {}),
    "no sizes": bare(noise(40, 40), {279: None}),
    "rows without end": bare(noise(40, 40), {278: 2**32 - 1}),
    "bits reversed": bare(noise(40, 40), {266: 2}),
    "white is zero": made(noise(40, 40), photometric="miniswhite"),
    "CMYK": made(noise(40, 40, 4), photometric="separated"),
    "tiles": made(noise(50, 50, 3), tile=(16, 32), photometric="rgb"),
    "five bands": made(noise(40, 40, 5), photometric="minisblack", planarconfig="contig"),
    "deep grey with alpha": made(
        noise(40, 40, 2, dtype=np.uint16), photometric="minisblack", planarconfig="contig",
        extrasamples=["unassalpha"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NATIVE)
def test_kinds_that_were_decoded_are_patched(engine, key, name):
    """A4, A10: their tags went, and a note said only "decoded"."""
    data = NATIVE[name]
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    assert stego.report.notes == [] and engine.reveal(stego.data, key=key) == b"m"
    assert len(stego.data) == len(data) or name == "packbits"
    before, after = (tifffile.imread(BytesIO(x)).astype(int) for x in (data, stego.data))
    if name != "bits reversed":  # tifffile does not turn the bits of plain samples
        assert 0 < np.abs(after - before).max() <= 4
    same = np.frombuffer(stego.data, np.uint8)[:8] == np.frombuffer(data, np.uint8)[:8]
    assert same.all() or name == "packbits"


def test_a_turned_tiff_stays_turned(engine, key):
    """A4: it was turned upright, and lost its tags."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    data = saved(noise(40, 50, 3), "TIFF", exif=exif)
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    assert len(stego.data) == len(data) and stego.report.notes == []
    assert Image.open(BytesIO(stego.data)).getexif()[0x0112] == 6


@pytest.mark.parametrize("bits", [4, 10, 12, 14])
def test_odd_numbers_of_bits(engine, key, bits):
    """A4: 12 bits were no picture, and 4 bits became 8."""
    values = np.random.default_rng(0).integers(0, 1 << bits, (48, 51)).astype(np.uint16)
    shifts = np.arange(bits - 1, -1, -1)
    rows = [np.packbits((row[:, None] >> shifts) & 1) for row in values]
    stored = np.stack(rows)
    plain = bare(stored, {256: 51, 258: bits, 259: 1})
    stego = engine.hide(b"m", carrier="image", cover=plain, key=key, format="tiff")
    (found,) = TiffChannel().read(stego.data)
    assert np.abs(found.codes[0] - values).max() <= 4 and found.codes.max() < 1 << bits
    assert found.peak == (1 << bits) - 1 and len(stego.data) == len(plain)
    assert np.array_equal(tifffile.imread(BytesIO(stego.data)), found.codes[0])


DECODED = {
    "JPEG": saved(noise(40, 40, 3), "TIFF", compression="jpeg"),
    "bits": saved(noise(40, 40) > 99, "TIFF"),
    "fax": saved(noise(40, 40) > 99, "TIFF", compression="group4"),
    "palette": saved(np.asarray(Image.fromarray(noise(40, 40))), "TIFF"),
}
DECODED["palette"] = made(
    noise(40, 40), photometric="palette", colormap=noise(3, 256, dtype=np.uint16)
)


@pytest.mark.parametrize("name", DECODED)
def test_what_has_to_be_converted_says_so(engine, key, name):
    given = {"carrier": "image", "cover": DECODED[name], "format": "tiff"}
    assert list(TiffChannel().read(DECODED[name])) == [] and tiff.why_not(DECODED[name])
    if name in ("bits", "fax"):  # black and white: there is nothing but clipped places
        with pytest.raises(CapacityError, match="effort.flat"):
            engine.hide(b"m", key=key, **given)
        given["set"] = {"effort.flat": True}
    stego = engine.hide(b"m", key=key, **given)
    assert stego.report.notes and engine.reveal(stego.data, key=key) == b"m"


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("packing", [None, "zlib"])
def test_no_data_stays_no_data(engine, key, dtype, packing):
    """A8: elements entered and left the mask."""
    array = np.random.default_rng(0).integers(0, 40, (64, 64)).astype(dtype)
    data = made(array, compression=packing, extratags=[(42113, "s", 3, "20", True)])
    given = {"carrier": "image", "cover": data, "key": key, "format": "tiff", "bps": 1}
    if dtype in ("f4", "f8"):  # whole numbers: a step would enter what lies between
        with pytest.raises(CapacityError, match=r"effort\.flat"):
            engine.hide(b"m", **given)
        given["set"] = {"effort.flat": True}
    stego = engine.hide(b"m", **given)
    found = tifffile.imread(BytesIO(stego.data))
    assert np.array_equal(found == 20, array == 20) and not np.array_equal(found, array)
    assert np.array_equal(found > 20, array > 20), "and nothing crossed it"
    assert engine.reveal(stego.data, key=key) == b"m"


@pytest.mark.parametrize(
    "text", ["nan", "-9999", "1e400", "0.5", "300", "", "nonsense\xff", "9" * 99]
)
def test_no_data_that_samples_do_not_hold(text):
    data = made(noise(40, 40), extratags=[(42113, 2, len(text) + 1, text.encode() + b"\0", True)])
    (cover,) = TiffChannel().read(data)
    assert cover.free.all() and (cover.low, cover.high) == (0, 255)


def test_segments_that_gdal_leaves_out_stay_out(engine, key):
    """A8, A10: a tile at place 0 of size 0 holds no data; it is read as such, and never written."""
    array = noise(64, 64)
    data = bytearray(made(array, tile=(16, 16)))
    structure = ifd.parse(bytes(data))
    for tag in (324, 325):
        entry = structure.pages[0].get(tag)
        size = ifd.SIZES[entry.kind]
        data[entry.at + size : entry.at + 2 * size] = bytes(size)
    cover = next(TiffChannel().read(bytes(data)))
    assert not cover.free[0, :16, 16:32].any() and cover.free.sum() == 64 * 64 - 256
    stego = engine.hide(b"m", carrier="image", cover=bytes(data), key=key, format="tiff")
    found = ifd.parse(stego.data)
    for tag in (324, 325):
        before, after = (x.numbers(x.pages[0].get(tag)) for x in (ifd.parse(bytes(data)), found))
        assert after == before and after[1] == 0


FIELDS = {
    "float32": (np.float32, {}),
    "float64": (np.float64, {"compression": "zlib", "predictor": 3}),
    "float16": (np.float16, {}),
    "int16": (np.int16, {"compression": "zlib", "predictor": 2, "tile": (32, 32)}),
    "int32": (np.int32, {"compression": "lzw"}),
    "uint32": (np.uint32, {}),
    "int8": (np.int8, {}),
}


@pytest.mark.parametrize("name", FIELDS)
def test_fields_in_a_geotiff(engine, key, name):
    """B2: single-band GeoTIFFs of floats and signed integers were refused."""
    dtype, options = FIELDS[name]
    data = field(dtype, extratags=GEO, **options)
    asked = {"carrier": "image", "cover": data, "format": "tiff"}
    room = engine.capacity(**asked)
    stego = engine.hide(b"m", key=key, **asked)
    assert room > 0 and stego.report.psnr is None and stego.report.notes == []
    assert engine.reveal(stego.data, key=key) == b"m" and told(stego.data) == told(data)
    before, after = (tifffile.imread(BytesIO(x)) for x in (data, stego.data))
    assert after.dtype == before.dtype and (after != before).any()
    assert np.isfinite(after.astype(np.float64)).all()


def test_floats_that_came_from_integers_say_so(engine, key):
    data = made(
        (noise(48, 48) / 10).astype(np.float32) + np.float32(1000), photometric="minisblack"
    )
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    assert any("lattice of 0.1" in note for note in stego.report.notes)


def test_bits_that_were_groomed_away_stay_away(engine, key):
    values = smooth((48, 48), "f4")
    bits = values.view(np.uint32) >> 12 << 12
    groomed = np.where(np.arange(48) % 2, bits, bits | 4095).astype(np.uint32)
    data = made(groomed.view(np.float32), photometric="minisblack")
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    found = tifffile.imread(BytesIO(stego.data)).view(np.uint32)
    assert np.array_equal(found & 4095, groomed & 4095) and not np.array_equal(found, groomed)


def test_a_field_of_three_bands_is_drawn(engine, key, tmp_path):
    pytest.importorskip("matplotlib")
    from stegafield.figures.stego import draw

    data = made(smooth((3, 48, 48), "i2"), photometric="minisblack", planarconfig="separate")
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    draw(stego, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize("form", ["png", "webp", "bmp"])
@pytest.mark.parametrize("dtype", ["f4", "i2"])
def test_fields_are_no_pictures_of_other_formats(engine, form, dtype):
    with pytest.raises(ConfigError, match="Write a TIFF"):
        engine.hide(b"m", carrier="image", cover=field(dtype), format=form)


@pytest.mark.parametrize("options", [{"as_function": True}, {"size": (32, 32)}])
def test_fields_are_not_resampled(engine, options):
    with pytest.raises(ConfigError, match="neither resampled nor made a function"):
        engine.hide(b"m", carrier="image", cover=field("f4"), format="tiff", **options)


@pytest.mark.parametrize("packing", [None, "zlib"])
def test_pages_behind_the_first_stay(engine, key, packing):
    """A10: a TIFF of several pages was refused."""
    array = noise(3, 40, 40)
    data = made(array, photometric="minisblack", compression=packing)
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    found = tifffile.imread(BytesIO(stego.data))
    assert np.array_equal(found[1:], array[1:]) and not np.array_equal(found[0], array[0])
    assert any("first of them" in note for note in stego.report.notes)
    assert told(stego.data) == told(data) and engine.reveal(stego.data, key=key) == b"m"


def test_premultiplied_colours_stay_below_alpha():
    array = noise(40, 40, 4)
    array[..., :3] = np.minimum(array[..., :3], array[..., 3:])
    data = made(array, photometric="rgb", extrasamples=["assocalpha"])
    written, _, cover = stepped(data)
    found = tifffile.imread(BytesIO(written))
    assert (found[..., :3] <= found[..., 3:]).all() and np.array_equal(found[..., 3], array[..., 3])
    assert not cover.free[:, array[..., 3] == 0].any()


# --- where new strips go


def noisier(data, amount, seed=3):
    """The file with so much noise in its first page that compressed strips grow."""
    cover = next(TiffChannel().read(data))
    rng = np.random.default_rng(seed)
    codes = np.clip(cover.codes + rng.integers(-amount, amount + 1, cover.codes.shape), 0, 255)
    return TiffChannel().write(cover, codes), codes


def flat(**options):
    return made(np.full((64, 64), 100, np.uint8), compression="zlib", **options)


@pytest.mark.parametrize("rows", [8, 64])
@pytest.mark.parametrize("big", [False, True])
def test_strips_that_grow_keep_their_order_and_leave_no_gaps(rows, big):
    data = flat(rowsperstrip=rows, bigtiff=big, extratags=GEO, description="words " * 9)
    written, codes = noisier(data, 60)
    before, after = ifd.parse(data), ifd.parse(written)
    old, new = ([s.numbers(s.pages[0].get(tag)) for tag in (273, 279)] for s in (before, after))
    assert new[0][0] == old[0][0] and list(new[0]) == sorted(new[0]) and sum(new[1]) > sum(old[1])
    gaps = [b - a - n for a, n, b in zip(new[0], new[1], new[0][1:], strict=False)]
    assert all(0 <= gap < 16 for gap in gaps)
    assert len(written) - len(data) < sum(new[1]) - sum(old[1]) + 16 * len(gaps) + 16
    assert np.array_equal(tifffile.imread(BytesIO(written)), codes[0])
    assert told(written) == told(data)


def test_notes_of_a_maker_are_not_moved():
    """Strips of a file with a maker's note behind them go to its end: nobody else moves."""
    writer = ifd.Writer("<", b"")
    strip = tiff.strips.compressed(np.full((64, 64), 100, np.uint8), 64)[0][0]
    place = writer.place(strip)
    note = ifd.Field(ifd.MAKER_NOTE, ifd.UNDEFINED, 40, b"Nikon" + bytes(range(35)))
    values = {
        256: 64,
        257: 64,
        258: 8,
        259: 8,
        262: 1,
        273: place,
        277: 1,
        278: 64,
        279: len(strip),
    }
    fields = [ifd.numbers(tag, ifd.LONG, [n], "<") for tag, n in values.items()]
    fields.append(ifd.Field(ifd.EXIF, ifd.LONG, 1, children=((note,),)))
    data = writer.finished(writer.directory(fields))
    written, codes = noisier(data, 60)
    old, new = ifd.parse(data), ifd.parse(written)
    assert written[place + len(strip) : len(data)].replace(b"", b"") != b""
    at = [s.pages[0].subs[ifd.EXIF][0].get(ifd.MAKER_NOTE).at for s in (old, new)]
    assert at[0] == at[1] and written[at[0] : at[0] + 40] == note.data
    assert new.numbers(new.pages[0].get(273))[0] >= len(data)
    assert written[place : place + len(strip)] == bytes(len(strip)), "nothing of the cover is left"
    assert np.array_equal(next(TiffChannel().read(written)).codes, codes)


def test_a_tag_that_may_hold_a_place_keeps_all_where_it_is():
    probe = flat(extratags=[(50000, "I", 1, 7, True)])
    data = flat(extratags=[(50000, "I", 1, len(probe) - 2, True)])
    assert len(data) == len(probe)
    structure = ifd.parse(data)
    first = structure.numbers(structure.pages[0].get(273))[0] + 1
    assert not relaid.movable(structure, first) and relaid.movable(ifd.parse(probe), first)
    written, codes = noisier(data, 60)
    assert np.array_equal(tifffile.imread(BytesIO(written)), codes[0])


def test_sizes_that_outgrow_their_type():
    """libtiff writes sizes of strips as SHORT where they fit."""
    data = bytearray(made(np.full((600, 600), 9, np.uint8), compression="zlib", rowsperstrip=600))
    structure = ifd.parse(bytes(data))
    entry = structure.pages[0].get(279)
    (size,) = structure.numbers(entry)
    struct.pack_into("<HIHH", data, entry.place + 2, 3, 1, size, 0)
    written, codes = noisier(bytes(data), 90)
    assert np.array_equal(tifffile.imread(BytesIO(written)), codes[0])


def test_tiles_keep_what_gdal_writes_around_them():
    """Cloud optimised GeoTIFF: each tile between its size and its last four bytes."""
    head = b"GDAL_STRUCTURAL_METADATA_SIZE=000038 bytes\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    rows = np.full((64, 64), 100, np.uint8)
    tiles = tiff.strips.compressed(rows, 16)[0]
    writer = ifd.Writer("<", b"II*\0" + bytes(4) + head)
    at = []
    for tile in tiles:
        at.append(len(writer.out) + 4)
        writer.out += struct.pack("<I", len(tile)) + tile + tile[-4:]
    values = {256: [64], 257: [64], 258: [8], 259: [8], 262: [1], 273: at, 277: [1], 278: [16]}
    values[279] = [len(tile) for tile in tiles]
    fields = [ifd.numbers(tag, ifd.LONG, n, "<") for tag, n in values.items()]
    written, codes = noisier(writer.finished(writer.directory(fields)), 60)
    found = ifd.parse(written)
    for start, size in zip(
        *(found.numbers(found.pages[0].get(t)) for t in (273, 279)), strict=True
    ):
        assert struct.unpack("<I", written[start - 4 : start])[0] == size
        assert written[start + size : start + size + 4] == written[start + size - 4 : start + size]
    assert np.array_equal(next(TiffChannel().read(written)).codes, codes)


@pytest.mark.parametrize("level", [1, 6, 9])
def test_strips_are_deflated_as_they_were(level):
    data = made(smooth((64, 64), "u1"), compression="zlib", compressionargs={"level": level})
    structure = ifd.parse(data)
    (place,), (size,) = (structure.numbers(structure.pages[0].get(tag)) for tag in (273, 279))
    found = tiff.strips._like(data[place : place + size], 8, 64 * 64)
    written, _ = noisier(data, 1)
    assert written[place : place + 2] == data[place : place + 2] and found[0] <= 9


# --- hostile


def looped():
    """Pages, sub-pages and EXIF directories that lead back to where they came from."""
    data = bytearray(bare(noise(8, 8), {}))
    end = ifd.parse(bytes(data)).pages[0].end
    struct.pack_into("<I", data, end, 8)
    yield "a page that follows itself", bytes(data)
    for tag in ifd.POINTERS:
        yield f"a directory below itself by {tag}", bare(noise(8, 8), {tag: 8})


@pytest.mark.parametrize(("name", "data"), list(looped()))
def test_directories_in_a_loop(engine, key, name, data):
    for act in (
        lambda: list(TiffChannel().read(data)),
        lambda: engine.hide(b"", carrier="image", cover=data, format="tiff"),
        lambda: engine.reveal(data, key=key),
    ):
        with pytest.raises(StegafieldError, match=r"loop|can open"):
            act()


HUGE = {
    "pixels": {256: 2**31, 257: 2**31},
    "samples": {277: 65535, 256: 40000, 257: 40000},
    "tiles": {322: 2**31, 323: 2**31, 324: 200, 325: 64, 273: None},
    "a place beyond the end": {273: 2**31},
    "a size beyond the end": {279: 2**31, 259: 5},
    "no width": {256: 0},
    "tiles without a size": {322: 0, 323: 0, 324: 200, 325: 64},
    "rows of no height": {278: 0, 257: 2**20},
    "nothing in any strip": {279: 0, 259: 5},
    "cut": {257: 4096},
}


@pytest.mark.parametrize("name", HUGE)
def test_numbers_without_bounds(engine, name):
    data = bare(noise(8, 8), HUGE[name])
    if HUGE[name].get(273):
        at = data.index(struct.pack("<HHI", 273, 4, 1)) + 8
        data = data[:at] + struct.pack("<I", HUGE[name][273]) + data[at + 4 :]
    with pytest.raises(FormatError):
        list(TiffChannel().read(data))
    with pytest.raises(StegafieldError):
        engine.hide(b"", carrier="image", cover=data, format="tiff")


def test_counts_without_bounds():
    """Four billion numbers in an entry are not in the file, and are not unpacked."""
    data = bytearray(bare(noise(8, 8), {}))
    for tag in (273, 258, 279):
        broken = bytearray(data)
        entry = ifd.parse(bytes(data)).pages[0].get(tag)
        struct.pack_into("<I", broken, entry.place + 4, 2**32 - 1)
        try:
            list(TiffChannel().read(bytes(broken)))
        except FormatError:
            continue


@pytest.mark.parametrize("tag", [273, 279])
def test_more_places_than_sizes_and_more_sizes_than_places(tag):
    """Found by damaging files: one of the two has numbers that no strip needs."""
    data = bytearray(flat(rowsperstrip=16))
    structure = ifd.parse(bytes(data))
    entry = structure.pages[0].get(tag)
    more = ifd.numbers(tag, ifd.LONG, [*structure.numbers(entry), 0, 0], "<")
    struct.pack_into("<HII", data, entry.place + 2, ifd.LONG, more.count, len(data))
    written, codes = noisier(bytes(data) + more.data, 60)
    (found, *_) = TiffChannel().read(written)
    assert np.array_equal(found.codes, codes)
    new = ifd.parse(written)
    starts, sizes = (new.numbers(new.pages[0].get(tag))[:4] for tag in (273, 279))
    assert (
        tiff.strips.zlib.decompress(written[starts[1] :][: sizes[1]])
        == codes[0, 16:32].astype(np.uint8).tobytes()
    )


def test_alpha_alone_is_no_cover():
    data = bare(noise(8, 8), {338: 2})
    assert list(TiffChannel().read(data)) == [] and "alpha" in tiff.why_not(data)


def test_strips_that_share_bytes_are_no_cover():
    data = made(noise(40, 40), rowsperstrip=20)
    structure = ifd.parse(data)
    at = structure.pages[0].get(273).at
    for place in (structure.numbers(structure.pages[0].get(273))[0], 8, 0):
        broken = bytearray(data)
        struct.pack_into("<I", broken, at + 4, place)
        if place:
            assert "share bytes" in tiff.why_not(bytes(broken))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(list(product(["zlib", "lzw", None], [None, (16, 16)], ["u1", "f4"]))),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), min_size=1, max_size=4),
    early=st.booleans(),
)
def test_damage_is_told(kind, flips, early):
    packing, tile, dtype = kind
    data = bytearray(made(smooth((20, 20), dtype), compression=packing, tile=tile, extratags=GEO))
    for place, mask in flips:
        data[int(place * (220 if early else len(data)))] ^= mask
    try:
        for cover in TiffChannel().read(bytes(data)):
            TiffChannel().write(cover, cover.codes)
    except FormatError:
        pass


@pytest.mark.slow
def test_real_files(shared):
    """A2, A3, A8: what tifffile sees beside the samples is what it saw before."""
    folder = shared / "files" / "tiff"
    if not folder.is_dir():
        pytest.skip("no sample files here")
    patched = 0
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        try:
            covers = list(TiffChannel().read(data))
        except FormatError:
            continue
        if not covers:
            continue
        written, codes, _ = stepped(data)
        assert np.array_equal(next(TiffChannel().read(written)).codes, codes), path.name
        assert told(written) == told(data) and others(written) == others(data), path.name
        assert TiffChannel().write(covers[0], covers[0].codes) == data
        patched += 1
    assert patched > 30


# --- what goes along into a new file, and what is dropped as requested


def geo_jpeg(colour):
    """A TIFF of JPEG strips with tags of every kind behind it."""
    array = noise(48, 48, 3) if colour == "rgb" else noise(48, 48)
    text = "Zoë\0".encode("latin-1")
    more = [*GEO, (315, 2, len(text), text, True), (42112, 2, 4, b"<x>\0", True)]
    more += [
        (33723, 7, 5, b"iptc!", True),
        (34377, 7, 5, b"8BIM!", True),
        (700, 1, 4, b"<x/>", True),
    ]
    more += [(318, 5, 2, (1, 3, 1, 3), True), (42113, "s", 2, "0", True)]
    return made(
        array, photometric=colour, compression="jpeg", extratags=more, iccprofile=b"icc" * 50
    )


def tags_of(data):
    structure = ifd.parse(data)
    return {e.tag: (e.kind, e.count, structure.raw(e)) for e in structure.pages[0].entries}


@pytest.mark.parametrize("colour", ["rgb", "minisblack"])
def test_tags_of_a_tiff_that_is_decoded_stay(engine, key, colour):
    """A4: geo, IPTC, XMP, Photoshop, GDAL, text and colours were lost without a word."""
    data = geo_jpeg(colour)
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    before, after = tags_of(data), tags_of(stego.data)
    for tag in (33550, 33922, 34735, 315, 42112, 33723, 34377, 700, 318, 42113):
        assert after[tag] == before[tag], tag
    assert engine.reveal(stego.data, key=key) == b"m"
    assert not any("left out" in note and "profile" not in note for note in stego.report.notes)


@pytest.mark.parametrize("kind", ["palette", "bits"])
def test_no_data_of_converted_samples_is_named(engine, key, kind):
    """A4, A8: a value of a palette is no value of the new file."""
    more = {"extratags": [(42113, "s", 2, "0", True), *GEO]}
    if kind == "palette":
        more |= {"photometric": "palette", "colormap": noise(3, 256, dtype=np.uint16)}
    data = made(noise(48, 48) if kind == "palette" else noise(48, 48) > 99, **more)
    flat = {"effort.flat": True}
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff", set=flat)
    assert 42113 not in tags_of(stego.data) and 33550 in tags_of(stego.data)
    assert any("GDAL_NODATA" in note for note in stego.report.notes)


def test_the_place_on_the_map_does_not_outlive_resampling(engine, key):
    data = made(noise(48, 48, 3), photometric="rgb", extratags=GEO)
    asked = {"carrier": "image", "cover": data, "key": key, "format": "tiff"}
    stego = engine.hide(b"m", **asked, size=(32, 32))
    assert 33550 not in tags_of(stego.data)
    assert any("on the map" in note for note in stego.report.notes)


@pytest.mark.parametrize("packing", [None, "zlib"])
def test_what_is_personal_goes_if_requested(engine, key, packing):
    """Tags, sub-directories and their bytes; where and what a field is stays."""
    exif = Image.Exif()
    exif[0x010F], exif[0x010E] = "Secretcam", "a secret holiday"
    exif.get_ifd(0x8769)[0x9003] = "2024:01:01 00:00:00"
    exif.get_ifd(0x8769)[37500] = b"Nikon secret" * 9
    exif.get_ifd(0x8825)[1] = "N"
    plain = saved(
        noise(48, 48, 3), "TIFF", exif=exif.tobytes(), dpi=(300, 300), icc_profile=b"i" * 9
    )
    data = made(
        noise(48, 48), compression=packing, description="secret", software="secret",
        extratags=[*GEO, (42112, 2, 4, b"<x>\0", True), (700, 1, 9, b"secret<x>", True)],
    )  # fmt: skip
    for cover, stay in ((plain, (282, 34675)), (data, (33550, 42112))):
        asked = {"carrier": "image", "cover": cover, "key": key, "format": "tiff"}
        stego = engine.hide(b"m", **asked, strip_metadata=True)
        found = tags_of(stego.data)
        assert set(stay) <= set(found) and not {270, 305, 271, 700, 34665, 34853} & set(found)
        assert b"ecret" not in stego.data and b"2024:01" not in stego.data
        assert any("dropped as requested" in note for note in stego.report.notes)
        assert engine.reveal(stego.data, key=key) == b"m"
        kept = engine.hide(b"m", **asked)
        assert told(kept.data) == told(cover)

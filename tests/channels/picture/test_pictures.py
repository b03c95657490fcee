"""WebP, TIFF and BMP: only pixels change, any becomes any other, damage is never a crash."""

import struct
from io import BytesIO

import numpy as np
import pytest
import tifffile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from stegafield.channels.picture.bmp import BmpChannel
from stegafield.channels.picture.png import PngChannel, parse
from stegafield.channels.picture.tiff import TiffChannel
from stegafield.channels.picture.webp import WebpChannel
from stegafield.errors import CapacityError, ConfigError, FormatError, NoMessage
from tests.pictures import (
    LOSSLESS,
    chunk,
    deep_png,
    file_of,
    noise,
    pixels,
    saved,
    soft,
    tiff,
)
from tests.sounds import chunks

DEPTHS = [*((samples, np.uint8) for samples in (1, 2, 3, 4)), (1, np.uint16)]
DEEP = [(3, np.uint16), (4, np.uint16)]
KINDS = {
    "png": [
        (PngChannel, "PNG", samples, dtype, {})
        for samples, dtype in (*DEPTHS, (2, np.uint16), *DEEP)
    ],
    "webp": [(WebpChannel, "WEBP", samples, np.uint8, LOSSLESS) for samples in (3, 4)],
    "bmp": [(BmpChannel, "BMP", samples, np.uint8, {}) for samples in (1, 3)],
    "tiff": [
        (TiffChannel, "TIFF", samples, dtype, {"compression": packing} if packing else {})
        for samples, dtype in (*DEPTHS, *DEEP)
        for packing in (None, "tiff_lzw", "tiff_adobe_deflate")
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("form", KINDS)
def test_any_pixels_make_the_round_trip(form):
    @settings(max_examples=100, deadline=None)
    @given(
        kind=st.sampled_from(KINDS[form]),
        height=st.integers(1, 30),
        width=st.integers(1, 30),
        seed=st.integers(0, 2**32),
    )
    def check(kind, height, width, seed):
        channel, name, samples, dtype, options = kind
        array = noise(height, width, samples, dtype=dtype, seed=seed)
        if samples in (2, 4):
            alpha = array[..., -1] = np.where(array[..., -1] % 3, array[..., -1], 0)
        data = file_of(array, name, **options)
        (cover,) = channel().read(data)
        codes = noise(*cover.codes.shape, dtype=dtype, seed=seed + 1).astype(np.int32)
        codes = np.where(cover.free, codes, cover.codes)
        written = channel().write(cover, codes)
        (found,) = channel().read(written)
        assert np.array_equal(found.codes, codes) and np.array_equal(found.free, cover.free)
        shown = np.atleast_3d(pixels(written)).transpose(2, 0, 1)
        if "tiff_lzw" in options.values() and dtype == np.uint16 and samples > 1:
            codes, alpha = (
                codes >> 8,
                array[..., -1] >> 8,
            )  # no other reader of it is here than Pillow
        assert np.array_equal(shown[: len(codes)], codes)
        if samples in (2, 4):
            assert np.array_equal(shown[-1] if len(shown) == samples else alpha * 0 + 255, alpha)

    check()


def test_every_chunk_of_a_webp_stays(engine, key):
    exif = Image.Exif()
    exif[0x010E] = "a holiday"
    marks = {"icc_profile": b"profile", "exif": exif.tobytes(), "xmp": b"<x/>"}
    data = saved(noise(40, 40, 4), "WEBP", **LOSSLESS, **marks) + b"rest"
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="webp")
    before, after = chunks(data), chunks(stego.data)
    assert [kind for kind, _ in before[1:]] == [b"VP8X", b"ICCP", b"VP8L", b"EXIF", b"XMP "]
    changed = [a[0] for a, b in zip(before[1:], after[1:], strict=True) if a != b]
    assert changed == [b"VP8L"] and stego.data.endswith(b"rest") and stego.report.notes == []


@pytest.mark.parametrize("way", [(4, 80), (4, 75), (6, 75), (0, 0), (2, 25)])
@pytest.mark.parametrize("samples", [3, 4])
def test_a_webp_is_encoded_as_it_was(way, samples):
    """Unchanged pixels give the same file: method and quality were found."""
    array = np.tile(soft(1, 0.05)[0], (2, 2, 1))
    array = np.concatenate([array, noise(128, 128, 1) | 1], axis=2)[..., :samples]
    data = saved(array, "WEBP", **LOSSLESS, method=way[0], quality=way[1])
    (cover,) = WebpChannel().read(data)
    assert WebpChannel().write(cover, cover.codes) == data


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("downward", [False, True])
def test_every_other_byte_of_a_bmp_stays(engine, key, samples, downward):
    array = noise(41, 43, samples)
    data = bytearray(saved(array[..., 0] if samples == 1 else array, "BMP"))
    if downward:
        data[22:26] = struct.pack("<i", -41)
    start = int.from_bytes(data[10:14], "little")
    stride = -(-43 * samples // 4) * 4
    padding = np.zeros(len(data), bool)
    padding[start:] = np.arange(len(data) - start) % stride >= 43 * samples
    marked = np.frombuffer(bytes(data), np.uint8).copy()
    marked[padding] = 77
    data = marked.tobytes() + b"rest"
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="bmp")
    same = np.frombuffer(stego.data, np.uint8) == np.frombuffer(data, np.uint8)
    assert same[:start].all() and same[: padding.size][padding].all() and same[-4:].all()
    assert not same.all() and engine.reveal(stego.data, key=key) == b"m"
    assert np.abs(pixels(stego.data) - pixels(data)).max() <= 4


@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
@pytest.mark.parametrize("rows", [7, 40])
def test_every_other_byte_of_a_plain_tiff_stays(engine, key, order, big, rows):
    for array in (
        noise(40, 50, 3),
        noise(40, 50, dtype=np.uint16),
        noise(40, 50, 3, dtype=np.uint16),
    ):
        data = tiff(array, byteorder=order, bigtiff=big, rowsperstrip=rows, description="a holiday")
        stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
        assert len(stego.data) == len(data) and stego.report.notes == []
        with tifffile.TiffFile(BytesIO(stego.data)) as file:
            page = file.pages[0]
            apart = np.ones(len(data), bool)
            for start, size in zip(page.dataoffsets, page.databytecounts, strict=True):
                apart[start : start + size] = False
            change = page.asarray().astype(int) - array
        same = np.frombuffer(stego.data, np.uint8) == np.frombuffer(data, np.uint8)
        assert same[apart].all() and 0 < np.abs(change).max() <= 4


@pytest.mark.parametrize("predictor", [1, 2])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_compressed_tiff_keeps_its_tags(engine, key, predictor, dtype):
    array = noise(40, 50, 3, dtype=dtype)
    data = tiff(
        array, compression="zlib", predictor=predictor, description="a holiday",
        resolution=(300, 300), software="a scanner", iccprofile=b"profile" * 9,
        extratags=[(40001, 3, 2, (7, 8), True), (40002, 2, 4, "own", True)],
    )  # fmt: skip
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    assert 0 < np.abs(pixels(stego.data) - array).max() <= 4 and stego.report.notes == []
    layout = {273, 278, 279}
    tags = []
    for file in (data, stego.data):
        with tifffile.TiffFile(BytesIO(file)) as found:
            tags.append({t.code: t.value for t in found.pages[0].tags if t.code not in layout})
    assert tags[0] == tags[1]


@pytest.mark.parametrize("packing", ["tiff_lzw", "tiff_adobe_deflate"])
def test_a_compressed_tiff_keeps_its_exif(engine, key, packing):
    """No library here writes such a file: a compressed page and an EXIF directory behind it."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2020:01:01 00:00:00"
    plain = bytearray(saved(noise(40, 40, 3), "TIFF", exif=exif.tobytes()))
    packed = saved(noise(40, 40, 3), "TIFF", compression=packing)
    with Image.open(BytesIO(plain)) as old, Image.open(BytesIO(packed)) as new:
        (start,), (size,) = new.tag_v2[273], new.tag_v2[279]
        wanted = {259: new.tag_v2[259], 273: len(plain), 279: size}
        count, at = struct.unpack_from("<H", plain, 8)[0], 10
        assert count == len(old.tag_v2)
    for entry in range(at, at + 12 * count, 12):
        tag, kind = struct.unpack_from("<HH", plain, entry)
        if tag in wanted:
            struct.pack_into(
                "<I" if kind == 4 else "<HH", plain, entry + 8, wanted[tag], *[0] * (kind == 3)
            )
    data = bytes(plain) + packed[start : start + size]
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    found = Image.open(BytesIO(stego.data)).getexif().get_ifd(0x8769)
    assert found[0x9003] == "2020:01:01 00:00:00"


@pytest.mark.slow
@pytest.mark.parametrize("form", ["png", "webp", "tiff", "bmp"])
@pytest.mark.parametrize("source", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_any_picture_can_be_written_as_any(engine, key, form, source):
    data = saved(noise(40, 44, 3), source)
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format=form)
    found = Image.open(BytesIO(stego.data))
    assert found.format == form.upper() and stego.report.channel == form
    before = np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(int)
    assert np.abs(pixels(stego.data) - before).max() <= 4
    assert engine.reveal(stego.data, key=key) == b"m"


def test_what_a_format_cannot_hold_is_refused_or_noted(engine, key):
    deep, clear, opaque = noise(40, 40, dtype=np.uint16), noise(40, 40, 4), noise(40, 40, 4)
    opaque[..., 3] = 255
    for array, form, says in (
        (deep, "webp", "16 bits"),
        (deep, "bmp", "16 bits"),
        (clear, "bmp", "transparent"),
        (noise(40, 40, 3, dtype=np.uint16), "webp", "16 bits"),
        (noise(40, 40, 2, dtype=np.uint16), "bmp", "16 bits"),
        (noise(1, 20000, 3), "webp", "WebP|webp"),
    ):
        with pytest.raises(ConfigError, match=says):
            engine.hide(b"", carrier="image", cover=array, format=form)
    stego = engine.hide(b"m", carrier="image", cover=opaque, key=key, format="bmp")
    assert any("alpha" in note for note in stego.report.notes)
    stego = engine.hide(b"m", carrier="image", cover=noise(40, 40), key=key, format="webp")
    assert any("from L to RGB" in note for note in stego.report.notes)


def test_a_turned_photograph_becomes_an_uprighttiff(engine, key):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(noise(40, 60, 3), "JPEG", exif=exif.tobytes())
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    assert Image.open(BytesIO(stego.data)).size == (40, 60)
    assert any("upright" in note for note in stego.report.notes)


ODD = {
    "16-bit CMYK": (
        tiff(noise(40, 40, 4, dtype=np.uint16), photometric="separated"),
        "16-bit TIFF of a kind",
    ),
    "16-bit colour that is transparent": (
        deep_png(noise(40, 40, 3, dtype=np.uint16), transparent=(1, 2, 3)),
        "16-bit PNG of a kind",
    ),
    "two pages": (tiff(noise(2, 40, 40), photometric="minisblack"), "2 pages"),
}


@pytest.mark.parametrize("name", ODD)
def test_pictures_that_are_refused(engine, key, name):
    data, says = ODD[name]
    for form in ("png", "tiff") if "transparent" in name else ("png",):
        with pytest.raises(ConfigError, match=says):
            engine.hide(b"", carrier="image", cover=data, format=form)
    with pytest.raises(NoMessage):
        engine.reveal(data, key=key)


@pytest.mark.parametrize("number", [2, 3, 4])
@pytest.mark.parametrize("interlace", [False, True])
def test_16_bit_png(engine, key, number, interlace):
    """Every chunk but the pixels stays; other readers see steps of one."""
    array = noise(41, 43, number, dtype=np.uint16)
    plain = deep_png(array, interlace=interlace, gamma=0.45)
    data = plain[:33] + chunk(b"tEXt", b"Comment\0a holiday") + plain[33:] + b"rest"
    stego = engine.hide(b"m", carrier="image", cover=data, key=key)
    kept = [
        [c.raw for c in parse(file)[0] if c.kind not in (b"IHDR", b"IDAT")]
        for file in (data, stego.data)
    ]
    assert kept[0] == kept[1] and len(kept[0]) == 3 and stego.data.endswith(b"rest")
    assert stego.data[:28] == data[:28] and stego.report.notes == []
    change = np.abs(pixels(stego.data) - array)
    assert 0 < change.max() <= 4 and engine.reveal(stego.data, key=key) == b"m"
    if number in (2, 4):
        assert not change[..., -1].any() and not change[array[..., -1] == 0].any()


def test_a_function_is_not_fitted_to_half_the_bits(engine):
    array = noise(40, 44, 3, dtype=np.uint16)
    for cover in (array, deep_png(array)):
        with pytest.raises(ConfigError, match="16 bits"):
            engine.hide(b"m", carrier="image", cover=cover, as_function=True)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_arrays_of_16_bits(engine, key, number):
    array = noise(40, 44, number, dtype=np.uint16)
    before = array.copy()
    for form in ("png", "tiff"):
        stego = engine.hide(b"m", carrier="image", cover=array, key=key, format=form)
        assert np.array_equal(before, array) and engine.reveal(stego.data, key=key) == b"m"
        found = stego.value.astype(int)
        if form == "tiff" and number == 2:
            assert any("LA to RGBA" in note for note in stego.report.notes)
            found = found[..., [0, 3]]
        else:
            assert stego.value.shape == array.shape and stego.value.dtype == array.dtype
            assert engine.reveal(stego.value, key=key) == b"m"
        assert 0 < np.abs(found - array).max() <= 4 and stego.report.psnr > 100


@pytest.mark.parametrize("form", ["png", "tiff"])
@pytest.mark.parametrize("source", ["PNG", "TIFF"])
def test_16_bit_colour_crosses_over_whole(engine, key, form, source):
    array = noise(40, 44, 3, dtype=np.uint16) // 4 + 24_000  # so that resampling never clips
    data = file_of(array, source)
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format=form)
    assert np.abs(pixels(stego.data) - array).max() <= 4
    small = engine.hide(b"m", carrier="image", cover=data, key=key, format=form, size=(32, 36))
    eight = Image.fromarray((array >> 8).astype(np.uint8)).resize(
        (36, 32), Image.Resampling.LANCZOS
    )
    assert np.abs(pixels(small.data) / 257 - np.asarray(eight)).max() < 2


def test_transparent_colour_does_not_bleed(engine, key):
    array = np.full((64, 64, 4), 60000, np.uint16)
    array[:, 32:] = 0
    flat = {"effort.flat": True}
    stego = engine.hide(b"m", carrier="image", cover=array, key=key, size=(32, 32), set=flat)
    seen = stego.value[..., 3] > 3000
    assert np.abs(stego.value[seen][:, :3].astype(int) - 60000).max() < 100


def test_a_picture_of_16_bits_that_exif_turns_becomes_an_upright_tiff(engine, key):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned, array = chunk(b"eXIf", exif.tobytes()[6:]), noise(40, 44, 3, dtype=np.uint16)
    data = deep_png(array)
    data = data[:33] + turned + data[33:]
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    assert np.abs(pixels(stego.data) - np.rot90(array, -1)).max() <= 4
    assert any("upright" in note for note in stego.report.notes)
    assert turned in engine.hide(b"m", carrier="image", cover=data, key=key).data


def test_lossy_and_moving_webp_hold_nothing(key, engine):
    frames = [Image.fromarray(noise(40, 40, 3, seed=i)) for i in range(2)]
    moving = BytesIO()
    frames[0].save(moving, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    for data in (saved(noise(40, 40, 3), "WEBP"), moving.getvalue()):
        assert list(WebpChannel().read(data)) == []
        with pytest.raises(NoMessage):
            engine.reveal(data, key=key)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from([kind for kinds in KINDS.values() for kind in kinds]),
    keep=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), max_size=4),
    early=st.booleans(),
)
@example(KINDS["tiff"][0], 0.0, [(0.1875, 1)], False)  # strips without their lengths
def test_damage_is_no_message_or_no_file(engine, key, kind, keep, flips, early):
    channel, name, samples, dtype, options = kind
    data = bytearray(file_of(noise(20, 20, samples, dtype=dtype), name, **options))
    for place, mask in flips:
        data[int(place * (60 if early else len(data)))] ^= mask
    broken = bytes(data[: int(keep * len(data)) if not flips else len(data)])
    for act in (
        lambda: engine.reveal(broken, key=key),
        lambda: engine.hide(b"", carrier="image", cover=broken, key=key, format=channel.name),
    ):
        try:
            act()
        except (FormatError, NoMessage, CapacityError, ConfigError):
            continue


@pytest.mark.slow
def test_real_photographs(engine, key, shared):
    for path in sorted((shared / "photos" / "kodak").iterdir())[:3]:
        for form in ("webp", "tiff", "bmp"):
            stego = engine.hide(b"m", carrier="image", cover=path, key=key, format=form)
            assert engine.reveal(stego.data, key=key) == b"m" and stego.report.psnr > 60

"""What stands beside the samples of a picture goes along, or a note names it; nothing else does.

The law is checked with a parser of its own (`tests.beside`), on files of other projects and on made
ones. Numbers like A5 are those of the faults that real files brought up.
"""

import struct
import warnings
import zlib
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin

from stegafield.carriers.image import ImageCarrier
from stegafield.core.carrier import writer
from stegafield.errors import CapacityError, ConfigError, FormatError
from tests.attacks.test_images import raw_png
from tests.beside import beside, differences, tags
from tests.pictures import chunk, deep_png, noise, saved

FORMS = ("png", "webp", "tiff", "bmp")
PROFILE = bytes(12) + b"mntrRGB XYZ " + bytes(range(256)) * 600  # over two segments of a JPEG
XMP = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"
 xmlns:xmpNote="http://ns.adobe.com/xmp/note/"%s/>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def written(data, form, **options):
    """The file that a cover becomes, all but the message, and the notes."""
    carrier = ImageCarrier(ImageCarrier.Options(format=form, **options))
    cover = carrier.open(data)
    return writer(carrier, cover).write(cover, cover.codes), list(cover.notes)


def exif(order="<", **more):
    """EXIF data with sub-directories, a maker's note with a place in it, and a thumbnail."""
    made = Image.Exif()
    made.endian = order
    made[0x010F], made[0x013B] = "a maker", "Zoë"
    made[282], made[283], made[296] = (
        TiffImagePlugin.IFDRational(*more.get("dpi", (300, 1))),
        TiffImagePlugin.IFDRational(*more.get("dpi", (300, 1))),
        2,
    )
    if more.get("turn"):
        made[274] = more["turn"]
    below = made.get_ifd(0x8769)
    below[0x9003], below[0x927C] = "2024:01:01 00:00:00", b"MAKER\0" + struct.pack("<I", 500) * 9
    below[0xA002], below[0xA003] = 50, 40
    below[0xA005] = {1: "R98", 2: b"0100"}
    made.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.5)})
    return made.tobytes().removeprefix(b"Exif\0\0")


def segment(marker, body):
    """One of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg(*segments, mode="RGB", **options):
    """A JPEG with these segments behind its first one."""
    image = Image.fromarray(noise(40, 50, 3)).convert(mode)
    data = saved(np.asarray(image), "JPEG") if mode != "CMYK" else _cmyk(image)
    at = 4 + int.from_bytes(data[4:6], "big")
    jfif = options.get("jfif", data[2:at] if data[3] == 0xE0 else b"")
    return data[:2] + jfif + b"".join(segments) + data[at if data[3] == 0xE0 else 2 :]


def _cmyk(image):
    out = BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


def jfif(unit, x, y, thumbnail=b""):
    side = (1, 1) if thumbnail else (0, 0)
    return segment(0xE0, b"JFIF\0\1\2" + struct.pack(">BHHBB", unit, x, y, *side) + thumbnail)


def icc(profile=PROFILE, size=60_000):
    parts = [profile[at : at + size] for at in range(0, len(profile), size)]
    return b"".join(
        segment(0xE2, b"ICC_PROFILE\0" + bytes([number, len(parts)]) + part)
        for number, part in reversed(list(enumerate(parts, 1)))
    )


def app1(body):
    return segment(0xE1, b"Exif\0\0" + body)


def xmp(turn=1, more=b""):
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP % (turn, more))


RESOURCES = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0c\x1c\x02\x05\0\x07holiday"
JPEGS = {
    "little endian": jpeg(app1(exif("<"))),
    "big endian": jpeg(app1(exif(">"))),
    "XMP": jpeg(xmp(), app1(exif())),
    "ICC in parts": jpeg(icc()),
    "CMYK and ICC": jpeg(icc(b"\0" * 12 + b"prtrCMYKLab " + bytes(200)), mode="CMYK"),
    "grey and ICC": jpeg(icc(b"\0" * 12 + b"mntrGRAYXYZ " + bytes(200)), mode="L"),
    "part of an ICC": jpeg(icc(PROFILE[:60_000], 50_000)[10_018:]),
    "Photoshop": jpeg(segment(0xED, RESOURCES), segment(0xED, RESOURCES)),
    "a comment": jpeg(segment(0xFE, b"a holiday"), segment(0xFE, "Zoë".encode("latin-1"))),
    "broken EXIF": jpeg(app1(b"II*\0\xff\xff\xff\xff")),
    "no EXIF at all": jpeg(app1(b"?")),
    "300 dpi": jpeg(jfif=jfif(1, 300, 299)),
    "118 dpcm": jpeg(jfif=jfif(2, 118, 119)),
    "the shape of pixels": jpeg(jfif=jfif(0, 4, 3)),
    "no resolution": jpeg(jfif=jfif(1, 0, 0)),
    "EXIF resolution of nothing": jpeg(app1(exif(dpi=(0, 1))), jfif=b""),
    "EXIF resolution over nothing": jpeg(app1(exif(dpi=(72, 0))), jfif=b""),
    "two resolutions": jpeg(app1(exif()), jfif=jfif(1, 72, 72)),
    "FlashPix and a thumbnail": jpeg(segment(0xE2, b"FPXR\0..."), jfif=jfif(1, 72, 72, b"abc")),
    "other segments": jpeg(*(segment(0xE0 + n, bytes([65 + n])) for n in (12, 11, 7))),
    "bytes behind": jpeg() + b"SEFT" * 40,
    "EXIF over a segment": jpeg(app1(exif() + bytes(65_000)), app1(b"x" * 9)),
}  # fmt: skip


def _profile(profile):
    return chunk(b"iCCP", b"any name\0\0" + zlib.compress(profile))


COLOURS = (
    chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"cHRM", struct.pack(">8I", *range(1, 9)))
    + chunk(b"sRGB", b"\1") + chunk(b"cICP", b"\1\x0d\0\1") + chunk(b"mDCV", bytes(24))
    + chunk(b"cLLI", bytes(8))
)  # fmt: skip
TEXT = (
    chunk(b"tEXt", b"Author\0Zo\xeb") + chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"long" * 99))
    + chunk(b"iTXt", b"Comment\0\0\0de\0\0" + "größer".encode())
    + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP % (1, b""))
    + chunk(b"eXIf", exif()) + chunk(b"pHYs", struct.pack(">IIB", 11811, 11810, 1))
    + chunk(b"tIME", b"\x07\xe8\1\1\0\0\0") + chunk(b"sPLT", b"few\0\x08" + bytes(6))
    + chunk(b"oFFs", bytes(9)) + chunk(b"sCAL", b"\x011\x001")
)  # fmt: skip


def _png(depth, colour, extra=b"", before=b"", size=40, more=b""):
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] * depth
    lines = [row.tobytes() for row in noise(size, -(-size * samples // 8), seed=1)]
    made = raw_png(size, size, depth, colour, lines, extra=before + extra)
    return made[:-12] + more + made[-12:]


PALETTE = chunk(b"PLTE", bytes(range(48)))
PNGS = {
    "a palette": _png(4, 3, PALETTE + chunk(b"hIST", bytes(32)) + chunk(b"bKGD", b"\3") + TEXT,
                      COLOURS + chunk(b"sBIT", b"\5\5\5")),
    "a palette with alpha": _png(4, 3, PALETTE + chunk(b"tRNS", b"\0\x80"), COLOURS),
    "one bit": _png(1, 0, chunk(b"bKGD", b"\0\1"), COLOURS + chunk(b"sBIT", b"\1")),
    "two bits": _png(2, 0, TEXT, COLOURS + _profile(PROFILE)),
    "four bits": _png(4, 0, b"", chunk(b"pHYs", struct.pack(">IIB", 4, 3, 0))),
    "a transparent colour": _png(8, 2, chunk(b"tRNS", bytes(6)) + TEXT,
                                 COLOURS + _profile(PROFILE) + chunk(b"sBIT", b"\5\6\5")),
    "RGB": _png(8, 2, TEXT, COLOURS + _profile(PROFILE), more=chunk(b"tEXt", b"Late\0yes")),
    "16-bit RGBA": _png(16, 6, TEXT, COLOURS + chunk(b"sBIT", b"\x0c\x0c\x0c\x10")),
    "16-bit grey": _png(16, 0, TEXT + chunk(b"bKGD", b"\0\1"), COLOURS),
    "unsafe chunks": _png(8, 2, chunk(b"maDE", b"offset") + chunk(b"maDe", b"kept"),
                          more=chunk(b"iDOT", bytes(28))),
    "unsafe chunks of a palette": _png(4, 3, PALETTE + chunk(b"maDE", b"o") + chunk(b"maDe", b"k")),
    "bytes behind": _png(8, 2) + b"more",
    "bytes behind a palette": _png(4, 3, PALETTE) + b"more",
    "an animation of one picture": _png(
        8, 2, chunk(b"acTL", struct.pack(">II", 1, 0))
        + chunk(b"fcTL", struct.pack(">5I2H2B", 0, 40, 40, 0, 0, 1, 1, 0, 0)) + TEXT),
}  # fmt: skip


def _webp(**options):
    return saved(noise(40, 50, 3), "WEBP", **options)


def _gif():
    out = BytesIO()
    Image.fromarray(noise(40, 50, 3)).quantize(16).save(out, "GIF", comment=b"a holiday")
    return out.getvalue()


def _gif_with_xmp():
    plain, trailer = _gif(), b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    return plain[:-1] + b"\x21\xff\x0bXMP DataXMP" + XMP % (1, b"") + trailer + plain[-1:]


def _webp_with_head():
    """EXIF data behind "Exif", as some encoders write them."""
    data = _webp(exif=exif())
    at = data.index(b"EXIF")
    body = b"Exif\0\0" + exif()
    made = data[:at] + b"EXIF" + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    return made[:4] + struct.pack("<I", len(made) - 8) + made[8:]


def _bmp(x, y):
    data = bytearray(saved(noise(40, 50), "BMP"))
    data[54:58] = b"\1\0\0\0"  # not the grey palette: it has to be decoded
    data[38:46] = struct.pack("<ii", x, y)
    return bytes(data)


def _tiff(**options):
    out = BytesIO()
    tifffile.imwrite(out, noise(40, 50, 3), metadata=None, compression="zlib", **options)
    return out.getvalue()


OTHERS = {
    "lossy WebP": _webp(exif=exif(), xmp=XMP % (1, b""), icc_profile=PROFILE),
    "lossy WebP alone": _webp(),
    "lossless WebP": _webp(lossless=True, exact=True, exif=exif(">"), icc_profile=PROFILE),
    "a GIF": _gif(),
    "a GIF with XMP": _gif_with_xmp(),
    "lossy WebP with a head": _webp_with_head(),
    "a BMP": _bmp(11811, 11810),
    "a BMP without resolution": _bmp(0, 0),
}
MADE = {**JPEGS, **PNGS, **OTHERS}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MADE)
def test_what_a_made_picture_has_beside_its_samples(name, form):
    """A1, A5, A6, A10, A11, A12: each variant, into each format."""
    data = MADE[name]
    try:
        stego, notes = written(data, form)
    except ConfigError as error:
        assert form in ("webp", "bmp") and ("16 bits" in str(error) or "transparent" in str(error))
        return
    assert differences(data, stego, form, notes) == []


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("folder", ["jpeg", "png", "other", "tiff"])
def test_what_files_of_other_projects_have_beside_their_samples(shared, folder, form):
    files = shared / "files" / folder
    if not files.is_dir():
        pytest.skip("the files of other projects are not here")
    if folder == form == "tiff":
        pytest.skip("has a law of its own")
    found, tried = [], 0
    for path in sorted(files.iterdir()):
        data = path.read_bytes()
        try:
            stego, notes = written(data, form)
        except (ConfigError, FormatError, CapacityError):
            continue
        tried += 1
        changed = ("exif", "xmp") if any("upright" in note for note in notes) else ()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, on broken tags
            told = differences(data, stego, form, notes, changed=changed)
        found += [(path.name, one, notes) for one in told]
    assert found == [] and tried


def test_sub_directories_go_into_a_tiff(engine, key):
    """A1: as the whole way of `hide`, with the maker's note where its places still hold."""
    data = jpeg(app1(exif()))
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, format="tiff")
    assert engine.reveal(stego.data, key=key) == b"m"
    assert tags(stego.data).items() >= tags(exif()).items()


@pytest.mark.parametrize("turn", range(2, 9))
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["EXIF", "XMP", "PNG", "16 bits"])
def test_a_turned_picture_is_seen_as_before(turn, form, kind):
    """A5: by orientation in EXIF data, and in XMP alone."""
    array = np.repeat(np.repeat(noise(5, 6, 3, seed=3), 8, 0), 8, 1)
    if kind in ("PNG", "16 bits"):
        plain = (
            deep_png(array.astype(np.uint16) * 257) if kind == "16 bits" else saved(array, "PNG")
        )
        data = plain[:33] + chunk(b"eXIf", exif(turn=turn)) + plain[33:]
    else:
        data = jpeg(app1(exif(turn=turn)) if kind == "EXIF" else xmp(turn))
    if kind == "16 bits" and form in ("webp", "bmp"):
        return
    stego, notes = written(data, form)
    found, wanted = (_seen(one) for one in (stego, data))
    assert found.shape == wanted.shape and np.abs(found - wanted).max() <= 1
    told = any("upright" in note for note in notes)
    assert told == (form in ("tiff", "bmp"))


def _seen(data):
    """The picture as a program shows it that follows its orientation."""
    from PIL import ImageOps

    return np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data)).copy())).astype(int)


def test_a_resolution_that_no_png_can_say():
    """A11: as far as the format can, with a note."""
    data = jpeg(app1(exif(dpi=(200_000_000, 1))), jfif=b"")
    for form in FORMS:
        notes = written(data, form)[1]
        assert any("2e+08 x 2e+08" in note for note in notes) == (form in ("png", "bmp"))
    assert beside(written(data, "png")[0])["resolution"] == (2**31 - 1, 2**31 - 1, 1)


def test_no_resolution_is_made_up():
    """A12"""
    bare = saved(noise(40, 50, 3), "TIFF")
    assert b"\x1a\x01\x05\0" not in bare, "the tag of a resolution"
    for given in (bare, Image.open(BytesIO(bare)), _tiff(resolution=None)):
        carrier = ImageCarrier()
        cover = carrier.open(given)
        made = writer(carrier, cover).write(cover, cover.codes)
        assert "resolution" not in beside(made), given


def test_extended_xmp_is_joined():
    """Over 64 kB in a JPEG: one packet in other formats, all of its bytes in it."""
    guid, inner = b"0123456789ABCDEF" * 2, b"<rdf:Description rdf:about=''>" + b"x" * 150_000
    inner += b"</rdf:Description>"
    whole = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
        b'"http://www.w3.org/1999/02/22-rdf-syntax-ns#">' + inner + b"</rdf:RDF></x:xmpmeta>"
    )
    parts = [segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + guid
                     + struct.pack(">II", len(whole), at) + whole[at : at + 60_000])
             for at in range(0, len(whole), 60_000)]  # fmt: skip
    head = xmp(1, b' xmpNote:HasExtendedXMP="' + guid + b'"')
    for segments in ((head, *parts), (parts[2], parts[0], head, parts[1])):
        for form in ("png", "webp", "tiff"):
            stego, notes = written(jpeg(*segments), form)
            packet = beside(stego)["xmp"]
            assert inner in packet and guid not in packet and not any("XMP" in n for n in notes)
    stego, notes = written(jpeg(head, *parts[:-1]), "png")  # a part is missing
    assert beside(stego)["xmp"] == XMP % (1, b' xmpNote:HasExtendedXMP="' + guid + b'"')
    assert any("extension of the XMP" in note for note in notes)


@pytest.mark.parametrize("far", [0, 70_000])
def test_a_note_of_a_maker_stays_where_its_places_hold(far):
    """Or a note says that it moved: it may count from the start of the EXIF data."""
    plain = exif()
    at = plain.index(b"MAKER\0")
    made = bytearray(plain)
    if far:  # behind where a new file can leave it
        made += bytes(far - len(made)) + plain[at : at + 42]
        entry = plain.index(struct.pack("<HHI", 0x927C, 1, 42))
        made[entry + 8 : entry + 12] = struct.pack("<I", far)
        made[at : at + 42] = bytes(42)
    stego, notes = written(jpeg(*_long(bytes(made))), "tiff")
    assert (stego[far or at :][:6] == b"MAKER\0") == (not far)
    assert any("moved" in note for note in notes) == bool(far)
    assert tags(stego)["EXIF", 0x927C] == plain[at : at + 42].rstrip(b"\0")


def _long(body):
    """EXIF data in as many segments as they need."""
    return [app1(body[start : start + 60_000]) for start in range(0, len(body), 60_000)]


def test_the_second_picture_of_an_mpo_is_told_of():
    """A10"""
    out = BytesIO()
    large, small = (Image.fromarray(noise(48, 64, 3, seed=s)) for s in (1, 2))
    large.save(out, "MPO", save_all=True, append_images=[small])
    for form in FORMS:
        _, notes = written(out.getvalue(), form)
        assert sum("further pictures" in note for note in notes) == 1


def test_what_is_resampled_has_its_new_size_in_exif_data():
    data = jpeg(app1(exif()))
    for form in ("png", "webp", "tiff"):
        stego, notes = written(data, form, size=(30, 20))
        assert tags(beside(stego)["exif"])["EXIF", 0xA002] == 20
        assert any("resampled" in note for note in notes)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", [*MADE, "turned"])
def test_stripping_leaves_colours_and_resolution_alone(name, form):
    data = MADE.get(name) or jpeg(app1(exif(turn=6)), xmp(6))
    try:
        stego, notes = written(data, form, strip_metadata=True)
    except ConfigError:
        return
    old, new = beside(data), beside(stego)
    assert not {"exif", "xmp", "iptc"} & {kind for kind in new if form != "tiff" or kind != "exif"}
    if form == "tiff":
        assert not {place for place in tags(stego) if place[0]}
        assert b"a maker" not in stego and b"holiday" not in stego
    assert not new.get("text") and b"Zo\xc3\xab" not in stego
    had = {kind for kind in ("exif", "xmp", "iptc", "text") if old.get(kind)}
    assert any("dropped as requested" in note for note in notes) == bool(had) or "behind" in str(
        notes
    )
    if form == "png":
        assert new.get("icc") in (old.get("icc"), None) and ("icc" in new) == (
            "icc" in beside(written(data, form)[0])
        )
    if old.get("resolution") and form != "webp" and (form, old["resolution"][2]) != ("bmp", 0):
        assert new.get("resolution")
    if name == "turned":
        assert np.array_equal(_seen(stego), _seen(data))


def _jp2():
    data = saved(noise(40, 50, 3), "JPEG2000")
    at = data.index(b"jp2c") - 4
    named = (
        (b"JpgTiffExif->JP2", exif()),
        (bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), XMP % (1, b"")),
        (b"other uuid......", b""),
    )
    boxes = b"".join(struct.pack(">I", 24 + len(body)) + b"uuid" + name + body
                     for name, body in named)  # fmt: skip
    return data[:at] + boxes + data[at:]


def _psd():
    resources = b"".join(
        b"8BIM" + struct.pack(">HHI", number, 0, len(body)) + body + bytes(len(body) % 2)
        for number, body in ((1005, struct.pack(">IHHIHH", 150 << 16, 1, 1, 150 << 16, 1, 1)),
                             (1039, PROFILE), (1058, exif()), (1060, XMP % (1, b"")))
    )  # fmt: skip
    pixels = noise(40, 50, 3).transpose(2, 0, 1).tobytes()
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 40, 50, 8, 3)
    return (head + bytes(4) + struct.pack(">I", len(resources)) + resources + bytes(4)
            + struct.pack(">H", 0) + pixels)  # fmt: skip


def test_jpeg_2000_and_photoshop():
    """What Pillow does not see in them: EXIF and XMP data in their own places."""
    for make, word in ((_jp2, "uuid"), (_psd, "IPTC")):
        stego, notes = written(make(), "png")
        found = beside(stego)
        assert found["exif"] == exif() and found["xmp"] == XMP % (1, b"")
        assert any(word in note for note in notes)
    assert found["icc"] == PROFILE and found["resolution"] == (5906, 5906, 1)


@pytest.mark.parametrize("name", ["RGB", "a palette", "little endian", "lossy WebP"])
def test_pictures_of_pillow_take_along_what_pillow_knows(name):
    data = MADE[name]
    carrier = ImageCarrier()
    cover = carrier.open(Image.open(BytesIO(data)))
    made = beside(writer(carrier, cover).write(cover, cover.codes))
    old = beside(data)
    for kind in ("exif", "xmp", "icc"):
        assert made.get(kind) == old.get(kind), kind
    assert set(old.get("text", {})) <= set(made["text"])
    if "PNG" in name or "palette" in name:
        assert all(any(kind in note for note in cover.notes) for kind in ("gAMA", "cHRM", "sRGB"))


def test_lower_bits_that_pillow_drops_are_told_of():
    deep = noise(40, 50, 3, dtype=np.uint16).astype(">u2").tobytes()
    _, notes = written(b"P6\n# a comment\n50 40\n65535\n" + deep, "png")
    assert any("lower bits of samples of 16 bits" in note for note in notes)


def test_texts_that_swell_are_bounded():
    """C: a few kilobytes of text chunks that would unpack to 60 MB: 16 MB are read."""
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000), 9)) * 60
    stego, _ = written(_png(4, 3, PALETTE + bomb), "webp")
    assert len(stego) < 1 << 16


def test_stripping_is_refused_where_nothing_goes_along(engine):
    with pytest.raises(ConfigError, match="strip_metadata.*'era5'"):
        engine.hide(b"m", carrier="era5", strip_metadata=True, size=(19, 36))


def test_hide_strips(engine, key):
    data = PNGS["RGB"]
    stego = engine.hide(b"m", carrier="image", cover=data, key=key, strip_metadata=True)
    assert engine.reveal(stego.data, key=key) == b"m"
    assert not {"exif", "xmp"} & beside(stego.data).keys() and beside(stego.data)["text"] == {}
    assert beside(stego.data)["icc"] == PROFILE

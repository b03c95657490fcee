"""What stands beside the samples of a picture: a parser of its own, for tests, that knows nothing
of the product's. EXIF tags are read by Pillow."""

import re
import struct
import zlib
from fractions import Fraction
from io import BytesIO

import tifffile
from PIL import Image

POINTERS = {0x8769: "EXIF", 0x8825: "GPS", 0xA005: "interoperability"}
LAYOUT = {
    *range(254, 260), 262, 266, 273, *range(277, 282), 284, 292, 317, *range(320, 331),
    *range(338, 348), 512, 513, 514, 529, 530, 531, 532,
}  # fmt: skip
APART = {700, 34675, 34377, 33723}
"""Tags of what stands beside EXIF data in other formats."""


def beside(data):
    """{kind of thing: value} of a file: exif, xmp, icc, iptc, resolution, text, and what only this
    format has, by its own name."""
    if data.startswith(b"\x89PNG"):
        return _png(data)
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith(b"RIFF"):
        return _webp(data)
    if data.startswith(b"BM"):
        return _bmp(data)
    if data.startswith((b"II", b"MM")):
        return _tiff(data)
    return _pillow(data)


def _pillow(data):
    """Of other formats, what Pillow says."""
    info = Image.open(BytesIO(data)).info
    names = {"exif": "exif", "xmp": "xmp", "icc": "icc_profile"}
    out = {kind: info[name] for kind, name in names.items() if info.get(name)}
    if "exif" in out:
        out["exif"] = out["exif"].removeprefix(b"Exif\0\0")
    if b"XMP DataXMP" in data:  # of a GIF; 258 bytes follow the packet
        out["xmp"] = data.split(b"XMP DataXMP")[1].split(b"\x01\xff\xfe")[0]
    comment = info.get("comment", b"")
    return out | {"text": {"Comment": comment.decode("latin-1")} if comment else {}}


def tags(exif):
    """{(directory, tag): value} of EXIF data, without what says how samples are stored."""
    found = Image.Exif()
    found.load(exif)
    out = {("", tag): found[tag] for tag in found if tag not in POINTERS and tag not in LAYOUT}
    for pointer, name in POINTERS.items():
        if pointer in found or pointer == 0xA005:
            below = found.get_ifd(pointer)
            out |= {(name, tag): below[tag] for tag in below if tag not in POINTERS}
    return {place: _plain(value) for place, value in out.items()}


def _plain(value):
    if isinstance(value, bytes):
        return value.rstrip(b"\0")
    if isinstance(value, str):
        return value.rstrip("\0").encode("utf-8", "replace")
    if isinstance(value, tuple | list):
        return tuple(_plain(one) for one in value)
    return value if isinstance(value, int) else repr(value)


def _png(data):
    out, at, names = {"text": {}, "chunks": {}}, 8, []
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == int.from_bytes(data[at + 8 + size : at + 12 + size])
        at += 12 + size
        if kind == b"iCCP":
            out.setdefault("icc", zlib.decompress(body[body.index(b"\0") + 2 :]))
        elif kind == b"eXIf":
            out["exif"] = body
        elif kind == b"pHYs":
            x, y, unit = struct.unpack(">IIB", body)
            out["resolution"] = (x, y, unit)
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            name, _, rest = body.partition(b"\0")
            if kind == b"zTXt":
                rest = zlib.decompress(rest[1:])
            if kind == b"iTXt":
                flag, rest = rest[0], rest[2:].split(b"\0", 2)[2]
                rest = zlib.decompress(rest) if flag else rest
            if name == b"XML:com.adobe.xmp":
                out["xmp"] = rest
            else:
                text = rest.decode("utf-8" if kind == b"iTXt" else "latin-1")
                out["text"].setdefault(name.decode("latin-1"), text)
        elif kind[:1].islower() and kind != b"tRNS":
            out["chunks"][kind.decode("latin-1")] = body
        names.append(kind)
        if kind == b"IEND":
            break
    out["behind"] = data[at:]
    raw = "Raw profile type exif"
    if "exif" not in out and raw in out["text"]:  # ImageMagick's
        out["exif"] = bytes.fromhex("".join(out["text"].pop(raw).split()[2:])).removeprefix(
            b"Exif\0\0"
        )
    return out


def _jpeg(data):
    out = {"text": {}, "segments": {}}
    icc, at = {}, 2
    while at < len(data) - 1:
        if data[at] != 0xFF or data[at + 1] in (0xFF, 0):
            at += 1
            continue
        marker = data[at + 1]
        if marker in range(0xD0, 0xDA) or marker == 1:
            at += 2
            if marker == 0xD9:
                break
            continue
        size = struct.unpack(">H", data[at + 2 : at + 4])[0]
        body, at = data[at + 4 : at + 2 + size], at + 2 + size
        if marker == 0xE0 and body[:5] == b"JFIF\0":
            unit, x, y = struct.unpack(">BHH", body[7:12])
            if unit in (1, 2) and x and y:
                a_metre = Fraction(10000, 254) if unit == 1 else 100
                out["resolution"] = (x * a_metre, y * a_metre, 1)
            elif x and y and x != y:
                out["resolution"] = (x, y, 0)
        elif marker == 0xE1 and body[:6] == b"Exif\0\0":
            out["exif"] = out.get("exif", b"") + body[6:]
        elif marker == 0xE1 and body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            out.setdefault("xmp", body[29:])
        elif marker == 0xE2 and body[:12] == b"ICC_PROFILE\0":
            icc[body[12]] = body[14:]
        elif marker == 0xED and body.startswith(b"Photoshop 3.0\0"):
            out["iptc"] = out.get("iptc", b"") + body[14:]
        elif marker == 0xFE:
            raw = body.rstrip(b"\0")
            try:
                out["text"].setdefault("Comment", raw.decode())
            except UnicodeDecodeError:
                out["text"].setdefault("Comment", raw.decode("latin-1"))
        elif 0xE1 <= marker <= 0xEF and marker != 0xEE:
            name = "MPF" if body[:4] == b"MPF\0" else f"APP{marker - 0xE0}"
            out["segments"][name] = body
        if marker == 0xDA:
            while at < len(data) - 1 and not (data[at] == 0xFF and data[at + 1] not in (
                0, 0xFF, *range(0xD0, 0xD8))):  # fmt: skip
                at = data.find(b"\xff", at + 1) if data.find(b"\xff", at + 1) > 0 else len(data)
    if icc:
        out["icc"] = b"".join(icc[number] for number in sorted(icc))
    if data[at:].strip(b"\0") and "MPF" not in out["segments"]:
        out["behind"] = data[at:]
    return out


def _webp(data):
    out, at = {"chunks": {}}, 12
    end = 8 + struct.unpack("<I", data[4:8])[0]
    flags = 0
    while at < end:
        kind, size = struct.unpack("<4sI", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
        if kind == b"VP8X":
            flags = body[0]
        name = {b"ICCP": "icc", b"EXIF": "exif", b"XMP ": "xmp"}.get(kind)
        if name:
            out[name] = body.removeprefix(b"Exif\0\0") if name == "exif" else body
        elif kind not in (b"VP8X", b"VP8L", b"VP8 ", b"ALPH"):
            out["chunks"][kind.decode()] = body
    for name, bit in (("icc", 0x20), ("exif", 8), ("xmp", 4)):
        assert not flags or bool(flags & bit) == (name in out), "flags of VP8X"
    assert flags or not {"icc", "exif", "xmp"} & out.keys()
    return out


def _bmp(data):
    if struct.unpack("<I", data[14:18])[0] < 40:
        return {}
    x, y = struct.unpack("<ii", data[38:46])
    return {"resolution": (x, y, 1)} if x and y else {}


def _tiff(data):
    out, names = {"text": {}}, {700: "xmp", 34675: "icc", 34377: "iptc", 33723: "iptc"}
    with tifffile.TiffFile(BytesIO(data)) as file:
        assert len(file.pages) == 1
        page = file.pages[0]
        for tag in page.tags:
            if tag.code in names:
                raw = data[tag.valueoffset : tag.valueoffset + tag.valuebytecount]
                out[names[tag.code]] = raw
        found = (page.tags.get(code) for code in (282, 283, 296))
        x, y, unit = (tag and tag.value for tag in found)
    if x and y and len(x) == len(y) == 2 and all((*x, *y)):
        unit = 2 if unit is None else int(unit)
        scale = {2: Fraction(10000, 254), 3: 100}.get(unit, 1)
        out["resolution"] = (Fraction(*x) * scale, Fraction(*y) * scale, int(unit != 1))
    out["exif"] = data
    return out


def differences(cover, stego, form, notes, *, changed=()):
    """What differs between two files beside their samples and is not named in a note: [] if the law
    holds. `changed` are kinds whose change a note tells of."""
    found, told = [], "\n".join(notes)
    old, new = beside(cover), beside(stego)
    for kind, word in (("icc", "colour profile"), ("iptc", "IPTC"), ("xmp", "XMP")):
        if kind in changed:
            continue
        if old.get(kind) is not None and new.get(kind) != old[kind]:
            if word not in told:
                found.append(f"{kind} is lost")
        elif kind not in old and kind in new:
            found.append(f"{kind} is invented")
        elif kind in old and re.search(rf"left out[^\n]*{word}", told):
            found.append(f"{kind} is kept and noted")
    found += _exif_differences(
        old.get("exif", b""), new.get("exif", b""), form, told, changed, cover[:2] in (b"II", b"MM")
    )
    found += _resolution_differences(old, new, told)
    texts = new.get("text", {})
    for name, text in old.get("text", {}).items():
        held = texts.get(name) == text or (form == "tiff" and text.encode() in stego)
        if not held and f"text ({name}" not in told and name not in told:
            found.append(f"text {name} is lost")
    found += [f"text {name} is invented" for name in texts if name not in old.get("text", {})]
    for kind, body in {**old.get("chunks", {}), **old.get("segments", {})}.items():
        if new.get("chunks", {}).get(kind) != body and kind not in told:
            found.append(f"{kind} is lost")
    for kind in new.get("chunks", {}):
        if kind not in old.get("chunks", {}):
            found.append(f"{kind} is invented")
    if old.get("behind") and new.get("behind") != old["behind"] and "behind the end" not in told:
        found.append("bytes behind the picture are lost")
    if len(set(notes)) != len(notes):
        found.append("a note is there twice")
    return found


def _exif_differences(old, new, form, told, changed, of_tiff):
    if "exif" in changed or old[2:4] in (b"+\0", b"\0+"):  # Pillow reads no BigTIFF as EXIF data
        return []
    if form != "tiff" and not of_tiff:
        if old == new or (old and not new and "EXIF" in told):
            return []
        return ["EXIF data differ"]
    if not new and re.search("left out[^\n]*EXIF", told):
        return []
    try:
        before = tags(old) if old else {}
    except Exception:
        return [] if "damaged" in told else ["damaged EXIF data are lost"]
    after, found = tags(new) if new else {}, []
    for place, value in before.items():
        if form != "tiff" and place[1] in APART:
            continue
        kept = after.get(place) == value or (place[1] == 274 and "upright" in told)
        if not kept and str(place[1]) not in told:
            found.append(f"tag {place} is {after.get(place)!r}, not {value!r}")
    for place in after.keys() - before.keys():
        if place[1] not in APART and place[1] not in (270, 282, 283, 296, 305, 315, 33432):
            found.append(f"tag {place} is invented")
    return found


def _resolution_differences(old, new, told):
    before, after = old.get("resolution"), new.get("resolution")
    before = before or _of_exif(old.get("exif", b""))
    if "resolution" in told or (before and not before[2] and before[0] == before[1]):
        return []
    if before is None:
        return ["a resolution is invented"] if after else []
    after = after or _of_exif(new.get("exif", b""))
    if after is None:
        return [] if "shape of a pixel" in told else ["the resolution is lost"]
    if not before[2]:
        same = Fraction(before[0]) / before[1] == Fraction(after[0]) / after[1]
        return [] if same or "shape of a pixel" in told else ["the shape of pixels differs"]
    near = all(
        abs(a - b) <= max(Fraction(1, 2), a / 1000) for a, b in zip(before, after, strict=True)
    )
    return [] if near else [f"the resolution is {after}, not {before}"]


def _of_exif(exif):
    """The resolution in EXIF data, by Pillow; None where it is none."""
    found = Image.Exif()
    try:
        found.load(exif)
        x, y, unit = found.get(282), found.get(283), found.get(296, 2)
        scale = {2: Fraction(10000, 254), 3: 100}.get(unit, 1)
        x, y = (Fraction(v.numerator, v.denominator) * scale for v in (x, y))
    except Exception:
        return None
    return (x, y, int(unit != 1)) if x > 0 and y > 0 else None

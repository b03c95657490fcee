"""What sounds have beside their samples: tags, pictures, channel layouts, and what no other format
holds.

A file is taken apart by its own rules. Into a file of its own format everything goes along as it
is; this is for new files of another format, and for dropping what tells of people and places.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...errors import FormatError
from . import aiff, flac, wav

MASK = "waveformatextensible_channel_mask"
LAYOUTS = {1: 4, 2: 3, 3: 7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x70F, 8: 0x63F}
"""The speakers of each number of channels in a FLAC that does not say otherwise."""
_INFO = {
    **{b"INAM": "title", b"IART": "artist", b"IPRD": "album", b"ITRK": "tracknumber"},
    **{b"ICRD": "date", b"IGNR": "genre", b"ICMT": "comment", b"ICOP": "copyright"},
}
_TEXTS = {b"NAME": "title", b"AUTH": "artist", b"(c) ": "copyright", b"ANNO": "comment"}
_ID3 = (b"id3 ", b"ID3 ")
_SOUND = (b"fmt ", b"data", b"fact", b"ds64", b"COMM", b"SSND", b"FVER", b"PEAK")
_FILLER = (b"JUNK", b"junk", b"PAD ", b"FLLR", b"fake")
_TELLING = (b"bext", b"iXML", b"axml", b"aXML", b"_PMX", b"COMT", b"APPL", *_ID3, *_TEXTS)
"""Chunks with text: names, places, times, descriptions."""
_PARTS = {2: "application data", 3: "its seek table", 5: "its cue sheet"}


@dataclass(frozen=True)
class Tags:
    """What a sound has beside its samples."""

    text: tuple[tuple[str, str], ...] = ()
    """Names as Vorbis comments have them, in lower case, and texts."""
    id3: bytes = b""
    """An ID3v2 tag."""
    pictures: tuple[bytes, ...] = ()
    """As FLAC holds them."""
    mask: int = 0
    """The speakers, as WAVE_FORMAT_EXTENSIBLE numbers them; 0 where they are not known."""
    other: tuple[str, ...] = ()
    """What no other format holds, in words for a note."""
    form: str = ""
    """The family of its file: "wav", "aiff", "flac"; "" for others."""
    parts: tuple[tuple[bytes, bytes], ...] = ()
    """Chunks that go into a new file of the same family as they are."""
    blocks: tuple[flac.Block, ...] = ()
    """The same of a FLAC."""
    tail: bool = False
    """Whether tags follow the frames of a FLAC."""


def read(data: bytes) -> Tags:
    """The tags of a WAV, AIFF, FLAC, Ogg or MP3 file; none of another."""
    try:
        if data[:4] in (b"RIFF", b"RF64", b"BW64"):
            return _of_wav(data)
        if data[:4] == b"FORM":
            return _of_aiff(data)
        if data[:4] == b"OggS":
            return Tags(*_of_comments(_ogg_comments(data)))
        if data[flac.behind_id3(data) :][:4] == flac.MAGIC:
            return _of_flac(data)
        stop = flac.behind_id3(data)
        behind = flac.before_tags(data, stop) < len(data)
        other = ("the tag behind its frames",) if behind and stop else ()
        return Tags(id3=data[:stop], other=other)
    except (struct.error, FormatError, IndexError):
        return Tags()


def wav_chunks(tags: Tags) -> tuple[list[tuple[bytes, bytes]], list[str]]:
    """The chunks of a new WAV, and what has no place in one."""
    if tags.form == "wav":
        return list(tags.parts), []
    names = {name: kind for kind, name in _INFO.items()}
    parts = [(names[name], text.encode() + b"\0") for name, text in tags.text if name in names]
    made = [(b"LIST", b"INFO" + _packed(parts, "<"))] if parts else []
    lost = [f"its tag {name}" for name, _ in tags.text if name not in (*names, MASK)]
    return [*made, *_id3(tags, b"id3 ")], [*lost, *_pictures(tags), *tags.other]


def aiff_chunks(tags: Tags) -> tuple[list[tuple[bytes, bytes]], list[str]]:
    """The chunks of a new AIFF, and what has no place in one."""
    if tags.form == "aiff":
        return list(tags.parts), []
    names = {name: kind for kind, name in _TEXTS.items()}
    made = [(names[name], text.encode()) for name, text in tags.text if name in names]
    lost = [f"its tag {name}" for name, _ in tags.text if name not in (*names, MASK)]
    layout = ["its channel layout"] if tags.mask not in (0, *list(LAYOUTS.values())[:2]) else []
    return [*made, *_id3(tags, b"ID3 ")], [*lost, *layout, *_pictures(tags), *tags.other]


def flac_blocks(tags: Tags, vendor: bytes, channels: int) -> tuple[list[flac.Block], list[str]]:
    """The metadata blocks of a new FLAC after STREAMINFO, and what has no place in one."""
    text = [(name, value) for name, value in tags.text if name != MASK]
    if tags.mask not in (0, LAYOUTS.get(channels)):
        text.append((MASK, f"0x{tags.mask:X}"))
    lines = [f"{name.upper()}={value}".encode() for name, value in text]
    made = [flac.Block(flac.COMMENTS, _comments(vendor, lines))]
    if tags.form == "flac":
        kept = [made[0] if block.kind == flac.COMMENTS else block for block in tags.blocks]
        beside = ["the tags around its frames"] if tags.id3 or tags.tail else []
        return kept if made[0] in kept else [*made, *kept], beside
    made += [flac.Block(flac.PICTURE, picture) for picture in tags.pictures]
    return made, [*(["what else is in its ID3 tag"] if tags.id3 else []), *tags.other]


def stripped(data: bytes) -> bytes:
    """A WAV, AIFF or FLAC file without tags, text and pictures; another as it is."""
    if data[:4] in (b"RIFF", b"RF64", b"BW64"):
        return _without(data, "<", wav.chunks(data))
    if data[:4] == b"FORM":
        return _without(data, ">", aiff.chunks(data))
    start = flac.behind_id3(data)
    if data[start:][:4] != flac.MAGIC:
        return data
    blocks, body = flac.parse(data[start:])
    blocks = [b if b.kind != flac.COMMENTS else _silent(b) for b in blocks if b.kind != 6]
    stop = flac.before_tags(data, start + body)
    return flac.MAGIC + flac.packed(blocks) + data[start + body : stop]


def vendor_of(blocks: Iterable[flac.Block]) -> bytes:
    """What the comments of a FLAC say of its encoder."""
    found = next((block.content for block in blocks if block.kind == flac.COMMENTS), bytes(4))
    return found[4 : 4 + int.from_bytes(found[:4], "little")]


def _silent(block: flac.Block) -> flac.Block:
    """Comments without text but the channel layout, which is needed to play the file."""
    lines = [line for line in _lines(block.content) if line.lower().startswith(MASK.encode())]
    return flac.Block(flac.COMMENTS, _comments(vendor_of([block]), lines))


def _without(data: bytes, order: str, parts: Iterable[tuple[bytes, int, int]]) -> bytes:
    """A file of chunks without those that tell something."""
    body, at = [], 12
    for kind, start, size in parts:
        stop = min(start + size + size % 2, len(data))
        listed = kind == b"LIST" and data[start : start + 4] in (b"INFO", b"adtl")
        if not listed and kind not in _TELLING:
            body.append(data[start - 8 : stop])
        at = stop
    kept = b"".join(body) + data[at:]
    size = len(kept) - len(data[at:]) + 4
    given = data[4:8]
    if struct.unpack(f"{order}I", given)[0] not in (0, 0xFFFFFFFF):
        given = struct.pack(f"{order}I", size)
    return data[:4] + given + data[8:12] + kept


def _kept(data: bytes, parts: Iterable[tuple[bytes, int, int]]) -> tuple[tuple[bytes, bytes], ...]:
    """The chunks that do not describe the samples."""
    return tuple((kind, data[at : at + size]) for kind, at, size in parts if kind not in _SOUND)


def _of_wav(data: bytes) -> Tags:
    text, id3, mask, other = [], b"", 0, []
    for kind, start, size in wav.chunks(data):
        body = data[start : start + size]
        if kind == b"LIST" and body[:4] == b"INFO":
            for name, value in _subchunks(body[4:]):
                said = _decoded(value)
                if name in _INFO:
                    text.append((_INFO[name], said))
                else:
                    other.append(f"its tag {_name(name)}")
        elif kind in _ID3:
            id3 = body
        elif kind == b"fmt " and len(body) >= 24 and body[:2] == b"\xfe\xff":
            mask = struct.unpack_from("<I", body, 20)[0]
        elif kind not in _SOUND + _FILLER:
            other.append(f"its chunk {_name(kind)}")
    parts = _kept(data, wav.chunks(data))
    return Tags(tuple(text), id3, (), mask, tuple(dict.fromkeys(other)), "wav", parts)


def _of_aiff(data: bytes) -> Tags:
    text, id3, other = [], b"", []
    for kind, start, size in aiff.chunks(data):
        body = data[start : start + size]
        if kind in _TEXTS:
            text.append((_TEXTS[kind], _decoded(body)))
        elif kind in _ID3:
            id3 = body
        elif kind not in _SOUND + _FILLER:
            other.append(f"its chunk {_name(kind)}")
    parts = _kept(data, aiff.chunks(data))
    return Tags(tuple(text), id3, (), 0, tuple(dict.fromkeys(other)), "aiff", parts)


def _of_flac(data: bytes) -> Tags:
    start = flac.behind_id3(data)
    blocks, body = flac.parse(data[start:])
    text, _, _, mask, _ = _of_comments(
        next((b.content for b in blocks if b.kind == flac.COMMENTS), b"")
    )
    pictures = tuple(block.content for block in blocks if block.kind == flac.PICTURE)
    other = [_PARTS.get(b.kind, "a metadata block") for b in blocks if b.kind in (2, 5)]
    tail = flac.before_tags(data, start + body) < len(data)
    other += ["the tag behind its frames"] if tail else []
    kept = tuple(b for b in blocks if b.kind not in (flac.STREAMINFO, flac.SEEKTABLE))
    info = next(b.content for b in blocks if b.kind == flac.STREAMINFO)
    layout = mask or LAYOUTS[(int.from_bytes(info[10:18]) >> 41 & 7) + 1]
    return Tags(
        *(text, data[:start], pictures, layout, tuple(dict.fromkeys(other)), "flac"),
        blocks=kept,
        tail=tail,
    )


def _of_comments(
    content: bytes,
) -> tuple[tuple[tuple[str, str], ...], bytes, tuple[bytes, ...], int, tuple[str, ...]]:
    """The fields of `Tags` in Vorbis comments."""
    text, mask, other = [], 0, []
    for line in _lines(content):
        name, _, value = line.decode("utf-8", "replace").partition("=")
        if name.lower() == MASK:
            mask = int(value, 16) if value[2:].isalnum() and value[:2] == "0x" else 0
        elif name.lower() == "metadata_block_picture":
            other.append("its picture")
        elif name.lower() == "encoder":
            other.append("its tag encoder")  # of frames that the new file does not have
        else:
            text.append((name.lower(), value))
    return tuple(text), b"", (), mask, tuple(other)


def _lines(content: bytes) -> Iterator[bytes]:
    """NAME=text of each Vorbis comment."""
    at = 4 + int.from_bytes(content[:4], "little")
    for _ in range(int.from_bytes(content[at : at + 4], "little")):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        line = content[at + 8 : at + 8 + size]
        if at + 8 > len(content) or len(line) < size:
            return
        yield line
        at += 4 + size


def _comments(vendor: bytes, lines: list[bytes]) -> bytes:
    parts = [vendor, None, *lines]
    sizes = [len(lines) if part is None else len(part) for part in parts]
    return b"".join(
        size.to_bytes(4, "little") + (part or b"") for size, part in zip(sizes, parts, strict=True)
    )


def _ogg_comments(data: bytes) -> bytes:
    """The second packet of an Ogg stream, without its name."""
    packets, at, serial = [b""], 0, data[14:18]
    while data[at : at + 4] == b"OggS" and len(packets) < 3:
        laces = data[at + 27 : at + 27 + data[at + 26]]
        body = at + 27 + len(laces)
        for lace in laces if data[at + 14 : at + 18] == serial else ():
            packets[-1] += data[body : body + lace]
            body += lace
            if lace < 255:
                packets.append(b"")
        at = at + 27 + len(laces) + sum(laces)
    found = packets[1] if len(packets) > 2 else b""
    for magic in (b"\x03vorbis", b"OpusTags"):
        if found.startswith(magic):
            return found[len(magic) :]
    return b""


def _subchunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(body):
        kind, size = struct.unpack_from("<4sI", body, at)
        yield kind, body[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _decoded(text: bytes) -> str:
    """Text of an unknown encoding: UTF-8, or else that of Windows."""
    text = text.split(b"\0")[0]
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")


def _name(kind: bytes) -> str:
    return "".join(c if c.isprintable() else "?" for c in kind.decode("latin-1")).strip()


def _packed(parts: Iterable[tuple[bytes, bytes]], order: str) -> bytes:
    """Chunks as they are in a file."""
    return b"".join(
        kind + struct.pack(f"{order}I", len(body)) + body + bytes(len(body) % 2)
        for kind, body in parts
    )


def _id3(tags: Tags, kind: bytes) -> list[tuple[bytes, bytes]]:
    return [(kind, tags.id3)] if tags.id3 else []


def _pictures(tags: Tags) -> list[str]:
    return ["its picture"] if tags.pictures else []


def new_wav(
    samples: bytes | memoryview, shape: tuple[int, int, int], tags: Tags
) -> tuple[bytes, list[str]]:
    """A WAV of packed samples of (channels, bits, rate), and what it has no place for."""
    channels, bits, rate = shape
    align = channels * bits // 8
    tag = wav.EXTENSIBLE if channels > 2 or tags.mask not in (0, LAYOUTS[min(channels, 8)]) else 1
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * align & 0xFFFFFFFF, align, bits)
    if tag == wav.EXTENSIBLE:
        form += struct.pack("<HHIH", 22, bits, tags.mask, wav.PCM) + wav.GUID
    more, lost = wav_chunks(tags)
    parts = [(b"fmt ", form), (b"data", bytes(samples)), *more]
    body = b"WAVE" + _packed(parts, "<")
    return b"RIFF" + struct.pack("<I", len(body)) + body, lost


def new_aiff(
    samples: bytes | memoryview, shape: tuple[int, int, int], tags: Tags
) -> tuple[bytes, list[str]]:
    """An AIFF of packed samples of (channels, bits, rate), and what it has no place for."""
    channels, bits, rate = shape
    power = rate.bit_length() - 1
    extended = struct.pack(">HQ", 16383 + power, rate << (63 - power))
    frames = len(samples) * 8 // bits // channels
    form = struct.pack(">HIH", channels, frames, bits) + extended
    more, lost = aiff_chunks(tags)
    parts = [(b"COMM", form), *more, (b"SSND", bytes(8) + bytes(samples))]
    body = b"AIFF" + _packed(parts, ">")
    return b"FORM" + struct.pack(">I", len(body)) + body, lost

"""Nothing of a sound is lost in silence: chunks, blocks, tags, and what the encoder chose."""

import hashlib
import struct
import sys
from io import BytesIO

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield.channels.sound import flac, frames
from stegafield.channels.sound.aiff import AiffChannel
from stegafield.channels.sound.flac import FlacChannel
from stegafield.channels.sound.wav import WavChannel
from stegafield.errors import CapacityError, ConfigError, FormatError
from tests.sounds import (
    blocks,
    chunks,
    of_unknown_length,
    samples,
    sound,
    tagged,
    with_blocks,
    with_chunks,
)

REAL = ["files/sound", "audio/clips"]
ID3V1 = b"TAG" + b"a holiday".ljust(30, b"\0") + bytes(94) + b"\x05"
ID3V2 = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)
APE = b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, 0) + bytes(8)
INFO = b"INFO" + b"INAM\x0a\0\0\0a holiday\0" + b"IKEY\x04\0\0\0sea\0"
CHUNKS = [(b"LIST", INFO), (b"bext", b"the lab".ljust(602, b"\0")), (b"cue ", bytes(28))]
CHUNKS += [(b"smpl", bytes(36)), (b"iXML", b"<x/>"), (b"id3 ", ID3V2), (b"JUNK", bytes(28))]
SHORT = samples(frames=3000)


def aiff(order="NONE", bits=16, extra=(), values=SHORT):
    """An AIFF-C (AIFF where `order` is empty) with further chunks, made by hand."""
    whole = np.rint(values * ((1 << bits - 1) - 1)).astype(np.int64)
    size = -(-bits // 8)
    stored = (whole << (8 * size - bits)).astype(">i8").view(np.uint8).reshape(-1, 8)[:, 8 - size :]
    stored = stored[:, ::-1] if order == "sowt" else stored
    form = struct.pack(">HIH", whole.shape[1], len(whole), bits) + b"\x40\x0b\xfa" + bytes(7)
    if order:
        form += order.encode() + b"\0\0"
    parts = [(b"FVER", bytes(4)), (b"COMM", form), *extra]
    parts += [(b"SSND", bytes(8) + np.ascontiguousarray(stored).tobytes()), (b"MARK", b"\0\0")]
    body = b"".join(
        kind + struct.pack(">I", len(part)) + part + bytes(len(part) % 2) for kind, part in parts
    )
    return b"FORM" + struct.pack(">I", 4 + len(body)) + (b"AIFC" if order else b"AIFF") + body


def pieces(data, order):
    """(kind, content) of each chunk, with the form type first, and what follows the last."""
    found, at = [data[:4] + data[8:12]], 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}4sI", data, at)
        found.append((kind, data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    return found


def rest(data):
    """All of a file that is no sample."""
    if data[:4] in (b"RIFF", b"RF64", b"BW64", b"FORM"):
        found = pieces(data, ">" if data[:4] == b"FORM" else "<")
        return [data[4:8], *(p if p[0] not in (b"data", b"SSND") else len(p[1]) for p in found)]
    file = flac.opened(data)
    kept = [b if b.kind not in (0, 3) else (b.kind, len(b.content)) for b in file.blocks]
    made = [] if file.frames is None else [chosen(frame) for frame in file.frames]
    info = (
        file.info[:4] + file.info[10:18],
        [bool(any(part)) for part in (file.info[4:7], file.info[7:10], file.info[18:])],
    )
    return [data[: file.prefix], kept, info, made, data[file.stop :]]


def chosen(frame):
    """What an encoder chose for a frame."""
    kinds = [(s.kind, s.taps, s.precision, s.shift, s.partitions) for s in frame.subframes]
    return frame.first, frame.size, frame.stereo, kinds


def right(data):
    """Whether the check sum of a FLAC is that of its samples, or is missing."""
    file = flac.opened(data)
    return file.info[18:] in (bytes(16), flac.checksum(file.samples(), file.bits))


def turned(data):
    """A FLAC with STREAMINFO behind its other blocks, as some programs write it."""
    found, start = flac.parse(data)
    return b"fLaC" + flac.packed(found[::-1]) + data[start:]


FAMILY = {
    "chunks": with_chunks(sound(), before=CHUNKS[:3], after=CHUNKS[3:]),
    "24 bits": with_chunks(sound(subtype="PCM_24"), before=CHUNKS, after=[]),
    "32 bits": with_chunks(sound(subtype="PCM_32"), before=CHUNKS),
    "8 bits": with_chunks(sound(subtype="PCM_U8", channels=1, frames=3001), after=CHUNKS),
    "extensible": with_chunks(sound("WAVEX", "PCM_24", channels=6), after=CHUNKS),
    "RF64": sound("RF64"),
    "BW64": b"BW64" + sound("RF64")[4:],
    "unpadded rest": sound() + b"rest",
    "blocks": with_blocks(sound("FLAC"), tagged()),
    "24-bit blocks": with_blocks(sound("FLAC", "PCM_24"), [*tagged(), (6, b"art"), (5, bytes(9))]),
    "8-bit FLAC": with_blocks(sound("FLAC", "PCM_S8"), tagged()),
    "tags around": ID3V2 + with_blocks(sound("FLAC"), tagged()) + APE + ID3V1,
    "trailing ID3v1 (A10)": sound("FLAC") + ID3V1,
    "unknown length": of_unknown_length(sound("FLAC")),
    "unknown length, ID3v1": of_unknown_length(sound("FLAC", channels=1)) + ID3V1,
    "comment first": turned(with_blocks(sound("FLAC"), tagged())),
    "AIFF": aiff("", extra=[(b"NAME", b"a holiday"), (b"ANNO", b"odd"), (b"APPL", b"abcd")]),
    "AIFF of 12 bits": aiff("", 12),
    "AIFF of 24 bits": aiff("", 24),
    "AIFF-C": aiff("NONE", 8),
    "sowt": aiff("sowt"),
    "AIFF of libsndfile": sound("AIFF", "PCM_24"),
}


@pytest.mark.parametrize("name", FAMILY)
def test_all_but_the_samples_stays(engine, key, name):
    """A10, issue 17 line 1: cover and stego differ in samples and in what notes name."""
    data = FAMILY[name]
    stego = engine.hide(b"all else stays", carrier="audio", cover=data, key=key)
    assert rest(stego.data) == rest(data) and stego.report.notes == []
    assert engine.reveal(stego.data, key=key) == b"all else stays"
    assert stego.data[:4] != b"fLaC" or right(stego.data)
    before, after = (soundfile.read(BytesIO(d))[0] for d in (known(data), known(stego.data)))
    assert before.shape == after.shape and 0 < np.abs(before - after).max() < 5 / 128


def known(data):
    """A file that libsndfile reads: with a length, and without tags around."""
    if data[:4] == b"BW64":
        return b"RF64" + data[4:]
    if b"fLaC" not in data[:64]:
        return data
    file = flac.opened(data)
    facts = int.from_bytes(file.info[10:18]) >> 36 << 36 | file.count
    info = file.info[:10] + facts.to_bytes(8) + file.info[18:]
    return b"fLaC" + flac.packed([flac.Block(0, info)]) + data[file.start : file.stop]


@pytest.mark.slow
def test_real_sounds_keep_what_they_have(engine, key, shared):
    for path in [path for folder in REAL for path in sorted((shared / folder).iterdir())]:
        data = path.read_bytes()
        try:
            stego = engine.hide(b"m", carrier="audio", cover=path, key=key)
        except CapacityError:  # some are digital silence almost everywhere
            continue
        except FormatError as error:
            assert "12_bit" in path.name and "av" in str(error)
            continue
        assert engine.reveal(stego.data, key=key) == b"m"
        if not stego.report.notes:
            assert rest(stego.data) == rest(data), path.name
            assert stego.data[:4] != b"fLaC" or right(stego.data)


@pytest.mark.parametrize("level", [0, 0.25, 0.625, 1])
@pytest.mark.parametrize("frames", [900, 20000])
def test_a_flac_of_libflac_is_one_afterwards(engine, key, level, frames):
    """Its frames are those that libFLAC makes of the samples at the level of the cover."""
    out = BytesIO()
    values = samples(frames=frames)
    soundfile.write(out, values, 44100, "PCM_16", format="FLAC", compression_level=level)
    stego = engine.hide(b"m", carrier="audio", cover=out.getvalue(), key=key)
    again, found = BytesIO(), soundfile.read(BytesIO(stego.data), dtype="int16")[0]
    soundfile.write(again, found, 44100, "PCM_16", format="FLAC", compression_level=level)
    start = flac.parse(again.getvalue())[1]
    assert stego.data[flac.parse(stego.data)[1] :] == again.getvalue()[start:]
    sizes = [frame.stop - frame.start for frame in flac.opened(stego.data).frames]
    info = blocks(stego.data)[0][1]
    assert (min(sizes), max(sizes)) == (int.from_bytes(info[4:7]), int.from_bytes(info[7:10]))


def waves(kind, rng):
    """Signals that encoders treat in all ways."""
    time = np.arange(9000)[:, None]
    tone = np.rint(9000 * np.sin(time / [7, 9]) + rng.normal(0, 20, (9000, 2)))
    return {
        "tone": tone,
        "silence": 0 * tone,
        "held": 0 * tone + 77,
        "alike": tone[:, :1] + rng.integers(-2, 3, (9000, 2)),
        "white": rng.integers(-32768, 32768, (9000, 2)),
        "padded": tone // 16 * 16,
        "steps": time // 3 + [0, 5],
        "mono": tone[:, :1],
        "loud": np.clip(tone * 5, -32768, 32767),
    }[kind].astype(np.int16)


KINDS = ["tone", "silence", "held", "alike", "white", "padded", "steps", "mono", "loud"]


@pytest.mark.parametrize("share", [0.001, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_coded_again_as_they_were(kind, share):
    rng = np.random.default_rng(len(kind))
    old = waves(kind, rng)
    for level in (0, 1):
        out = BytesIO()
        soundfile.write(out, old, 44100, "PCM_16", format="FLAC", compression_level=level)
        data, (_, start) = out.getvalue(), flac.parse(out.getvalue())
        found = list(frames.parsed(data, start, old, 16))
        assert found[-1].stop == len(data) and frames.length(data, start, len(data)) == len(old)
        step = rng.integers(-9, 10, old.shape) * (rng.random(old.shape) < share)
        new = np.clip(old + step, -32768, 32767).astype(np.int16)
        made = [
            frames.recoded(data, f, *(x[f.first : f.first + f.size] for x in (old, new)))
            for f in found
        ]
        again = data[:start] + b"".join(made)
        assert np.array_equal(soundfile.read(BytesIO(again), dtype="int16", always_2d=True)[0], new)
        for before, after in zip(found, frames.parsed(again, start, new, 16), strict=True):
            assert (before.size, before.stereo) == (after.size, after.stereo)
            for one, two in zip(before.subframes, after.subframes, strict=True):
                assert one.kind == frames.CONSTANT or (one.taps, one.partitions) == (
                    two.taps,
                    two.partitions,
                )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 9000))
def test_check_sums_are_those_of_a_frame(seed, size):
    octets = np.random.default_rng(seed).bytes(size)
    found = 0
    for octet in octets:
        found ^= octet << 8
        for _ in range(8):
            found = (found << 1 ^ (0x8005 if found & 0x8000 else 0)) & 0xFFFF
    assert frames.crc16(octets) == found
    assert frames.crc16(octets + found.to_bytes(2)) == 0


def test_seek_points_lead_to_their_frames(engine, key):
    values = samples(frames=30000)
    data = sound("FLAC", values=values)
    found = list(frames.parsed(data, (at := flac.parse(data)[1]), *decoded(data), 16))
    points = (
        b"".join(struct.pack(">QQH", f.first, f.start - at, f.size) for f in found)
        + b"\xff" * 8
        + bytes(10)
    )
    stego = engine.hide(b"m", carrier="audio", cover=with_blocks(data, [(3, points)]), key=key)
    file = flac.opened(stego.data)
    table = next(block.content for block in file.blocks if block.kind == 3)
    offsets = [struct.unpack_from(">QQ", table, 18 * i) for i in range(len(found))]
    assert offsets == [(f.first, f.start - file.start) for f in file.frames]
    assert table[-18:] == points[-18:]


def decoded(data):
    return [soundfile.read(BytesIO(data), dtype="int16", always_2d=True)[0]]


def test_a_flac_that_declares_too_few_samples_is_read_whole(engine, key):
    data = bytearray(sound("FLAC"))
    data[22:26] = (1000).to_bytes(4)
    (cover,) = FlacChannel().read(bytes(data))
    assert cover.codes.shape == (2, 4000)
    stego = engine.hide(b"m", carrier="audio", cover=bytes(data), key=key)
    assert rest(stego.data) == rest(bytes(data)) and engine.reveal(stego.data, key=key) == b"m"


@pytest.mark.parametrize("cut", [1, 200, 5000])
def test_a_flac_of_unknown_length_that_is_cut_short(engine, cut):
    data = of_unknown_length(sound("FLAC"))
    with pytest.raises(FormatError, match="cut short|not a readable"):
        engine.hide(b"m", carrier="audio", cover=data[:-cut])


@pytest.mark.parametrize("riff", [0, 36, 0xFFFFFFFF])
def test_a_wav_that_was_never_finished_is_read_to_its_end(engine, key, riff):
    """B6: the program was stopped, or wrote to a pipe, before it knew the sizes."""
    data = bytearray(sound())
    data[4:8], data[40:44] = struct.pack("<I", riff), b"\xff" * 4 if riff > 99 else bytes(4)
    stego = engine.hide(b"m", carrier="audio", cover=bytes(data), key=key)
    assert engine.reveal(stego.data, key=key) == b"m"
    assert stego.data[:44] == data[:44] and len(stego.data) == len(data)


def test_a_wav_with_no_samples_says_so(engine):
    """B6: right numbers, and chunks behind are no samples."""
    data = with_chunks(sound(frames=0), after=[(b"LIST", INFO * 50)])
    (cover,) = WavChannel().read(data)
    assert cover.codes.size == 0
    with pytest.raises((CapacityError, ConfigError), match=r"12 bytes|no samples") as caught:
        engine.hide(b"meet at dawn", carrier="audio", cover=data)
    assert "needs 0 bytes" not in str(caught.value)


@pytest.mark.parametrize("rate", [0, 1, 700_001, 2**31, 2**32 - 1])
@pytest.mark.parametrize("form", ["wav", "flac", "aiff", None])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_odd_rates_are_written_or_refused(engine, key, rate, form, subtype):
    """C4: libsndfile raises whatever it raises."""
    data = bytearray(sound(subtype=subtype))
    data[24:28] = rate.to_bytes(4, "little")
    try:
        stego = engine.hide(b"m", carrier="audio", cover=bytes(data), key=key, format=form)
    except (ConfigError, FormatError) as error:
        assert "0x" not in str(error)
        assert form is not None or subtype == "FLOAT"
        return
    assert engine.reveal(stego.data, key=key) == b"m"


@pytest.mark.parametrize("rate", [0, 1 << 19, (1 << 20) - 1])
def test_odd_rates_of_flac(engine, key, rate):
    """C4: libFLAC does not write all that it reads."""
    data = bytearray(sound("FLAC"))
    facts = int.from_bytes(data[18:26]) & (1 << 44) - 1 | rate << 44
    data[18:26] = facts.to_bytes(8)
    try:
        stego = engine.hide(b"m", carrier="audio", cover=bytes(data), key=key)
    except (ConfigError, FormatError) as error:
        assert "0x" not in str(error)
        return
    assert engine.reveal(stego.data, key=key) == b"m"


@pytest.mark.parametrize("to_rate", [1, 700_000, (1 << 20) - 1])
@pytest.mark.parametrize("form", ["wav", "flac"])
def test_odd_rates_of_functions(engine, to_rate, form):
    """C4"""
    chosen = {"carrier.to_rate": to_rate}
    try:
        engine.hide(
            *(b"m",),
            carrier="audio",
            cover=sound(frames=60),
            format=form,
            as_function=True,
            set=chosen,
        )
    except (ConfigError, FormatError, CapacityError) as error:
        assert "0x" not in str(error)


ELSEWHERE = {
    "WAV to FLAC": (FAMILY["chunks"], "flac", {"title"}, {"bext", "cue", "smpl", "IKEY", "ID3"}),
    "WAV to AIFF": (FAMILY["chunks"], "aiff", {"title", "ID3"}, {"bext", "cue", "smpl", "IKEY"}),
    "FLAC to WAV": (
        with_blocks(sound("FLAC"), [*tagged(), (6, b"art"), (5, bytes(9))]),
        *("wav", {"title"}, {"picture", "cue sheet", "application"}),
    ),
    "AIFF to FLAC": (FAMILY["AIFF"], "flac", {"title", "comment"}, {"APPL", "MARK"}),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_goes_along_into_another_format(engine, key, name):
    """Issue 17 line 1: a note names what goes along, and each thing that cannot."""
    data, form, along, lost = ELSEWHERE[name]
    stego = engine.hide(b"m", carrier="audio", cover=data, key=key, format=form)
    assert soundfile.SoundFile(BytesIO(stego.data)).title == "a holiday"
    first, second = stego.report.notes[:2]
    assert all(word in first for word in along), first
    assert all(word in second for word in lost) and "cannot keep" in second, second
    assert engine.reveal(stego.data, key=key) == b"m"


def test_chunks_go_along_into_a_new_file_of_their_kind(engine, key):
    """Issue 17 line 1: floats become integers, and all beside them stays."""
    data = with_chunks(sound(subtype="FLOAT"), before=CHUNKS[:3], after=CHUNKS[3:])
    stego = engine.hide(b"m", carrier="audio", cover=data, key=key)
    fresh = (b"fmt ", b"data", b"fact", b"PEAK")
    kept = [part for part in chunks(data)[1:] if part[0] not in fresh]
    assert [part for part in chunks(stego.data)[1:] if part[0] not in fresh] == kept
    assert len(stego.report.notes) == 2 and "rounded to 24 bits" in stego.report.notes[1]
    blocked = FAMILY["24-bit blocks"]
    narrow = engine.hide(
        b"m", carrier="audio", cover=blocked, key=key, set={"carrier.subtype": "PCM_16"}
    )
    assert [b for b in blocks(narrow.data) if b[0] not in (0, 3, 4)] == [
        b for b in blocks(blocked) if b[0] not in (0, 3, 4)
    ]
    made = dict(blocks(narrow.data))[4]
    assert b"reference libFLAC" in made and b"TITLE=a holiday" in made


@pytest.mark.parametrize("form", ["wav", "aiff", "flac"])
def test_the_tag_of_an_mp3_goes_along(engine, key, form):
    tag = b"ID3\x04\0\0\0\0\0\x1f" + b"TIT2\0\0\0\x0a\0\0\x03a holiday" + bytes(11)
    data = tag + sound("MP3", "MPEG_LAYER_III") + ID3V1
    stego = engine.hide(b"m", carrier="audio", cover=data, key=key, format=form)
    assert (tag in stego.data) == (form != "flac")
    assert "ID3" in stego.report.notes[0 if form != "flac" else 1]
    assert "tag behind its frames" in stego.report.notes[1]
    assert soundfile.SoundFile(BytesIO(stego.data)).title == "a holiday"


@pytest.mark.parametrize("form", ["wav", "flac", "aiff"])
def test_a_channel_layout_goes_along(engine, key, form):
    data = bytearray(sound("WAVEX", "FLOAT", channels=4))
    data[40:44] = struct.pack("<I", 0x107)
    stego = engine.hide(b"m", carrier="audio", cover=bytes(data), key=key, format=form)
    if form == "wav":
        body = next(part for part in chunks(stego.data)[1:] if part[0] == b"fmt ")[1]
        assert struct.unpack_from("<I", body, 20)[0] == 0x107
    elif form == "flac":
        assert b"WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x107" in stego.data
    else:
        assert any("channel layout" in note for note in stego.report.notes)


@pytest.mark.parametrize(
    "name", ["chunks", "24-bit blocks", "tags around", "AIFF", "trailing ID3v1 (A10)", "RF64"]
)
def test_what_tells_of_people_can_be_dropped(engine, key, name):
    data = FAMILY[name]
    stego = engine.hide(b"m", carrier="audio", cover=data, key=key, strip_metadata=True)
    for told in (b"a holiday", b"the lab", b"<x/>", b"ID3", b"TAG", b"APETAGEX", b"art"):
        assert told not in stego.data
    noted = any("dropped" in note for note in stego.report.notes)
    assert noted == (name != "RF64")
    assert engine.reveal(stego.data, key=key) == b"m"
    same = (soundfile.read(BytesIO(known(d)))[0] for d in (data, stego.data))
    assert np.abs(next(same) - next(same)).max() < 5 / 2**15


def coded(form, codec, kind, **options):
    """A sound that FFmpeg's libraries wrote."""
    av = pytest.importorskip("av", reason="the extra av is not installed")
    out, values = BytesIO(), np.rint(samples(channels=1, frames=9000) * 30000).astype(np.int16)
    with av.open(out, "w", format=form) as container:
        container.metadata.update({"title": "a holiday", **options})
        stream = container.add_stream(codec, rate=44100, layout="mono")
        stream.bit_rate = 96000
        frame = av.AudioFrame.from_ndarray(values.T, format="s16", layout="mono")
        frame.sample_rate = 44100
        resampler = av.AudioResampler(format=kind, layout="mono", rate=44100)
        for some in [*resampler.resample(frame), *resampler.resample(None)]:
            size = stream.codec_context.frame_size or some.samples
            fifo = av.AudioFifo()
            some.pts = None
            fifo.write(some)
            while (part := fifo.read(size, partial=True)) is not None:
                for packet in stream.encode(part):
                    container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return out.getvalue(), values


CODED = [("ipod", "aac", "fltp"), ("ipod", "alac", "s16p"), ("asf", "wmav2", "fltp")]


@pytest.mark.parametrize(("form", "codec", "kind"), CODED)
def test_sounds_of_ffmpeg_are_covers(engine, key, form, codec, kind):
    """Issue 17 line 7: m4a and WMA in."""
    data, values = coded(form, codec, kind, genre="odd", lyrics="la")
    stego = engine.hide(b"m", carrier="audio", cover=BytesIO(data), key=key)
    found, rate = soundfile.read(BytesIO(stego.data), dtype="int16", always_2d=True)
    assert rate == 44100 and engine.reveal(stego.data, key=key) == b"m"
    assert soundfile.SoundFile(BytesIO(stego.data)).title == "a holiday"
    assert "title" in stego.report.notes[0] and codec[:3].upper() in stego.report.notes[0]
    if codec == "alac":
        assert np.abs(found - values).max() < 5


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\0\0\0\x20ftypM4A " + bytes(99), "MPEG-4"),
        (bytes.fromhex("3026b2758e66cf11") + bytes(99), "Windows Media"),
    ],
)
def test_without_the_extra_the_way_is_told(engine, monkeypatch, head, what):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(FormatError, match=rf"{what}.*stegafield\[av\].*ffmpeg") as caught:
        engine.hide(b"m", carrier="audio", cover=head)
    assert "0x" not in str(caught.value)


@pytest.mark.parametrize("cut", [9, 13, 21, 40, 60, 200])
@pytest.mark.parametrize("order", ["", "sowt"])
def test_damaged_aiff(order, cut):
    data = aiff(order)[:cut]
    far = aiff(order).replace(b"SSND", b"SSND\0\0\x2e\xe8\xff")  # an offset beyond the end
    for broken in (data, data + bytes(60), data.replace(b"SSND", b"XSND"), far):
        try:
            covers = list(AiffChannel().read(broken))
        except FormatError:
            continue
        assert all(AiffChannel().write(c, c.codes) == broken for c in covers)


def test_check_sums_of_samples():
    values = np.arange(-6, 6).reshape(6, 2)
    assert flac.checksum(values, 16) == hashlib.md5(values.astype("<i2").tobytes()).digest()

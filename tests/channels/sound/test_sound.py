"""WAV and FLAC: only samples change; what libsndfile opens is a cover; damage is never a crash."""

from io import BytesIO

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield.carriers.audio import AudioCarrier
from stegafield.channels.sound.flac import FlacChannel
from stegafield.channels.sound.wav import WavChannel
from stegafield.errors import CapacityError, ConfigError, FormatError, NoMessage
from tests.sounds import blocks, chunks, samples, sound, tagged, with_blocks, with_chunks

CHANNELS = {"WAV": WavChannel, "FLAC": FlacChannel}
KINDS = [("WAV", "PCM_U8"), ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("FLAC", "PCM_16")]
KINDS += [("FLAC", "PCM_24"), ("WAVEX", "PCM_24"), ("RF64", "PCM_16")]


def _channel(form):
    return CHANNELS["FLAC" if form == "FLAC" else "WAV"]()


@pytest.mark.parametrize("form", CHANNELS)
def test_any_samples_make_the_round_trip(form):
    kinds = [kind for kind in KINDS if (kind[0] == "FLAC") == (form == "FLAC")]

    @settings(max_examples=100, deadline=None)
    @given(
        kind=st.sampled_from(kinds),
        frames=st.integers(1, 300),
        channels=st.integers(1, 8),
        rate=st.sampled_from([8000, 11025, 44100, 48000, 192000]),
        seed=st.integers(0, 2**32),
    )
    def check(kind, frames, channels, rate, seed):
        rng = np.random.default_rng(seed)
        values = rng.uniform(-1, 1, (frames, channels))
        data, channel = sound(*kind, values=values, rate=rate), _channel(kind[0])
        (cover,) = channel.read(data)
        codes = rng.integers(cover.low, cover.high, cover.codes.shape, np.int32, endpoint=True)
        written = channel.write(cover, codes)
        (found,) = channel.read(written)
        assert np.array_equal(found.codes, codes) and found.free.all()
        before, after = soundfile.info(BytesIO(data)), soundfile.info(BytesIO(written))
        for name in ("samplerate", "channels", "frames", "format", "subtype"):
            assert getattr(before, name) == getattr(after, name)
        read = soundfile.read(BytesIO(written), always_2d=True)[0].T * cover.peak
        assert np.array_equal(read + (128 if cover.low == 0 else 0), codes)

    check()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24"])
def test_only_the_samples_of_a_wav_change(engine, key, subtype):
    extra = [(b"LIST", b"INFOINAM\x06\0\0\0hello\0"), (b"bext", bytes(602))]
    data = with_chunks(
        sound(subtype=subtype), before=extra, after=[(b"id3 ", b"ID3odd"), (b"cue ", b"\1")]
    )
    stego = engine.hide(b"m", carrier="audio", cover=data, key=key)
    assert len(stego.data) == len(data) and stego.report.notes == []
    before, after = chunks(data), chunks(stego.data)
    assert [a for a, b in zip(before, after, strict=True) if a != b] == [
        part for part in before if part[0] == b"data"
    ]


def test_only_the_samples_of_a_flac_change(engine, key):
    data = with_blocks(sound("FLAC", "PCM_24"), tagged())
    stego = engine.hide(b"m", carrier="audio", cover=data, key=key)
    assert blocks(stego.data)[1:] == blocks(data)[1:]
    before, after = blocks(data)[0][1], blocks(stego.data)[0][1]
    assert before[10:18] == after[10:18]  # rate, channels, depth, length
    assert soundfile.SoundFile(BytesIO(stego.data)).title == "a holiday"
    assert engine.reveal(stego.data, key=key) == b"m"


def test_a_flac_without_tags_gets_none(engine, key):
    data = with_blocks(sound("FLAC"), [])
    stego = engine.hide(b"m", carrier="audio", cover=data, key=key)
    assert [kind for kind, _ in blocks(stego.data)] == [0]


def test_an_id3_tag_in_front_of_a_flac_stays(engine, key):
    tag = b"ID3\x04\0\x10" + bytes([0, 0, 1, 2]) + bytes(130) + bytes(10)  # 130 bytes and a footer
    data = with_blocks(sound("FLAC"), tagged())
    stego = engine.hide(b"m", carrier="audio", cover=tag + data, key=key)
    assert stego.data[: len(tag) + 4] == tag + b"fLaC" and stego.report.notes == []
    assert engine.reveal(stego.data, key=key) == b"m"


@pytest.mark.parametrize(("form", "other"), [("WAV", "flac"), ("FLAC", "wav"), ("OGG", "flac")])
def test_tags_go_along_into_another_format(engine, key, form, other):
    out = BytesIO()
    subtype = "VORBIS" if form == "OGG" else "PCM_16"
    with soundfile.SoundFile(out, "w", 8000, 2, subtype, None, form) as file:
        file.title, file.artist = "a holiday", "the lab"
        file.write(samples())
    stego = engine.hide(b"m", carrier="audio", cover=out.getvalue(), key=key, format=other)
    found = soundfile.SoundFile(BytesIO(stego.data))
    assert (found.title, found.artist, found.software) == ("a holiday", "the lab", "")
    assert any("with its title, artist" in note for note in stego.report.notes)


def test_a_short_flac_cannot_declare_an_hour(engine, key):
    data = bytearray(sound("FLAC"))
    data[22:26] = (
        b"\xff" * 4
    )  # the lower bits of the length, behind four bytes of magic and four of block header
    with pytest.raises(FormatError, match="declares 4294967295 frames in"):
        next(FlacChannel().read(bytes(data)))


OTHERS = [
    *(("OGG", "VORBIS", "PCM_16"), ("MP3", "MPEG_LAYER_III", "PCM_16"), ("WAV", "ULAW", "PCM_16")),
    *(("WAV", "IMA_ADPCM", "PCM_16"), ("WAV", "FLOAT", "PCM_24")),
    *(("AIFF", "FLOAT", "PCM_24"), ("AU", "PCM_16", "PCM_16"), ("CAF", "DOUBLE", "PCM_24")),
]


@pytest.mark.parametrize(("form", "subtype", "becomes"), OTHERS)
def test_other_sounds_become_new_files(engine, key, form, subtype, becomes):
    data = sound(form, subtype)
    stego = engine.hide(b"m", carrier="audio", cover=BytesIO(data), key=key)
    found = soundfile.info(BytesIO(stego.data))
    assert (found.format, found.subtype) == ("AIFF" if form == "AIFF" else "WAV", becomes)
    assert (found.samplerate, found.channels) == (8000, 2)
    assert any(form in note for note in stego.report.notes)
    before, _ = soundfile.read(BytesIO(data))
    after, _ = soundfile.read(BytesIO(stego.data))
    assert np.abs(after - before).max() < 5 / 2 ** (15 if becomes == "PCM_16" else 23)


def test_the_format_and_the_subtype_can_be_chosen(engine, key):
    data = sound(subtype="PCM_24")
    stego = engine.hide(b"m", carrier="audio", cover=data, key=key, format="flac")
    assert soundfile.info(BytesIO(stego.data)).subtype == "PCM_24" and stego.data[:4] == b"fLaC"
    stego = engine.hide(
        b"m", carrier="audio", cover=data, key=key, set={"carrier.subtype": "PCM_U8"}
    )
    assert soundfile.info(BytesIO(stego.data)).subtype == "PCM_U8"
    assert any("rounded to 8 bits" in note for note in stego.report.notes)
    with pytest.raises(ConfigError, match="format"):
        engine.hide(b"m", carrier="audio", cover=data, format="mp3")
    with pytest.raises(ConfigError, match=r"'flac' is requested, and carrier\.format is 'wav'"):
        engine.hide(b"m", carrier="audio", cover=data, format="flac", set={"carrier.format": "wav"})
    with pytest.raises(ConfigError, match="has none to choose"):
        engine.hide(b"m", carrier="era5", format="wav")


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".m4a"])
def test_lossy_names_are_refused(engine, key, suffix, tmp_path):
    stego = engine.hide(b"m", carrier="audio", cover=sound(), key=key)
    with pytest.raises(ConfigError, match=rf"\{suffix} .*lossy.*\.wav"):
        stego.save(tmp_path / f"x{suffix}")


def test_samples_come_back_as_they_were_given(engine, key):
    whole = np.rint(samples() * 32767).astype(np.int16)
    byte = (whole // 256 + 128).astype(np.uint8)
    for source in (
        whole,
        whole[:, 0],
        byte,
        whole.astype(np.int32) << 16,
        samples(),
        (whole, 96000),
    ):
        stego = engine.hide(b"m", carrier="audio", cover=source, key=key)
        found, wanted = stego.value, source
        if isinstance(source, tuple):
            (found, rate), wanted = stego.value, source[0]
            assert rate == 96000
        assert found.dtype == wanted.dtype and found.shape == wanted.shape
        assert engine.reveal(stego.value, key=key) == b"m"


@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize("frames", [0, 1])
def test_sounds_of_no_or_one_sample(engine, key, kind, frames):
    data = sound(*kind, frames=frames)
    with pytest.raises(CapacityError, match="too small"):
        engine.hide(b"", carrier="audio", cover=data)
    with pytest.raises(NoMessage):
        engine.reveal(data, key=key)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (np.zeros((0, 2), np.int16), "no samples"),
        (np.full(1000, np.nan), "no numbers"),
        (np.zeros((2, 3, 4), np.int16), "shape"),
        (np.zeros(100, np.complex128), "complex128"),
        (sound("WAV", "FLOAT", values=np.full(1000, np.inf)), "no numbers"),
        (sound("WAV", "FLOAT", frames=0), "no samples"),
    ],
    ids=range(6),  # a float WAV holds the time at which it was made
)
def test_what_is_no_sound(engine, given, says):
    with pytest.raises(ConfigError, match=says):
        engine.hide(b"", carrier="audio", cover=given)


@pytest.mark.parametrize("thing", [3, (1, 2), (np.zeros(5, np.int16), 1.5), b"RIFFWAVE", b"ID3"])
def test_things_that_are_no_sound(engine, thing):
    with pytest.raises(FormatError):
        engine.hide(b"", carrier="audio", cover=thing)


def test_samples_beyond_full_scale_are_clipped_and_said(engine, key):
    stego = engine.hide(b"m", carrier="audio", cover=2 * samples(), key=key)
    assert any("rounded" in note for note in stego.report.notes)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    cut=st.integers(0, 3000),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), max_size=4),
    early=st.booleans(),
)
def test_damage_is_no_message_or_no_file(engine, key, kind, cut, flips, early):
    data = bytearray(sound(*kind, frames=300))
    for place, mask in flips:
        data[int(place * (60 if early else len(data)))] ^= mask
    broken = bytes(data[: len(data) - cut])
    for act in (
        lambda: engine.reveal(broken, key=key),
        lambda: engine.hide(b"", carrier="audio", cover=broken, key=key),
    ):
        try:
            act()
        except (FormatError, NoMessage, CapacityError, ConfigError):
            continue


def test_a_stream_that_never_knew_its_length_is_read_to_its_end(engine, key):
    data = bytearray(sound())
    data[4:8] = data[40:44] = b"\xff" * 4
    stego = engine.hide(b"m", carrier="audio", cover=bytes(data), key=key)
    assert engine.reveal(stego.data, key=key) == b"m" and stego.data[:44] == bytes(data[:44])


@pytest.mark.slow
@pytest.mark.parametrize("declared", [None, 0, 2**36 - 1])
def test_silence_that_unpacks_to_gigabytes_is_refused(engine, key, declared):
    """140 MB of zeros in 200 kB of FLAC: whatever its header says of their number."""
    data = bytearray(sound("FLAC", values=np.zeros((8_800_000, 8), np.int16)))
    assert len(data) < 1 << 20
    if declared is not None:
        facts = int.from_bytes(data[18:26]) >> 36 << 36 | declared
        data[18:26] = facts.to_bytes(8)
    with pytest.raises(FormatError, match=r"frames|in \d+ bytes|not a readable"):
        list(FlacChannel().read(bytes(data)))
    with pytest.raises(FormatError):
        engine.hide(b"m", carrier="audio", cover=bytes(data), key=key)


@pytest.mark.slow
def test_real_sounds(engine, key, shared):
    for path in sorted((shared / "audio" / "clips").iterdir()):
        for form in (None, "wav", "flac"):
            stego = engine.hide(b"meet at dawn", carrier="audio", cover=path, key=key, format=form)
            assert engine.reveal(stego.data, key=key) == b"meet at dawn"
            before, after = soundfile.info(path), soundfile.info(BytesIO(stego.data))
            assert (before.samplerate, before.frames) == (after.samplerate, after.frames)


def test_a_carrier_sees_its_own_files_as_they_are():
    cover = AudioCarrier().open(sound())
    assert cover.channel == "wav" and cover.notes == () and cover.spec.kind == "line"

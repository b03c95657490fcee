"""Every channel, a hundred times: random covers, random messages, read back by content alone.

What is in the file besides the samples is parsed and compared: nothing but the samples changes.
"""

from io import BytesIO

import numpy as np
import pytest
import tifffile

from stegafield.channels.picture import bmp, png, webp
from stegafield.channels.sound import wav
from stegafield.errors import CapacityError
from tests import datasets, pictures, sounds

PICTURES = {
    "png": [(n, d, {}) for n in (1, 2, 3, 4) for d in (np.uint8, np.uint16)],
    "webp": [(n, np.uint8, pictures.LOSSLESS) for n in (3, 4)],
    "bmp": [(n, np.uint8, {}) for n in (1, 3)],
    "tiff": [
        (n, d, {"compression": packing} if packing else {})
        for d, numbers in ((np.uint8, (1, 2, 3, 4)), (np.uint16, (1, 3, 4)))
        for n in numbers
        for packing in (None, "tiff_lzw", "tiff_adobe_deflate")
    ],
}
SOUNDS = {
    "wav": [
        ("WAV", "PCM_U8"),
        ("WAV", "PCM_16"),
        ("WAV", "PCM_24"),
        ("WAVEX", "PCM_24"),
        ("RF64", "PCM_16"),
    ],
    "flac": [("FLAC", "PCM_16"), ("FLAC", "PCM_24")],
}
FIELDS = {
    "NetCDF-3": ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"],
    "NetCDF-4": ["NETCDF4", "NETCDF4_CLASSIC"],
}


def picture(form, number, rng):
    """A picture, some of its samples at an end of the range, some of its pixels transparent."""
    kinds = PICTURES[form]
    samples, dtype, options = kinds[number % len(kinds)]
    shape = (*rng.integers(24, 36, 2), samples)
    array = pictures.noise(*shape, dtype=dtype, seed=number)
    array[rng.random(shape) < rng.choice([0, 0.1, 0.3])] = rng.choice([0, np.iinfo(dtype).max])
    if samples in (2, 4):
        array[..., -1][rng.random(shape[:2]) < 0.8] = np.iinfo(dtype).max
    return pictures.file_of(array, form.upper(), **options)


def sound(form, number, rng):
    kind = SOUNDS[form][number % len(SOUNDS[form])]
    values = rng.uniform(-1, 1, (rng.integers(700, 1500), rng.integers(1, 4)))
    return sounds.sound(*kind, values=values, rate=int(rng.choice([8000, 44100, 96000])))


def a_field(form, number, rng):
    """Packed, float32, float64 in turn; one to three steps in time; with holes."""
    model = FIELDS[form][number // 3 % len(FIELDS[form])]
    times, kind = int(rng.integers(1, 4)), number % 3
    if kind == 0:
        return datasets.packed(model=model, times=times, dtype=rng.choice(["i2", "i4"]))
    dtype = ["f4", "f8"][kind - 1]
    values = datasets.field(times=times, seed=number)[2].astype(dtype)
    values[rng.random(values.shape) < 0.1] = rng.choice([np.nan, np.inf, 0.0, -999.0])
    return datasets.floats(values, dtype=dtype, model=model, fill=-999.0)


def rest_of_png(data):
    parts, end = png.parse(data)
    return [part.raw for part in parts if part.kind != b"IDAT"], data[end:]


def rest_of_webp(data):
    parts, end = webp.parse(data)
    return [part.raw for part in parts if part.kind != b"VP8L"], data[end:]


def rest_of_bmp(data):
    file = bmp.parse(data)
    apart = bytearray(data)
    file.pixels(apart)[...] = 0
    return bytes(apart)


def rest_of_tiff(data):
    """All tags; of an uncompressed file every byte outside of the strips."""
    with tifffile.TiffFile(BytesIO(data)) as file:
        page = file.pages[0]
        if page.compression == 1:
            apart = bytearray(data)
            for start, size in zip(page.dataoffsets, page.databytecounts, strict=True):
                apart[start : start + size] = bytes(size)
            return bytes(apart)
        return {tag.code: tag.value for tag in page.tags if tag.code not in (273, 278, 279)}


def rest_of_wav(data):
    file = wav.parse(data)
    return data[: file.start], data[file.end :]


def rest_of_flac(data):
    return [block for block in sounds.blocks(data) if block[0] not in (0, 3)]


def rest_of_field(data):
    """All attributes, dimensions, storage and other variables; of the field all but its values."""
    found = datasets.parsed(data)
    for name in ("t", "t2m"):
        if name in found:
            found[name] = found[name][:4]
            break
    return found


CASES = {
    **{form: ("image", picture, globals()[f"rest_of_{form}"]) for form in PICTURES},
    **{form: ("audio", sound, globals()[f"rest_of_{form}"]) for form in SOUNDS},
    **{form: ("dataset", a_field, rest_of_field) for form in FIELDS},
}


@pytest.mark.slow
@pytest.mark.parametrize("form", CASES)
def test_a_hundred_messages(engine, key, form):
    carrier, made, rest = CASES[form]
    for number in range(100):
        rng = np.random.default_rng(number)
        cover = made(form, number, rng)
        asked = {"format": form} if carrier != "dataset" else {}
        given = {"carrier": carrier, "cover": cover, "bps": float(rng.choice([1, 2, 4]))}
        try:
            room = engine.capacity(**given)
        except CapacityError as error:  # too much of it is clipped
            assert "effort.flat" in str(error)
            given["set"] = {"effort.flat": True}
            room = engine.capacity(**given)
        message = rng.bytes(int(rng.integers(0, min(room, 20), endpoint=True)))
        stego = engine.hide(message, key=key, **given, **asked)
        assert engine.reveal(BytesIO(stego.data), key=key) == message
        assert rest(stego.data) == rest(cover) and stego.data != cover, number


@pytest.mark.parametrize("form", CASES)
def test_a_file_is_known_by_its_content(engine, key, form, tmp_path):
    carrier, made, _ = CASES[form]
    asked = {"format": form} if carrier != "dataset" else {}
    cover = made(form, 2, np.random.default_rng(2))
    stego = engine.hide(b"m", carrier=carrier, cover=cover, key=key, bps=1, **asked)
    for name in ("no suffix", "holiday.mp3", "a.png", "b.wav"):
        path = tmp_path / name
        path.write_bytes(stego.data)
        assert engine.reveal(path, key=key) == b"m"

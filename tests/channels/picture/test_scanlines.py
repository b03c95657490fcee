"""A PNG written into its own file looks as its encoder wrote it: filters, settings, chunk sizes."""

import itertools
import struct
import zlib
from io import BytesIO

import numpy as np
import png as pypng
import pytest
from PIL import Image

from stegafield.channels.picture.png import PngChannel, parse
from stegafield.channels.picture.scanlines import _passes
from tests.pictures import deep_png, noise, pixels, soft

SMOOTH = soft(1, 0.05)[0]


def stored(data):
    """Filters of rows, the stream's first two bytes, the sizes of chunks, and the rows' bytes."""
    chunks, _ = parse(data)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0].data)
    parts = [chunk.data for chunk in chunks if chunk.kind == b"IDAT"]
    rows, filters, at = zlib.decompress(b"".join(parts)), [], 0
    pixel = {0: 1, 2: 3, 4: 2, 6: 4}[colour] * depth // 8
    for count, columns in _passes(height, width, interlaced == 1):
        for _ in range(count):
            filters.append(rows[at])
            at += 1 + columns * pixel
    assert at == len(rows)
    return filters, b"".join(parts)[:2], [len(part) for part in parts], b"".join(parts), interlaced


def encoded(array, filters, *, level=6, memory=8, strategy=0, part=8192, window=15, interlaced=0):
    """A PNG by the specification's own words: each row with a filter of a list that repeats."""
    height, width = array.shape[:2]
    samples = 1 if array.ndim == 2 else array.shape[2]
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[samples]
    packer = zlib.compressobj(level, zlib.DEFLATED, window, memory, strategy)
    lines, number = b"", 0
    parts = [array] if not interlaced else [array[y::dy, x::dx] for y, x, dy, dx in (
        (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
        (1, 0, 2, 1))]  # fmt: skip
    for one in parts:
        if not one.size:
            continue
        above = bytes(one.shape[1] * samples)
        for row in one:
            line, kind = row.tobytes(), filters[number % len(filters)]
            lines += bytes([kind]) + bytes(_filtered(kind, line, above, samples))
            above, number = line, number + 1
    body = packer.compress(lines) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, interlaced)
    made = [(b"IHDR", head)]
    made += [(b"IDAT", body[at : at + part]) for at in range(0, len(body), part)]
    made.append((b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in made
    )


def _filtered(kind, line, above, pixel):
    for at, value in enumerate(line):
        a = line[at - pixel] if at >= pixel else 0
        b = above[at]
        c = above[at - pixel] if at >= pixel else 0
        nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
        yield (value - (0, a, b, (a + b) // 2, nearest)[kind]) & 255


WAYS = {
    "no filter": {"filters": [0]},
    "up": {"filters": [2]},
    "all filters": {"filters": [0, 1, 2, 3, 4]},
    "level 1": {"filters": [1], "level": 1},
    "level 9": {"filters": [4], "level": 9},
    "level 3": {"filters": [4, 2], "level": 3},
    "stored": {"filters": [0], "level": 0},
    "filtered": {"filters": [1, 3], "strategy": zlib.Z_FILTERED, "memory": 9},
    "run lengths": {"filters": [1, 3], "strategy": zlib.Z_RLE},
    "Huffman": {"filters": [2], "strategy": zlib.Z_HUFFMAN_ONLY},
    "one chunk": {"filters": [4], "part": 1 << 30},
    "small chunks": {"filters": [4], "part": 1000},
    "a small window": {"filters": [4], "window": 10},
    "interlaced": {"filters": [0, 4, 3], "interlaced": 1},
}


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize("name", WAYS)
def test_unchanged_pixels_give_the_same_file(name, samples):
    """A10: whatever encoder of zlib's wrote it, byte for byte: so its settings were found."""
    array = np.ascontiguousarray(np.tile(SMOOTH, (2, 2, 2))[..., :samples])
    data = encoded(array[..., 0] if samples == 1 else array, **WAYS[name])
    (cover,) = PngChannel().read(data)
    assert np.array_equal(pixels(data), np.squeeze(array))
    assert PngChannel().write(cover, cover.codes) == data


@pytest.mark.parametrize("name", WAYS)
def test_other_pixels_are_filtered_and_packed_alike(engine, key, name):
    array = np.ascontiguousarray(np.tile(SMOOTH, (2, 2, 1)))
    data = encoded(array, **WAYS[name])
    stego = engine.hide(b"m" * 30, carrier="image", cover=data, key=key)
    assert engine.reveal(stego.data, key=key) == b"m" * 30
    assert np.abs(pixels(stego.data) - array).max() <= 4
    old, new = stored(data), stored(stego.data)
    assert new[0] == old[0] and new[1] == old[1] and new[4] == old[4]
    assert abs(len(new[3]) / len(old[3]) - 1) < 0.1
    if len(old[2]) == 1:
        assert len(new[2]) == 1
    else:
        assert set(new[2][:-1]) == {old[2][0]} and new[2][-1] <= old[2][0]


def test_a_file_of_pillow_or_of_an_optimiser_keeps_its_class_of_level():
    """Their compressors are not zlib's: filters, first bytes, chunk sizes and about the size."""
    array = np.tile(SMOOTH, (4, 4, 1))
    for options in ({}, {"optimize": True}, {"compress_level": 1}, {"compress_level": 9}):
        out = BytesIO()
        Image.fromarray(array).save(out, "PNG", **options)
        (cover,) = PngChannel().read(out.getvalue())
        made = PngChannel().write(cover, cover.codes)
        old, new = stored(out.getvalue()), stored(made)
        assert new[0] == old[0] and new[1] == old[1], options
        assert abs(len(new[3]) / len(old[3]) - 1) < 0.12, options


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (5, 5), (8, 8), (3, 17)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_interlaced_pictures_of_every_size(shape, dtype):
    """Adam7, by another library: passes without rows or columns are left out."""
    array = noise(*shape, 3, dtype=dtype)
    if dtype == np.uint16:
        data = deep_png(array, interlace=True)
    else:
        out = BytesIO()
        writer = pypng.Writer(shape[1], shape[0], greyscale=False, interlace=True)
        writer.write(out, array.reshape(shape[0], -1).tolist())
        data = out.getvalue()
    (cover,) = PngChannel().read(data)
    codes = noise(*cover.codes.shape, dtype=dtype, seed=1).astype(np.int32)
    made = PngChannel().write(cover, codes)
    assert made[28] == data[28] == 1
    rows = list(pypng.Reader(bytes=made).asDirect()[2])
    found = np.array([list(row) for row in rows]).reshape(*shape, 3)
    assert np.array_equal(found.transpose(2, 0, 1), codes)


def test_chunks_of_odd_sizes_go_on():
    """Empty ones, and ones that are cut anywhere."""
    array = np.tile(SMOOTH, (2, 2, 1))
    plain = encoded(array, [4], part=1 << 30)
    body = parse(plain)[0][1].data
    cuts = [0, 1, 1, 700, 2000, len(body)]
    parts = [body[a:b] for a, b in itertools.pairwise(cuts)]
    data = plain[:33] + b"".join(
        struct.pack(">I", len(part)) + b"IDAT" + part
        + struct.pack(">I", zlib.crc32(b"IDAT" + part)) for part in parts
    ) + plain[-12:]  # fmt: skip
    (cover,) = PngChannel().read(data)
    assert PngChannel().write(cover, cover.codes) == data
    made = PngChannel().write(cover, 255 - cover.codes)
    assert np.array_equal(pixels(made), 255 - array)


@pytest.mark.parametrize("colour", ["greyscale", "palette"])
def test_an_interlaced_picture_that_is_converted_stays_interlaced(engine, key, colour):
    """A10"""
    out, array = BytesIO(), noise(61, 67) & 15
    kind = {"greyscale": True} if colour == "greyscale" else {
        "palette": [(16 * n, 255 - 16 * n, n) for n in range(16)]
    }  # fmt: skip
    writer = pypng.Writer(67, 61, bitdepth=4, interlace=True, **kind)
    writer.write(out, array.tolist())
    stego = engine.hide(b"m", carrier="image", cover=out.getvalue(), key=key)
    assert stego.data[28] == 1 and engine.reveal(stego.data, key=key) == b"m"
    wanted = np.asarray(Image.open(out).convert("L" if colour == "greyscale" else "RGB"))
    assert np.abs(pixels(stego.data) - wanted.astype(int)).max() <= 34

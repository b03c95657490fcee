"""Files that are damaged or made up: the message, `NoMessage` or `FormatError`, never a crash."""

import json
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegafield import Engine, Key
from stegafield.coding import block
from stegafield.errors import FormatError, NoMessage, StegafieldError
from stegafield.regions import bootstrap, header
from tests.attacks.conftest import noise
from tests.datasets import packed

KEY = Key(bytes(range(32)))
MESSAGE = b"still here"
FUZZ = settings(max_examples=60, deadline=None, derandomize=True, database=None)


@pytest.fixture(scope="module")
def picture():
    return (
        Engine()
        .hide(
            MESSAGE, carrier="image", cover=noise(40, 40, 3), key=KEY, rng=np.random.default_rng(1)
        )
        .data
    )


@pytest.fixture(scope="module")
def classic():
    """A NetCDF-3 file."""
    return (
        Engine()
        .hide(MESSAGE, carrier="era5", size=(37, 72), key=KEY, rng=np.random.default_rng(1))
        .data
    )


@pytest.fixture(scope="module")
def modern():
    """A NetCDF-4 file: HDF5, compressed."""
    cover = packed(rows=37, columns=72)
    return (
        Engine()
        .hide(MESSAGE, carrier="dataset", cover=cover, key=KEY, rng=np.random.default_rng(1))
        .data
    )


def flipped(data, bit):
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def revealed(data):
    """What became of the message."""
    try:
        assert Engine().reveal(data, key=KEY) == MESSAGE
    except (NoMessage, FormatError) as error:
        return type(error)
    return None


def as_cover(carrier, data):
    """Damaged files are covers too: they work, or they are refused."""
    try:
        Engine().capacity(carrier=carrier, cover=data)
    except StegafieldError:
        pass


@FUZZ
@given(fraction=st.floats(0, 1, exclude_max=True))
def test_a_flipped_bit_in_a_picture(picture, fraction):
    damaged = flipped(picture, int(fraction * 8 * len(picture)))
    revealed(damaged)
    as_cover("image", damaged)


@FUZZ
@given(bit=st.integers(0, 8 * 60 - 1))
def test_a_flipped_bit_in_the_head_of_a_picture(picture, bit):
    revealed(flipped(picture, bit))
    as_cover("image", flipped(picture, bit))


@FUZZ
@given(fraction=st.floats(0, 1, exclude_max=True))
def test_a_picture_cut_short(picture, fraction):
    short = picture[: int(fraction * len(picture))]
    assert revealed(short) is FormatError
    as_cover("image", short)


@FUZZ
@given(tail=st.binary(max_size=300))
def test_random_bytes_behind_a_png_signature(tail):
    assert revealed(b"\x89PNG\r\n\x1a\n" + tail) is FormatError
    as_cover("image", b"\x89PNG\r\n\x1a\n" + tail)


@FUZZ
@given(data=st.binary(max_size=300))
def test_random_bytes(data):
    assert revealed(data) is FormatError


WORKER = """
import json, resource, sys, warnings
warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
from pathlib import Path
from stegafield import Engine, Key
from stegafield.errors import StegafieldError
data, edits = Path(sys.argv[1]).read_bytes(), json.load(sys.stdin)
engine, key = Engine(), Key(bytes(range(32)))
for kind, place in edits:
    damaged = bytearray(data)
    if kind == "flip":
        damaged[place // 8] ^= 1 << place % 8
    elif kind == "cut":
        del damaged[place:]
    else:
        damaged[8:] = bytes.fromhex(place)
    print(kind, place, end=" ", flush=True)
    try:
        found = engine.reveal(bytes(damaged), key=key)
        print("message" if found == b"still here" else "ANOTHER MESSAGE")
    except Exception as error:
        print(type(error).__name__)
    print(kind, place, "as a cover", end=" ", flush=True)
    try:
        engine.capacity(carrier="dataset", cover=bytes(damaged))
        print("works")
    except StegafieldError:
        print("refused")
    except Exception as error:
        print(repr(error))
print("end")
"""


def survivors(data, edits, folder):
    """What each edit of a NetCDF file led to, in a process that the C library may take down."""
    (folder / "stego.nc").write_bytes(data)
    command = [sys.executable, "-c", WORKER, str(folder / "stego.nc")]
    done = subprocess.run(
        command, input=json.dumps(edits), capture_output=True, text=True, timeout=60
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and lines[-1] == "end", (
        done.returncode,
        lines[-2:],
        done.stderr[-300:],
    )
    return lines[:-1]


def unexpected(lines):
    good = "message", "NoMessage", "FormatError", "works", "refused"
    return [line for line in lines if line.split()[-1] not in good]


@pytest.mark.parametrize("model", ["classic", "modern"])
def test_flipped_bits_in_a_field(model, request, tmp_path):
    data, rng = request.getfixturevalue(model), np.random.default_rng(5)
    places = [
        *rng.integers(8 * len(data), size=60),
        *rng.integers(8 * 2000, size=60),
    ]  # anywhere, and in the head
    assert unexpected(survivors(data, [["flip", int(place)] for place in places], tmp_path)) == []


@pytest.mark.parametrize("model", ["classic", "modern"])
def test_a_field_cut_short(model, request, tmp_path):
    data, rng = request.getfixturevalue(model), np.random.default_rng(6)
    lengths = [
        0,
        1,
        4,
        8,
        *rng.integers(len(data), size=40),
        *rng.integers(2000, size=20),
        len(data) - 1,
    ]
    assert unexpected(survivors(data, [["cut", int(length)] for length in lengths], tmp_path)) == []


@pytest.mark.parametrize("model", ["classic", "modern"])
def test_random_bytes_behind_a_field_signature(model, request, tmp_path):
    data, rng = request.getfixturevalue(model), np.random.default_rng(7)
    assert (
        unexpected(survivors(data, [["tail", rng.bytes(200).hex()] for _ in range(40)], tmp_path))
        == []
    )


def test_a_field_cut_short_does_not_come_back_as_another(classic):
    assert revealed(classic[: len(classic) // 2]) in (NoMessage, FormatError)


@pytest.mark.parametrize("byte", range(header.HEADER_BYTES))
def test_damage_to_any_byte_of_the_header(picture, byte):
    """A tag that is one byte away from an installed one is damage, not a plugin that is missing."""
    channel = Engine().registry.get("channel", "png")()
    cover = next(iter(channel.read(picture)))
    at, codes = bootstrap.opened(cover, KEY).at, cover.codes.copy()
    place, rung = at.header[byte], at.rung
    symbol = (block.read_symbols(codes.ravel()[place][None], rung) + 1) % 256
    codes.flat[place] = block.project(
        codes.ravel()[place][None], 0, 255, symbol, rung, np.random.default_rng(0)
    )[0]
    with pytest.raises(NoMessage):
        Engine().reveal(channel.write(cover, codes), key=KEY)


@pytest.mark.parametrize("side", [13_000, 50_000, 2**31 - 1])
def test_a_huge_picture_in_a_tiny_file_is_refused_at_once(side, refused, folder):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )
    (folder / "bomb.png").write_bytes(bomb)
    start = time.monotonic()
    refused(5, "reveal", "bomb.png", "--key-file", "key")
    words = ("hide", "--carrier", "image", "--cover", "bomb.png", "--key-file", "key")
    refused(5, *words, "--message", "x", "--out", "x.png", says=["image"])
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_compressed_remark_that_is_a_bomb(picture, kind):
    """100 MB of nothing in a text chunk: the picture is read or refused, the text not unpacked."""
    packed_text = zlib.compress(bytes(100_000_000), 9)
    body = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}[kind] + packed_text
    bomb = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    start = time.monotonic()
    revealed(picture[:33] + bomb + picture[33:])
    assert time.monotonic() - start < 5

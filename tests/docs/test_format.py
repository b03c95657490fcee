"""format.md is normative: its table, its known answers, and a reader written from it alone."""

import hashlib
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from runpy import run_path

import netCDF4
import numpy as np
import pytest
from PIL import Image

from stegafield.coding import block
from stegafield.coding.bound import smallest_sigma
from stegafield.coding.ladder import LADDER, bootstrap_rung
from stegafield.core import options
from stegafield.extractors.cnn import Cnn
from stegafield.extractors.phase import Phase
from stegafield.extractors.phase_conv import PhaseConv
from stegafield.message import correction, frame, place
from stegafield.message.key import Key
from stegafield.regions import header, positions
from tests.datasets import packed
from tests.noisy import noisy_engine

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "format.md").read_text(encoding="utf-8")
READER = run_path(str(DOCS / "reveal_png.py"))
RAW, SALT = bytes(range(32)), bytes(range(16))
NOISE = np.random.default_rng(5).integers(0, 256, (96, 128, 3), dtype=np.uint8)


def _through_the_page(stego):
    return READER["reveal_from"](BytesIO(stego.data), RAW)


@pytest.mark.slow
@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: f"{rung.bits}/{rung.elements}")
def test_reader_from_the_page_reads_every_rung(engine, key, rung, monkeypatch):
    rng = np.random.default_rng(1)
    cover = rng.integers(0, 256, (530, 500), np.uint8) if rung.rate < 0.01 else NOISE
    if rung.rate == 0.25 and not rung.span:  # a small cover would take the trellis form
        cover = rng.integers(0, 256, (530, 500), np.uint8)
    if rung.rate > 0.3 and rung.span:  # only where most samples stand at an end of their range
        cover = rng.choice([0, 255], NOISE.shape).astype(np.uint8)
    if (
        rung.rate > 0.35 and rung.span
    ):  # what no cover gets of itself; files of older versions have it
        monkeypatch.setattr(Phase, "offers", classmethod(lambda cls, cover: [rung]))
    message = b"" if rung.rate < 0.01 else b"meet at dawn " * 3
    if (
        LADDER.index(rung) > 30
    ):  # a cover with noise enough for this rung, and too little for cheaper ones
        sigma = smallest_sigma(rung, 12288) + 0.01
        stego = noisy_engine().hide(
            message,
            carrier="noisy",
            bps=rung.rate,
            key=key,
            name="é.txt",
            set={"carrier.sigma": sigma},
        )
        assert (stego.report.window_bits, stego.report.window_elements) == (
            rung.bits,
            rung.elements,
        )
        assert _through_the_page(stego) == (message, "é.txt")
        return
    plain = {"effort.costs": False}  # with costs, some rungs are taken by larger covers only
    given = {"carrier": "image", "cover": cover, "bps": rung.rate, "key": key, "name": "é.txt"}
    stego = engine.hide(message, **given, set=plain)
    assert (stego.report.window_bits, stego.report.window_elements) == (rung.bits, rung.elements)
    assert _through_the_page(stego) == (message, "é.txt")


@pytest.mark.parametrize("shape", [(9, 40), (97, 30, 2), (60, 50, 4), (300, 400, 3), (200, 700)])
def test_reader_from_the_page_reads_every_kind(engine, key, shape):
    cover = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    stego = engine.hide(b"m", carrier="image", cover=cover, key=key)
    assert _through_the_page(stego) == (b"m", None)


@pytest.mark.parametrize(("step", "offset"), [(2, 0), (2, 1), (5, 3)])
def test_reader_from_the_page_reads_along_a_lattice(engine, key, step, offset):
    """Section 1.5, with clipped elements that are on the lattice and such that are not."""
    levels = np.random.default_rng(3).integers(-2, 300 // step, (64, 64))
    cover = np.clip(offset + step * levels, 0, 255).astype(np.uint8)
    stego = engine.hide(b"m", carrier="image", cover=cover, key=key)
    inner = stego.value[(stego.value > 0) & (stego.value < 255)]
    assert np.unique(inner % step).tolist() == [offset]
    assert _through_the_page(stego) == (b"m", None)


def test_reader_from_the_page_reads_black_and_white(engine, key):
    for level in (0, 255):
        cover, flat = np.full((40, 40), level, np.uint8), {"effort.flat": True}
        stego = engine.hide(b"m" * 9, carrier="image", cover=cover, key=key, set=flat)
        assert _through_the_page(stego) == (b"m" * 9, None)


@pytest.mark.slow
def test_reader_from_the_page_reads_passphrases_and_refuses_wrong_keys(engine):
    stego = engine.hide(b"m", carrier="image", cover=NOISE, key=Key.passphrase("café"))
    values = READER["free_elements"](BytesIO(stego.data))
    assert READER["reveal"](values, "cafe\u0301\r\n") == (b"m", None)
    assert READER["reveal"](values, "cafe") is None
    assert READER["reveal"](values, RAW) is None


def test_reader_from_the_page_is_a_program(engine, key, tmp_path):
    key.save(tmp_path / "k")
    engine.hide(b"meet at dawn", carrier="image", cover=NOISE, key=key).save(tmp_path / "s.png")
    Image.fromarray(NOISE).save(tmp_path / "c.png")
    line = [sys.executable, str(DOCS / "reveal_png.py")]
    done = subprocess.run([*line, "s.png", "k"], cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"meet at dawn")
    assert subprocess.run([*line, "c.png", "k"], cwd=tmp_path, capture_output=True).returncode == 1


def test_reader_from_the_page_imports_nothing_of_ours():
    assert not re.search(
        r"^\s*(import|from) stegafield", (DOCS / "reveal_png.py").read_text(), re.MULTILINE
    )


@pytest.mark.parametrize("rung", [6, 8, 15], ids=lambda index: f"rung {index}")
def test_netcdf_as_the_page_says(engine, key, rung):
    """Section 1.2: poles and missing values are not free, time comes first in storage order."""

    def holes(codes):
        codes[:, 5, 3:20], codes[:, 7, 1], codes[:, 8, :9] = -32767, 20, 31000
        return codes

    limits = {"missing_value": np.int16(20), "valid_max": np.int16(30000)}
    data = packed(times=3, rows=37, columns=72, change=holes, attributes=limits)
    stego = engine.hide(b"", carrier="dataset", cover=data, key=key, bps=LADDER[rung].rate)
    with netCDF4.Dataset("x.nc", memory=stego.data) as file:
        file.set_auto_maskandscale(False)
        codes, latitude = file["t2m"][:].astype(np.int64), file["latitude"][:].astype(float)
    free = (
        ~np.isin(codes, [-32767, 20]) & (codes <= 30000) & (np.abs(latitude) < 90 - 1e-3)[:, None]
    )
    assert free.sum() == 3 * (35 * 72 - 17 - 1 - 9) == stego.report.free_elements
    assert READER["reveal"](codes[free], RAW) == (b"", None)


def test_netcdf_axes_and_unsigned_as_the_page_says(engine, key, tmp_path):
    with netCDF4.Dataset(tmp_path / "x.nc", "w", format="NETCDF3_CLASSIC") as file:
        for name, size, units in (
            ("y", 19, "degrees_north"),
            ("x", 36, "degreeE"),
            ("level", 4, "hPa"),
        ):
            file.createDimension(name, size)
            axis = file.createVariable(name, "f4", (name,))
            axis.units, axis[:] = units, np.linspace(-90, 90, size)
        variable = file.createVariable("q", "i1", ("y", "x", "level"), fill_value=-1)
        variable.set_auto_maskandscale(False)
        variable.setncatts(
            {"scale_factor": 0.5, "_Unsigned": "true", "valid_range": np.array([2, -2], "i1")}
        )
        variable[:] = np.random.default_rng(0).integers(-128, 128, (19, 36, 4))
    stego = engine.hide(b"", carrier="dataset", cover=tmp_path / "x.nc", key=key)
    with netCDF4.Dataset("x.nc", memory=stego.data) as file:
        file.set_auto_maskandscale(False)
        codes = (file["q"][:].astype(np.int64) % 256).transpose(2, 0, 1)[:, 1:-1]
    assert READER["reveal"](codes[(codes >= 2) & (codes <= 254)], RAW) == (b"", None)


def test_ladder_table():
    assert READER["ladder"]().keys() == set(range(len(LADDER)))
    for index, (bits, samples, taps) in READER["ladder"]().items():
        rung = LADDER[index]
        assert (bits, samples) == (rung.bits, rung.elements)
        assert np.array_equal(taps, rung.kernel if rung.span else rung.taps)
    rates = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) \|", TEXT, re.MULTILINE)
    for index, _, _, rate in rates:
        assert abs(LADDER[int(index)].rate - float(rate)) < 1e-6


def test_bootstrap_taps():
    listed = (
        TEXT.partition("one list serves every n)")[2].split("```")[1].removeprefix("text").split()
    )
    assert list(map(int, listed)) == bootstrap_rung(10**9).taps.tolist() == READER["NESTED"]
    for free in (192, 4000, 49151, 49152, 10**7):
        n = min(max(free // 384, 8), 128)
        assert bootstrap_rung(free).taps.tolist() == READER["NESTED"][:n]


def _numbers(found):
    return " ".join(map(str, found))


def _answers():
    key, public = Key(RAW), hashlib.sha256(b"stegafield/1/salt").digest()
    file_key = key.file_key(SALT)
    tag = options.tag("phase", Phase.Options())
    packed_header = header.Header(header.Profile(LADDER[11], correction.CORRECTIONS[0]), tag).pack()
    masked = bytes(
        a ^ b
        for a, b in zip(
            packed_header, place.keystream(file_key.derive("header-mask"), 8), strict=True
        )
    )
    symbol = lambda codes, rung: int(block.read_symbols(np.array([codes]), rung)[0])  # noqa: E731
    coded = correction.CORRECTIONS[1]
    yield key.text()
    yield public.hex()
    yield place.keystream(RAW, 16).hex()
    yield place.keystream(RAW, 16, 1).hex()
    yield _numbers(place.permutation(RAW, 10))
    yield _numbers(place.permutation(RAW, 1000)[:8])
    yield _numbers(place.permutation(RAW, 1000, 1)[:8])
    yield _numbers(place.permutation(public, 12288)[:8])
    yield _numbers(place.permutation(public, 65536)[:8])
    yield file_key._secret.hex()
    yield Key.passphrase("café").file_key(SALT)._secret.hex()
    for label in ("header-positions", "header-mask", "extractor/397eaf12", "mask", "seal"):
        yield file_key.derive(label).hex()
    yield tag.hex()
    yield packed_header.hex()
    yield masked.hex()
    yield str(symbol([1, -2, 300, 4, 5, 6, 7, 8], bootstrap_rung(200)))
    yield str(symbol([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9], LADDER[11]))
    yield str(symbol([-3, 1, 4, -1], LADDER[16]))
    yield frame.seal(
        frame.pack(frame.Frame(b"meet at dawn", "a.txt")),
        48,
        file_key.derive("seal"),
        packed_header,
    ).hex()
    yield coded.encode(bytes(range(coded.room(40))), 40).hex()
    yield hashlib.sha256(coded.encode(bytes(range(coded.room(300))), 300)).hexdigest()


def test_known_answers():
    block = TEXT.partition("## 13. Known answers")[2].split("```")[1].removeprefix("text").strip()
    written = [line.rpartition("= ")[2] for line in block.splitlines()]
    assert written == list(_answers())
    assert positions._PUBLIC == READER["PUBLIC"]


def test_known_answers_of_the_overlapping_extractors():
    """Section 15: the tags and hashes that tests/extractors/test_networks.py holds the code to."""
    from tests.extractors import test_networks as known

    page = TEXT.partition("## 15. Overlapping extractors")[2]
    for name, found, chosen in (
        ("phase-conv", PhaseConv.Options(), "{}"),
        ("cnn", Cnn.Options(norm="none"), '{"norm":"none"}'),
        ("cnn", Cnn.Options(norm="batch"), '{"norm":"batch"}'),
    ):
        assert f"| `{name}` | `{chosen}` | {options.tag(name, found).hex()} |" in page
    written = [
        line.rpartition("= ")[2] for line in page.splitlines() if re.search(r" = [0-9a-f ]+$", line)
    ]
    assert written == [_numbers(known.WORDS), known.CNN, known.BATCH, known.TAPS]

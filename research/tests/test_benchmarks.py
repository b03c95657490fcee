"""The other bench commands: fields and sound, the curve, speed, the page.

And the baselines that they compare with.
"""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stegafield.cli.commands import app
from stegafield.errors import ConfigError
from stegafield_research.baselines.adaptive import hill
from stegafield_research.baselines.lsb import matching
from stegafield_research.measure import curve, speed
from stegafield_research.measure.fidelity import FIELD_COLUMNS, measure
from stegafield_research.pages import benchmarks, summary
from tests.datasets import packed
from tests.sounds import sound


def run(*arguments, code=0):
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == code, done.output
    return done


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def pictures(tmp_path, photographs):
    (tmp_path / "pictures").mkdir()
    Image.fromarray(photographs["coffee"][:24, :24]).save(tmp_path / "pictures" / "coffee.png")
    return tmp_path / "pictures"


def test_lsb_matching_changes_half_of_its_samples_by_one(rng):
    codes = rng.integers(0, 4, (3, 60, 60), np.int32) * 85
    for rate in (0, 0.25, 1):
        change = matching.simulate(codes, 0, 255, rate, rng) - codes
        moved = np.count_nonzero(change)
        assert abs(moved - rate * codes.size / 2) < 4 * np.sqrt(rate * codes.size / 4) + 1e-9
        assert np.abs(change).max(initial=0) <= 1
        assert (change[codes == 0] >= 0).all() and (change[codes == 255] <= 0).all()
    with pytest.raises(ConfigError, match="0 to 1"):
        matching.simulate(codes, 0, 255, 1.01, rng)


def test_hill_costs_are_its_three_filters(rng, photographs):
    codes = photographs["coffee"].transpose(2, 0, 1)[:1].astype(np.int32)
    found = hill.costs(codes)[0]
    picture = np.pad(codes[0].astype(float), 20, mode="symmetric")
    sharp = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 4

    def rough(y, x):
        near = picture[y - 1 : y + 2, x - 1 : x + 2]
        return abs((near * sharp).sum())

    def share(y, x):
        return np.mean([rough(y + j, x + i) for j in (-1, 0, 1) for i in (-1, 0, 1)])

    for y, x in ((20, 30), (40, 33)):
        reach = range(-7, 8)
        wanted = np.mean([1 / share(20 + y + j, 20 + x + i) for j in reach for i in reach])
        assert found[y, x] == pytest.approx(wanted, rel=1e-9)


def test_hill_changes_what_its_rate_costs_and_where_it_is_rough(rng, photographs):
    codes = photographs["coffee"].transpose(2, 0, 1).astype(np.int32)
    cost = hill.costs(codes)
    before = 0
    for rate in (0.02, 0.2, 1.0):
        change = hill.simulate(codes, 0, 255, rate, rng) - codes
        share = np.count_nonzero(change) / codes.size
        # no code carries `rate` bits with fewer changes than the ternary bound allows
        assert share > before and share * (1 - np.log2(share)) + share > rate * 0.9
        assert np.median(cost[change != 0]) < np.median(cost)
        before = share
    with pytest.raises(ConfigError, match="do not carry"):
        hill.simulate(codes, 0, 255, 1.6, rng)
    black = hill.simulate(np.zeros((1, 20, 20), np.int32), 0, 255, 0.5, rng)
    assert black.min() == 0 and black.max() == 1


def test_fields_and_sounds_are_measured_in_codes(tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    (files / "one.nc").write_bytes(packed(rows=46, columns=90, times=2))
    (files / "two.nc").write_bytes(packed(names=("t2m", "u10"), rows=46, columns=90))
    (files / "no.nc").write_bytes(b"CDF")
    arguments = [
        "bench",
        "fidelity",
        "--covers",
        files,
        "--carrier",
        "dataset",
        "--bps",
        "0.5",
        "1",
    ]
    done = run(*arguments, "--set", "carrier.variable=t2m", "--json", tmp_path / "f.jsonl")
    rows = lines(tmp_path / "f.jsonl")
    assert len(rows) == 6 and all("error" in row for row in rows[:2]) and "no.nc" in done.output
    for row in rows[2:]:
        assert set(FIELD_COLUMNS) == set(row) and row["ber"] == 0 and row["unit"] == "K"
        assert row["rms"] < (0.6 if row["bps"] == 1 else 0.42) and row["rms"] > row["bound"] * 0.99
        assert row["dbfs"] is None and row["bps_actual"] == pytest.approx(row["bps"], rel=0.01)


def test_sounds_at_one_bit_per_sample_change_below_minus_93_dbfs(engine, tmp_path):
    (tmp_path / "a.wav").write_bytes(sound())
    (tmp_path / "b.flac").write_bytes(sound("FLAC"))
    for row in measure(engine, sorted(tmp_path.iterdir()), [1], carrier="audio", unit="bps"):
        assert row["ber"] == 0 and -97 < row["dbfs"] < -93, row


def test_rates_need_one_unit_and_a_crop_needs_a_picture(pictures, tmp_path):
    out = tmp_path / "o.jsonl"
    bench = ["bench", "fidelity", "--covers", pictures, "--json", out]
    run(*bench, code=2)
    run(*bench, "--bpp", 1, "--bps", 1, code=2)
    run(*bench, "--bps", 1, "--carrier", "audio", "--crop", "4x4", code=2)
    run("bench", "speed", "--size", "64", "--json", out, code=2)
    assert not out.exists()


@pytest.mark.slow
def test_the_curve_stays_below_its_bound_and_above_lsb_matching(pictures, tmp_path):
    (pictures / "broken.png").write_bytes(b"\x89PNG")
    out, drawn = tmp_path / "c.jsonl", tmp_path / "c.png"
    done = run("bench", "curve", "--images", pictures, "--json", out, "--figure", drawn)
    rows = lines(out)
    assert "broken.png" in done.output and sum("error" in row for row in rows) == 1
    with Image.open(drawn) as figure:
        assert figure.format == "PNG"
    rows = [row for row in rows if "error" not in row]
    middle = curve.medians(rows)
    assert middle["paper"] == {1: 34.5, 2: 28.37, 3: 29.64, 4: 27.14}
    assert min(middle["phase, trellis form"]) == pytest.approx(0.15)
    assert max(middle["phase, block form"]) == 4 and max(middle["LSB matching"]) == 3
    assert all(row["ber"] == 0 for row in rows if row["curve"].startswith("phase"))
    for bpp in (1, 2, 3):
        assert middle["phase, block form"][bpp] > middle["LSB matching"][bpp] + 1
    for row in (
        rows
    ):  # the bound is of the mean: thirty changes of a simulated sender are spread around it
        if row["curve"] != "paper" and row["bpp"] >= 0.2:
            slack = 0.5 if row["curve"].startswith("phase") else 3
            assert row["psnr"] < row["bound"] + slack, row


@pytest.mark.slow
def test_speed_measures_every_medium(tmp_path):
    out = tmp_path / "s.jsonl"
    sizes = ["32x32", "64x48", "96x96"]
    small = ["--field", "2x19x36", "--minutes", "0.002", "--repeats", "1", "--json", out]
    run("bench", "speed", "--size", *sizes, *small)
    rows = lines(out)
    covers = [row for row in rows if "embed_ms" in row]
    assert [row["samples"] for row in covers[:3]] == [3072, 9216, 27648]
    assert [row["carrier"] for row in covers] == ["image"] * 3 + ["dataset", "audio"]
    for row in covers:
        assert row["errors"] == 0 and row["machine"]["numpy"] == np.__version__
        assert 0 < row["base_mib"] <= row["peak_mib"] <= row["hide_peak_mib"]
        assert row["costs_ms"] > 0 and row["embed_ms"] > 0 and row["hide_ms"] > 0
    assert sum("ns_per_sample" in row for row in rows) == 2 and "help_seconds" in rows[-1]


@pytest.mark.slow
def test_speed_of_the_sampler(tmp_path):
    out = tmp_path / "s.jsonl"
    drawn = ["--carrier", "era5", "--size", "31x60", "--bps", "1"]
    run("bench", "speed", *drawn, "--repeats", "1", "--json", out)
    row = lines(out)[0]
    assert row["cover"] == "era5 31x60" and row["samples"] == 29 * 60 and row["rate"] == 1
    assert row["errors"] == 0 and row["cpu_ms"] > 0 and row["hide_cpu_ms"] > 0
    run("bench", "speed", "--carrier", "image", "--json", out, code=2)


def test_the_fit_finds_a_line(rng):
    samples = [10**3, 10**4, 10**5, 10**8]
    found = speed.fit(samples, [0.5 + n * 40e-6 for n in samples])
    assert found["ns_per_sample"] == pytest.approx(40) and found["intercept_ms"] == pytest.approx(
        0.5
    )
    assert found["worst_deviation"] < 1e-6
    bent = speed.fit(samples, [n**1.5 * 1e-6 for n in samples])
    assert bent["worst_deviation"] > 0.5


def _row(**given):
    found = {"image": "a.png", "bpp": 1, "ber": 0, "psnr": 60.0, "bound": 61.0, "ssim": 0.99}
    return {**found, "milliseconds": 3.0, "near_ends": 0.0, **given}


def test_the_page_counts_what_failed_and_says_what_was_missed(tmp_path):
    rows = [
        *(_row(), _row(psnr=59.0), _row(ber=0.1, psnr=61.0), _row(near_ends=0.5, psnr=58.0)),
        {"image": "b.png", "bpp": 1, "error": "is broken."},
    ]
    (tmp_path / "some.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (line,) = summary.summarise(summary.read(tmp_path))
    assert line["covers"] == 5 and line["misread"] == 1 and line["errors"] == {"is broken.": 1}
    assert line["psnr_clear"] == [59, 60, 61] and line["gap_crowded"] == [3, 3, 3]
    text = benchmarks.page([line])
    assert "clear ones miss 59.7; others miss 2 dB; misread" in text
    assert "some: 1 of 5: is broken." in text and "59.00 / 60.00 / 61.00" in text
    assert summary.summarise([("x", line)]) == [line], "a summary stays as it is"


@pytest.mark.parametrize("content", ["{", "[1]", None])
def test_what_is_no_measurement_is_refused(tmp_path, content):
    if content:
        (tmp_path / "x.jsonl").write_text(content)
    run("bench", "report", tmp_path, "--out", tmp_path / "p.md", code=2)


def test_the_tables_of_the_ladder_are_those_of_the_search():
    import importlib.util
    from itertools import islice
    from pathlib import Path

    from stegafield.coding.ladder import LADDER

    path = Path(__file__).resolve().parents[1] / "scripts" / "search_trellis.py"
    spec = importlib.util.spec_from_file_location("search_trellis", path)
    search = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(search)
    for rung in (rung for rung in LADDER if rung.span):
        number = search.LADDER[rung.elements]
        assert next(islice(search.tables(rung.elements), number, None)) == rung

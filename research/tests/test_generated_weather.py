"""How the law of weather is compared with real fields, here with draws of its own."""

import json
from datetime import datetime, timedelta

import numpy as np
import pytest
from typer.testing import CliRunner

from stegafield.cli.commands import app
from stegafield.errors import ConfigError
from stegafield_research.generators import weather as generators_weather
from stegafield_research.generators.comparison import COLUMNS


def _collection(path, offset=0.0):
    """A collection as the bench reads it, made of draws.

    Five weeks and two hours that it compares, and others.
    """
    rng = np.random.default_rng(8)
    fields, names = [], []
    for number in range(56):
        week = number < 40
        time = datetime(1981, 1, 1) + timedelta(days=9 * number)
        chosen = number % 8 == 0
        kind = "week" if week else "hour"
        fields.append(
            generators_weather.draw_like(kind, time, rng) if chosen else np.zeros((46, 90))
        )
        names.append(
            f"era5_{'weekly' if week else 'inst'}_{time:%Y-%m-%d}" + ("" if week else "T00")
        )
    np.savez(path, t2m=(np.array(fields) + offset).astype("f4"), source=names)
    return path


@pytest.mark.slow
def test_bench_tells_a_good_law_from_a_bad_one(tmp_path):
    """Fields of the law itself, and the same 3 K warmer."""
    shares = []
    for offset in (0.0, 3.0):
        found = generators_weather.measure(_collection(tmp_path / "f.npz", offset), 6, 0)
        rows = [row for row in found.rows() if row["kind"] == "Single hours"]
        shares.append(np.mean([row["passed"] for row in rows if row["unit"] == "K"]))
    assert shares[0] > shares[1] + 0.2


@pytest.mark.slow
def test_bench_on_the_command_line(tmp_path):
    names = {name: str(tmp_path / name) for name in ("o.jsonl", "f.png", "s.png", "p.md")}
    arguments = [
        "bench",
        "generators",
        "--data",
        str(_collection(tmp_path / "f.npz")),
        "--count",
        "3",
    ]
    arguments += ["--json", names["o.jsonl"], "--figure", names["f.png"]]
    arguments += ["--sheet", names["s.png"], "--page", names["p.md"]]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert all(set(row) == {"kind", *COLUMNS} for row in rows)
    assert {row["kind"] for row in rows} == {"Weekly means", "Single hours", "Evaluation"}
    assert all(row["passed"] for row in rows if row["kind"] == "Evaluation")
    text = (tmp_path / "p.md").read_text()
    assert text.count("| pass |") + text.count("| **fail** |") == len(rows)
    assert text.count("tests pass. Of draws in the place of the real fields") == 2
    assert "(f.png)" in text and "(s.png)" in text
    for name in ("f.png", "s.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("content", [None, b"", b"PK\3\4 no archive", "empty"])
def test_bench_says_what_is_no_collection(tmp_path, content):
    path = tmp_path / "f.npz"
    if content == "empty":
        np.savez(path, t2m=np.zeros((1, 46, 90)), source=["other_1980"])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="data"):
        generators_weather.held_out(path)

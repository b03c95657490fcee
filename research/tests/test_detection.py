"""`stegafield detect` and `bench detect`: pairs, splits by source, rows, models, figures."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stegafield.cli.commands import app
from stegafield.core.detector import Detector
from stegafield.detectors.residual.spam import Spam
from stegafield_research.measure import detection, evidence
from tests.noisy import noisy_engine
from tests.sounds import sound


def run(*arguments, code=0):
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == code, done.output
    return done


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def pieces(tmp_path, count):
    """So many 64x96 pieces of a photograph."""
    from skimage import data

    (tmp_path / "pictures").mkdir()
    picture = data.coffee()
    for k in range(count):
        Image.fromarray(picture[64 * (k % 5) :, 96 * (k // 5) :][:64, :96]).save(
            tmp_path / "pictures" / f"{k}.png"
        )
    return tmp_path / "pictures"


@pytest.fixture
def folder(tmp_path):
    return pieces(tmp_path, 10)


@pytest.mark.slow
def test_lsb_replacement_is_caught_and_phase_is_not(tmp_path):
    """StegExpose's share of alarms on 30 covers hardly leaves the band below by chance.

    On ten covers it would once in 40 runs.
    """
    folder, out = pieces(tmp_path, 30), tmp_path / "rows.jsonl"
    run(
        *("bench", "detect", "--images", folder, "--grey", "--bpp", "1", "--splits", "2"),
        *("--against", "phase", "lsb-replacement", "--detector", "sample-pairs", "stegexpose"),
        *("--json", out, "--figure", tmp_path / "roc.png"),
    )
    rows = {(row["detector"], row["against"]): row for row in lines(out)}
    assert len(rows) == 4 and (tmp_path / "roc.png").read_bytes().startswith(b"\x89PNG")
    for row in rows.values():
        assert set(detection.COLUMNS) - set(row) <= {"own_false_alarms", "own_hits"}
        assert row["pairs"] == row["sources"] == 30 and row["splits"] == 2
        assert 0.8 < row["payload"] < 1
        assert row["p_e_interval"][0] <= row["p_e"] <= row["p_e_interval"][1]
        assert row["p_e"] == pytest.approx((row["false_alarms"] + row["missed"]) / 2, abs=1e-3)
        assert row["p_e_least"] <= row["p_e"] + 1e-9 and len(row["roc"]) == detection.GRID.size
    assert rows["sample-pairs", "lsb-replacement"]["p_e"] < 0.1
    assert rows["sample-pairs", "phase"]["p_e"] > 0.3
    assert rows["stegexpose", "lsb-replacement"]["own_hits"] > 0.9
    assert rows["stegexpose", "phase"]["own_hits"] == pytest.approx(
        rows["stegexpose", "phase"]["own_false_alarms"], abs=0.35
    )


def test_trained_detectors_are_saved_and_used(folder, tmp_path):
    bench = ("bench", "detect", "--images", folder, "--bpp", "3", "--crop", "48x48", "--tiles", "2")
    more = ("--against", "lsb-matching", "--detector", "spam", "--splits", "1")
    run(*bench, *more, "--models", tmp_path / "models", "--json", tmp_path / "rows.jsonl")
    (row,) = lines(tmp_path / "rows.jsonl")
    assert row["payload"] == 1 and row["pairs"] == 20 and row["sources"] == 10
    model = tmp_path / "models" / "spam-lsb-matching-3.npz"
    done = run("detect", folder / "0.png", folder / "1.png", "--model", model, "--json")
    found = json.loads(done.output)
    assert [one["file"] for one in found] == ["0.png", "1.png"]
    assert all(
        0 <= one["spam"] <= 1 and (one["spam"] > 0.5) == (one["stego"] == ["spam"]) for one in found
    )


def test_splits_never_share_a_source():
    class Position(Detector):
        """Scores 1 for the items of even sources: what a split that tests them knows."""

        name = "position"

        def score(self, codes):
            return float(codes[0, 0, 0])

    found = evidence.Evidence()
    for source in range(12):
        for tile in range(3):
            found.covers.append(np.array(float(source)))
            found.stegos.append(np.array(source + 0.5))
            found.sources.append(source)
            found.payloads.append(float(tile))
    tested = set()
    for seed in range(8):
        outcome = detection._split(Position(), found, 6, seed)
        assert outcome.sources.size == 18 and np.array_equal(outcome.covers, outcome.sources)
        training = set(range(12)) - set(outcome.sources.tolist())
        assert len(training) == 6
        tested |= set(outcome.sources.tolist())
    assert tested == set(range(12))
    counts = np.bincount(outcome.sources, minlength=12) // 3
    counts[outcome.sources[0]] = 2
    assert outcome.drawn(counts).sources.size == 21


def test_scores_that_say_nothing_give_one_half():
    rng = np.random.default_rng(0)
    found = evidence.Evidence()
    for source in range(200):
        found.covers.append(np.array(rng.normal()))
        found.stegos.append(np.array(rng.normal()))
        found.sources.append(source)

    class Nothing(Detector):
        """Never asked."""

        name = "nothing"

        def score(self, codes):
            raise AssertionError

    outcomes = [detection._split(Nothing(), found, 100, seed) for seed in range(5)]
    row = detection._statistics(outcomes, 200, 0.0, 1)
    assert row["p_e"] == pytest.approx(0.5, abs=0.06) and row["auc"] == pytest.approx(0.5, abs=0.08)
    assert row["p_e_interval"][0] < 0.5 < row["p_e_interval"][1] + 0.02
    assert row["own_false_alarms"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.slow
def test_generated_covers_and_sounds(tmp_path):
    out = tmp_path / "rows.jsonl"
    run(
        *("bench", "detect", "--carrier", "era5", "--set", "carrier.size=[24,48]", "--count", "8"),
        *(
            "--bps",
            "1",
            "--method",
            "project",
            "--detector",
            "sphere",
            "rs",
            "--splits",
            "1",
            "--json",
            out,
        ),
    )
    rows = lines(out)
    assert [row["detector"] for row in rows] == ["sphere", "rs"] and rows[0]["against"] == "phase"
    (tmp_path / "sounds").mkdir()
    for k in range(8):
        (tmp_path / "sounds" / f"{k}.wav").write_bytes(sound(frames=3000 + k))
    (tmp_path / "sounds" / "9.wav").write_bytes(b"RIFF")
    run(
        *("bench", "detect", "--carrier", "audio", "--covers", tmp_path / "sounds", "--bps", "1"),
        *(
            "--against",
            "phase",
            "lsb-matching",
            "--detector",
            "line",
            "--splits",
            "1",
            "--json",
            out,
        ),
    )
    rows = lines(out)
    assert "9.wav" in rows[0]["source"] and rows[0]["error"]
    assert [row["against"] for row in rows[1:]] == ["phase", "lsb-matching"]


@pytest.mark.slow
def test_pairs_are_kept_and_a_stopped_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "_BATCH", 4)
    bench = (
        "bench",
        "detect",
        "--carrier",
        "era5",
        "--set",
        "carrier.size=[24,48]",
        "--count",
        "10",
    )
    more = ("--bps", "1", "--against", "sample", "project", "wrong-sigma", "--splits", "2")
    rest = ("--detector", "sphere", "rs", "--training", "6", "--pairs", tmp_path / "pairs")
    outs = [tmp_path / f"{k}.jsonl" for k in range(3)]
    run(*bench, *more, *rest, "--json", outs[0])
    rows, kept = lines(outs[0]), sorted((tmp_path / "pairs").glob("*.bin"))
    assert [(r["detector"], r["against"]) for r in rows] == [
        (d, a) for a in ("sample", "project", "wrong-sigma") for d in ("sphere", "rs")
    ]
    assert all(row["training"] == 6 and row["pairs"] == 10 for row in rows) and len(kept) == 3
    kept[1].unlink()
    run(*bench, *more, *rest, "--json", outs[1])
    now = set((tmp_path / "pairs").glob("*.bin"))
    assert len(now) == 3 and now & set(kept) == {kept[0], kept[2]}, "one batch was made anew"
    run(*bench, *more, *rest, "--json", outs[2])
    assert lines(outs[1]) == lines(outs[2]) != rows


def test_what_shares_a_function_differs_in_noise_alone():
    """A pair of `sample` or `wrong-sigma` is two draws; `project` changes the plain cover."""
    plan = noisy_engine().plan(carrier="noisy")
    (source,) = evidence.draws(plan, 1, 0)
    given = next(iter(source.covers()))
    arguments = {"carrier": "noisy", "method": None, "optimizer": None, "set": {}}
    names = ["sample", "project", "wrong-sigma"]
    setting = evidence.Setting(noisy_engine(), [], names, [3.0], "bpp", arguments)
    pairs = evidence._pairs(setting, 0, given, np.random.default_rng(0))
    noise = {name: codes - given.law.value for (name, _), codes in pairs.stegos.items()}
    plain = pairs.cover - given.law.value
    together = {name: np.corrcoef(plain.ravel(), one.ravel())[0, 1] for name, one in noise.items()}
    assert abs(together["sample"]) < 0.06 and abs(together["wrong-sigma"]) < 0.06
    assert together["project"] > 0.9
    assert noise["sample"].std() == pytest.approx(2.25, rel=0.04)
    assert noise["wrong-sigma"].std() == pytest.approx(1.05 * 2.25, rel=0.04)


@pytest.mark.slow
def test_a_detector_finds_louder_noise_and_not_the_sampler(monkeypatch):
    """The table of generated covers, small.

    It would show if the law of the sampler drifted by more.
    """
    monkeypatch.setattr(evidence, "_FAULT", 1.3)
    settings = {"carrier.size": (40, 40)}
    arguments = {"carrier": "noisy", "method": None, "optimizer": None, "set": settings}
    names = ["sample", "wrong-sigma"]
    setting = evidence.Setting(noisy_engine(), [Spam()], names, [3.0], "bpp", arguments)
    sources = evidence.draws(setting.engine.plan(**arguments), 80, 0)
    sampled, louder = detection.measure(setting, sources, splits=2)
    assert louder["p_e"] < 0.2 and sampled["p_e"] > 0.3


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--method", "project", "--against", "sample"), "--against"),
        (("--training", "6"), "too few to test"),
    ],
)
def test_what_contradicts_itself(more, said, tmp_path):
    bench = ("bench", "detect", "--carrier", "era5", "--count", "8", "--bps", "1")
    done = CliRunner().invoke(app, [*bench, *more, "--json", str(tmp_path / "out.jsonl")])
    assert done.exit_code == 2 and said in done.output, done.output


def test_detect_prints_scores_and_names_what_is_above_its_threshold(folder, tmp_path):
    files = folder / "0.png", folder / "1.png"
    found = json.loads(run("detect", *files, "--json").output)
    names = {"rs", "sample-pairs", "weighted-stego", "chi-square", "primary-sets", "stegexpose"}
    names |= {"jpeg-compatibility"}
    assert [set(row) for row in found] == [{"file", "stego"} | names] * 2
    picture = np.asarray(Image.open(files[0]))
    loud = (picture & 254) | np.random.default_rng(0).integers(0, 2, picture.shape, dtype=np.uint8)
    Image.fromarray(loud).save(tmp_path / "loud.png")
    (row,) = json.loads(
        run("detect", tmp_path / "loud.png", "--detector", "stegexpose", "--json").output
    )
    assert row["stegexpose"] > 0.7 and row["stego"] == ["stegexpose"]
    done = run("detect", tmp_path / "loud.png", "--detector", "rs", "--detector", "stegexpose")
    assert "loud.png" in done.output and "stego, say" in done.output


def test_alpha_is_not_looked_at(folder, tmp_path):
    picture = np.asarray(Image.open(folder / "0.png"))
    alpha = np.random.default_rng(1).integers(1, 256, picture.shape[:2], dtype=np.uint8)
    Image.fromarray(np.dstack([picture, alpha])).save(tmp_path / "alpha.png")
    rows = json.loads(run("detect", folder / "0.png", tmp_path / "alpha.png", "--json").output)
    assert rows[0]["rs"] == rows[1]["rs"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("detect", "no.png"), "no.png"),
        (("detect", "{0}", "--detector", "spam"), "not trained"),
        (("detect", "{0}", "--detector", "spamm"), "did you mean"),
        (("detect", "{0}", "--model", "{0}"), "no model"),
        (("bench", "detect", "--images", "{dir}", "--json", "{out}"), "bpp"),
        (
            (
                "bench",
                "detect",
                "--images",
                "{dir}",
                "--covers",
                "{dir}",
                "--bpp",
                "1",
                "--json",
                "{out}",
            ),
            "exclude",
        ),
        (
            (
                "bench",
                "detect",
                "--images",
                "{dir}",
                "--tiles",
                "2",
                "--bpp",
                "1",
                "--json",
                "{out}",
            ),
            "size of a tile",
        ),
        (
            (
                "bench",
                "detect",
                "--images",
                "{dir}",
                "--bpp",
                "1",
                "--against",
                "hil",
                "--json",
                "{out}",
            ),
            "hil",
        ),
        (
            (
                "bench",
                "detect",
                "--carrier",
                "era5",
                "--bps",
                "1",
                "--against",
                "hill",
                "--json",
                "{out}",
            ),
            "extractor",
        ),
        (("bench", "detect", "--images", "{few}", "--bpp", "1", "--json", "{out}"), "too few"),
        (
            ("bench", "detect", "--carrier", "era5", "--grey", "--bps", "1", "--json", "{out}"),
            "--images",
        ),
    ],
)
def test_mistakes_are_explained(arguments, said, folder, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    Image.open(folder / "0.png").save(few / "0.png")
    names = {"dir": folder, "few": few, "out": tmp_path / "out.jsonl"}
    filled = [part.format(folder / "0.png", **names) for part in arguments]
    done = CliRunner().invoke(app, filled)
    assert done.exit_code in (2, 5, 7) and said in done.output, done.output

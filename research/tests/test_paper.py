"""`stegafield paper`: suites, tables that follow from what is installed, both reports."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from typer.testing import CliRunner

from stegafield import Engine
from stegafield.cli.commands import app
from stegafield.core.extractor import Extractor
from stegafield.errors import ConfigError
from stegafield_research.engine import registry as registered
from stegafield_research.journal import Journal
from stegafield_research.paper import covers, document, published, report
from stegafield_research.paper import suite as suites
from stegafield_research.paper.comparison import Comparison
from stegafield_research.paper.contestant import contestants, paper
from stegafield_research.paper.detection import Detection
from stegafield_research.paper.experiment import Lab
from stegafield_research.paper.photographs import Photographs
from stegafield_research.paper.resolution import Resolution
from stegafield_research.paper.run import run
from stegafield_research.paper.samples import Samples
from stegafield_research.paper.schedule import Schedule
from stegafield_research.paper.suite import Suite
from stegafield_research.paper.tables import Measured, accepted, duration, reached, spread

SMALL = {"size": (32, 32), "rates": (1,)}
TOY = Suite(
    name="toy",
    about="one tiny cover",
    photographs=Photographs(whole=1, cut=1, crop=(32, 32)),
    comparison=Comparison(**SMALL, faces=1, photographs=1, seeds=2),
    detection=Detection(**SMALL, faces=2, photographs=1),
    samples=Samples(covers=1),
    schedule=Schedule(size=(16, 16), rates=(), faces=1, photographs=0),
    resolution=Resolution(sizes=(32, 48), rates=(1,), slow_sizes=(), slow_rates=(1,)),
)


class Parity(Extractor):
    """A third party's extractor: the last bit of every second element."""

    name = "parity"
    exact = True

    def read(self, codes, free, spec):
        return (codes[free][::2] & 1).astype(np.uint8)

    def project(self, cover, bits, rng):
        codes = cover.codes.copy()
        flat = np.flatnonzero(cover.free)[::2]
        codes.ravel()[flat] += bits.astype(codes.dtype) - (codes.ravel()[flat] & 1)
        return codes


def lab(out, registry=None):
    """Everybody who needs no optimizer, and the paper's procedure cut short."""
    engine, found = contestants(registry or registered(), "cpu")
    quick = [who for who in found if not who.slow and "SteganoGAN" not in who.name]
    short = paper(engine, "GINR-Stega", {"optimizer.rounds": 1, "optimizer.iterations": 2})
    return Lab(engine, out, contestants=[short, *quick])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run of the toy suite with a third party's extractor installed, and its journal."""
    out = tmp_path_factory.mktemp("run")
    registry = registered()
    registry.add("extractor", Parity, "third-party")
    journal = Journal(out / report.ROWS)
    made = run(TOY, lab(out, registry), journal)
    return out, journal, made


def text(journal):
    kept = report.recalled(journal.path.parent)
    return document.markdown(list(report.blocks(kept, journal)), "figures")


@pytest.mark.slow
def test_a_tiny_suite_ends_in_every_table_and_figure(done):
    _, journal, made = done
    page = text(journal)
    assert made == len(journal.path.read_text().splitlines()) == len(journal)
    assert f"requests {made} measurements, and {made} are there: complete" in page
    assert "are missing" not in page
    for number in range(1, 6):
        assert f"## Table {number}:" in page
    for number in (8, 9, 10, 11, 12, 13, 14, 15):
        assert re.search(rf"## Figures? .*\b{number}\b", page) or (number in (9, 12, 13)), number
    assert "Figures 9 and 13" in page and "Not run." in page
    ours = re.search(r"^\| \*\*stegafield\*\* \| file \| 1 \| (\S+) \|$", page, re.M)
    assert ours and float(ours[1]) == 0
    assert "| GINR-Stega: the paper says | floats |  | 34.50 |" in page
    assert re.search(r"^\| GINR-Stega \| floats \| 1 \| \d", page, re.M)
    assert "not stated here" in page


@pytest.mark.slow
def test_what_is_named_of_ours_stands_beside_its_noise_and_the_quietest_of_its_files(done):
    _, journal, _ = done
    page, suite = text(journal), TOY.detection
    for name in ("its changes, scattered", "quietest of 4"):
        line = re.search(rf"^\| stegafield, {name} \| 32x32 \| (\d) / 2 \|$", page, re.M)
        assert line, name
    assert "Faces: at 1 bpp ours is named as often as its changes, scattered" in page
    assert "Faces: at 1 bpp the quietest of 4 is named as often as clean covers" in page
    found = journal.rows("quietest")
    assert len(found) == suite.faces + suite.photographs and not any(row["ber"] for row in found)
    ours = {
        row["digest"]: row["stegexpose"]
        for row in journal.rows("embedding")
        if row["role"] == "ours" and "whole" not in row
    }
    assert all(row["stegexpose"] <= ours[row["digest"]] for row in found)


@pytest.mark.slow
def test_what_exists_is_not_measured_again(done):
    out, journal, _ = done
    before = journal.path.read_bytes()
    registry = registered()
    registry.add("extractor", Parity, "third-party")
    again = Journal(journal.path)
    assert run(TOY, lab(out, registry), again) == 0
    assert again.path.read_bytes() == before
    assert text(again) == text(journal)


@pytest.mark.slow
def test_an_extractor_appears_by_being_installed(done, tmp_path):
    assert re.search(r"^\| extractor parity \| file \| 1 \| 0\.00 \|$", text(done[1]), re.M)
    names = [who.name for who in lab(tmp_path).contestants]
    assert "extractor parity" not in names and "LSB matching" in names


@pytest.mark.slow
def test_a_carrier_appears_by_being_installed(done):
    found = re.findall(r"^\| `(\w+)` \| 1 of 1 \| sample \|", text(done[1]), re.M)
    assert found == ["celeba", "era5"]


@pytest.mark.slow
def test_the_file_of_the_report(done):
    out, journal, _ = done
    written = report.write(journal, out)
    assert [path.name for path in written] == ["report.md", "report.html"]
    page = written[1].read_text(encoding="utf-8")
    _Strict().feed(page)
    assert not re.search(r"https?:|<script|<link|@import|url\(", page)
    assert set(re.findall(r'src="([a-z]+:[a-z]+/[a-z]+)', page)) == {"data:image/png"}
    markdown = written[0].read_text(encoding="utf-8")
    for name in re.findall(r"\]\((figures/[^)]+)\)", markdown):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert markdown.count("](figures/") == page.count("<img ")
    for link in re.findall(r'href="#(\w+)"', page):
        assert f'id="{link}"' in page
    assert report.recalled(out).suite == TOY


class _Strict(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_escapes_what_it_shows():
    blocks = [
        document.Heading("<b> & `c`", 1),
        document.Table(("a<",), (document.Line(("<i>",)),)),
        document.Text("**bold** *thin* <x>"),
    ]
    page = document.html(blocks, {})
    assert "&lt;b&gt; &amp; <code>c</code>" in page and "<td>&lt;i&gt;</td>" in page
    assert "<strong>bold</strong> <em>thin</em> &lt;x&gt;" in page


def test_published_numbers_have_every_cell_that_they_claim():
    stated = {
        ("ber", "GINR-Stega"),
        ("ber", "SteganoGAN"),
        ("ber", "FNNS-D"),
        ("ber", "FNNS-DE"),
        *((quantity, "GINR-Stega") for quantity in ("psnr", "ssim", "seconds", "detections")),
    }
    of_faces = {(n.quantity, n.method) for n in published.NUMBERS if n.data == "CelebA"}
    assert of_faces == stated
    for quantity, method in stated:
        assert list(published.known(quantity, method)) == [1, 2, 3, 4]
    keys = [one[:5] for one in published.NUMBERS]
    assert len(set(keys)) == len(keys)
    assert {n.table for n in published.NUMBERS} == {1, 2, 3, 4, 5}
    assert published.known("psnr", "FNNS-D") == {}


def _row(seed, psnr, **more):
    key = {"method": "GINR-Stega", "role": "paper", "kind": "faces", "cover": "face 0", "bpp": 1}
    times = {"milliseconds": 10.0, "cpu_milliseconds": 5.0}
    return {**key, "seed": seed, "psnr": psnr, "ber_unrounded": 0.0, **times, **more}


def test_the_rule_of_the_seeds():
    (one,) = accepted([_row(1, 25.0), _row(0, 12.0), _row(2, 40.0)])
    assert (one["seed"], one["milliseconds"]) == (1, 20.0)
    (last,) = accepted([_row(0, 12.0), _row(1, 13.0)])
    assert (last["seed"], last["cpu_milliseconds"]) == (1, 10.0)


def test_whether_the_papers_number_is_reached():
    from stegafield_research.paper.tables import PSNR

    runs = [_row(0, 34.5), _row(1, 34.496), _row(2, 10.0)]
    table = reached([Measured("faces", runs, (1,))], "psnr", PSNR[0], True)
    assert table.lines[0].cells == ("GINR-Stega", "faces", "3", "reached: 34.50 (10.00 to 34.50)")
    table = reached([Measured("faces", runs[2:], (1,))], "psnr", PSNR[0], True)
    assert table.lines[0].cells[-1] == "not reached: 10.00"


def test_a_grid_gan_is_interpolated_between_its_samples(tmp_path):
    import torch

    from stegafield.generators.checkpoint import from_pretrained, save_pretrained
    from stegafield.generators.dcgan import Dcgan, DcganConfig
    from stegafield.generators.distribution import Domain

    model = Dcgan(DcganConfig(widths=(16, 8), domain=Domain(size=(16, 16))))
    latents = model.latents(2, np.random.default_rng(0))
    with torch.no_grad():
        grid = torch.tanh(model.grow(model.first(latents).unflatten(1, (-1, 4, 4))))
    own, double = (model.raster(latents, (n, n)) for n in (16, 32))
    assert np.allclose(own, grid.permute(0, 2, 3, 1), atol=1e-6)
    inner = np.pad(own, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    corner = (9 * own + 3 * inner[:, :-2, 1:-1] + 3 * inner[:, 1:-1, :-2] + inner[:, :-2, :-2]) / 16
    assert np.allclose(double[:, ::2, ::2], corner, atol=1e-5)
    found = from_pretrained(save_pretrained(model, tmp_path)).raster(latents, (16, 16))
    assert np.array_equal(found, own)
    for wrong in ({"widths": (16, 8, 8)}, {"widths": (16, 9)}):
        with pytest.raises(ValueError):
            DcganConfig(domain=Domain(size=(16, 16)), **wrong)


@pytest.mark.parametrize("name", ["quick", "evening"])
def test_grid_gan_and_functions_are_of_equal_size(name):
    from stegafield.training import config

    models = [config.read(one.config, one.changes) for one in suites.read(name).training.runs]
    sizes = [sum(p.numel() for p in one.fresh().parameters()) for one in models]
    assert len(sizes) == 2 and max(sizes) < 1.05 * min(sizes)
    assert models[0].discriminator == models[1].discriminator


@pytest.mark.slow
def test_training_ends_in_its_figures(tmp_path):
    chosen = suites.read("quick").training.model_copy(
        update={"steps": (1,), "items": 128, "drawn": 16}
    )
    journal = Journal(tmp_path / report.ROWS)
    alone = Lab(Engine(device="cpu"), tmp_path)
    for job in chosen.jobs(alone):
        journal.add(job.inputs, job.run())
    blocks = list(chosen.show(journal))
    page = document.markdown(blocks, "figures")
    assert re.search(r"^\| grid GAN \| 150,059 \| 1 \| \d", page, re.M)
    assert "faces drawn from our own shipped model" in page
    drawn = document.pictures(blocks, tmp_path)
    assert set(drawn) == {"training", "training-quality", "covers"}
    assert "as it ships" not in page


@pytest.mark.slow
def test_what_ships_stands_beside_what_was_trained(tmp_path):
    """Its own draws as the faces of a user.

    It is nearer to others of them than what was trained for one step.
    """
    from PIL import Image

    from stegafield.generators.zoo import load

    model = load("celeba")
    drawn = model.raster(model.latents(96, np.random.default_rng(5)), (32, 32)).clip(-1, 1)
    (tmp_path / "faces").mkdir()
    for number, face in enumerate((127.5 * (drawn + 1)).astype(np.uint8)):
        Image.fromarray(face).save(tmp_path / "faces" / f"{number:03}.png")
    quick = suites.read("quick").training
    run = quick.runs[0].model_copy(
        update={"changes": quick.runs[0].changes | {"data.hold_out_last": "32"}}
    )
    chosen = quick.model_copy(update={"runs": (run,), "steps": (1,), "drawn": 16})
    journal = Journal(tmp_path / report.ROWS)
    for job in chosen.jobs(Lab(Engine(device="cpu"), tmp_path, data=tmp_path / "faces")):
        journal.add(job.inputs, job.run())
    blocks = list(chosen.show(journal))
    page = document.markdown(blocks, "figures")
    assert re.search(r"^\| celeba, as it ships \| [\d,]+ \|  \| \d", page, re.M)
    assert journal.rows("shipped")[0]["distance"] < journal.rows("training")[0]["distance"]
    document.pictures(blocks, tmp_path)
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    assert set(document.pictures(blocks, tmp_path)) == {"training", "training-quality", "covers"}


def test_durations():
    found = [duration(seconds) for seconds in (0.00123, 0.0995, 0.1, 0.9999, 1, 12.34)]
    assert found == ["1.2 ms", "100 ms", "100 ms", "1000 ms", "1 s", "12.3 s"]


def test_spread():
    assert spread([3.0, 1.0, None, 2.0], "{:.1f}") == "2.0 (1.0 to 3.0)"
    assert spread([None], "{:.1f}") == "" and spread([1.04, 0.96], "{:.1f}") == "1.0"


def test_faces_are_the_same_at_every_size(engine):
    carrier = engine.plan(carrier="image").carrier
    small, large = (covers.face(carrier, 3, (n, n)).cover.codes for n in (16, 64))
    down = large.reshape(3, 16, 4, 16, 4).mean((2, 4))
    assert np.abs(down - small).mean() < 12
    assert covers.face(carrier, 3, (16, 16)).inputs == covers.face(carrier, 3, (16, 16)).inputs


def test_photographs_of_the_user_come_first(tmp_path, photographs):
    from PIL import Image

    Image.fromarray(photographs["coffee"]).save(tmp_path / "mine.png")
    assert [name for name, _ in covers.photographs(tmp_path)] == ["mine.png"]
    assert len(covers.photographs(None)) == len(covers.PACKAGED)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no picture"):
        covers.photographs(tmp_path / "empty")


def test_suites_of_the_package():
    assert suites.names() == ["evening", "full", "quick"]
    for name in suites.names():
        assert suites.read(name).name == name
    assert suites.read("full").comparison.seeds == 10


def test_a_suite_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nabout = "x"\n[comparison]\nfaces = 7\n')
    assert suites.read(str(path)).comparison.faces == 7
    path.write_text('name = "mine"\nabout = "x"\n[comparison]\nfaecs = 7\n')
    with pytest.raises(ConfigError, match=r"comparison\.faecs"):
        suites.read(str(path))
    path.write_text("name =")
    with pytest.raises(ConfigError, match="no TOML"):
        suites.read(str(path))
    path = tmp_path / "suite.json"
    path.write_text(
        '{"suite": {"name": "mine", "about": "x", "comparison": {"faces": 7}}, "jobs": 1}'
    )
    assert suites.read(str(path)).comparison.faces == 7
    for text, said in (("{", "no JSON"), ("[1]", "no suite.json"), ("{}", "no suite.json")):
        path.write_text(text)
        with pytest.raises(ConfigError, match=said):
            suites.read(str(path))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--quick", "--full"], "exclude each other"),
        (["--suite", "slow"], "there is no suite 'slow'"),
        (["--quick"], "there is a run"),
    ],
)
def test_usage(tmp_path, arguments, said):
    (tmp_path / report.ROWS).write_text("")
    done = CliRunner().invoke(app, ["paper", "--out", str(tmp_path), *arguments])
    assert done.exit_code == 2 and said in done.output


@pytest.mark.slow
def test_the_command(tmp_path):
    path = tmp_path / "toy.toml"
    path.write_text(
        'name = "toy"\nabout = "no slow ones"\n'
        "[photographs]\nwhole = 1\ncut = 0\n[comparison]\nfaces = 0\nphotographs = 0\n"
        "[detection]\nsize = [16, 16]\nrates = [3]\nfaces = 0\nphotographs = 1\n"
        "[samples]\ncovers = 1\n"
        "[schedule]\nrates = []\n[resolution]\nsizes = []\nslow_sizes = []\n"
    )
    asked = ["paper", "--out", str(tmp_path / "out"), "--suite", str(path), "--device", "cpu"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "new measurements; the report is" in done.output
    rows = [json.loads(line) for line in (tmp_path / "out" / report.ROWS).read_text().splitlines()]
    kinds = {"machine", "embedding", "clean", "medium", "scattered", "quietest"}
    assert {row["inputs"]["what"] for row in rows} == kinds
    done = CliRunner().invoke(app, [*asked, "--resume"])
    assert done.exit_code == 0, done.output

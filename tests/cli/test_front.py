"""The front door: covers and messages without options, keys, what is missing, what is refused.

Each test is a process of its own, as a user starts it (E, C6, C8, C9).
"""

import json
import os
import pty
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.cli.forked import Forked
from tests.datasets import packed
from tests.sounds import sound

pytestmark = pytest.mark.slow  # processes of their own

STEGAFIELD = [sys.executable, "-m", "stegafield"]


@pytest.fixture(scope="module")
def forked(home):
    """Runs commands in `home`."""
    found = Forked(home)
    yield found
    found.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with covers of every medium, a key and a passphrase."""
    path = tmp_path_factory.mktemp("front")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path / "photo.png")
    Image.fromarray(pixels).save(path / "photo.jpg", quality=90)
    Image.fromarray(pixels).save(path / "photo.tif")
    (path / "sound.wav").write_bytes(sound())
    (path / "field.nc").write_bytes(packed(rows=37, columns=40))
    (path / "three.nc").write_bytes(packed(rows=37, columns=40, model="NETCDF3_CLASSIC"))
    (path / "text").write_text("words")
    (path / "pass").write_text("correct horse\n")
    run(path, "keygen", "key")
    return path


def run(home, *words, code=0, stdin=b""):
    done = subprocess.run(
        [*STEGAFIELD, *map(str, words)], input=stdin, capture_output=True, cwd=home
    )
    said = done.stderr.decode()
    assert done.returncode == code, (done.returncode, done.stdout[:300], said)
    assert "Traceback" not in said
    return done.stdout, said


@pytest.mark.parametrize(
    ("cover", "out"),
    [
        ("photo.png", "a.png"),
        ("photo.jpg", "b.png"),
        ("photo.tif", "c.tif"),
        ("sound.wav", "d.wav"),
        ("field.nc", "e.nc"),
        ("three.nc", "f.nc"),
    ],
)
def test_a_first_guess_works_with_every_medium(home, forked, cover, out):
    """E: the carrier follows from the file, whatever it is called."""
    plain = home / "named-like-nothing"
    plain.write_bytes((home / cover).read_bytes())
    _, said = forked("hide", plain.name, "meet at dawn", "-o", out, "-k", "key", "--force")
    assert said.startswith(f"hid 12 bytes in {out}; up to ") and "keep the original private" in said
    assert forked("reveal", out, "-k", "key")[0] == b"meet at dawn"
    assert int(forked("capacity", cover)[0]) > 12


FORMS = {
    "words": ["photo.png", "hi"],
    "options": ["--carrier", "image", "--cover", "photo.png", "--message", "hi"],
    "short": ["photo.png", "-m", "hi"],
    "file": ["photo.png", "-f", "two"],
    "mixed": ["--cover", "photo.png", "hi"],
    "options first": ["--set", "effort.attempts=2", "photo.png", "hi"],
    "option between": ["photo.png", "--set", "effort.attempts=2", "hi"],
    "options last": ["photo.png", "hi", "--set", "effort.attempts=2", "--set", "effort.costs=true"],
    "dash": ["photo.png", "--", "hi"],
    "drawn": ["--carrier", "era5", "--size", "19x36", "hi"],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_way_to_say_it(home, forked, form):
    """E: the contract of positions and short forms."""
    (home / "two").write_text("hi")
    out = "form.nc" if form == "drawn" else "form.png"
    said = forked("hide", "-o", out, "-p", "pass", "-q", "--force", *FORMS[form])[1]
    assert said == ""
    assert forked("reveal", out, "-p", "pass")[0] == b"hi"


KEY = ["-o", "x.png", "-k", "key"]
WRONG = {
    "nothing": ([], 2, ["cover", "message", "--out", "--key-file", "keygen", "photo.png"]),
    "cover alone": (["photo.png"], 2, ["message", "--out", "--key-file"]),
    "no key": (["photo.png", "hi", "-o", "x.png"], 2, ["--key-file", "--passphrase-file"]),
    "no key, how to get one": (["photo.png", "hi", "-o", "x.png"], 2, ["stegafield keygen"]),
    "a file as text": (["photo.png", "text", *KEY], 2, ["use -f text", "-m text"]),
    "standard input as text": (["photo.png", "-", *KEY], 2, ["--message-file -"]),
    "turned round": (["hi", "photo.png", *KEY], 2, ["cover comes first"]),
    "no quotes": (["photo.png", "meet", "at", "dawn", *KEY], 2, ["quotes"]),
    "misspelt file": (["phto.png", "hi", *KEY], 7, ["did you mean photo.png"]),
    "misspelt option": (["photo.png", "hi", *KEY, "--forse"], 2, ["--force"]),
    "two covers": (["photo.png", "hi", "--cover", "photo.jpg", *KEY], 2, ["given twice"]),
    "cover of a generator": (["--carrier", "era5", "photo.png", "hi", *KEY], 2, ["takes none"]),
    "two messages": (["photo.png", "hi", "-m", "ho", *KEY], 2, ["exactly one"]),
    "a list": (
        ["photo.png", "hi", *KEY, "--set", "effort.attempts=2", "effort.flat=true"],
        2,
        ["--set effort.flat=true"],
    ),
    "word for a rate": (["photo.png", "hi", *KEY, "--bpp", "much"], 2, ["--bpp", "no number"]),
    "no medium": (["text", "hi", *KEY], 5, ["text is no file that", "image"]),
    "C9": (["photo.png", "hi", "-o", "t/", "-k", "key"], 7, ["t/", "folder"]),
    "C9 report": (["photo.png", "hi", *KEY, "--report", "t/"], 7, ["t/", "folder"]),
    "C6 deep": (["photo.png", "hi", *KEY, "--set", "carrier.size=" + "[" * 3000], 2, ["carrier"]),
    "C6 key": (["photo.png", "hi", "-o", "x.png", "-k", "/dev/zero"], 2, ["48 characters"]),
    "C6 passphrase": (["photo.png", "hi", "-o", "x.png", "-p", "/dev/zero"], 2, ["MiB"]),
    "size twice": (
        ["photo.png", "hi", *KEY, "--size", "20x20", "--set", "carrier.size=[30,30]"],
        2,
        ["size", "[30,30]"],
    ),
    "method twice": (
        ["photo.png", "hi", *KEY, "--method", "project", "--set", "effort.method=optimize"],
        2,
        ["method", "optimize"],
    ),
    "misspelt setting": (
        ["photo.png", "hi", *KEY, "--set", "effort.atempts=2"],
        2,
        ["did you mean effort.attempts?"],
    ),
    "word for a number": (
        ["photo.png", "hi", *KEY, "--set", "effort.attempts=x"],
        2,
        ["'x' is not a whole number"],
    ),
    "misspelt value": (
        ["sound.wav", "hi", "-o", "x.wav", "-k", "key", "--set", "carrier.subtype=PCM_61"],
        2,
        ["did you mean 'PCM_16'?"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_what_would_work(home, forked, case):
    """E: one sentence, the right exit code, nothing written."""
    words, code, wanted = WRONG[case]
    before = sorted(os.listdir(home))
    said = forked("hide", *words, code=code)[1]
    for word in wanted:
        assert word in said, said
    assert said.count("\n") == 1 and len(said) < 500
    assert sorted(os.listdir(home)) == before


SECRETS = {
    "key": (["-k", "key"], "key"),
    "passphrase": (["-p", "pass"], "pass"),
    "message": (["-k", "key", "-f", "text"], "text"),
}


@pytest.mark.parametrize("option", ["--out", "--report", "--figure"])
@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("spelling", ["same", "link", "hard", "longer"])
def test_inputs_are_never_outputs(home, forked, secret, option, spelling):
    """C8: by any name, with --force."""
    given, name = SECRETS[secret]
    path = home / f"{name}-{spelling}"
    path.unlink(missing_ok=True)
    if spelling == "link":
        path.symlink_to(name)
    elif spelling == "hard":
        os.link(home / name, path)
    else:
        path = home / name if spelling == "same" else home / ".." / home.name / name
    before = (home / name).read_bytes()
    words = ["photo.png", *given, option, path, "--force"]
    words += [] if "-f" in given else ["-m", "hi"]
    words += [] if option == "--out" else ["--out", "c8.png"]
    said = forked("hide", *words, code=2)[1]
    assert "itself" in said and (home / name).read_bytes() == before
    assert not (home / "c8.png").exists()


def test_a_cover_gives_way_to_its_own_stego_alone(home, forked):
    """C8."""
    cover = home / "mine.png"
    cover.write_bytes((home / "photo.png").read_bytes())
    words = ["hide", "mine.png", "hi", "-k", "key"]
    forked(*words, "-o", "mine.png", code=7)
    for option in ("--report", "--figure"):
        forked(*words, "-o", "other.png", option, "mine.png", "--force", code=2)
    assert cover.read_bytes() == (home / "photo.png").read_bytes()
    forked(*words, "-o", "./mine.png", "--force")
    assert forked("reveal", "mine.png", "-k", "key")[0] == b"hi"
    said = forked("reveal", "mine.png", "-k", "key", "-o", "mine.png", "--force", code=2)[1]
    assert "stego itself" in said
    forked("reveal", "mine.png", "-k", "key", "-o", "key", "--force", code=2)


def test_names_are_written_out(home, forked):
    """C6: what a terminal would obey is never echoed."""
    name = "odd\x1b[2J\nname.png"
    said = forked("hide", "photo.png", "hi", "-k", "key", "-o", name)[1]
    assert "\x1b" not in said and "odd\\x1b[2J\\nname.png" in said
    (home / name).unlink()
    said = forked("reveal", name, "-k", "key", code=7)[1]
    assert "\x1b" not in said and said.count("\n") == 1


@pytest.mark.parametrize("words", [["--help"], ["hide", "--help"], ["carriers"]])
def test_a_full_disk_behind_standard_output(home, words):
    """C6."""
    with open("/dev/full", "w") as full:
        done = subprocess.run([*STEGAFIELD, *words], stdout=full, stderr=-1, cwd=home)
    assert done.returncode == 7
    assert done.stderr == b"stegafield: standard output: No space left on device\n"


def test_whoever_had_enough_is_not_scolded(home):
    script = f"{sys.executable} -m stegafield carriers | head -c1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, cwd=home)
    assert done.returncode in (0, 7) and done.stderr == b""


def test_other_distributions_are_named(home):
    """Without stegafield-research `bench` says where it is."""
    script = "import sys; sys.path = [p for p in sys.path if 'research' not in p]\n"
    script += "from stegafield.cli import program, main\nprogram._points = list\n"
    script += "sys.argv[1:] = ['bench']\nmain()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, cwd=home)
    assert done.returncode == 2 and b"stegafield-research" in done.stderr


def _terminal(home, words, typed):
    """What a terminal shows; each of `typed` is typed once its prompt is there. And how it ends."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home)
        os.execv(STEGAFIELD[0], [*STEGAFIELD, *words])
    shown, waiting = b"", list(typed)
    try:
        while part := os.read(terminal, 1024):
            shown += part
            if waiting and shown.rstrip().endswith(waiting[0][0]):
                os.write(terminal, waiting.pop(0)[1] + b"\n")
    except OSError:  # the terminal closes with the process
        pass
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return shown.decode(), code


def test_a_passphrase_is_asked_twice_and_again_after_a_slip(home):
    """E."""
    ask, again = b"Passphrase:", b"Again:"
    words = ["hide", "photo.png", "hi", "-o", "typed.png"]
    slip = [(ask, b"one"), (again, b"two"), (ask, b"one"), (again, b"one")]
    shown, code = _terminal(home, words, slip)
    assert code == 0 and "once more" in shown and "hid 2 bytes" in shown
    shown, code = _terminal(home, ["reveal", "typed.png"], [(ask, b"one")])
    assert code == 0 and shown.rstrip().endswith("hi") and "Again" not in shown
    shown, code = _terminal(home, [*words, "--force"], [(ask, b"a"), (again, b"b")] * 3)
    assert code == 2 and "--key-file" in shown


def test_nothing_is_asked_for_what_cannot_work(home):
    """E: mistakes are told before a passphrase is typed."""
    for words in (
        ["hide", "text", "hi", "-o", "x.png"],
        ["hide", "photo.png", "hi", "-o", "x.jpg"],
        ["hide", "photo.png", "hi", "-o", "x.png", "--set", "effort.tries=2"],
        ["reveal", "missing.png"],
    ):
        shown, code = _terminal(home, words, [])
        assert code != 0 and "Passphrase" not in shown


def test_a_passphrase_through_a_pipe(home):
    run(home, "hide", "photo.png", "hi", "-o", "piped.png", stdin=b"word\n")
    assert run(home, "reveal", "piped.png", stdin=b"word\n")[0] == b"hi"
    said = run(home, "reveal", "piped.png", code=2)[1]
    assert "--key-file" in said and "--passphrase-file" in said and "keygen" in said


def test_carriers_explain_their_options(forked):
    """E: type, default and meaning of each."""
    rows = {row["name"]: row for row in json.loads(forked("carriers", "--json")[0])}
    options = {one["name"]: one for one in rows["audio"]["options"]}
    assert options["subtype"]["type"].startswith("PCM_U8, PCM_16, PCM_24")
    assert options["rate"]["default"] == 44100 and options["rate"]["type"] == "whole number"
    assert "samples a second" in options["rate"]["meaning"]
    shown = forked("carriers")[0].decode()
    assert "carrier.subtype" in shown and "44100" in shown


@pytest.mark.parametrize(
    ("cover", "carrier", "form"),
    [
        ("photo.png", "image", "png"),
        ("photo.jpg", "image", "jpeg"),
        ("photo.tif", "image", "tiff"),
        ("sound.wav", "audio", "wav"),
        ("field.nc", "dataset", "netcdf"),
    ],
)
def test_info_needs_no_key(home, forked, cover, carrier, form):
    """E: what a file is as a cover; the same whether something is hidden in it or not."""
    found = json.loads(forked("info", cover, "--json")[0])
    assert (found["carrier"], found["format"]) == (carrier, form)
    assert found["elements"] >= found["free"] > 0
    rates = found["capacity"]
    assert all(set(one) == {"bps", "bytes", "p_e"} for one in rates)
    assert max(one["bytes"] for one in rates) == int(forked("capacity", cover)[0])
    shown = forked("info", cover)[0].decode()
    assert f"{found['elements']:,} elements" in shown and "hidden" not in shown


def test_info_of_a_stego_is_that_of_a_cover(home, forked):
    forked("hide", "photo.png", "hi", "-o", "looked.png", "-k", "key")
    before, after = (
        json.loads(forked("info", name, "--json")[0]) for name in ("photo.png", "looked.png")
    )
    before["capacity"] = after["capacity"] = None
    assert before == after


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_what_is_installed(home, shell):
    """E."""
    environment = {**os.environ, "_STEGAFIELD_COMPLETE": f"complete_{shell}"}
    line = "stegafield hide --carrier er"
    environment |= {"COMP_WORDS": line, "COMP_CWORD": "3", "_TYPER_COMPLETE_ARGS": line}
    environment["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
    script = "import sys; sys.argv[0] = 'stegafield'; from stegafield.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, env=environment, cwd=home
    )
    assert b"era5" in done.stdout and b"image" not in done.stdout, done


def test_what_takes_minutes_is_announced(home):
    """E: the stage, its share and the time left; a line that stays before it takes minutes."""
    script = (
        "import time\n"
        "from stegafield.cli.waiting import busy\n"
        "from stegafield.progress import report\n"
        "with busy('hiding'):\n"
        "    for number in range(4):\n"
        "        report('optimizing', number, 1000)\n"
        "        time.sleep(0.9)\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", script])
    shown = b""
    try:
        while part := os.read(terminal, 4096):
            shown += part
    except OSError:
        pass
    assert os.waitpid(pid, 0)[1] == 0
    os.close(terminal)
    text = shown.decode()
    assert "hiding: optimizing will take about" in text and "minutes more" in text
    assert "to go" in text and "0%" in text
    quiet = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert quiet.stderr == b"" == quiet.stdout

"""Folders, disks, old files and Ctrl-C: whole files or none."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.attacks.conftest import contents, noise, png
from tests.datasets import packed

pytestmark = pytest.mark.slow  # processes of their own

LINUX = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")


def short_disk(size):
    """Of a child process: no file may grow beyond `size` bytes, as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


# Where the output goes


def test_a_folder_that_is_not_there(refused, hide_png, hide_era5):
    refused(
        7, *hide_png, "--message", "x", "--out", "no/x.png", says=["no: there is no such folder"]
    )
    refused(
        7, *hide_era5, "--message", "x", "--out", "no/x.nc", says=["no: there is no such folder"]
    )
    refused(
        7,
        *hide_png,
        "--message",
        "x",
        "--out",
        "x.png",
        "--report",
        "no/r.json",
        says=["no: there is no such folder"],
    )
    refused(
        7,
        *hide_png,
        "--message",
        "x",
        "--out",
        "x.png",
        "--figure",
        "no/f.png",
        says=["no: there is no such folder"],
    )


@LINUX
def test_a_folder_that_nobody_can_write(refused, hide_png, hide_era5):
    """Not even root makes files in /proc."""
    refused(7, *hide_png, "--message", "x", "--out", "/proc/x.png", says=["/proc"])
    refused(7, *hide_era5, "--message", "x", "--out", "/proc/x.nc", "--force", says=["/proc"])


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="root writes into read-only folders"
)
def test_a_read_only_folder(refused, hide_png, folder):
    (folder / "locked").mkdir(mode=0o500)
    refused(
        7, *hide_png, "--message", "x", "--out", "locked/x.png", says=["locked", "not writable"]
    )


def test_an_output_that_is_a_folder(refused, hide_png, folder):
    (folder / "x.png").mkdir()
    for force in ([], ["--force"]):
        refused(
            7, *hide_png, "--message", "x", "--out", "x.png", *force, says=["x.png: is a folder"]
        )


def test_a_file_in_the_place_of_a_folder(refused, hide_png):
    refused(7, *hide_png, "--message", "x", "--out", "cover.png/x.png", says=["cover.png"])


def test_a_name_that_no_file_system_takes(refused, hide_png):
    refused(7, *hide_png, "--message", "x", "--out", "n" * 300 + ".png", says=["nnn", "too long"])


# Files that are there already


def test_an_old_file_is_replaced_only_by_force(refused, cli, hide_png, folder):
    old = folder / "x.png"
    old.write_bytes(b"keep me")
    old.chmod(0o640)
    refused(7, *hide_png, "--message", "x", "--out", "x.png", says=["x.png: exists", "--force"])
    assert cli(*hide_png, "--message", "x", "--out", "x.png", "--force").code == 0
    assert old.read_bytes()[:4] == b"\x89PNG" and stat.S_IMODE(old.stat().st_mode) == 0o640
    refused(
        7,
        "reveal",
        "x.png",
        "--key-file",
        "key",
        "--out",
        "cover.png",
        says=["cover.png: exists", "--force"],
    )
    assert cli("reveal", "x.png", "--key-file", "key", "--out", "cover.png", "--force").code == 0
    assert (folder / "cover.png").read_bytes() == b"x"


def test_a_link_to_nowhere_is_an_old_file_too(cli, hide_png, folder):
    (folder / "x.png").symlink_to("elsewhere.png")
    assert cli(*hide_png, "--message", "x", "--out", "x.png").code == 7
    assert (folder / "x.png").is_symlink() and not (folder / "elsewhere.png").exists()


def test_a_report_or_figure_never_replaces_a_file_without_force(refused, hide_png, folder):
    (folder / "old.png").write_bytes(b"keep me")
    words = (*hide_png, "--message", "x", "--out", "x.png")
    for option in ("--report", "--figure"):
        refused(7, *words, option, "old.png", says=["old.png: exists", "--force"])


@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
def test_a_report_or_figure_never_replaces_what_is_read(refused, hide_png, force):
    """--report key would cost the key, and with it every message; --force changes nothing."""
    words = (*hide_png, "--message", "x", "--out", "x.png")
    for option in ("--report", "--figure"):
        for old, what in (("key", "key file"), ("cover.png", "cover")):
            refused(2, *words, option, old, *force, says=[f"is the {what} itself: {old}"])


def test_two_outputs_never_share_a_name(refused, hide_png):
    """The second would replace the stego."""
    for option in ("--report", "--figure"):
        refused(
            2,
            *hide_png,
            "--message",
            "x",
            "--out",
            "x.png",
            option,
            "x.png",
            says=["out", option[2:]],
        )


def test_a_figure_in_no_known_format_is_refused_before_any_work(refused, hide_png):
    refused(
        2,
        *hide_png,
        "--message",
        "x",
        "--out",
        "x.png",
        "--figure",
        "f.xyz",
        says=["figure", "xyz", "png"],
    )


def test_python_saves_by_the_same_rules(engine, key, folder):
    stego = engine.hide(b"x", carrier="image", cover=noise(40, 40, 3), key=key)
    before = contents(folder)
    with pytest.raises(FileExistsError, match="force=True"):
        stego.save(folder / "cover.png")
    with pytest.raises(ValueError, match=r"\.jpg .*lossy.*\.png"):
        stego.save(folder / "x.jpg")
    with pytest.raises(ValueError, match=r"not written as \.webp.*\.png"):
        stego.save(folder / "x.webp")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        stego.save(folder / "no" / "x.png")
    assert contents(folder) == before


# Full disks


@pytest.mark.parametrize("limit", [0, 1000])
def test_a_disk_that_fills_up_while_a_picture_is_written(refused, hide_png, folder, limit):
    (folder / "old.png").write_bytes(b"keep me")
    for out in (["x.png"], ["old.png", "--force"]):
        refused(
            7,
            *hide_png,
            "--message",
            "x",
            "--out",
            *out,
            says=[out[0]],
            preexec_fn=short_disk(limit),
        )


@pytest.mark.parametrize("limit", [0, 20_000])
@pytest.mark.parametrize("carrier", ["era5", "dataset", "dataset-3"])
def test_a_disk_that_fills_up_while_a_field_is_written(refused, folder, carrier, limit):
    """The NetCDF library works on files of its own; it must fail as all do, and not crash."""
    if carrier == "era5":
        source = ("--carrier", "era5", "--size", "181x360")
    else:
        model = "NETCDF3_CLASSIC" if carrier == "dataset-3" else "NETCDF4"
        (folder / "cover.nc").write_bytes(packed(rows=181, columns=360, model=model))
        source = ("--carrier", "dataset", "--cover", "cover.nc")
    words = ("hide", *source, "--key-file", "key", "--message", "x", "--out", "x.nc")
    refused(7, *words, preexec_fn=short_disk(limit))


def test_a_disk_that_fills_up_because_the_stego_is_larger_than_its_cover(refused, folder):
    """A constant field is packed into nothing; with a message in it, it is not."""
    cover = packed(rows=181, columns=360, change=lambda codes: codes * 0 + 5)
    (folder / "cover.nc").write_bytes(cover)
    words = (
        "hide",
        "--carrier",
        "dataset",
        "--cover",
        "cover.nc",
        "--bps",
        "4",
        "--set",
        "effort.flat=true",
        "--key-file",
        "key",
    )
    limit = len(cover) + 2000
    refused(7, *words, "--message", "x", "--out", "x.nc", preexec_fn=short_disk(limit))


def test_a_disk_that_fills_up_with_the_message(engine, key, refused, folder):
    engine.hide(b"x" * 9000, carrier="image", cover=folder / "cover.png", key=key).save(
        folder / "s.png"
    )
    refused(
        7,
        "reveal",
        "s.png",
        "--key-file",
        "key",
        "--out",
        "m.txt",
        says=["m.txt"],
        preexec_fn=short_disk(100),
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_device(cli, hide_png, folder):
    for out in (["/dev/full", "--force"], ["-"]):
        with open("/dev/full", "wb") as full:
            stdout = {"stdout": full} if out == ["-"] else {"stdout": subprocess.PIPE}
            command = [
                sys.executable,
                "-m",
                "stegafield",
                *hide_png,
                "--message",
                "x",
                "--out",
                *out,
            ]
            done = subprocess.run(command, cwd=folder, stderr=subprocess.PIPE, **stdout)
        assert done.returncode == 7, done.stderr
        assert os.strerror(errno.ENOSPC).encode() in done.stderr and b"Traceback" not in done.stderr


# Sources


@pytest.mark.parametrize("option", ["--cover", "--message-file", "--key-file"])
def test_a_source_that_is_not_there(refused, option):
    said = "absent: there is no such file to hide in" if option == "--cover" else "No such file"
    words = {"--cover": "cover.png", "--message-file": "key", "--key-file": "key", option: "absent"}
    given = [part for pair in words.items() for part in pair]
    refused(7, "hide", "--carrier", "image", *given, "--out", "x.png", says=["absent", said])


def test_a_stego_that_is_not_there(refused):
    refused(7, "reveal", "absent.png", "--key-file", "key", says=["absent.png", "No such file"])


def test_a_folder_as_a_source(refused, hide_png):
    """No channel opens a folder (5), whatever else it may be; a message is read as it is (7)."""
    expected = [". is a folder, where one file is expected"]
    refused(5, "reveal", ".", "--key-file", "key", says=expected)
    words = ("hide", "--carrier", "image", "--cover", ".", "--key-file", "key", "--message", "x")
    refused(5, *words, "--out", "x.png", says=expected)
    refused(7, *hide_png, "--message-file", ".", "--out", "x.png", says=["directory"])


STRANGE = {
    "empty": b"",
    "text": b"Dear Sir or Madam,\n" * 40,
    "random": np.random.default_rng(0).bytes(5000),
    "zip": b"PK\x03\x04" + bytes(200),
    "pdf": b"%PDF-1.7\n" + bytes(200),
    "program": b"\x7fELF" + bytes(500),
}


TOLD = {
    "empty": "an empty file, which is not read as a picture. Give a picture",
    "text": "a text file, which is not read as a picture. Give a picture",
    "zip": "a ZIP archive, which is not read as a picture. Unpack it",
    "pdf": "a PDF document, which is not read as a picture. It has no pixels",
}
"""What files are called that are known, and what to do; the others are no readable image."""


@pytest.mark.parametrize("name", STRANGE)
def test_files_of_other_programs(refused, hide_png, folder, name):
    (folder / "cover.png").write_bytes(STRANGE[name])
    (folder / "field.nc").write_bytes(STRANGE[name])
    size = f"{len(STRANGE[name])} bytes"
    refused(
        5,
        "reveal",
        "field.nc",
        "--key-file",
        "key",
        says=["no installed channel", size, "png", "netcdf"],
    )
    told = TOLD.get(name, "not a readable image")
    refused(5, *hide_png, "--message", "x", "--out", "x.png", says=[told])
    words = ("hide", "--carrier", "dataset", "--cover", "field.nc", "--key-file", "key")
    refused(5, *words, "--message", "x", "--out", "x.nc", says=["NetCDF"])


def test_a_jpeg_carries_no_message(refused, folder):
    Image.fromarray(noise(64, 64, 3)).save(folder / "x.jpg")
    refused(5, "reveal", "x.jpg", "--key-file", "key", says=["no installed channel"])


def test_wrongly_named_files_are_known_by_their_bytes(engine, key, cli, folder):
    engine.hide(b"in a picture", carrier="image", cover=folder / "cover.png", key=key).save(
        folder / "a.png"
    )
    engine.hide(b"in a field", carrier="era5", size=(37, 72), key=key).save(folder / "b.nc")
    (folder / "a.png").rename(folder / "a.nc")
    (folder / "b.nc").rename(folder / "b.png")
    assert cli("reveal", "a.nc", "--key-file", "key").out == b"in a picture"
    assert cli("reveal", "b.png", "--key-file", "key").out == b"in a field"


def test_a_picture_given_as_a_field_and_the_other_way(refused, folder):
    (folder / "c.nc").write_bytes(packed())
    both = ("--key-file", "key", "--message", "x")
    refused(
        5,
        "hide",
        "--carrier",
        "dataset",
        "--cover",
        "cover.png",
        *both,
        "--out",
        "x.nc",
        says=["NetCDF"],
    )
    words = ("hide", "--carrier", "image", "--cover", "c.nc", *both, "--out", "x.png")
    refused(5, *words, says=["not read as a picture", "Give it to the carrier dataset"])


def test_a_message_that_is_not_utf8_on_the_command_line(cli, folder):
    command = (
        "hide",
        "--carrier",
        "image",
        "--cover",
        "cover.png",
        "--key-file",
        "key",
        "--out",
        "x.png",
    )
    assert cli(*command, "--message", os.fsdecode(b"caf\xe9")).code in (0, 2)
    assert cli(
        *command, "--force", "--message", "x", "--name", os.fsdecode(b"caf\xe9.txt")
    ).code in (0, 2)


# Ctrl-C


def cpu_seconds(process):
    """Time that a child has computed."""
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def until(condition, process, seconds=20):
    """Poll; the process must still be running when the condition comes true."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)


@LINUX
@pytest.mark.parametrize(("carrier", "wait"), [("image", 0.3), ("image", 1.5), ("era5", 0.6)])
def test_ctrl_c_while_embedding(folder, environment, carrier, wait):
    """The message comes through a pipe: once it is taken, the command has started its work."""
    if carrier == "image":
        (folder / "large.png").write_bytes(
            png(np.tile(noise(300, 300, 3), (8, 8, 1)), compress_level=1)
        )
        words = ["--cover", "large.png", "--bpp", "9", "--out", "x.png"]
    else:
        words = ["--size", "2881x5760", "--bps", "1", "--out", "x.nc", "--report", "r.json"]
    (folder / words[-1]).write_bytes(b"keep me")
    os.mkfifo(folder / "pipe")
    before = contents(folder)
    command = ["env", "--default-signal=INT"]  # a shell's background jobs ignore it
    command += [sys.executable, "-m", "stegafield", "hide", "--carrier", carrier, *words, "--force"]
    command += ["--key-file", "key", "--message-file", "pipe"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, env=environment, **pipes) as process:
        pipe = None

        def taken():
            nonlocal pipe
            try:
                pipe = os.open(folder / "pipe", os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                return False
            return True

        until(taken, process)
        start = cpu_seconds(process)
        os.close(pipe)
        until(lambda: cpu_seconds(process) > start + wait, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert b"Traceback" not in err and out == b""
    assert contents(folder) == before
    assert os.listdir(environment["TMPDIR"]) == []


def test_a_reader_that_hangs_up_is_no_crash(folder, environment, engine, key):
    """`stegafield reveal FILE | head -c 1`."""
    engine.hide(b"x" * 2_000_000, carrier="image", cover=folder / "cover.png", key=key).save(
        folder / "s.png"
    )
    command = [sys.executable, "-m", "stegafield", "reveal", "s.png", "--key-file", "key"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, env=environment, **pipes) as process:
        assert process.stdout.read(1) == b"x"
        process.stdout.close()
        err = process.stderr.read()
        process.wait(timeout=20)
    assert b"Traceback" not in err and b"Exception ignored" not in err
    assert process.returncode in (0, 7, 141)

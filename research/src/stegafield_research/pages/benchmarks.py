"""The page of measurements, in Markdown, from the lines of `summary`: the same lines give the same page."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..measure.machine import stated

Row = dict[str, Any]

ASKED = {1: 59.7, 2: 55.7, 3: 53.3, 4: 51.2}
"""PSNR in dB by bits per pixel that every picture with few samples near the ends should reach."""
ASKED_GAP = 2.0
"""Decibels below its own bound that any other picture should stay within."""
ASKED_MS = {1: 5, 2: 8, 3: 8, 4: 8}
"""Milliseconds of a processor for 64x64 pixels by bits per pixel, median."""
ASKED_RMS = 0.6
"""Change of a field in packed steps at 1 bit per sample."""
ASKED_DBFS = -93.0
"""Level of the change of 16-bit sound at 1 bit per sample."""

_HEAD = """# Benchmarks

This page is made by a command, from what other commands measured; do not edit it.
`research/scripts/benchmarks.py` runs them all on the covers described below, which are not part of the repository.
Their rows, condensed, are in `research/data/benchmarks/`:

```text
stegafield bench fidelity ...; stegafield bench curve ...; stegafield bench speed ...   JSON lines, by cover and rate
stegafield bench report ROWS --out docs/benchmarks.md --json research/data/benchmarks/summary.jsonl
stegafield bench report research/data/benchmarks --out docs/benchmarks.md               the same page, from those alone
```

Three numbers in a cell are least / median / greatest over the covers of a row. Nothing was tuned to a cover, and no
cover was left out: those that a command refused are listed. Every bit was read from the written file."""
_PICTURES = f"""`bench fidelity`: the extractor `phase`, the method `project`, every window
full, and no [costs](concepts.md#costs): it measures the code alone. `hide` follows costs in your own pictures,
changes more samples for that, and has a lower PSNR. A picture is *clear* where
less than 1 % of its samples are within 3 codes of an end of the range. Asked of every clear picture:
{", ".join(f"{psnr} dB at {bpp}" for bpp, psnr in ASKED.items())} bits per pixel; of every other one, at 1 and 2 bits
per pixel: within {ASKED_GAP:g} dB of the bound of that picture, which knows what its samples cannot do. *CPU* is what
embedding alone takes of all processors together, in milliseconds: a busy machine changes it little. *ms* is the same on
the clock, and too long where the machine was busy. Asked of the median at 64x64:
{", ".join(f"{ms} ms at {bpp}" for bpp, ms in ASKED_MS.items())} bits per pixel."""
_FIELDS = f"""`bench fidelity` with `--carrier dataset` and `--carrier audio`. Asked at 1 bit per free sample: less
than {ASKED_RMS} packed steps RMS, and less than {ASKED_DBFS:g} dBFS of 16-bit sound (an amplitude of 1 is 0 dBFS; a
single step of 8-bit sound is -42 dBFS, so there it cannot be). The RMS is that of the free samples, in codes; *times
bound* divides it by the least that is possible."""
_CURVES = """`bench curve`: every rung of both forms from 0.05 to 4 bits per pixel, whichever of them `hide` would take.
LSB matching and HILL are simulated, HILL with the least expected cost that coding theory allows. HILL minimises its own
cost, not distortion, so its PSNR is lower by intention. The paper's points are its published ones: on its own generated
faces, and on floats that were not yet rounded to a file.

![PSNR against bits per pixel](images/curve.png)"""
_SPEED = """`bench speed`: covers that are made up, each in a process of its own. *costs* is what `hide` first finds out
about a cover of the user's own: what each change costs. *embed* is `project` alone, *read* the extractor on the same
codes, *CPU* is what the three take of all processors together, *open* and *write* are the file format; medians. *hide*
is the whole of `hide`, once, in the same process: open, costs, embed, write, reveal; *hide CPU* is its time of all
processors together. Covers named after a carrier are generated: *open* is the draw of f and its noise, and *embed* the
sampler. Memory is the largest resident set of the process, first of the parts and then of `hide`; interpreter and
libraries alone are {base:.0f} MiB of it. *load* is how many processes wanted to run, on average, when the row was
finished: where that is more than there are cores, the times are too long by about that factor."""

_THROUGHPUT = """\
`bench throughput`: `lbfgs` on the extractor `cnn` (norm=batch) at 1 bit per pixel, crops of scikit-image's
photographs, each with a network of its own; batches of more than 64 repeat them. *solver* is from covers to
changes; *all* adds networks, rounding, finish and reading, of which most is done by the processor. The bound of
the device is the larger of operations over the rate of a large float32 product and bytes over the rate of a
large copy, both measured in the same run; operations are those of the convolutions, there and back, and equal
what torch counts. *unreadable* are files with wrong bits before error correction."""


def page(lines: Iterable[Row]) -> str:
    """The whole page."""
    lines = list(lines)
    sections = (_machine, _sets, _pictures, _fields, _curves, _speed, _throughput)
    parts = [_HEAD, *(section(lines) for section in sections)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _machine(lines: list[Row]) -> str:
    found = {stated(line["machine"]): None for line in lines if "machine" in line}
    helps = [line for line in lines if "help_seconds" in line]
    if not found:
        return ""
    text = "## Machine\nTimes depend on it; nothing else on this page does.\n\n"
    text += "\n".join(f"* {one}" for one in found)
    for line in helps:
        clock = f"{line['help_seconds']:.2f} s on the clock, at a load of {line['load']:.1f}"
        text += f"\n\n`stegafield --help` takes {line['help_cpu_seconds']:.2f} s of a processor there ({clock})."
    return text


def _sets(lines: list[Row]) -> str:
    rows = [(line["about"], line["text"]) for line in lines if "about" in line]
    return _section("Covers", "", ("set", "what it is"), rows)


def _pictures(lines: list[Row]) -> str:
    found = _ordered(line for line in lines if line.get("unit") == "bpp" and "clear" in line)
    columns = (
        *("set", "bpp", "pictures", "misread", "clear", "PSNR of clear ones, dB", "asked"),
        *("others: dB below their bound", "SSIM", "CPU", "ms"),
    )
    rows = [
        (
            line["set"],
            f"{line['rate']:g}",
            line["covers"],
            line["misread"],
            line["clear"],
            _three(line["psnr_clear"], "{:.2f}"),
            _verdict(line),
            _three(line["gap_crowded"], "{:.2f}"),
            _three(line["ssim"], "{:.4f}"),
            _three(line.get("cpu_milliseconds"), "{:.1f}"),
            _three(line["milliseconds"], "{:.1f}"),
        )
        for line in found
    ]
    return _section("Pictures", _PICTURES, columns, rows) + _refused(found)


def _ordered(lines: Iterable[Row]) -> list[Row]:
    """By set and rate, also where some sets were measured anew."""
    return sorted(lines, key=lambda line: (line["set"], line["rate"]))


def _verdict(line: Row) -> str:
    """Whether the extremes of a row meet what was asked for."""
    floor, missed = ASKED.get(line["rate"]), []
    if floor is not None and line["psnr_clear"] and line["psnr_clear"][0] < floor:
        missed.append(f"clear ones miss {floor}")
    if line["rate"] in (1, 2) and line["gap_crowded"] and line["gap_crowded"][2] > ASKED_GAP:
        missed.append(f"others miss {ASKED_GAP:g} dB")
    if line["misread"]:
        missed.append("misread")
    return "; ".join(missed) or "met"


def _fields(lines: list[Row]) -> str:
    found = _ordered(line for line in lines if line.get("unit") == "bps" and "rms" in line)
    columns = ("set", "bps", "files", "misread", "RMS, codes", "times bound", "dBFS", "CPU", "ms")
    rows = [
        (
            line["set"],
            f"{line['rate']:g}",
            line["covers"],
            line["misread"],
            _three(line["rms"], "{:.3f}"),
            _three(line["excess"], "{:.2f}"),
            _three(line["dbfs"], "{:.1f}"),
            _three(line.get("cpu_milliseconds"), "{:.0f}"),
            _three(line["milliseconds"], "{:.0f}"),
        )
        for line in found
    ]
    return _section("Fields and sound", _FIELDS, columns, rows) + _refused(found)


def _refused(found: list[Row]) -> str:
    reasons = dict.fromkeys(
        f"* {line['set']}: {number} of {line['covers']}: {reason}"
        for line in found
        for reason, number in line["errors"].items()
    )
    return "\n\nRefused:\n\n" + "\n".join(reasons) if reasons else ""


def _curves(lines: list[Row]) -> str:
    found = [line for line in lines if "curve" in line and "psnr" in line]
    columns = ("set", "curve", "bpp", "pictures", "misread", "PSNR, dB", "dB below the bound")
    rows = [
        (
            line["set"] if line["curve"] != "paper" else "",
            line["curve"],
            f"{line['bpp']:.4g}",
            line["covers"] if line["curve"] != "paper" else "",
            line["misread"] if line["curve"].startswith("phase") else "",
            _three(line["psnr"], "{:.2f}"),
            _three(line["gap"], "{:.2f}"),
        )
        for line in found
    ]
    return _section("Rate and distortion", _CURVES, columns, rows)


def _speed(lines: list[Row]) -> str:
    found = [line for line in lines if "embed_ms" in line]
    text = _SPEED.format(base=min((line["base_mib"] for line in found), default=0))
    columns = (
        *("cover", "free samples", "bits per sample", "costs, ms", "embed, ms", "read, ms"),
        *("CPU, ms", "open, ms", "write, ms", "parts, MiB", "hide, ms", "hide CPU, ms"),
        *("hide, MiB", "load"),
    )
    names = (
        *("costs_ms", "embed_ms", "verify_ms", "cpu_ms", "open_ms", "write_ms"),
        *("peak_mib", "hide_ms", "hide_cpu_ms", "hide_peak_mib"),
    )
    rows = [
        (
            line["cover"],
            f"{line['samples']:,}",
            f"{line['rate']:.3g}",
            *(_short(line.get(name)) for name in names),
            f"{line['load']:.1f}",
        )
        for line in found
    ]
    fits = "".join(f"\n\n{_line(line)}" for line in lines if "ns_per_sample" in line)
    return _section("Speed and memory", text, columns, rows) + fits


def _throughput(lines: list[Row]) -> str:
    columns = (
        *("size", "covers at once", "device", "solver, covers/s", "all, covers/s", "of the bound"),
        *("TFLOP/s", "of", "GB/s", "of", "unreadable", "PSNR, median", "GiB"),
    )
    rows = [
        (
            line["size"],
            line["batch"],
            line["device"],
            f"{line['covers_per_second']:.1f}",
            _one(line.get("whole_covers_per_second"), "{:.1f}"),
            f"{line['share_of_bound']:.0%}",
            f"{line['tera_flops']:.1f}",
            f"{line['product_tera_flops']:.1f}",
            f"{line['giga_bytes_per_second']:.0f}",
            f"{line['copy_giga_bytes_per_second']:.0f}",
            _one(line.get("unreadable"), "{}"),
            _one(line.get("psnr"), "{:.1f}"),
            _one(line.get("peak_gib"), "{:.1f}"),
        )
        for line in lines
        if "covers_per_second" in line
    ]
    return _section("Throughput of the optimizer", _THROUGHPUT, columns, rows)


def _one(number: float | None, form: str) -> str:
    return "" if number is None else form.format(number)


def _short(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"


def _line(fit: Row) -> str:
    cost = (
        f"{fit['ns_per_sample']:.0f} ns per sample and {fit['intercept_ms']:.2f} ms {fit['time']}"
    )
    kind = ", ".join(
        (f"{fit['form']} form", *(f"`{name}={value}`" for name, value in fit["settings"].items()))
    )
    return (
        f"Costs, embedding and reading of `{fit['carrier']}` covers ({kind}) together take {cost}\n"
        f"(relative least squares; the worst cover is {fit['worst_deviation']:.0%} off the line)."
    )


def _section(title: str, text: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return ""
    table = [columns, ["---"] * len(columns), *rows]
    drawn = "\n".join("| " + " | ".join(map(str, row)) + " |" for row in table)
    return "\n\n".join(part for part in (f"## {title}\n{text}".rstrip(), drawn) if part)


def _three(numbers: Sequence[float] | None, form: str) -> str:
    shown = list(map(form.format, numbers or ()))
    return " / ".join(shown) if len(set(shown)) > 1 else "".join(shown[:1])

"""The page of measurements, in Markdown, from the lines of `summary`.

The same lines give the same page.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from ..measure.machine import stated
from ..prose import Prose

Row = dict[str, Any]

ASKED = {1: 59.7, 2: 55.7, 3: 53.3, 4: 51.2}
"""PSNR in dB by bits per pixel that every picture with few elements near the ends should reach."""
ASKED_GAP = 2.0
"""Decibels below its own bound that any other picture should stay within."""
ASKED_MS = {1: 5, 2: 8, 3: 8, 4: 8}
"""Milliseconds of a processor for 64x64 pixels by bits per pixel, median."""
ASKED_RMS = 0.6
"""Change of a field in packed steps at 1 bit per element."""
ASKED_DBFS = -93.0
"""Level of the change of 16-bit sound at 1 bit per sample."""

_PROSE = Prose("stegafield_research.pages", "benchmarks.md")


def page(lines: Iterable[Row]) -> str:
    """The whole page."""
    lines = list(lines)
    sections = (_machine, _sets, _pictures, _fields, _curves, _speed, _throughput)
    parts = [_PROSE.passage("head"), *(section(lines) for section in sections)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _machine(lines: list[Row]) -> str:
    found = {stated(line["machine"]): None for line in lines if "machine" in line}
    helps = [line for line in lines if "help_seconds" in line]
    if not found:
        return ""
    parts = [_PROSE.passage("machine", machines="\n".join(f"* {one}" for one in found))]
    parts += [
        _PROSE.passage(
            "help",
            cpu=f"{line['help_cpu_seconds']:.2f}",
            seconds=f"{line['help_seconds']:.2f}",
            load=f"{line['load']:.1f}",
        )
        for line in helps
    ]
    return "\n\n".join(parts)


def _sets(lines: list[Row]) -> str:
    rows = [(line["about"], line["text"]) for line in lines if "about" in line]
    return _section("covers", ("set", "what it is"), rows)


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
    asked = {
        "asked_psnr": ", ".join(f"{psnr} dB at {bpp}" for bpp, psnr in ASKED.items()),
        "asked_gap": f"{ASKED_GAP:g}",
        "asked_ms": ", ".join(f"{ms} ms at {bpp}" for bpp, ms in ASKED_MS.items()),
    }
    return _section("pictures", columns, rows, **asked) + _refused(found)


def _ordered(lines: Iterable[Row]) -> list[Row]:
    """By set and rate, also where some sets were measured anew."""
    return sorted(lines, key=lambda line: (line["set"], line["rate"]))


def _verdict(line: Row) -> str:
    """Whether the extremes of a row meet the goals."""
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
    asked = {"asked_rms": ASKED_RMS, "asked_dbfs": f"{ASKED_DBFS:g}"}
    return _section("fields", columns, rows, **asked) + _refused(found)


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
    return _section("curves", columns, rows)


def _speed(lines: list[Row]) -> str:
    found = [line for line in lines if "embed_ms" in line]
    base = min((line["base_mib"] for line in found), default=0)
    columns = (
        *("cover", "free elements", "bits per element", "costs, ms", "embed, ms", "read, ms"),
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
    return _section("speed", columns, rows, base=f"{base:.0f}") + fits


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
    return _section("throughput", columns, rows)


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
    worst = f"{fit['worst_deviation']:.0%}"
    return _PROSE.passage("line", carrier=fit["carrier"], kind=kind, cost=cost, worst=worst)


def _section(
    name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], **holes: object
) -> str:
    """A passage with its table; nothing where there are no rows."""
    if not rows:
        return ""
    table = [columns, ["---"] * len(columns), *rows]
    drawn = "\n".join("| " + " | ".join(map(str, row)) + " |" for row in table)
    return _PROSE.passage(name, table=drawn, **holes)


def _three(numbers: Sequence[float] | None, form: str) -> str:
    shown = list(map(form.format, numbers or ()))
    return " / ".join(shown) if len(set(shown)) > 1 else "".join(shown[:1])
